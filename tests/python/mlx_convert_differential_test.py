"""`vecton convert --layout mlx-lm` against mlx_lm.convert: the same tensors to the byte and the same config.json; mlx-lm reads what vecton wrote, and vecton says of tokens in what mlx-lm wrote what mlx-lm says.
Of GGUF files, which mlx-lm does not convert: it says of tokens in what vecton made of them what vecton says.

    pip install mlx[cpu] mlx-lm && VECTON=build/dev/vecton python tests/python/mlx_convert_differential_test.py
"""
import contextlib
import json
import math
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

try:
    import mlx.core as mx
    from mlx_lm import convert
    from mlx_lm.utils import load_model
except ImportError:
    convert = None

from reference import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "tests" / "server"))
import serving  # noqa: E402

# Families whose code in mlx-lm changes no tensor, and those of which it does. Not GPT-OSS of floats, which mlx_lm.convert fails on.
MODELS = ["gen-llama3", "gen-gemma3", "gen-granite", "gen-lfm2", "gen-mixtral", "gen-olmo3", "gen-phi4-mini", "gen-phimoe", "gen-qwen2-moe", "gen-smollm3"]
# Made sixteen times as wide, as rows of the golden models are no multiple of a group's size and would stay floats in every mode.
WIDE = ["gen-llama3", "gen-mixtral", "gen-phimoe", "gen-qwen2-moe", "gen-qwen3-moe", "gen-granitemoe", "gen-glm4-moe", "gen-glm4-moe-lite", "gen-deepseek-v3",
        "gen-qwen3-next", "gen-qwen3.5", "gen-qwen3.5-moe", "gen-gemma4-26b-moe", "gen-gemma4-31b", "gen-gemma4-e2b", "gen-gemma4-text-ple",
        "gen-gpt-oss-mxfp4", "gen-minicpm3", "gen-lfm2", "gen-lfm2-moe", "gen-cohere2", "gen-exaone4", "gen-gemma2", "gen-gemma3", "gen-gemma3-vision", "gen-mistral3", "gen-mistral3-text",
        "gen-phi3.5-mini", "gen-phi4-mini", "gen-qwen2-vl", "qwen3-vl", "gen-pixtral", "gen-qwen2-sliding", "gen-mistral-sliding", "gen-olmo2", "gen-olmo3", "gen-smollm3", "gen-granite", "gen-mistral-small"]
# GGUF files of architectures of which mlx-lm computes what the files say. Not gguf-gen-deepseek-v3: mlx-lm gives the experts of groups that are left out the score 0, and
# they are chosen before those whose corrected scores are below 0, as many are in that file; transformers and vecton give them minus infinity. No answer of the wide model depends on it.
GGUF = ["gguf-gen-cohere2", "gguf-gen-exaone4", "gguf-gen-gemma4-26b-moe", "gguf-gen-gemma4-31b", "gguf-gen-gemma4-e2b", "gguf-gen-glm4-moe", "gguf-gen-glm4-moe-lite",
        "gguf-gen-granite", "gguf-gen-granitemoe", "gguf-gen-lfm2", "gguf-gen-lfm2-moe", "gguf-gen-llama3", "gguf-gen-ministral3", "gguf-gen-mixtral", "gguf-gen-olmo2", "gguf-gen-olmo3",
        "gguf-gen-phi3.5-mini", "gguf-gen-phi4-mini", "gguf-gen-qwen2-moe", "gguf-gen-qwen2-vl", "gguf-gen-qwen3-moe", "gguf-gen-qwen3-next",
        "gguf-gen-qwen3-next-fused", "gguf-gen-qwen3.5", "gguf-gen-qwen3.5-moe", "gguf-gen-smollm3", "gguf-llama-q4km", "gguf-qwen3-q4km"]
FACTOR = 16
WIDTHS = ["hidden_size", "intermediate_size", "moe_intermediate_size", "shared_expert_intermediate_size", "head_dim", "global_head_dim", "hidden_size_per_layer_input",
          "kv_lora_rank", "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "linear_key_head_dim", "linear_value_head_dim", "block_dim", "block_ff_dim", "conv_dim", "conv_dim_out"]
# Of tensors whose rows are words, experts or heads, or which have one number for each of these.
COUNTED = ["embed_tokens", "embed_tokens_per_layer", "lm_head", "gate", "mlp.router", "router.layer", "router.proj", "shared_expert_gate", "in_proj_a", "in_proj_b", "in_proj_ba"]
NUMBERS = ["e_score_correction_bias", "expert_bias", "A_log", "dt_bias", "sinks", "layer_scalar", "per_expert_scale"]
OTHERS = ["visual.", "vision_tower.", "multi_modal_projector.", "embed_vision."]
# What mlx-lm has to be told, where the golden models leave it out, and what it takes for granted: PhiMoE's LongRoPE has long factors for every text there,
# MiniCPM's tied head no scale, Gemma 2, Qwen2 and Mistral no window.
SAID = {"qwen3_moe": {"num_experts": 6}, "gemma4": {"vocab_size": 480}, "gemma3": {"vocab_size": 484}, "cohere2": {"head_dim": 160},
        "llava": {"text_config": {"num_attention_heads": 32}}, "phimoe": {"rope_scaling": None}, "minicpm3": {"dim_model_base": 768},
        "gemma2": {"sliding_window": 4096}, "qwen2": {"use_sliding_window": False}, "mistral": {"sliding_window": None},
        "gpt_oss": {"swiglu_limit": 7.0, "rope_scaling": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64, "truncate": True}}}
NARROW_SETTINGS = [{}, {"q_bits": 4, "q_group_size": 32}, {"q_bits": 8, "q_group_size": 64}, {"q_mode": "mxfp4", "q_bits": 4, "q_group_size": 32}]
WIDE_SETTINGS = [{"dtype": "bfloat16"}, {"q_bits": 8, "q_group_size": 64}, {"q_bits": 4, "q_group_size": 64}, {"q_mode": "mxfp4"}]
# More than original_max_position_embeddings of Phi-3 and MiniCPM, whose long factors mlx-lm takes for texts of any length.
TOKENS = [3 + 37 * i % 331 for i in range(50)]


def tensors(folder):
    """Type, shape and bytes of each tensor, by name."""
    found = {}
    for file in pathlib.Path(folder).glob("*.safetensors"):
        data = file.read_bytes()
        begin = 8 + struct.unpack("<Q", data[:8])[0]
        for name, entry in json.loads(data[8:begin]).items():
            if name != "__metadata__":
                first, end = entry["data_offsets"]
                found[name] = entry["dtype"], entry["shape"], data[begin + first:begin + end]
    return found


def widen_config(config):
    config.update({key: FACTOR * config[key] for key in WIDTHS if config.get(key)})
    for rope in (config.get("rope_scaling") or {}, config.get("rope_parameters") or {}):
        rope.update({key: FACTOR * rope[key] for key in ("short_factor", "long_factor") if key in rope})
        if "mrope_section" in rope:
            rope["mrope_section"] = [FACTOR * n for n in rope["mrope_section"]]
    if "text_config" in config:
        widen_config(config["text_config"])


def wide_shape(name, shape):
    module, _, kind = name.rpartition(".")
    if any(part in name for part in OTHERS) or kind in NUMBERS:
        return shape
    if ("conv1d" in name or "conv.conv" in name) and kind == "weight":
        return [FACTOR * shape[0], *shape[1:]]
    if len(shape) > 2 or kind.endswith("_proj_bias"):  # of all experts
        return [shape[0], *(FACTOR * n for n in shape[1:3]), *shape[3:]]
    if any(module.endswith("." + end) or module == end for end in COUNTED):
        return [shape[0], *(FACTOR * n for n in shape[1:])]
    return [FACTOR * n for n in shape]


def random_tensor(name, shape, dtype):
    if name.endswith("_blocks"):
        return mx.random.randint(0, 256, shape).astype(dtype)
    if name.endswith("_scales"):
        return mx.random.randint(116, 122, shape).astype(dtype)
    if name.endswith("layer_scalar"):
        return mx.ones(shape).astype(dtype)
    made = mx.random.normal(shape)
    if len(shape) == 1:
        made = 0.2 * made + ("norm" in name)
    else:
        made = made / math.sqrt(shape[-1])
    return made.astype(dtype)


def widen(model, folder):
    """A copy of a model's files with random numbers in wider layers; as many words, heads and experts."""
    for file in pathlib.Path(model).iterdir():
        if file.name != "config.json" and not file.name.endswith(".safetensors"):
            shutil.copy(file, folder)
    config = json.loads((model / "config.json").read_text())
    widen_config(config)
    for key, said in SAID.get(config["model_type"], {}).items():
        config[key] = config["text_config"] | said if key == "text_config" else said
    (folder / "config.json").write_text(json.dumps(config))
    mx.random.seed(7)
    made = {}
    for name, weight in mx.load(str(model / "model.safetensors")).items():
        made[name] = random_tensor(name, wide_shape(name, weight.shape), weight.dtype)
    mx.save_safetensors(str(folder / "model.safetensors"), made, metadata={"format": "pt"})


def read_json(folder, name):
    return json.loads((pathlib.Path(folder) / name).read_text())


def config_of(folder):
    """config.json without what mlx-lm's classes change in text_config in passing: a default of Mistral 3, the name of Qwen3.5's rope_type."""
    config = read_json(folder, "config.json")
    text = config.get("text_config", {})
    if text.get("tie_word_embeddings") is False:
        del text["tie_word_embeddings"]
    rope = text.get("rope_parameters") or {}
    if "type" in rope:
        rope["rope_type"] = rope.pop("type")
    return config


def rounds(name, settings):
    """Whether answers differ because mlx-lm computes in bfloat16: from words of a table in mxfp4, and with the root of Gemma 3's hidden_size."""
    return "q_mode" in settings or name.startswith("gen-gemma3")


def folders(scratch):
    """What mlx-lm writes, and what vecton does."""
    return os.path.join(scratch, "want"), os.path.join(scratch, "got")


def log_probabilities(logits):
    rows = logits[0] - mx.logsumexp(logits[0], axis=-1, keepdims=True)
    return [rows[at, token].item() for at, token in enumerate(TOKENS[1:])]


@unittest.skipIf(convert is None, "mlx and mlx-lm are not installed")
@unittest.skipUnless(PROGRAM, "no program vecton: build it, or set VECTON")
class MlxConvertDifferentialTest(unittest.TestCase):
    def test_bytes_and_settings(self):
        for name in MODELS:
            for settings in NARROW_SETTINGS:
                with self.subTest(name, **settings), tempfile.TemporaryDirectory() as scratch:
                    self.compare(ROOT / "tests" / "golden" / name / "model", settings, scratch)

    def test_layers_that_are_quantised(self):
        for name in WIDE:
            with tempfile.TemporaryDirectory() as wide:
                widen(ROOT / "tests" / "golden" / name / "model", pathlib.Path(wide))
                for settings in WIDE_SETTINGS:
                    with self.subTest(name, **settings), tempfile.TemporaryDirectory() as scratch:
                        found = self.compare(pathlib.Path(wide), settings, scratch)
                        if not rounds(name, settings):
                            want, got = folders(scratch)
                            self.compare_answers(got, want)
                        modules = {n.rpartition(".")[0] for n in found if n.endswith("_proj.weight")}
                        self.assertTrue(modules)
                        if any(key.startswith("q_") for key in settings):
                            self.assertEqual([m for m in modules if m + ".scales" not in found], [])

    def test_floats_of_what_is_quantised(self):
        for name in ["gen-llama3", "gen-qwen3-moe", "gen-gemma4-e2b", "gen-gpt-oss-mxfp4"]:
            with self.subTest(name), tempfile.TemporaryDirectory() as scratch:
                wide, packed = pathlib.Path(scratch, "wide"), os.path.join(scratch, "packed")
                wide.mkdir()
                widen(ROOT / "tests" / "golden" / name / "model", wide)
                convert(str(wide), packed, quantize=True)
                self.compare(packed, {"dequantize": True}, scratch)

    def test_gguf_files(self):
        for name in GGUF:
            with self.subTest(name), tempfile.TemporaryDirectory() as scratch:
                got = folders(scratch)[1]
                dequantize = ["-d"] if "q4km" in name else []
                self.convert(next((ROOT / "tests" / "golden" / name).rglob("*.gguf")), got, *dequantize, "--dtype", "float32")
                self.compare_answers(got, got)

    def convert(self, model, folder, *options):
        done = subprocess.run([PROGRAM, "convert", str(model), "--mlx-path", folder, "--layout", "mlx-lm", "--offline", *options], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def compare(self, model, settings, scratch):
        want, got = folders(scratch)
        quantize = any(key.startswith("q_") for key in settings)
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            convert(str(model), want, quantize=quantize, **settings)
        options = [part for key, value in settings.items() for part in ("--" + key.replace("_", "-"), str(value)) if part != "True"]
        self.convert(model, got, *(["-q"] if quantize else []), *options)
        expected, found = tensors(want), tensors(got)
        self.assertEqual(sorted(found), sorted(expected))
        differ = [f"{name}: {found[name][:2]}, expected {expected[name][:2]}" for name in expected if found[name] != expected[name]]
        self.assertEqual(differ, [])
        self.assertEqual(config_of(got), config_of(want))
        index = "model.safetensors.index.json"
        self.assertEqual(read_json(got, index), read_json(want, index))
        return found

    def compare_answers(self, of_mlx, of_vecton):
        """Of a folder each; MLX's processor backend gathers experts of floats in float32 alone."""
        read, _ = load_model(pathlib.Path(of_mlx))
        read.set_dtype(mx.float32)
        reference = log_probabilities(read(mx.array([TOKENS])))
        server = serving.Server(of_vecton)
        try:
            choice = server.post("/v1/completions", {"prompt": TOKENS, "max_tokens": 1, "prompt_logprobs": 0}).json["choices"][0]
        finally:
            server.stop()
        said = [entry[str(token)]["logprob"] for token, entry in zip(TOKENS[1:], choice["prompt_logprobs"][1:])]
        worst = max(abs(a - b) for a, b in zip(said, reference))
        self.assertLess(worst, 1e-3)


if __name__ == "__main__":
    unittest.main()
