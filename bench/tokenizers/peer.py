#!/usr/bin/env python3
"""What tokenizers_bench measures, of the Hugging Face tokenizers package and, for byte-level BPE, of tiktoken. One thread, time of the processor.

    pip install tokenizers tiktoken && RAYON_NUM_THREADS=1 python peer.py FOLDER TEXTS [--vecton PROGRAM]

With --vecton the program tokenizers_bench is run in turn with each peer, so that one machine's mood is shared.
"""
import argparse
import json
import os
import subprocess
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("RAYON_NUM_THREADS", "1")
from tokenizers import Tokenizer  # noqa: E402: it reads the environment

SECONDS = 6


def resident_megabytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def measure(encode_all, size):
    """Of all rounds the best."""
    best, tokens, end = float("inf"), 0, time.process_time() + SECONDS
    while time.process_time() < end:
        start = time.process_time()
        tokens = encode_all()
        best = min(best, time.process_time() - start)
    return {"tokens": tokens, "mb_per_s": round(size / best / 1e6, 2), "mtokens_per_s": round(tokens / best / 1e6, 3)}


def hugging_face(folder, texts, size):
    before, load, tokenizer = resident_megabytes(), float("inf"), None
    for _ in range(3):
        tokenizer = None
        start = time.process_time()
        tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        load = min(load, time.process_time() - start)
    memory = resident_megabytes() - before
    tokenizer.no_truncation()
    tokenizer.no_padding()
    result = measure(lambda: sum(len(e.ids) for e in tokenizer.encode_batch_fast(texts)), size)
    return {"load_ms": round(load * 1e3, 2), "memory_mb": round(memory, 1), **result}


def byte_ranks(vocab):
    """tiktoken's view of a byte-level vocabulary: byte strings and their ranks."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [b for b in range(256) if b not in printable]
    byte_of = {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(moved)}
    return {bytes(byte_of[c] for c in token): rank for token, rank in vocab.items() if all(c in byte_of for c in token)}


def tiktoken(folder, texts, size):
    """None where the tokenizer is no byte-level BPE with one expression that tiktoken can take."""
    with open(os.path.join(folder, "tokenizer.json"), encoding="utf8") as file:
        document = json.load(file)
    steps = (document.get("pre_tokenizer") or {}).get("pretokenizers") or []
    expressions = [s["pattern"]["Regex"] for s in steps if s["type"] == "Split"]
    if document["model"].get("type") != "BPE" or len(expressions) != 1 or steps[-1]["type"] != "ByteLevel":
        return None
    import tiktoken as peer
    ranks = byte_ranks(document["model"]["vocab"])
    encoding = peer.Encoding("peer", pat_str=expressions[0], mergeable_ranks=ranks, special_tokens={})
    return measure(lambda: sum(len(encoding.encode_ordinary(text)) for text in texts), size)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder")
    arguments.add_argument("texts")
    arguments.add_argument("--vecton")
    options = arguments.parse_args()
    texts = [t if isinstance(t, str) else t["text"] for t in map(json.loads, open(options.texts, encoding="utf8"))]
    size = sum(len(t.encode()) for t in texts)

    def vecton():
        if options.vecton:
            out = subprocess.run([options.vecton, options.folder, options.texts], capture_output=True, check=True).stdout
            print("vecton      ", out.decode().strip())

    vecton()
    print("hugging face", json.dumps(hugging_face(options.folder, texts, size)))
    vecton()
    if result := tiktoken(options.folder, texts, size):
        print("tiktoken    ", json.dumps(result))
        vecton()


main()
