"""A GGUF file as a model: info, embed, tokenize, and files that are refused."""

import json
import pathlib
import shutil
import tempfile
import unittest

from program import GOLDEN, ProgramTest, json_lines, run

FILE = GOLDEN / "gguf-bert-q80" / "model" / "tiny-bert-Q8_0.gguf"
DECODER = GOLDEN / "gguf-qwen3-q4km" / "model" / "tiny-qwen3-Q4_K_M.gguf"
TEXT = "The quick brown fox jumps over the lazy dog."


class Gguf(ProgramTest):
    def test_a_file_is_a_model_and_so_is_its_folder(self):
        of_file = json_lines(run("embed", FILE, stdin=TEXT).out)[0]["embedding"]
        of_folder = json_lines(run("embed", FILE.parent, stdin=TEXT).out)[0]["embedding"]
        self.assertEqual(of_file, of_folder)
        self.assertEqual(len(of_file), 64)
        self.assertAlmostEqual(sum(x * x for x in of_file), 1, places=5)

    def test_info_names_types_and_bits(self):
        info = json.loads(run("info", FILE, "--json").out)
        self.assertEqual((info["dtype"], info["pooling"], info["max_model_len"]), ("GGUF Q8_0", "MEAN", 128))
        self.assertIn("GGUF Q4_K+GGUF Q6_K", run("info", DECODER, "--convert", "embed").out)

    def test_tokens_are_those_of_the_fixture(self):
        case = next(c for c in json.loads((GOLDEN / "gguf-bert-q80" / "cases.json").read_text())["cases"] if c["input"].get("text") == TEXT)
        out = json.loads(run("tokenize", FILE, "--json", stdin=json.dumps({"text": TEXT})).out)
        self.assertEqual(out["input_ids"], case["input"]["input_ids"])
        back = json.loads(run("detokenize", FILE, "--json", stdin=json.dumps({"ids": out["input_ids"], "skip_special_tokens": True})).out)
        self.assertEqual(back["text"], "the quick brown fox jumps over the lazy dog.")

    def test_files_that_are_no_models_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            shutil.copy(FILE, path / "a.gguf")
            cut = path / "b.gguf"
            cut.write_bytes(FILE.read_bytes()[:-1000])
            self.assertIn("b.gguf: tensor", run("embed", cut, stdin="x", status=3).err)
            self.assertIn("cut off", run("embed", cut, stdin="x", status=3).err)
            self.assertIn("several GGUF files; name one of a.gguf, b.gguf", run("embed", folder, stdin="x", status=2).err)
            (path / "text.txt").write_text("x")
            self.assertIn("a GGUF file", run("embed", path / "text.txt", stdin="x", status=3).err)


if __name__ == "__main__":
    unittest.main()
