"""MLX's layouts of families whose tensors mlx-lm keeps otherwise than transformers does: the checkpoint is what mlx_lm.convert makes of a fixture, the
reference's outputs are the fixture's. Its weights are widened to float32 first: mlx-lm adds 1 to some norms, which bfloat16 would round.

    python tests/golden/make/mlx_layouts.py gen-deepseek-v3 gen-qwen3.5     (mlx-lm 0.32)
"""
import pathlib
import shutil
import sys
import tempfile

import mlx.core as mx
from mlx_lm.convert import convert

GOLDEN = pathlib.Path(__file__).resolve().parent.parent
DTYPES = {"gen-deepseek-v3": "bfloat16"}  # what is exact

for name in sys.argv[1:]:
    source, made = GOLDEN / name, GOLDEN / name.replace("gen-", "mlx-")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    with tempfile.TemporaryDirectory() as folder:
        wide = pathlib.Path(folder) / "model"
        shutil.copytree(source / "model", wide)
        weights = mx.load(str(wide / "model.safetensors"))
        mx.save_safetensors(str(wide / "model.safetensors"), {key: value.astype(mx.float32) for key, value in weights.items()}, {"format": "pt"})
        convert(hf_path=str(wide), mlx_path=str(made / "model"), quantize=False, dtype=DTYPES.get(name, "float32"))
    for file in ("cases.json", "expected.safetensors"):
        shutil.copy(source / file, made / file)
    (made / "model" / "README.md").unlink(missing_ok=True)
