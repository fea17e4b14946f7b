"""vecton convert on the command line: what is made, killed in the middle, and uploaded to a hub in small."""

import json
import signal
import struct
import subprocess
import sys
import time
import unittest

from program import BERT, GOLDEN, VECTON, ProgramTest, environment, json_lines, run

HUB = GOLDEN.parent / "hub" / "hub_server.py"


def large_model(folder, rows):
    """A BERT of one large table, which only convert reads."""
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    (folder / "tokenizer.json").write_text("{}")
    data = struct.pack("<256f", *(i / 100 - 1 for i in range(256))) * rows
    header = json.dumps({"embeddings.word_embeddings.weight": {"dtype": "F32", "shape": [rows, 256], "data_offsets": [0, len(data)]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
    return folder


def vectors(model):
    return [line["embedding"] for line in json_lines(run("embed", model, "--convert", "embed", stdin="some words\nand 42 more").out)]


class Convert(ProgramTest):
    def test_a_killed_conversion_leaves_nothing_half_done(self):
        model, target = large_model(self.folder / "large", 100_000), self.folder / "new"
        process = subprocess.Popen([VECTON, "convert", model, "-q", "--mlx-path", target], env=environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        partial = self.folder / "new.partial" / "model.safetensors"
        while process.poll() is None and not partial.exists():
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        self.assertEqual(process.wait(), -signal.SIGKILL)  # in the middle
        self.assertTrue(partial.exists())
        self.assertFalse(target.exists())
        run("convert", model, "-q", "--mlx-path", target)
        self.assertFalse(partial.parent.exists())
        again = self.folder / "again"
        run("convert", model, "-q", "--mlx-path", again)
        for file in sorted(again.iterdir()):
            self.assertEqual(file.read_bytes(), (target / file.name).read_bytes(), file.name)

    def test_a_gguf_file_becomes_a_folder(self):
        file = GOLDEN / "gguf-bert-q80" / "model" / "tiny-bert-Q8_0.gguf"
        self.assertIn("expected -d", run("convert", file, "--mlx-path", self.folder / "x", status=2).err)
        run("convert", file, "-d", "--dtype", "float32", "--mlx-path", self.folder / "floats")
        for a, b in zip(vectors(file), vectors(self.folder / "floats")):
            self.assert_close(a, b, 1e-5)
        info = json.loads(run("info", self.folder / "floats", "--json").out)
        self.assertEqual((info["pooling"], info["normalize"], info["dtype"]), ("MEAN", True, "float32"))

    def test_a_folder_is_uploaded(self):
        with subprocess.Popen([sys.executable, "-B", HUB], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
            endpoint = json.loads(hub.stdout.readline())["endpoint"]
            env = environment(HF_HUB_OFFLINE="0", HF_ENDPOINT=endpoint, HF_TOKEN="hf_good")
            done = run("convert", BERT, "-q", "--mlx-path", self.folder / "new", "--upload-repo", "me/tiny-4bit", env=env)
            self.assertIn("uploaded: https://hub.example/me/tiny-4bit/commit/", done.err)
            self.assertEqual(done.out.strip(), str(self.folder / "new"))
            hub.stdin.write('{"do": "pushed"}\n')
            hub.stdin.flush()
            files = json.loads(hub.stdout.readline())["me/tiny-4bit"]["files"]
            self.assertEqual(set(files), {str(f.relative_to(self.folder / "new")) for f in (self.folder / "new").rglob("*") if f.is_file()})
            self.assertIn("library_name: mlx", (self.folder / "new" / "README.md").read_text())
            refused = run("convert", BERT, "-q", "--mlx-path", self.folder / "other", "--upload-repo", "others/x", env=env, status=3).err
            self.assertIn("is written, but", refused)
            self.assertIn("may not write", refused)
            hub.stdin.close()

    def test_an_upload_that_cannot_be_is_refused_before_anything_is_made(self):
        for env, what in ((environment(HF_HUB_OFFLINE="0"), "set HF_TOKEN"), (environment(HF_TOKEN="x"), "HF_HUB_OFFLINE")):
            env["HF_HOME"] = str(self.folder)
            done = subprocess.run([VECTON, "convert", BERT, "-q", "--mlx-path", self.folder / "new", "--upload-repo", "me/x"],
                                  capture_output=True, text=True, env=env)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(what, done.stderr)
        self.assertFalse((self.folder / "new").exists())

    def test_info_says_what_is_packed(self):
        run("convert", BERT, "-q", "--q-bits", "6", "--q-group-size", "32", "--mlx-path", self.folder / "new")
        info = json.loads(run("info", self.folder / "new", "--json").out)
        form = next(f for f in info["weights"] if f["form"] == "MLX affine 6 bits")
        # Six bits are kept in eight: scales and offsets of 16 bits for 32 of them.
        self.assertEqual(form["file_bytes"] * 8, form["parameters"] * (6 + 1))
        self.assertEqual(form["weight_bytes"] * 8, form["parameters"] * (8 + 1))
        self.assertIn("in memory", run("info", self.folder / "new").out)


if __name__ == "__main__":
    unittest.main()
