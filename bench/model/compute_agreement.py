#!/usr/bin/env python3
"""compute_agreement.py VECTON MODEL [TEXTS.jsonl [QUERIES.jsonl]]: what --compute bfloat16 and int8 change of a model's answers, task by task.

For 50 queries and 200 texts: Kendall's tau between the orders in float32 and in the mode, and how often the first stays the first, of scores by cosine and of
MaxSim over token vectors; and how often the nearest of ten labels stays the nearest. Needs numpy. --quantization NAME: of the model so quantised.
"""
import argparse
import contextlib
import json
import pathlib
import socket
import subprocess
import time
import urllib.request

import numpy as np

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
LABELS = ["programming", "cooking", "sport", "politics", "medicine", "travel", "music", "law", "networking", "mathematics"]


@contextlib.contextmanager
def server(options, mode):
    """A function that gives a server's answers to texts: server(...) -> ask(route, texts, **fields)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [options.vecton, "serve", options.model, "--offline", "--port", str(port), "--compute", mode, "--log-level", "error"]
    if options.quantization:
        command += ["--quantization", options.quantization]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def ask(route, texts, **fields):
        body = json.dumps({"input": texts, "truncate_prompt_tokens": -1, **fields}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{route}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["data"]
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
                break
            except OSError:
                time.sleep(0.05)
        yield ask
    finally:
        process.terminate()
        process.wait()


def normalised(rows):
    rows = np.array(rows, np.float64)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def vectors(ask, texts):
    return normalised([row["embedding"] for row in ask("/v1/embeddings", texts)])


def token_vectors(ask, texts):
    return [normalised(row["data"]) for row in ask("/pooling", texts, task="token_embed")]


def max_sim(queries, documents):
    return np.array([[(query @ document.T).max(axis=1).sum() for document in documents] for query in queries])


def tau(a, b):
    """Of two rows of scores; ties count nothing."""
    upper = np.triu_indices(len(a), 1)
    signs = np.sign(np.subtract.outer(a, a))[upper] * np.sign(np.subtract.outer(b, b))[upper]
    return signs.mean()


def report(name, exact, scores):
    taus = [tau(a, b) for a, b in zip(exact, scores)]
    first = np.mean(exact.argmax(axis=1) == scores.argmax(axis=1))
    print(f"{name}: Kendall's tau {np.mean(taus):.4f} (least {min(taus):.4f}), the first stays {100 * first:.1f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vecton")
    parser.add_argument("model")
    parser.add_argument("texts", nargs="?", default=DATA / "mixed600.jsonl")
    parser.add_argument("queries", nargs="?", default=DATA / "short16.jsonl")
    parser.add_argument("--quantization")
    options = parser.parse_args()

    def read(path, count):
        return [json.loads(line)["text"] for line in pathlib.Path(path).read_text(encoding="utf8").splitlines()[:count]]
    texts, queries = read(options.texts, 200), read(options.queries, 50)
    exact = None
    for mode in ["float32", "bfloat16", "int8"]:
        if mode == "bfloat16" and options.quantization:
            continue
        with server(options, mode) as ask:
            documents = vectors(ask, texts)
            cosines = vectors(ask, queries) @ documents.T
            late = max_sim(token_vectors(ask, queries), token_vectors(ask, texts))
            labels = (documents @ vectors(ask, LABELS).T).argmax(axis=1)
        if exact is None:
            exact = cosines, late, labels
            continue
        report(f"{mode}, cosine", exact[0], cosines)
        report(f"{mode}, MaxSim", exact[1], late)
        print(f"{mode}, nearest of {len(LABELS)} labels: the same for {100 * np.mean(labels == exact[2]):.1f} %")


if __name__ == "__main__":
    main()
