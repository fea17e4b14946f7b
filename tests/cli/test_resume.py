"""vecton embed --output: an interrupted run goes on where it was, and gives the bytes of an uninterrupted one."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from program import BERT, GOLDEN, QWEN, VECTON, ProgramTest, environment, read_npy, run

random.seed(1)
LINES = [" ".join(random.choices("search systems index documents as vectors".split(), k=random.randint(1, 4))) for _ in range(400)]
TEXT = "".join(line + "\n" for line in LINES)


class Resume(ProgramTest):
    def setUp(self):
        super().setUp()
        self.input = self.write("texts.txt", TEXT)

    def whole(self, name):
        path = self.folder / ("whole-" + name)
        run("embed", BERT, "--input", self.input, "--output", path)
        return path.read_bytes()

    def state(self, output):
        """What the notes of an unfinished run say, None where there are none."""
        try:
            return json.loads((self.folder / (output.name + ".partial.json")).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def interrupt(self, output, count, how, *options, command=("embed", BERT), lines=LINES):
        """Feeds `count` lines to a run, waits until it has saved them, and ends it."""
        process = subprocess.Popen([VECTON, *command, "--input", "-", "--output", output, *options],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        process.stdin.write("".join(line + "\n" for line in lines[:count]).encode())
        process.stdin.flush()
        end = time.monotonic() + 60
        while (self.state(output) or {"rows": 0})["rows"] < count:
            self.assertLess(time.monotonic(), end)
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        process.send_signal(how)
        said = process.stderr.read().decode()
        process.stdin.close()
        process.stderr.close()
        process.wait()
        self.assertFalse(output.exists())
        return process.returncode, said

    def test_after_a_signal(self):
        for name in ("x.npy", "x.jsonl", "x.csv", "x.safetensors"):
            for how, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)):
                with self.subTest(name=name, how=how):
                    output = self.folder / name
                    returned, said = self.interrupt(output, 150, how)
                    self.assertEqual(returned, status)
                    if how != signal.SIGKILL:
                        self.assertIn("150 vectors are safe", said)
                    done = run("embed", BERT, "--input", self.input, "--output", output)
                    self.assertIn("going on after 150 texts", done.err)
                    self.assertEqual(output.read_bytes(), self.whole(name))
                    self.assertEqual([p.name for p in self.folder.iterdir() if "partial" in p.name], [])
                    output.unlink()

    def test_bytes_beyond_what_is_safe_are_cut(self):
        output = self.folder / "x.npy"
        self.interrupt(output, 100, signal.SIGKILL)
        with open(str(output) + ".partial", "ab") as file:
            file.write(b"half a row")
        run("embed", BERT, "--input", self.input, "--output", output)
        self.assertEqual(output.read_bytes(), self.whole("x.npy"))

    def test_several_interruptions(self):
        output = self.folder / "x.npy"
        for count in (50, 120, 300):
            self.interrupt(output, count, signal.SIGINT)
        run("embed", BERT, "--input", self.input, "--output", output)
        self.assertEqual(output.read_bytes(), self.whole("x.npy"))

    def test_an_error_leaves_what_came_before_it(self):
        bad = self.write("bad.jsonl", "".join(json.dumps({"text": l}) + "\n" for l in LINES[:90]) + "oops\n")
        output = self.folder / "x.npy"
        done = run("embed", BERT, "--input", bad, "--output", output, status=4)
        self.assertIn("bad.jsonl:91", done.err)
        self.assertIn("90 vectors are safe", done.err)
        self.write("bad.jsonl", "".join(json.dumps({"text": l}) + "\n" for l in LINES))
        run("embed", BERT, "--input", bad, "--output", output)
        self.assertEqual(output.read_bytes(), self.whole("x.npy"))

    def test_other_input_is_refused(self):
        output = self.folder / "x.npy"
        self.interrupt(output, 100, signal.SIGINT)
        self.write("texts.txt", TEXT.replace(LINES[40] + "\n", "changed\n", 1))
        done = run("embed", BERT, "--input", self.input, "--output", output, status=4)
        self.assertIn("another input", done.err)
        self.assertIn("--overwrite", done.err)
        self.write("texts.txt", "".join(line + "\n" for line in LINES[:20]))
        self.assertIn("another input", run("embed", BERT, "--input", self.input, "--output", output, status=4).err)
        for option in ("--overwrite", "--no-resume"):
            run("embed", BERT, "--input", self.input, "--output", output, option)
            self.assertEqual(read_npy(output)[0][0], 20)

    def test_other_pictures_are_refused(self):
        page, photo = GOLDEN / "images" / "page.png", GOLDEN / "images" / "photo.jpg"
        mine = shutil.copy(page, self.folder / "mine.png")
        lines = {path: [json.dumps({"image": str(path)})] * 3 for path in (mine, photo)}
        clip, output = GOLDEN / "clip" / "model", self.folder / "x.npy"
        self.interrupt(output, 2, signal.SIGINT, "--input-format", "jsonl", command=("embed", clip), lines=lines[mine])
        go_on = lambda: run("embed", clip, "--input", self.folder / "lines.jsonl", "--output", output, status=4).err
        self.write("lines.jsonl", "\n".join(lines[photo]))
        self.assertIn("another input", go_on())
        self.write("lines.jsonl", "\n".join(lines[mine]))
        shutil.copy(photo, mine)
        self.assertIn("another input", go_on())

    def test_another_model_or_option_is_refused(self):
        output = self.folder / "x.npy"
        self.interrupt(output, 100, signal.SIGINT)
        done = run("embed", QWEN, "--input", self.input, "--output", output, status=4)
        self.assertIn("another", done.err)
        for option, name in ((["--truncate"], "truncate"), (["--no-normalize"], "normalize"), (["--prompt", "x"], "prompt"),
                             (["--tokenizer", GOLDEN / "bert-embed-cls" / "model"], "tokenizer")):
            done = run("embed", BERT, "--input", self.input, "--output", output, *option, status=4)
            self.assertIn("another " + name, done.err)
        run("embed", BERT, "--input", self.input, "--output", output)
        self.assertEqual(output.read_bytes(), self.whole("x.npy"))

    def test_another_option_of_generate_is_refused(self):
        output, command = self.folder / "x.jsonl", ("generate", GOLDEN / "gen-llama3" / "model", "--max-tokens", "3", "--seed", "1")
        self.interrupt(output, 5, signal.SIGINT, *command[2:], command=command[:2])
        for option, name in ((["--kv-cache-dtype", "fp8"], "kv_cache_dtype"), (["--hf-overrides", '{"rms_norm_eps": 0.1}'], "hf_overrides"),
                             (["--top-k", "-1"], "top_k"), (["--chat"], "chat")):
            done = run(*command, "--input", self.input, "--output", output, *option, status=4)
            self.assertIn("another " + name, done.err)
        small = self.write("texts.txt", "".join(line + "\n" for line in LINES[:6]))
        run(*command, "--input", small, "--output", output, "--threads", "1")
        self.assertEqual(len(output.read_text().splitlines()), 6)

    def test_another_file_under_the_models_name_is_refused(self):
        """Of a GGUF file, and of the base model that an adapter names."""
        gguf = shutil.copy(GOLDEN / "gguf-bert-q80" / "model" / "tiny-bert-Q8_0.gguf", self.folder / "model.gguf")
        lora = shutil.copytree(GOLDEN / "lora-bert", self.folder / "lora")
        for name, model, file in (("gguf", gguf, gguf), ("adapter", lora / "model", lora / "base" / "model.safetensors")):
            with self.subTest(name):
                output = self.folder / (name + ".npy")
                self.interrupt(output, 10, signal.SIGINT, command=("embed", model))
                os.utime(file)
                done = run("embed", model, "--input", self.input, "--output", output, status=4)
                self.assertIn("another model", done.err)

    def test_notes_that_are_damaged(self):
        output = self.folder / "x.npy"
        notes = self.folder / "x.npy.partial.json"
        self.interrupt(output, 100, signal.SIGINT)
        good = json.loads(notes.read_text())
        for bad in (b"", b"{", b"[]", b"{}", b'{"job": 3}', json.dumps({**good, "rows": -1}).encode(),
                    json.dumps({**good, "bytes": 10**12}).encode(), json.dumps({**good, "input_hash": "x"}).encode()):
            with self.subTest(bad=bad):
                notes.write_bytes(bad)
                done = run("embed", BERT, "--input", self.input, "--output", output, status=4)
                self.assertIn("--overwrite", done.err)

    def test_two_runs_at_once(self):
        output = self.folder / "x.npy"
        process = subprocess.Popen([VECTON, "embed", BERT, "--input", "-", "--output", output], stdin=subprocess.PIPE,
                                   env=environment())
        process.stdin.write(b"a text\n")
        process.stdin.flush()
        while not self.state(output):
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        done = run("embed", BERT, "--input", self.input, "--output", output, status=4)
        self.assertIn("another run", done.err)
        process.stdin.close()
        self.assertEqual(process.wait(), 0)
        self.assertEqual(read_npy(output)[0][0], 1)

    def test_a_second_signal_ends_at_once(self):
        output = self.folder / "x.npy"
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        process = subprocess.Popen([VECTON, "embed", BERT, "--input", fifo, "--output", output, "--input-format", "txt"],
                                   stderr=subprocess.DEVNULL, env=environment())
        with open(fifo, "w") as pipe:
            pipe.write("a\n")
            pipe.flush()
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            self.assertIn(process.wait(60), (130, -2))


if __name__ == "__main__":
    unittest.main()
