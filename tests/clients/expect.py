"""What the tests of clients expect: the servers' own answers, read without any client."""
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

EMBED, RERANK, CLASSIFY = (os.environ.get(f"{name}_URL", "") for name in ("EMBED", "RERANK", "CLASSIFY"))
QUERY = "which animal sleeps?"
TEXTS = ["the capital of France", "a cat sleeps on the sofa", "stocks fell again", "rain in Spain"]


def ask(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=60))


def vectors(*texts):
    return [d["embedding"] for d in ask(EMBED + "/v1/embeddings", {"input": list(texts) or TEXTS})["data"]]


def best():
    """The places of TEXTS, best first."""
    return [r["index"] for r in ask(RERANK + "/rerank", {"query": QUERY, "documents": TEXTS})["results"]]


def same(got, want):
    assert len(got) == len(want), (len(got), len(want))
    for a, b in zip(got, want):
        assert len(a) == len(b), (len(a), len(b))
        difference = max(abs(x - y) for x, y in zip(a, b))
        assert difference < 1e-6, difference


def chats(name):
    """The tests of tests/server/test_chat_clients.py whose names begin so, with this interpreter and a server of their own."""
    tests = pathlib.Path(__file__).resolve().parent.parent / "server" / "test_chat_clients.py"
    subprocess.run([sys.executable, "-B", str(tests), name], check=True, env={**os.environ, "VECTON_TEST_PYTHON": sys.executable})
