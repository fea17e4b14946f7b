#!/usr/bin/env python3
"""What tokenizers_bench measures, of the Hugging Face tokenizers package.

    pip install tokenizers && RAYON_NUM_THREADS=1 python peer.py FOLDER TEXTS
"""
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("RAYON_NUM_THREADS", "1")
from tokenizers import Tokenizer  # noqa: E402: it reads the environment


def resident_megabytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def main():
    folder, file = sys.argv[1:]
    texts = [t if isinstance(t, str) else t["text"] for t in map(json.loads, open(file, encoding="utf8"))]
    size = sum(len(t.encode()) for t in texts)
    before, load, tokenizer = resident_megabytes(), float("inf"), None
    for _ in range(5):
        tokenizer = None
        start = time.process_time()
        tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        load = min(load, time.process_time() - start)
    memory = resident_megabytes() - before
    tokenizer.no_truncation()
    tokenizer.no_padding()
    best, tokens, end = float("inf"), 0, time.process_time() + 10
    while time.process_time() < end:
        start = time.process_time()
        encodings = tokenizer.encode_batch_fast(texts)
        best = min(best, time.process_time() - start)
        tokens = sum(len(e.ids) for e in encodings)
    print(json.dumps({"load_ms": round(load * 1e3, 2), "memory_mb": round(memory, 1), "texts": len(texts), "tokens": tokens,
                      "mb_per_s": round(size / best / 1e6, 2), "mtokens_per_s": round(tokens / best / 1e6, 3)}))


main()
