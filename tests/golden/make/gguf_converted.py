"""Fixtures of GGUF files that llama.cpp's own converter writes of the checkpoints of other fixtures, with the cases that do
not depend on what GGUF leaves out.

    python tests/golden/make/gguf_converted.py LLAMA_CPP [FIXTURE...]      (its source folder; packages: torch, transformers, safetensors)
"""
import importlib
import json
import os
import pathlib
import runpy
import shutil
import subprocess
import sys
import tempfile

GOLDEN = pathlib.Path(__file__).resolve().parent.parent
LM = ("hidden_states", "logits")
COLBERT = ("token_embed", "score", "hidden_states")
BF16 = ["--outtype", "bf16"]  # of checkpoints of that type
FIXTURES = {  # name: (checkpoint, how its tokenizer splits, tasks, more arguments, the folder's name)
    "gguf-distilbert-embed": ("distilbert-embed", "", ("hidden_states",), [], "m"),
    "gguf-eurobert-embed": ("eurobert-embed", "llama-bpe", ("hidden_states",), [], "m"),
    "gguf-rerank-qwen3": ("rerank-qwen3", "qwen2", ("hidden_states", "score"), [], "Qwen3-Reranker"),
    "gguf-gen-smollm3": ("gen-smollm3", "llama-bpe", ("hidden_states",), [], "m"),
    "gguf-gen-granite": ("gen-granite", "qwen2", ("hidden_states",), [], "m"),
    "gguf-gen-olmo2": ("gen-olmo2", "qwen2", ("hidden_states",), [], "m"),
    "gguf-gen-qwen3-moe": ("gen-qwen3-moe", "qwen2", ("hidden_states",), [], "m"),
    "gguf-gen-phi3.5-mini": ("gen-phi3.5-mini", "llama-bpe", LM, BF16, "m"),
    "gguf-gen-phi4-mini": ("gen-phi4-mini", "gpt-4o", LM, [], "m"),
    "gguf-gen-phimoe": ("gen-phimoe", "llama-bpe", LM, BF16, "m"),
    "gguf-gen-mixtral": ("gen-mixtral", "llama-bpe", LM, BF16, "m"),
    "gguf-gen-gpt-oss": ("gen-gpt-oss-mxfp4", "gpt-4o", LM, BF16, "m"),
    "gguf-gen-qwen2-moe": ("gen-qwen2-moe", "qwen2", LM, BF16, "m"),
    "gguf-gen-cohere2": ("gen-cohere2", "command-r", LM, BF16, "m"),
    "gguf-gen-exaone4": ("gen-exaone4", "exaone4", LM, BF16, "m"),
    "gguf-gen-glm4-moe": ("gen-glm4-moe", "glm4", LM, BF16, "m"),
    "gguf-gen-glm4-moe-lite": ("gen-glm4-moe-lite", "glm4", LM, BF16, "m"),
    "gguf-gen-deepseek-v3": ("gen-deepseek-v3", "deepseek-v3", LM, BF16, "m"),
    "gguf-gen-olmo3": ("gen-olmo3", "dbrx", LM, BF16, "m"),
    "gguf-gen-minicpm3": ("gen-minicpm3", "llama-bpe", LM, [], "m"),
    "gguf-gen-granitemoe": ("gen-granitemoe", "refact", LM, BF16, "m"),
    "gguf-gen-qwen3-next": ("gen-qwen3-next", "qwen2", LM, BF16, "m"),
    "gguf-gen-qwen3-next-fused": ("gen-qwen3-next", "qwen2", LM, [*BF16, "--no-mtp", "--fuse-gate-up-exps"], "m"),
    "gguf-gen-qwen3.5": ("gen-qwen3.5-text", "qwen35", LM, [], "m"),
    "gguf-gen-qwen3.5-moe": ("gen-qwen3.5-moe", "qwen35", LM, BF16, "m"),
    "gguf-gen-gemma4-e2b": ("gen-gemma4-e2b", "qwen2", LM, BF16, "m"),
    "gguf-gen-gemma4-31b": ("gen-gemma4-31b", "qwen2", LM, BF16, "m"),
    "gguf-gen-gemma4-26b-moe": ("gen-gemma4-26b-moe", "qwen2", LM, [], "m"),
    "gguf-gen-ministral3": ("gen-mistral-small", "llama-bpe", LM, BF16, "m"),
    "gguf-gen-qwen2-vl": ("gen-qwen2-vl", "qwen2", ("logits",), [], "m"),
    "gguf-qwen3-vl": ("qwen3-vl", "qwen2", ("logits",), [], "m"),
    "gguf-paddleocr-vl": ("paddleocr-vl", "qwen2", ("logits",), [], "m"),
    "gguf-modernbert-rerank": ("modernbert-rerank", "modern-bert", ("score",), [], "m"),
    "gguf-modernbert-classify-cls": ("modernbert-classify-cls", "modern-bert", ("classify",), [], "m"),
    "gguf-colbert-lfm2": ("colbert-lfm2", "lfm2", COLBERT, [], "m"),
    "gguf-colbert-lfm2-bidirectional": ("colbert-lfm2-bidirectional", "lfm2", COLBERT, [], "m"),
    "gguf-emb-gemma-dense": ("emb-gemma", "qwen2", ("hidden_states", "embed"), ["--sentence-transformers-dense-modules"], "m"),
}
# Settings that GGUF has no key for, so that they are those that are always used, or of models that share a checkpoint's tensors:
# the expectations are the reference's own again.
CHANGES = {
    "gguf-gen-ministral3": {
        "architectures": ["Ministral3ForCausalLM"], "model_type": "ministral3",
        "rope_parameters": {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 256,
                            "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 0.5, "llama_4_scaling_beta": 0.1}},
    "gguf-gen-phimoe": {"rope_scaling": {"short_mscale": 1.2504820823669434, "long_mscale": 1.2504820823669434}},
    "gguf-gen-gpt-oss": {"swiglu_limit": 7.0},
    "gguf-gen-minicpm3": {"rope_scaling": {"original_max_position_embeddings": 320}, "dim_model_base": 256},
}


GEMMA4 = ("global_head_dim", "num_global_key_value_heads", "num_kv_shared_layers", "layer_types", "rope_parameters")


def descendants(model):
    for each in model.__subclasses__():
        yield each
        yield from descendants(each)


def change(config, changes):
    for key, value in changes.items():
        config[key] = {**(config.get(key) or {}), **value} if isinstance(value, dict) else value


def expect_again(model, cases, tensors):
    """What the reference makes of the changed configuration."""
    import torch
    from transformers import AutoModelForCausalLM

    reference = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, attn_implementation="eager").eval()
    for case in cases["cases"]:
        with torch.no_grad():
            out = reference(input_ids=torch.tensor([case["input"]["input_ids"]]), output_hidden_states=True)
        task = case["task"]
        made = out.logits[0] if task == "logits" else out.hidden_states[-1][0]
        name = case["expect"][task]["tensor"]
        assert made.shape == tensors[name].shape
        tensors[name] = made.float().contiguous()


def convert(llama_cpp, splits, arguments):
    """The converter, told how the made-up tokenizer splits texts, which it knows by a hash of real ones."""
    sys.path[:0] = [str(llama_cpp), str(llama_cpp / "gguf-py")]
    import conversion.base

    import conversion.gemma

    base = conversion.base
    base.TextModel.get_vocab_base_pre = lambda self, tokenizer: splits
    if splits and "--sentence-transformers-dense-modules" not in arguments:  # any vocabulary: the cases have token ids
        for module in pathlib.Path(conversion.__file__).parent.glob("*.py"):
            importlib.import_module(f"conversion.{module.stem}")
        for model in descendants(base.TextModel):
            if "set_vocab" in vars(model):
                model.set_vocab = base.TextModel._set_vocab_gpt2
    load = base.ModelBase.load_hparams

    def with_own_settings(folder, *more, **named):  # what the configuration's class keeps elsewhere, or its real models have
        settings, config = load(folder, *more, **named), json.loads((pathlib.Path(folder) / "config.json").read_text())
        text = config.get("text_config", config)
        for place in [settings] + [settings[key] for key in ("text_config",) if key in settings]:
            place.update({key: text[key] for key in GEMMA4 if key in text})
        if config["model_type"] == "cohere2":
            settings["rotary_pct"] = 1.0
        settings["architectures"] = [name.replace("Phimoe", "PhiMoE") for name in settings["architectures"]]
        return settings

    base.ModelBase.load_hparams = staticmethod(with_own_settings)
    gemma = conversion.gemma.EmbeddingGemma
    settings = gemma.set_gguf_parameters

    def with_pattern(self):  # of real models it is every sixth layer, which needs no key
        settings(self)
        self.gguf_writer.add_uint32("gemma-embedding.attention.sliding_window_pattern", 3)

    gemma.set_gguf_parameters = with_pattern
    sys.argv = ["convert_hf_to_gguf.py", *arguments]
    runpy.run_path(str(llama_cpp / "convert_hf_to_gguf.py"), run_name="__main__")


# Documents that these checkpoints cut, after 64 tokens, where such files have no length, and 512 is taken.
CUT = {"colbert-lfm2": ("d5", "score5", "score-batch"), "colbert-lfm2-bidirectional": ("d5", "score5", "score-batch")}


def cases_of(source, tasks):
    from safetensors.torch import load_file

    cases = json.loads((GOLDEN / source / "cases.json").read_text())
    cases["notes"] = f"the checkpoint of {source} as llama.cpp's converter writes it"
    cases["cases"] = [case for case in cases["cases"] if case["task"] in tasks and not case["params"].get("prompt_name") and case["id"] not in CUT.get(source, ())]
    if "classify" in tasks:  # pairs are judged by the labels of a config.json
        cases["cases"] = [case for case in cases["cases"] if "pair" not in case["input"]]
    if "embed" in tasks or "logits" in tasks:  # by token ids: the tokenizer is another
        for case in cases["cases"]:
            case["input"] = {"input_ids": case["input"]["input_ids"]}
    return cases, load_file(GOLDEN / source / "expected.safetensors")


def score_by_sigmoid(cases, tensors):
    """GGUF has no key for a reranker's activation: scores go through the sigmoid, as they do where no file says otherwise."""
    for case in cases["cases"]:
        if case["params"].get("activation") != "identity":
            continue
        case["params"]["activation"] = "sigmoid"
        expect = case["expect"]
        if "score" in expect:
            expect["score"] = tensors[f"{case['id']}.logits"].sigmoid().item()
        if "scores" in expect:
            tensors[expect["scores"]["tensor"]] = tensors[expect["scores"]["tensor"]].sigmoid()


def make(llama_cpp, name):
    from safetensors.torch import save_file

    source, splits, tasks, more, folder_name = FIXTURES[name]
    out = GOLDEN / name
    shutil.rmtree(out, ignore_errors=True)
    (out / "model").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / folder_name
        shutil.copytree(GOLDEN / source / "model", model)
        if name in CHANGES:
            config = json.loads((model / "config.json").read_text())
            change(config, CHANGES[name])
            (model / "config.json").write_text(json.dumps(config))
        (model / "README.md").write_text(f"# {folder_name}\n")  # which tells rerankers
        subprocess.run([sys.executable, __file__, str(llama_cpp), "--convert", splits, str(model), "--outtype", "f32", *more,
                        "--outfile", str(out / "model" / "model.gguf")], check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        cases, tensors = cases_of(source, tasks)
        if name in CHANGES:
            expect_again(model, cases, tensors)
    score_by_sigmoid(cases, tensors)
    (out / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    wanted = {tensor for tensor in tensors if any(tensor.startswith(case["id"] + ".") for case in cases["cases"])}
    save_file({tensor: tensors[tensor] for tensor in sorted(wanted)}, out / "expected.safetensors")


if __name__ == "__main__":
    if "--convert" in sys.argv:
        convert(pathlib.Path(sys.argv[1]), sys.argv[3], sys.argv[4:])
    else:
        for fixture in sys.argv[2:] or FIXTURES:
            make(pathlib.Path(sys.argv[1]), fixture)
