"""Vision towers of real size with random weights, and what torch needs for them: the peer of bench_towers.

    peer_towers.py make siglip|qwen3-vl SMALL FOLDER     a checkpoint, and pictures in its folder's pictures/; prints what a picture computes.
                                                         SMALL: a checkpoint of the family, whose tokenizer is taken (tests/golden)
    peer_towers.py time FOLDER [PICTURES] [ROUNDS]       the tower alone, of prepared pixels, on two threads

siglip is SigLIP-base of 224 pixels; qwen3-vl the tower of Qwen3-VL-2B, with a page of 1,024 merged tokens. Needs torch and transformers.
"""
import json
import pathlib
import shutil
import statistics
import sys
import time

import numpy as np
import torch
import transformers
from PIL import Image

PICTURES = {"siglip": 32, "qwen3-vl": 1}


def siglip(small):
    text = {**small["text_config"], "hidden_size": 768, "projection_size": 768, "num_hidden_layers": 1}
    config = transformers.SiglipConfig(text_config=text, vision_config={"image_size": 224, "patch_size": 16})
    vision, tokens = config.vision_config, 196
    gflops = layers_gflops(vision, tokens) + 2e-9 * tokens * 3 * vision.patch_size**2 * vision.hidden_size
    n = vision.hidden_size  # the pooling head: keys and values of all tokens
    return transformers.SiglipModel(config), {"size": {"height": 224, "width": 224}}, 224, gflops + 4e-9 * tokens * n * n


def qwen3_vl(small):
    vision = {**small["vision_config"], "depth": 24, "hidden_size": 1024, "num_heads": 16, "intermediate_size": 4096, "patch_size": 16,
              "num_position_embeddings": 2304, "deepstack_visual_indexes": [5, 11, 17], "out_hidden_size": 2048}
    config = transformers.Qwen3VLConfig(**{**small, "vision_config": vision, "text_config": {**small["text_config"], "hidden_size": 2048}})
    patches, merged, wide = 4096, 1024, 4 * 1024
    mergers = 1 + len(vision["deepstack_visual_indexes"])
    gflops = (layers_gflops(config.vision_config, patches) + 2e-9 * patches * 2 * 3 * 16**2 * 1024
              + mergers * 2e-9 * merged * (wide * wide + wide * 2048))
    size = {"patch_size": 16, "size": {"longest_edge": 4096 * 4096, "shortest_edge": 256 * 256}}
    return transformers.Qwen3VLForConditionalGeneration(config), size, 1024, gflops


def layers_gflops(vision, tokens):
    """Of all layers: projections, attention of all tokens with all, and the MLP."""
    n = vision.hidden_size
    layers = getattr(vision, "num_hidden_layers", None) or vision.depth
    return 1e-9 * layers * tokens * (8 * n * n + 4 * n * vision.intermediate_size + 4 * tokens * n)


def make(kind, small, folder):
    small, folder = pathlib.Path(small), pathlib.Path(folder)
    torch.manual_seed(0)
    model, preprocessor, side, gflops = {"siglip": siglip, "qwen3-vl": qwen3_vl}[kind](json.loads((small / "config.json").read_text()))
    model.save_pretrained(folder)
    for file in small.iterdir():
        if file.name not in ("config.json", "model.safetensors", "preprocessor_config.json"):
            shutil.copyfile(file, folder / file.name)
    known = json.loads((small / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**known, **preprocessor}))
    (folder / "pictures").mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for i in range(PICTURES[kind]):
        noise = random.integers(0, 256, (side // 8, side // 8, 3), np.uint8)
        Image.fromarray(noise).resize((side, side), Image.BICUBIC).save(folder / "pictures" / f"{i:02}.png")
    print(json.dumps({"gflops": round(gflops, 2)}))


def measure(folder, pictures=1, rounds=5):
    torch.set_num_threads(2)
    config = transformers.AutoConfig.from_pretrained(folder)
    files = sorted((pathlib.Path(folder) / "pictures").iterdir())[:int(pictures)]
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    inputs = processor(images=[Image.open(file).convert("RGB") for file in files], return_tensors="pt")
    kind = transformers.SiglipModel if config.model_type == "siglip" else transformers.Qwen3VLForConditionalGeneration
    model = kind.from_pretrained(folder, dtype=torch.float32).eval()
    times = []
    with torch.inference_mode():
        for _ in range(int(rounds)):
            start = time.perf_counter()
            model.get_image_features(**inputs)
            times.append(time.perf_counter() - start)
    print(json.dumps({"pictures": len(files), "torch": torch.__version__, "attention": config._attn_implementation,
                      "rounds": int(rounds), "median_s": round(statistics.median(times), 3), "best_s": round(min(times), 3)}))


if len(sys.argv) < 3:
    sys.exit(__doc__)
{"make": make, "time": measure}[sys.argv[1]](*sys.argv[2:])
