"""Fixtures of GGUF files that llama.cpp's own converter writes of the checkpoints of other fixtures, with the cases that do
not depend on what GGUF leaves out.

    python tests/golden/make/gguf_converted.py LLAMA_CPP [FIXTURE...]      (its source folder; packages: torch, transformers, safetensors)
"""
import json
import os
import pathlib
import runpy
import shutil
import subprocess
import sys
import tempfile

GOLDEN = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = {  # name: (checkpoint, how its tokenizer splits, tasks, more arguments, the folder's name)
    "gguf-distilbert-embed": ("distilbert-embed", "", ("hidden_states",), [], "m"),
    "gguf-eurobert-embed": ("eurobert-embed", "llama-bpe", ("hidden_states",), [], "m"),
    "gguf-rerank-qwen3": ("rerank-qwen3", "qwen2", ("hidden_states", "score"), [], "Qwen3-Reranker"),
    "gguf-gen-smollm3": ("gen-smollm3", "llama-bpe", ("hidden_states",), [], "m"),
    "gguf-gen-granite": ("gen-granite", "qwen2", ("hidden_states",), [], "m"),
    "gguf-gen-olmo2": ("gen-olmo2", "qwen2", ("hidden_states",), [], "m"),
    "gguf-gen-qwen3-moe": ("gen-qwen3-moe", "qwen2", ("hidden_states",), [], "m"),
    "gguf-emb-gemma-dense": ("emb-gemma", "qwen2", ("hidden_states", "embed"), ["--sentence-transformers-dense-modules"], "m"),
}


def convert(llama_cpp, splits, arguments):
    """The converter, told how the made-up tokenizer splits texts, which it knows by a hash of real ones."""
    sys.path[:0] = [str(llama_cpp), str(llama_cpp / "gguf-py")]
    import conversion.base

    import conversion.gemma

    conversion.base.TextModel.get_vocab_base_pre = lambda self, tokenizer: splits
    gemma = conversion.gemma.EmbeddingGemma
    settings = gemma.set_gguf_parameters

    def with_pattern(self):  # of real models it is every sixth layer, which needs no key
        settings(self)
        self.gguf_writer.add_uint32("gemma-embedding.attention.sliding_window_pattern", 3)

    gemma.set_gguf_parameters = with_pattern
    sys.argv = ["convert_hf_to_gguf.py", *arguments]
    runpy.run_path(str(llama_cpp / "convert_hf_to_gguf.py"), run_name="__main__")


def make(llama_cpp, name):
    from safetensors.torch import load_file, save_file

    source, splits, tasks, more, folder_name = FIXTURES[name]
    out = GOLDEN / name
    shutil.rmtree(out, ignore_errors=True)
    (out / "model").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / folder_name
        shutil.copytree(GOLDEN / source / "model", model)
        (model / "README.md").write_text(f"# {folder_name}\n")  # which tells rerankers
        subprocess.run([sys.executable, __file__, str(llama_cpp), "--convert", splits, str(model), "--outtype", "f32", *more,
                        "--outfile", str(out / "model" / "model.gguf")], check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    cases = json.loads((GOLDEN / source / "cases.json").read_text())
    cases["notes"] = f"the checkpoint of {source} as llama.cpp's converter writes it, in float32"
    cases["cases"] = [case for case in cases["cases"] if case["task"] in tasks and not case["params"].get("prompt_name")]
    if "embed" in tasks:  # by token ids: the tokenizer is another
        for case in cases["cases"]:
            case["input"] = {"input_ids": case["input"]["input_ids"]}
    (out / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    tensors = load_file(GOLDEN / source / "expected.safetensors")
    wanted = {tensor for name in tensors for tensor in [name] if any(name.startswith(case["id"] + ".") for case in cases["cases"])}
    save_file({tensor: tensors[tensor] for tensor in sorted(wanted)}, out / "expected.safetensors")


if __name__ == "__main__":
    if "--convert" in sys.argv:
        convert(pathlib.Path(sys.argv[1]), sys.argv[3], sys.argv[4:])
    else:
        for fixture in sys.argv[2:] or FIXTURES:
            make(pathlib.Path(sys.argv[1]), fixture)
