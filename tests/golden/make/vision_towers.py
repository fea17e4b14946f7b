"""Vision towers alone: small checkpoints of them, with the vectors that transformers gives of pictures.

make/vision_towers.py GOLDEN: the fixtures clip-vision, clip-vision-projection, siglip-vision and siglip2-vision, in that folder of fixtures. Needs
torch, transformers 5.24 and Pillow. Every parameter is random.
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import (CLIPVisionConfig, CLIPVisionModel, CLIPVisionModelWithProjection, Siglip2VisionConfig, Siglip2VisionModel,
                          SiglipVisionConfig, SiglipVisionModel)
from transformers.image_utils import load_image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

golden = pathlib.Path(sys.argv[1])
PICTURES = ("blob_small.png", "gray.png", "photo.jpg", "wide.png")
LAYERS = {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
FIXTURES = {
    "clip-vision": (CLIPVisionModel, CLIPVisionConfig(**LAYERS, image_size=32, patch_size=8, hidden_act="gelu"),
                    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})),
    "clip-vision-projection": (CLIPVisionModelWithProjection, CLIPVisionConfig(**LAYERS, image_size=32, patch_size=8, projection_dim=20),
                               CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})),
    "siglip-vision": (SiglipVisionModel, SiglipVisionConfig(**LAYERS, image_size=32, patch_size=8),
                      SiglipImageProcessorPil(size={"height": 32, "width": 32}, **HALF)),
    "siglip2-vision": (Siglip2VisionModel, Siglip2VisionConfig(**LAYERS, num_patches=16, patch_size=8),
                       Siglip2ImageProcessorPil(max_num_patches=20, patch_size=8, **HALF)),
}

for fixture, (kind, config, processor) in FIXTURES.items():
    torch.manual_seed(len(fixture))
    folder = golden / fixture
    config._attn_implementation = "eager"
    model = kind(config).float().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * (0.3 if p.dim() > 1 else 0.2))
            if "norm" in name and name.endswith("weight"):
                p.add_(1)
    model.save_pretrained(folder / "model")
    processor.save_pretrained(folder / "model")
    expected, cases, vectors = {}, [], []
    for picture in PICTURES:
        pixels = processor(load_image(str(golden / "images" / picture)), return_tensors="pt")
        with torch.no_grad():
            out = model(**pixels)
        raw = (out.image_embeds if "image_embeds" in out else out.pooler_output)[0]
        key = "image_" + picture.split(".")[0]
        vectors.append(raw / raw.norm())
        expected[key + ".embedding"], expected[key + ".image_embed_raw"] = vectors[-1].contiguous(), raw.contiguous()
        cases.append({"id": key, "task": "image_embed", "input": {"image": "images/" + picture}, "params": {},
                      "expect": {what: {"tensor": f"{key}.{what}"} for what in ("embedding", "image_embed_raw")}, "tolerance": 1e-4})
    apart = torch.cdist(torch.stack(vectors), torch.stack(vectors))
    notes = f"{kind.__name__}; distances of the vectors {apart[apart > 0].min().item():.3f} to {apart.max().item():.3f}"
    print(fixture, notes, sorted(model.state_dict())[:3])
    save_file(expected, folder / "expected.safetensors")
    (folder / "cases.json").write_text(json.dumps({"source": "transformers 5.24.0, torch, float32, eager", "notes": notes, "cases": cases}, indent=1) + "\n")
