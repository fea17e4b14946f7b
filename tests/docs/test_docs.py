"""The documentation tells the truth: its links lead somewhere, its examples run.

A block marked `sh` is run by a shell in a folder with some input files, in which models on the hub are fixtures of tests/golden
(bin/vecton) and localhost:8000 is a server of this test (bin/curl). `python` blocks run against that server, where the official
client is installed. `cpp` blocks compile; programs are those of examples/. Other blocks are pictures.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "server"))
import serving  # noqa: E402

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MODELS = {MINILM: serving.BERT, "Qwen/Qwen3-Embedding-0.6B": serving.QWEN, "MODEL": serving.BERT, "./my-model": serving.BERT,
          "cross-encoder/ms-marco-MiniLM-L6-v2": serving.model("bert-rerank-identity"),
          "Qwen/Qwen3-Reranker-0.6B": serving.model("rerank-qwen3"),
          "distilbert/distilbert-base-uncased-finetuned-sst-2-english": serving.model("bert-classify-softmax"),
          "dslim/bert-base-NER": serving.model("bert-token-classify"),
          "google-bert/bert-base-uncased": serving.model("bert-mlm"),
          "colbert-ir/colbertv2.0": serving.model("colbert-bert"),
          "Qwen/Qwen3-0.6B": serving.model("gen-smollm3"),
          "Qwen/Qwen3-VL-Embedding-2B": serving.model("qwen3-vl-embedding"),
          "google/siglip-base-patch16-224": serving.model("siglip"),
          "BAAI/bge-small-en-v1.5": serving.BERT,
          "BAAI/bge-reranker-base": serving.model("bert-rerank-sigmoid"),
          "TomoroAI/tomoro-colqwen3-embed-4b": serving.model("colqwen3"),
          "./my-awq-model": serving.model("awq-llama3")}
FILES = {
    "prompts.jsonl": '{"text": "Once upon a time"}\n{"text": "The end of the story"}\n',
    "texts.txt": "a text\nanother text\n",
    "rows.csv": "title,price\na title,3\n\"a title, quoted\",4\n",
    "pairs.jsonl": '{"query": "who sleeps?", "document": "a cat naps"}\n{"query": "what fell?", "document": "stocks fell"}\n',
    "docs.jsonl": '{"id": "a", "text": "a text", "body": "a body"}\n{"id": "b", "text": "another", "body": "another body"}\n',
}
PICTURES = ("photo.jpg", "page.png", "page-1.png", "page-2.png")


def blocks(language):
    """(page:line, text) of every fenced block of a language."""
    for page in PAGES:
        text = page.read_text("utf8")
        for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.M | re.S):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{page.relative_to(ROOT)}:{line}", found.group(1)


def models_file():
    """The example of a file of several models, with fixtures for what lies on the hub."""
    (text,) = (text for _, text in blocks("yaml") if text.startswith("models:"))
    for name, fixture in MODELS.items():
        text = text.replace(f"model: {name}", f"model: {fixture}")
    return text.replace("max-model-len: 512", "max-model-len: 32")


class Links(unittest.TestCase):
    def test_relative_links_exist(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf8")):
                if not re.match(r"[a-z]+:|#", target):
                    with self.subTest(f"{page.relative_to(ROOT)}: {target}"):
                        self.assertTrue((page.parent / target.split("#")[0]).exists())

    def test_paths_in_the_text_exist(self):
        for page in PAGES:
            for path in re.findall(r"`((?:src|include|docs|tests|tools|bench|fuzz|examples|cmake)/[\w./-]+)`", page.read_text("utf8")):
                with self.subTest(f"{page.relative_to(ROOT)}: {path}"):
                    self.assertTrue((ROOT / path).exists())

    def test_decisions_have_a_number_each(self):
        numbers = {}
        for page in (ROOT / "docs" / "decisions").glob("*.md"):
            number = int(page.name.split("-")[0])
            self.assertNotIn(number, numbers, page.name)
            numbers[number] = page
            self.assertTrue(page.read_text("utf8").startswith(f"# {number}. "), page.name)
        self.assertEqual(sorted(numbers), list(range(1, len(numbers) + 1)))


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = serving.Server(serving.BERT, "--served-model-name", MINILM)
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, content in FILES.items():
            (self.folder / name).write_text(content)
        (self.folder / "models.yaml").write_text(models_file())
        for name in PICTURES:
            shutil.copy(ROOT / "tests/golden/images/page.png", self.folder / name)

    def run_block(self, where, command, **environment):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "HF_HUB_OFFLINE": "1", **environment})
        self.assertEqual(done.returncode, 0, f"{where}:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_shell(self):
        environment = {"PATH": f"{HERE}/bin:{os.environ['PATH']}", "VECTON": os.path.abspath(serving.VECTON), "KEY": "sesame", "OPERATORS_KEY": "open",
                       "DOCS_MODELS": json.dumps(MODELS), "DOCS_SERVING": str(HERE.parent / "server"),
                       "DOCS_SERVER": f"127.0.0.1:{self.server.port}", "DOCS_CURL": shutil.which("curl")}
        for where, text in blocks("sh"):
            with self.subTest(where):
                self.run_block(where, ["bash", "-eu", "-o", "pipefail", "-c", text], **environment)

    def test_python(self):
        python = os.environ.get("VECTON_TEST_PYTHON", sys.executable)
        if subprocess.run([python, "-c", "import openai"], capture_output=True).returncode:
            self.skipTest(f"{python} has no package openai")
        for where, text in blocks("python"):
            with self.subTest(where):
                self.run_block(where, [python, "-c", text.replace("localhost:8000", f"127.0.0.1:{self.server.port}")])


class Sources(unittest.TestCase):
    def test_programs_are_the_examples(self):
        examples = [file.read_text("utf8") for file in ROOT.glob("examples/*/*.c*")]
        for where, text in [*blocks("cpp"), *blocks("c")]:
            if "int main(" in text:
                self.assertIn(text, examples, f"{where} differs from examples/")

    def test_snippets_compile(self):
        compiler = os.environ.get("CXX", "c++")
        for where, text in blocks("cpp"):
            if "int main(" in text:
                continue
            lines = text.splitlines()
            includes = [line for line in lines if line.startswith("#include")]
            body = [line for line in lines if line not in includes]
            source = "\n".join([*includes, "void snippet() {", *body, "}"])
            done = subprocess.run([compiler, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-variable", "-fsyntax-only", "-I", str(ROOT / "include"), "-x", "c++", "-"],
                                  input=source, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, f"{where}:\n{done.stderr}")


if __name__ == "__main__":
    unittest.main()
