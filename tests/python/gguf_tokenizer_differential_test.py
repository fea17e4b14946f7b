"""The tokenizer.json that `vecton convert` writes of a GGUF file, read by tokenizers: the ids that the file's own tokenizer gives.

    pip install tokenizers && VECTON=build/dev/vecton python tests/python/gguf_tokenizer_differential_test.py
"""
import json
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

try:
    from tokenizers import Tokenizer
except ImportError:
    Tokenizer = None

from reference import PROGRAM, ROOT

FILES = ["gguf-bert-q80", "gguf-qwen3-q4km", "gguf-llama-q40", "gguf-gemma3-q80", "gguf-eurobert-embed"]
WORDS = "Hi, don't 3.14 1234567 naïve Zoë 中文字 カタカナ 👍🏽 ½ … “quoted” [MASK] a@b.c WORLD Straße the   \n\t".split(" ")


def text(r):
    return "".join(r.choice(WORDS) + r.choice([" ", "  ", ""]) for _ in range(r.randrange(1, 10)))


@unittest.skipIf(Tokenizer is None or not PROGRAM, "tokenizers is not installed, or nothing is built")
class Converted(unittest.TestCase):
    def test_ids_are_those_of_the_file(self):
        r = random.Random(3)
        env = {**os.environ, "HF_HUB_OFFLINE": "1"}
        for name in FILES:
            file = next((ROOT / "tests" / "golden" / name / "model").glob("*.gguf"))
            with tempfile.TemporaryDirectory() as folder, self.subTest(name):
                new = pathlib.Path(folder) / "new"
                done = subprocess.run([PROGRAM, "convert", file, "-q", "--q-group-size", "32", "--mlx-path", new],
                                      capture_output=True, text=True, env=env)
                self.assertEqual(done.returncode, 0, done.stderr)
                reference = Tokenizer.from_file(str(new / "tokenizer.json"))
                texts = [text(r) for _ in range(30)]
                lines = "".join(json.dumps({"text": t}) + "\n" for t in texts)
                done = subprocess.run([PROGRAM, "tokenize", file, "--json"], input=lines, capture_output=True, text=True, env=env)
                rows = [json.loads(line)["input_ids"] for line in done.stdout.splitlines()]
                self.assertEqual(rows, [reference.encode(t).ids for t in texts])


if __name__ == "__main__":
    unittest.main()
