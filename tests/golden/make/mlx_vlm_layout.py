"""mlx-gemma3-vision: gen-gemma3-vision as mlx-vlm saves it. The tower's convolution has its channels last, and the tied head is a tensor of its own; the
reference's outputs are the fixture's.

    python tests/golden/make/mlx_vlm_layout.py     (torch and safetensors)
"""
import json
import pathlib
import shutil

from safetensors.torch import load_file, save_file

GOLDEN = pathlib.Path(__file__).resolve().parent.parent
source, made = GOLDEN / "gen-gemma3-vision", GOLDEN / "mlx-gemma3-vision"
shutil.rmtree(made, ignore_errors=True)
shutil.copytree(source, made)
tensors = load_file(source / "model" / "model.safetensors")
convolution = "vision_tower.vision_model.embeddings.patch_embedding.weight"
tensors[convolution] = tensors[convolution].permute(0, 2, 3, 1).contiguous()  # [out, in, h, w] to [out, h, w, in]
tensors["language_model.lm_head.weight"] = tensors["language_model.model.embed_tokens.weight"].clone()
save_file(tensors, made / "model" / "model.safetensors", {"format": "mlx"})
cases = json.loads((source / "cases.json").read_text())
cases["source"] += "; the checkpoint is gen-gemma3-vision's in mlx-vlm's layout"
(made / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
