"""vecton embed: every input and output format, options, errors."""

import csv
import io
import json
import os
import unittest

from program import BERT, QWEN, TEXTS, VECTON, ProgramTest, cases, environment, json_lines, read_npy, read_safetensors, run, GOLDEN


def vectors(*texts, model=BERT, options=()):
    return [row["embedding"] for row in json_lines(run("embed", model, *options, "--", *texts).out)]


class Values(ProgramTest):
    def test_are_the_reference(self):
        for fixture in ("bert-embed-mean", "bert-embed-cls", "emb-qwen3"):
            expected, _ = read_safetensors(GOLDEN / fixture / "expected.safetensors")
            for case in cases(fixture):
                params = case.get("params") or {}
                if case["task"] != "embed" or "text" not in case["input"] or params.get("prompt_name") or params.get("dimensions"):
                    continue
                if set(params) - {"prompt_name"}:
                    continue
                with self.subTest(case=case["id"]):
                    got = vectors(case["input"]["text"], model=GOLDEN / fixture / "model", options=["--prompt", "", "--truncate"])
                    self.assert_close(got[0], expected[case["expect"]["embedding"]["tensor"]][1])

    def test_do_not_depend_on_the_others(self):
        together = vectors(*TEXTS)
        self.assertEqual(together, [vectors(text)[0] for text in TEXTS])
        self.assertEqual(together, vectors(*TEXTS, options=["--threads", 1, "--batch", 1]))


class Inputs(ProgramTest):
    def setUp(self):
        super().setUp()
        self.want = vectors(*TEXTS)

    def got(self, *options, stdin=""):
        rows = json_lines(run("embed", BERT, *options, stdin=stdin).out)
        self.assertEqual([row["index"] for row in rows], list(range(len(rows))))
        return [row["embedding"] for row in rows]

    def test_lines(self):
        text = "\n".join(TEXTS) + "\n"
        self.assertEqual(self.got("--input", self.write("a.txt", text)), self.want)
        self.assertEqual(self.got("--input", self.write("b.txt", text.replace("\n", "\r\n"))), self.want)
        self.assertEqual(self.got("--input", self.write("c.txt", "\ufeff" + text)), self.want)
        self.assertEqual(self.got("--input", "-", stdin=text), self.want)
        self.assertEqual(self.got(stdin=text), self.want)
        self.assertEqual(self.got("--input", self.write("d", "\n".join(TEXTS[:4]))), self.want[:4])
        self.assertEqual(self.got("--input", self.write("e.txt", "")), [])

    def test_json_lines(self):
        lines = "\n".join(json.dumps({"body": text, "n": 1}) for text in TEXTS)
        self.assertEqual(self.got("--input", self.write("a.jsonl", lines), "--field", "body"), self.want)
        bare = "\n\n".join(json.dumps(text, ensure_ascii=False) for text in TEXTS)
        self.assertEqual(self.got("--input", "-", "--input-format", "jsonl", stdin=bare), self.want)
        case = next(c for c in cases("bert-embed-mean") if c["task"] == "embed" and "text" in c["input"])
        ids = json.dumps({"input_ids": case["input"]["input_ids"]})
        self.assertEqual(self.got("--input", self.write("b.jsonl", ids)), vectors(case["input"]["text"]))

    def test_ids_of_json_lines_are_kept(self):
        lines = '{"id": "x", "text": "a"}\n{"id": 7, "text": "b"}\n{"text": "c"}'
        rows = json_lines(run("embed", BERT, "--input", self.write("a.jsonl", lines)).out)
        self.assertEqual([row.get("id") for row in rows], ["x", 7, None])

    def test_csv(self):
        out = io.StringIO()
        writer = csv.writer(out)
        texts = ['say "hi", you', "two\nlines", "plain"]
        writer.writerow(["n", "text", "title"])
        writer.writerows([i, text, text.upper()] for i, text in enumerate(texts))
        path = self.write("a.csv", out.getvalue())
        self.assertEqual(self.got("--input", path), vectors(*texts))
        self.assertEqual(self.got("--input", path, "--column", "3"), vectors(*(t.upper() for t in texts)))
        self.assertEqual(self.got("--input", path, "--column", "title"), vectors(*(t.upper() for t in texts)))

    def test_arguments_are_taken_as_they_stand(self):
        for text in ("[a,b]", "{}", "[", "++", "a,b", "serve", "%%", "[MASK]"):
            with self.subTest(text=text):
                row, = json_lines(run("embed", BERT, text).out)
                self.assertEqual(row["text"], text)
        self.assertEqual(json_lines(run("embed", BERT, "--", "--input").out)[0]["text"], "--input")

    def test_text_that_is_not_utf8(self):
        rows = json_lines(run("embed", BERT, "--with-text", stdin=b"a \xff b\n").out)
        self.assertEqual(rows[0]["text"], "a \ufffd b")

    def test_answers_come_before_the_input_ends(self):
        import subprocess
        with subprocess.Popen([VECTON, "embed", BERT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:
            for text in TEXTS[:3]:
                process.stdin.write(text.encode() + b"\n")
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline())["embedding"], self.want[TEXTS.index(text)])
            process.stdin.close()
        self.assertEqual(process.returncode, 0)


class Outputs(ProgramTest):
    def setUp(self):
        super().setUp()
        self.want = vectors(*TEXTS)
        self.texts = self.write("texts.txt", "\n".join(TEXTS) + "\n")
        self.flat = [v for row in self.want for v in row]

    def embed(self, name, *options):
        path = self.folder / name
        done = run("embed", BERT, "--input", self.texts, "--output", path, *options)
        self.assertEqual((done.out, done.err), ("", ""))
        self.assertEqual([p.name for p in self.folder.iterdir() if "partial" in p.name], [])
        return path

    def test_json_lines(self):
        rows = json_lines(self.embed("a.jsonl", "--with-text").read_text("utf8"))
        self.assertEqual([row["embedding"] for row in rows], self.want)
        self.assertEqual([row["text"] for row in rows], TEXTS)

    def test_npy(self):
        self.assertEqual(read_npy(self.embed("a.npy")), ([len(TEXTS), len(self.want[0])], read_f32(self.flat)))

    def test_safetensors(self):
        tensors, metadata = read_safetensors(self.embed("a.safetensors"))
        self.assertEqual(tensors, {"embeddings": ([len(TEXTS), len(self.want[0])], read_f32(self.flat))})
        self.assertEqual(metadata, {"model": BERT})

    def test_csv(self):
        with open(self.embed("a.csv", "--with-text"), newline="", encoding="utf8") as file:
            header, *rows = csv.reader(file)
        self.assertEqual(header[:3], ["index", "text", "embedding_0"])
        self.assertEqual([row[1] for row in rows], TEXTS)
        self.assertEqual([[float(v) for v in row[2:]] for row in rows], self.want)

    def test_format_by_option(self):
        self.assertEqual(read_npy(self.embed("a.bin", "--output-format", "npy"))[0][0], len(TEXTS))
        out = run("embed", BERT, "--input", self.texts, "--output-format", "csv").out
        self.assertEqual(len(out.splitlines()), len(TEXTS) + 1)

    def test_no_rows(self):
        path = self.folder / "none.npy"
        run("embed", BERT, "--output", path, stdin="")
        self.assertEqual(read_npy(path), ([0, len(self.want[0])], []))

    def test_devices_and_links_stay_what_they_are(self):
        run("embed", BERT, "--input", self.texts, "--output", "/dev/null", "--output-format", "jsonl")
        self.assertFalse(os.path.isfile("/dev/null"))
        (self.folder / "link.npy").symlink_to("target.npy")
        self.write("target.npy", "old")
        self.embed("link.npy")
        self.assertTrue((self.folder / "link.npy").is_symlink())
        self.assertEqual(read_npy(self.folder / "target.npy")[0][0], len(TEXTS))


def read_f32(values):
    """Values as float32 gives them back."""
    import struct
    return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))


class Options(ProgramTest):
    def test_prompts(self):
        prompts = json.loads(run("info", QWEN, "--json").out)["prompts"]
        by_name = vectors("cats", model=QWEN, options=["--prompt-name", "query"])
        self.assertEqual(by_name, vectors(prompts["query"] + "cats", model=QWEN, options=["--prompt", ""]))
        self.assertEqual(by_name, vectors("cats", model=QWEN, options=["--prompt", prompts["query"]]))
        self.assertNotEqual(by_name, vectors("cats", model=QWEN))

    def test_dimensions(self):
        override = ["--hf-overrides", '{"is_matryoshka": true}']
        row, = vectors("cats", model=QWEN, options=["--dimensions", 8, *override])
        self.assertEqual(len(row), 8)
        self.assertAlmostEqual(sum(v * v for v in row), 1, places=5)

    def test_normalize(self):
        raw, = vectors("cats", options=["--no-normalize"])
        unit, = vectors("cats", options=["--normalize"])
        length = sum(v * v for v in raw) ** 0.5
        self.assert_close([v / length for v in raw], unit, 1e-6)

    def test_too_long(self):
        long = self.write("long.txt", "short\n" + "word " * 5000 + "\n")
        done = run("embed", BERT, "--input", long, status=4)
        self.assertIn("long.txt:2: ", done.err)
        self.assertIn("--truncate", done.err)
        self.assertEqual(len(json_lines(done.out)), 1)
        done = run("embed", BERT, "--input", long, "--truncate")
        self.assertEqual(len(json_lines(done.out)), 2)
        self.assertIn("1 text was cut", done.err)


class Errors(ProgramTest):
    def check(self, status, words, *arguments, stdin=""):
        done = run(*arguments, stdin=stdin, status=status)
        self.assertRegex(done.err, r"(?m)^vecton: error: ")
        for word in words:
            self.assertIn(word, done.err)
        return done

    def test_usage(self):
        self.check(2, ["--input"], "embed", BERT, "a text", "--input", "x.txt")
        self.check(2, ["npy", "--output"], "embed", BERT, "a text", "--output-format", "npy")
        self.check(2, [".xyz", "--output-format"], "embed", BERT, "a text", "--output", "x.xyz")
        self.check(2, [".pdf", "--input-format"], "embed", BERT, "--input", "x.pdf")
        self.check(2, ["prompt_name", "nope"], "embed", BERT, "--prompt-name", "nope", "a")
        self.check(2, ["dimensions"], "embed", BERT, "--dimensions", "3", "a")
        self.check(2, ["MODEL"], "embed")
        self.check(2, ["dtype"], "embed", BERT, "--dtype", "float3", "a")
        self.check(2, ["--threads"], "embed", BERT, "--threads", "many", "a")
        self.check(2, ["--q-bits: expected a number, found 5x"], "convert", BERT, self.folder / "out", "--q-bits", "5x")
        self.check(2, ["config.yaml: there is no option '--prot'; did you mean '--port'?"], "serve", BERT, "--config", self.yaml("prot: 80\n"))
        self.check(2, ["config.yaml: there is no option '--no-such'"], "serve", BERT, "--config", self.yaml("served-model-name: [a, b]\nno_such: 80\n"))
        self.check(2, [], "embed", BERT, "--prompt", "x", "--prompt-name", "y", "a")

    def yaml(self, text):
        path = self.folder / "config.yaml"
        path.write_text(text)
        return path

    def test_model(self):
        self.check(3, ["no-such-folder"], "embed", "./no-such-folder", "a")
        self.check(3, ["org/none"], "embed", "org/none", "a", "--cache", self.folder)
        broken = self.folder / "broken"
        broken.mkdir()
        self.check(3, ["the folder has no config.json"], "embed", broken, "a")
        (broken / "config.json").write_text("{")
        self.check(3, ["config.json"], "embed", broken, "a")
        (broken / "config.json").write_text('{"architectures": ["NobodysModel"], "model_type": "nobody"}')
        self.check(3, ["NobodysModel"], "embed", broken, "a")

    def test_json_lines_of_python(self):
        lines = self.write("in.jsonl", '{"text": "ok", "x": NaN}\n{"text": "a \\ud83d b", "y": [-Infinity]}\n"\\udc00"\n')
        got = json_lines(run("embed", BERT, "--input", lines).out)
        want = json_lines(run("embed", BERT, "ok", "a \ufffd b", "\ufffd").out)
        self.assertEqual([line["embedding"] for line in got], [line["embedding"] for line in want])

    def test_bad_lines_are_skipped_where_asked(self):
        lines = self.write("in.jsonl", '{"text": "a"}\noops\n{"text": 3}\n{"text": "b", "id": NaN}\n{"txt": "c"}\n{"text": "d"}\n')
        self.check(4, ["in.jsonl:2", "not valid JSON"], "embed", BERT, "--input", lines)
        done = run("embed", BERT, "--input", lines, "--skip-bad-lines")
        want = json_lines(run("embed", BERT, "a", "d").out)
        self.assertEqual([line["embedding"] for line in json_lines(done.out)], [line["embedding"] for line in want])
        for part in ('in.jsonl:2:', 'in.jsonl:3: field "text"', 'in.jsonl:4: "id"', 'in.jsonl:5: there is no field "text"', "4 lines of"):
            self.assertIn(part, done.err)
        rows = self.write("in.csv", "n,text\n1,a\n2\n3,d\n")
        done = run("embed", BERT, "--input", rows, "--skip-bad-lines")
        self.assertEqual([line["embedding"] for line in json_lines(done.out)], [line["embedding"] for line in want])
        self.assertIn("1 line of", done.err)

    def test_texts_without_tokens(self):
        static = str(GOLDEN / "static-embed" / "model")
        lines = json_lines(run("embed", static, "--input", self.write("in.txt", "capital\n\nriver\n")).out)
        alone = json_lines(run("embed", static, "capital", "", "river").out)
        self.assertEqual([line["embedding"] for line in lines], [line["embedding"] for line in alone])
        self.assertEqual(set(lines[1]["embedding"]), {0})
        self.assertNotEqual(set(lines[0]["embedding"]), {0})

    def test_input(self):
        self.check(4, ["absent.txt"], "embed", BERT, "--input", "absent.txt")
        bad = self.write("bad.jsonl", '{"text": "a"}\n{"text": 3}\n')
        done = self.check(4, ["bad.jsonl:2", "text"], "embed", BERT, "--input", bad)
        self.assertEqual(len(json_lines(done.out)), 1)
        for line in ('{"text"', "[1]", "3", "null", '{"other": "a"}', '{"input_ids": [1.5]}', '{"input_ids": ["a"]}', "\x00", "\xff"):
            with self.subTest(line=line):
                self.check(4, ["standard input:1"], "embed", BERT, "--input", "-", "--input-format", "jsonl", stdin=line)
        self.check(4, ["standard input:1", "vocabulary"], "embed", BERT, "--input", "-", "--input-format", "jsonl",
                   stdin='{"input_ids": [99999999]}')
        table = self.write("a.csv", 'text\nfine\n"open\n')
        self.check(4, ["a.csv:3"], "embed", BERT, "--input", table)
        self.check(4, ["column", "text"], "embed", BERT, "--input", table, "--column", "nope")
        short = self.write("b.csv", "n,text\n1,a\n2\n")
        self.check(4, ["b.csv:3"], "embed", BERT, "--input", short)
        self.check(4, ["nowhere"], "embed", BERT, "a", "--output", self.folder / "nowhere" / "x.npy")

    def test_output_pipe_that_closes(self):
        import subprocess
        text = self.write("many.txt", "a text\n" * 3000)
        process = subprocess.Popen([VECTON, "embed", BERT, "--input", text], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment())
        process.stdout.readline()
        process.stdout.close()
        self.assertNotEqual(process.wait(60), 0)
        process.stderr.close()


class Terminal(ProgramTest):
    def on_terminal(self, *arguments):
        """What the program draws on standard error when that is a terminal."""
        main, other = self.terminal()
        import subprocess
        process = subprocess.Popen([VECTON, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=other, env=environment(TERM="xterm-256color"))
        os.close(other)
        out = process.stdout.read()
        drawn = b""
        try:
            while block := os.read(main, 65536):
                drawn += block
        except OSError:  # the other side is closed
            pass
        os.close(main)
        process.stdout.close()
        self.assertEqual(process.wait(), 0)
        return out, drawn.decode("utf8")

    def test_progress_bar(self):
        text = self.write("many.txt", "a text that is embedded\n" * 3000)
        output = self.folder / "x.npy"
        _, drawn = self.on_terminal("embed", BERT, "--input", text, "--output", output)
        self.assertRegex(drawn, r"\d+%.* texts, \d+/s.*left")
        self.assertIn("3,000 vectors", drawn)
        _, drawn = self.on_terminal("embed", BERT, "--input", text, "--output", output, "--quiet")
        self.assertEqual(drawn, "")

    def test_results_on_a_terminal_are_not_mixed_with_a_bar(self):
        out, _ = self.on_terminal("embed", BERT, "a")
        self.assertEqual(len(json_lines(out.decode())), 1)


if __name__ == "__main__":
    unittest.main()
