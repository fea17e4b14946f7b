"""vecton similarity: the matrix, the ranking, colours and the picture."""

import json
import math
import os
import re
import struct
import subprocess
import sys
import unittest
import zlib

from program import BERT, GOLDEN, QWEN, VECTON, ProgramTest, environment, json_lines, run

TEXTS = ["a cat naps", "a kitten sleeps", "stocks fell sharply"]


def embed(model, *texts, options=()):
    return [row["embedding"] for row in json_lines(run("embed", model, *options, "--", *texts).out)]


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def read_png(path):
    """(width, height, rows of bytes) of an 8-bit RGB picture."""
    raw = path.read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    while at < len(raw):
        size, kind = struct.unpack(">I4s", raw[at:at + 8])
        body = raw[at + 8:at + 8 + size]
        assert struct.unpack(">I", raw[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 2)
        if kind == b"IDAT":
            data += body
        at += 12 + size
    pixels = zlib.decompress(data)
    assert len(pixels) == height * (1 + width * 3)
    return width, height


class Similarity(ProgramTest):
    def test_matrix_is_the_cosines(self):
        vectors = embed(BERT, *TEXTS)
        matrix = json.loads(run("similarity", BERT, "--json", *TEXTS).out)["matrix"]
        for i, row in enumerate(matrix):
            self.assert_close(row, [cosine(vectors[i], v) for v in vectors], 1e-6)
        self.assertEqual(matrix[0][1], matrix[1][0])

    def test_ranking(self):
        out = json.loads(run("similarity", BERT, "--json", "--query", "who sleeps?", *TEXTS).out)
        query, *vectors = embed(BERT, "who sleeps?", *TEXTS)
        scores = [cosine(query, v) for v in vectors]
        self.assertEqual([r["index"] for r in out["ranking"]], sorted(range(3), key=lambda i: -scores[i]))
        self.assert_close([r["score"] for r in out["ranking"]], sorted(scores, reverse=True), 1e-6)

    def test_the_ranking_alone(self):
        asks = ["similarity", BERT, "--query", "who sleeps?"]
        both = json.loads(run(*asks, "--json", *TEXTS).out)
        self.assertEqual(json.loads(run(*asks, "--json", "--no-matrix", *TEXTS).out), {"ranking": both["ranking"]})
        ranked = run(*asks, *TEXTS).out.split("\n\n")[-1]
        self.assertEqual(run(*asks, "--no-matrix", *TEXTS).out, ranked)
        for refused in (asks[:2], [*asks, "--png", self.folder / "m.png"], [*asks, "--svg", self.folder / "m.svg"]):
            self.assertIn("--no-matrix", run(*refused, "--no-matrix", *TEXTS, status=2).err)

    def test_the_ranking_of_many_takes_no_square_of_memory(self):
        """A matrix of these has 3.2 GB."""
        texts = self.write("texts.txt", "".join(f"text {i % 7}\n" for i in range(20000)))
        with open(self.folder / "out.json", "wb") as out:
            process = subprocess.Popen([VECTON, "similarity", BERT, "--query", "cats", "--no-matrix", "--json", "--input", texts], stdout=out,
                                       env=environment())
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(json.loads((self.folder / "out.json").read_text())["ranking"]), 20000)
        self.assertLess(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), 1.5e9)

    def test_query_gets_the_query_prompt(self):
        out = json.loads(run("similarity", QWEN, "--json", "--query", "cats", *TEXTS).out)
        query, = embed(QWEN, "cats", options=["--prompt-name", "query"])
        vectors = embed(QWEN, *TEXTS, options=["--prompt-name", "document"])
        self.assert_close(sorted(r["score"] for r in out["ranking"]), sorted(cosine(query, v) for v in vectors), 1e-6)

    def test_numbers_without_a_terminal(self):
        out = run("similarity", BERT, "--query", "cats", *TEXTS).out
        self.assertNotIn("\x1b", out)
        self.assertEqual(len(re.findall(r" 1\.000", out)), 3)
        for text in TEXTS:
            self.assertEqual(out.count(text), 2)

    def test_colours(self):
        self.assertIn("\x1b[48;2;", run("similarity", BERT, "--color", "always", *TEXTS).out)
        self.assertNotIn("\x1b", run("similarity", BERT, "--color", "never", *TEXTS).out)

    def test_colours_of_a_terminal(self):
        def on_terminal(**env):
            main, other = self.terminal()
            process = subprocess.Popen([VECTON, "similarity", BERT, *TEXTS], stdout=other, env=environment(TERM="xterm", **env))
            os.close(other)
            out = b""
            try:
                while block := os.read(main, 65536):
                    out += block
            except OSError:  # the other side is closed
                pass
            os.close(main)
            self.assertEqual(process.wait(), 0)
            return out.decode()
        self.assertIn("\x1b[48;2;", on_terminal(COLORTERM="truecolor"))
        self.assertIn("\x1b[48;5;", on_terminal())
        self.assertNotIn("\x1b", on_terminal(COLORTERM="truecolor", NO_COLOR="1"))

    def test_picture(self):
        for count in (1, 3, 40, 400):
            path = self.folder / "m.png"
            texts = self.write("texts.txt", "".join(f"text {i}\n" for i in range(count)))
            run("similarity", BERT, "--png", path, "--input", texts)
            width, height = read_png(path)
            self.assertTrue(100 < width < 2000 and 100 < height < 2000, (width, height))

    def test_map(self):
        model, page, path = GOLDEN / "colqwen3" / "model", GOLDEN / "images" / "page.png", self.folder / "map.png"
        asks = ["similarity", model, "--image", page, "--query", "total amount"]
        out = json.loads(run(*asks, "--json").out)
        (image,) = out["images"]
        self.assertEqual((image["left"], image["top"], image["width"], image["height"]), (0, 0, 1, 1))
        self.assertEqual(len(image["similarities"]), len(out["tokens"]))
        for rows in image["similarities"]:
            self.assertEqual([len(row) for row in rows], [image["columns"]] * image["rows"])
        # The best patches are what late interaction sums: of an image alone, no other token is better.
        self.assertEqual(out["tokens"][-1]["text"], "<|endoftext|>", "what is put behind a query")
        self.assertIn("total", "".join(token["text"] for token in out["tokens"]))
        lines = run(*asks, "--map", path).out.splitlines()
        self.assertEqual(len(lines), len(out["tokens"]))
        best = max(max(row) for row in image["similarities"][0])
        self.assertIn(f"{best:.3f}", lines[0])
        one = read_png(path)
        self.assertGreater(max(one), 1000)
        run(*asks, "--map", path, "--query-token", "all")
        self.assertNotEqual(read_png(path), one)
        run(*asks, "--map", path, "--query-token", "1")
        self.assertEqual(read_png(path), one)

    def test_map_refuses(self):
        model, page = GOLDEN / "colqwen3" / "model", GOLDEN / "images" / "page.png"
        for words, message, status in (
                (["--image", page], "--query TEXT", 2), (["--image", page, "--query", "a", "b"], "--query alone", 2),
                (["--map", "m.png", "a", "b"], "--image FILE", 2), (["--image", "none.png", "--query", "a"], "none.png", 4),
                (["--image", page, "--query", "a", "--query-token", "999"], "--query-token", 2)):
            self.assertIn(message, run("similarity", model, *words, status=status).err)
        self.assertIn("patches", run("similarity", BERT, "--image", page, "--query", "a", status=2).err)

    def test_errors(self):
        run("similarity", BERT, status=2) if os.isatty(0) else run("similarity", BERT, "--input", os.devnull, status=2)
        done = run("similarity", BERT, "--png", self.folder / "no" / "m.png", *TEXTS, status=4)
        self.assertIn("m.png", done.err)


if __name__ == "__main__":
    unittest.main()
