"""What bench_pictures measures, with PIL and transformers' slow image processor: peer.py FOLDER FILE [RUNS]."""
import json
import statistics
import sys
import time

import torch
from PIL import Image
from transformers import AutoImageProcessor
from transformers.image_utils import load_image


def main(folder, file, runs=21):
    torch.set_num_threads(1)
    try:
        processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    except TypeError:  # before transformers 5
        processor = AutoImageProcessor.from_pretrained(folder, use_fast=False)
    decode, prepare = [], []
    for _ in range(int(runs)):
        start = time.thread_time()
        image = load_image(Image.open(file))
        image.load()
        decoded = time.thread_time()
        processed = processor(images=image, return_tensors="np")
        prepare.append((time.thread_time() - decoded) * 1e3)
        decode.append((decoded - start) * 1e3)
    both = [a + b for a, b in zip(decode, prepare)]
    print(json.dumps({"processor": type(processor).__name__, "patches": len(processed["pixel_values"]), "runs": int(runs),
                      "decode_ms": round(statistics.median(decode), 2), "prepare_ms": round(statistics.median(prepare), 2),
                      "both_ms": round(statistics.median(both), 2)}))


main(*sys.argv[1:])
