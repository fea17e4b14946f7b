"""vecton tokenize and detokenize: JSON lines as programs use them, tables as people do."""

import json
import subprocess
import unittest

from program import BERT, GOLDEN, QWEN, VECTON, ProgramTest, environment, json_lines, run


def tokenize(*lines, model=BERT):
    return json_lines(run("tokenize", model, "--json", stdin="".join(json.dumps(line) + "\n" for line in lines)).out)


class Tokenize(ProgramTest):
    def test_the_golden_cases(self):
        """Every case of a fixture that says which ids its text has."""
        # Of these the ids are those of a text that was cut or padded to the length of training.
        pads = {"clip", "siglip", "siglip2-naflex"}
        asked, count = {}, 0
        for path in sorted(GOLDEN.glob("*/cases.json")):
            if path.parent.name in pads:
                continue
            for case in json.loads(path.read_text("utf8"))["cases"]:
                given = case["input"]
                if case["task"] != "embed" or "text" not in given or "input_ids" not in given or case.get("params"):
                    continue
                asked.setdefault(str(path.parent / "model"), []).append((given["text"], given["input_ids"]))
        for model, pairs in asked.items():
            answers = tokenize(*({"text": text} for text, _ in pairs), model=model)
            for (text, ids), answer in zip(pairs, answers, strict=True):
                with self.subTest(model=model, text=text):
                    self.assertEqual(answer["input_ids"], ids)
                    count += 1
        self.assertTrue(asked == {} or count > 0)

    def test_one_text(self):
        answer, = tokenize({"text": "a"})
        self.assertEqual(answer, {"input_ids": [4, 34, 5], "token_type_ids": [0, 0, 0], "attention_mask": [1, 1, 1]})
        bare, = tokenize({"text": "a", "add_special_tokens": False})
        self.assertEqual(bare["input_ids"], [34])
        self.assertEqual(json_lines(run("tokenize", BERT, "--json", "a").out), [answer])

    def test_pairs_and_lists(self):
        pair, = tokenize({"text": "a", "pair": "a"})
        self.assertEqual((pair["input_ids"], pair["token_type_ids"]), ([4, 34, 5, 34, 5], [0, 0, 0, 1, 1]))
        many, = tokenize({"texts": ["a", "a a"]})
        self.assertEqual(many["input_ids"], [[4, 34, 5], [4, 34, 34, 5]])
        both, = tokenize({"texts": ["a", "a a"], "pair": ["a", "a"]})
        self.assertEqual(both["input_ids"][1], [4, 34, 34, 5, 34, 5])
        self.assertEqual(tokenize({"texts": []})[0]["input_ids"], [])

    def test_messages(self):
        """A line with messages goes through the chat template, which writes the special tokens itself."""
        messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]
        template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{{ '<assistant>' if add_generation_prompt }}{{ x }}"
        answer, = tokenize({"messages": messages, "chat_template": template}, model=QWEN)
        self.assertEqual(answer["prompt"], "<user>Hi<assistant>Yo")
        self.assertEqual(answer["input_ids"], tokenize({"text": answer["prompt"], "add_special_tokens": False}, model=QWEN)[0]["input_ids"])
        more, = tokenize({"messages": messages[:1], "chat_template": template, "add_generation_prompt": True,
                          "chat_template_kwargs": {"x": 1.0}}, model=QWEN)
        self.assertEqual(more["prompt"], "<user>Hi<assistant>1.0")
        goes_on, = tokenize({"messages": messages, "chat_template": template + "!", "continue_final_message": True}, model=QWEN)
        self.assertEqual(goes_on["prompt"], "<user>Hi<assistant>Yo")
        own, = tokenize({"messages": messages[:1], "add_generation_prompt": True}, model=QWEN)
        self.assertTrue(own["prompt"].endswith("<|im_start|>assistant\n"))
        for line, word in (({"messages": []}, "at least one message"), ({"messages": messages, "chat_template": "{{"}, "line 1"),
                           ({"messages": messages, "tools": 1}, "tools")):
            failed = run("tokenize", QWEN, "--json", stdin=json.dumps(line), status=4)
            self.assertIn(word, failed.err)
            self.assertIn("standard input:1", failed.err)

    def test_padding(self):
        padded, = tokenize({"texts": ["a", "a a"], "padding": True})
        self.assertEqual([len(row) for row in padded["input_ids"]], [4, 4])
        self.assertEqual(padded["attention_mask"], [[1, 1, 1, 0], [1, 1, 1, 1]])
        left, = tokenize({"texts": ["a", "a a"], "padding": "longest", "padding_side": "left"})
        self.assertEqual(left["attention_mask"][0], [0, 1, 1, 1])
        fixed, = tokenize({"text": "a", "padding": "max_length", "max_length": 6})
        self.assertEqual(len(fixed["input_ids"]), 6)
        eights, = tokenize({"text": "a", "padding": True, "pad_to_multiple_of": 8})
        self.assertEqual(len(eights["input_ids"]), 8)

    def test_truncation(self):
        text = {"text": "a a a a a a"}
        for more in ({"truncation": True}, {"truncation": "longest_first"}, {"truncation": "only_first"}, {}):
            self.assertEqual(tokenize({**text, "max_length": 5, **more})[0]["input_ids"], [4, 34, 34, 34, 5])
        for more in ({"truncation": False}, {"truncation": "do_not_truncate"}):
            self.assertEqual(len(tokenize({**text, "max_length": 5, **more})[0]["input_ids"]), 8)
        self.assertEqual(len(tokenize({**text, "max_length": 5, "padding": True})[0]["input_ids"]), 8)
        left, right = tokenize({"text": "a b", "max_length": 3, "truncation_side": "left"}, {"text": "a b", "max_length": 3})
        self.assertNotEqual(left["input_ids"], right["input_ids"])

    def test_any_text_survives_the_trip(self):
        texts = ["\u2028 \u0085 \x00 \x1f \x7f", "\"\\/", "日本語 😀", " " * 5, "", "\ufeff", "a\tb\r\nc"]
        answers = tokenize(*({"text": text} for text in texts), model=QWEN)
        decoded = json_lines(run("detokenize", QWEN, "--json", stdin="".join(
            json.dumps({"ids": a["input_ids"], "skip_special_tokens": True}) + "\n" for a in answers)).out)
        self.assertEqual(len(decoded), len(texts))

    def test_table(self):
        out = run("tokenize", BERT, "a").out
        self.assertEqual(len(out.splitlines()), 4)
        self.assertIn("3 tokens", out)
        self.assertIn("0..1", out)
        self.assertIn("1 tokens", run("tokenize", BERT, "--no-special-tokens", stdin="a\n").out)

    def test_answers_come_at_once(self):
        with subprocess.Popen([VECTON, "tokenize", BERT, "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=environment()) as process:
            for _ in range(3):
                process.stdin.write(b'{"text": "a"}\n')
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline())["input_ids"], [4, 34, 5])
            process.stdin.close()

    def test_errors(self):
        for line in ("{", "[]", "3", "{}", '{"text": 3}', '{"text": "a", "texts": []}', '{"texts": [1]}', '{"text": "a", "pair": ["a", "b"]}',
                     '{"text": "a", "truncation": "some"}', '{"text": "a", "max_length": -1}', '{"text": "a", "max_length": "5"}',
                     '{"text": "a", "padding": 3}', '{"text": "a", "padding_side": "up"}', '{"text": "a", "add_special_tokens": 1}'):
            with self.subTest(line=line):
                done = run("tokenize", BERT, "--json", stdin='{"text": "a"}\n\n' + line + "\n", status=4)
                self.assertIn("standard input:3: ", done.err)
                self.assertEqual(len(json_lines(done.out)), 1)
        run("tokenize", "./no-such-folder", "a", status=3)


class Detokenize(ProgramTest):
    def test_lines(self):
        lines = '{"ids": [4, 34, 5]}\n{"ids": [4, 34, 5], "skip_special_tokens": true}\n{"ids": []}\n'
        texts = [row["text"] for row in json_lines(run("detokenize", BERT, "--json", stdin=lines).out)]
        self.assertEqual(texts, ["[CLS] a [SEP]", "a", ""])

    def test_arguments(self):
        self.assertEqual(run("detokenize", BERT, 4, 34, 5).out, "[CLS] a [SEP]\n")
        self.assertEqual(run("detokenize", BERT, "--skip-special-tokens", 4, 34, 5).out, "a\n")
        self.assertEqual(json.loads(run("detokenize", BERT, "--json", 34).out), {"text": "a"})

    def test_errors(self):
        for line in ('{"ids": [99999999]}', '{"ids": [-1]}', '{"ids": [1.5]}', '{"ids": "a"}', "{}", "["):
            with self.subTest(line=line):
                done = run("detokenize", BERT, "--json", stdin=line, status=4)
                self.assertIn("standard input:1: ", done.err)
        run("detokenize", BERT, status=2)
        run("detokenize", BERT, "word", status=2)
        run("detokenize", BERT, 99999999, status=2)


if __name__ == "__main__":
    unittest.main()
