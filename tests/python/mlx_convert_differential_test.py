"""`vecton convert --layout mlx-lm` against mlx_lm.convert: the same tensors to the byte and the same `quantization`; mlx-lm reads what vecton wrote.

    pip install mlx[cpu] mlx-lm && VECTON=build/dev/vecton python tests/python/mlx_convert_differential_test.py
"""
import contextlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

try:
    import mlx.core as mx
    from mlx_lm import convert
    from mlx_lm.utils import load_model
except ImportError:
    convert = None

from reference import PROGRAM, ROOT

# Families whose code in mlx-lm changes no tensor, and those whose experts it stacks.
MODELS = ["gen-llama3", "gen-gemma3", "gen-granite", "gen-lfm2", "gen-mixtral", "gen-olmo3", "gen-phi4-mini", "gen-phimoe", "gen-qwen2-moe", "gen-smollm3"]
# Made eight times as wide, as rows of the golden models are no multiple of a group's size and would stay floats in every mode.
WIDE = ["gen-llama3", "gen-mixtral", "gen-phimoe", "gen-qwen2-moe"]
WIDTHS = ["hidden_size", "intermediate_size", "moe_intermediate_size", "shared_expert_intermediate_size", "head_dim"]
SETTINGS = [{}, {"q_bits": 4, "q_group_size": 32}, {"q_bits": 8, "q_group_size": 64}, {"q_mode": "mxfp4", "q_bits": 4, "q_group_size": 32}]


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


def widen(model, folder):
    """A copy of a model's files with random numbers in layers eight times as wide; as many words and experts."""
    for file in pathlib.Path(model).iterdir():
        if file.name not in ("config.json", "model.safetensors"):
            shutil.copy(file, folder)
    config = json.loads((model / "config.json").read_text())
    config.update({key: 8 * config[key] for key in WIDTHS if config.get(key)})
    for rope in (config.get("rope_scaling") or {}, config.get("rope_parameters") or {}):
        for key in ("short_factor", "long_factor"):
            if key in rope:
                rope[key] = 8 * rope[key]
    (folder / "config.json").write_text(json.dumps(config))
    mx.random.seed(7)
    made = {}
    for name, weight in mx.load(str(model / "model.safetensors")).items():
        counted = name.split(".")[-2] in ("embed_tokens", "lm_head", "gate", "shared_expert_gate")  # rows are words or experts
        shape = [size if i == 0 and counted else 8 * size for i, size in enumerate(weight.shape)]
        made[name] = (mx.random.normal(shape) * 0.05).astype(weight.dtype)
    mx.save_safetensors(str(folder / "model.safetensors"), made, metadata={"format": "pt"})


def quantization(folder):
    return json.loads((pathlib.Path(folder) / "config.json").read_text()).get("quantization")


@unittest.skipIf(convert is None, "mlx and mlx-lm are not installed")
@unittest.skipUnless(PROGRAM, "no program vecton: build it, or set VECTON")
class MlxConvertDifferentialTest(unittest.TestCase):
    def test_bytes_and_settings(self):
        for name in MODELS:
            for settings in SETTINGS:
                with self.subTest(name, **settings), tempfile.TemporaryDirectory() as scratch:
                    self.compare(ROOT / "tests" / "golden" / name / "model", settings, scratch)

    def test_layers_that_are_quantised(self):
        for name in WIDE:
            with tempfile.TemporaryDirectory() as wide:
                widen(ROOT / "tests" / "golden" / name / "model", pathlib.Path(wide))
                for settings in SETTINGS[1:]:
                    with self.subTest(name, **settings), tempfile.TemporaryDirectory() as scratch:
                        found = self.compare(pathlib.Path(wide), settings, scratch)
                        modules = {n.rpartition(".")[0] for n in found if n.endswith("_proj.weight")}
                        self.assertTrue(modules)
                        self.assertEqual([m for m in modules if m + ".scales" not in found], [])

    def compare(self, model, settings, scratch):
        want, got = os.path.join(scratch, "want"), os.path.join(scratch, "got")
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            convert(str(model), want, quantize=bool(settings), **settings)
        options = [part for key, value in settings.items() for part in ("--" + key.replace("_", "-"), str(value))]
        done = subprocess.run([PROGRAM, "convert", str(model), "--mlx-path", got, "--layout", "mlx-lm", "--offline", *(["-q"] if settings else []), *options],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        expected, found = tensors(want), tensors(got)
        self.assertEqual(sorted(found), sorted(expected))
        self.assertEqual([name for name in expected if found[name] != expected[name]], [])
        self.assertEqual(quantization(got), quantization(want))
        read, _ = load_model(pathlib.Path(got))
        read.set_dtype(mx.float32)  # MLX's processor backend gathers experts of floats in this type alone
        logits = read(mx.array([[1, 2, 3]]))
        self.assertTrue(mx.all(mx.isfinite(logits)).item())
        return found


if __name__ == "__main__":
    unittest.main()
