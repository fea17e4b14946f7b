"""vecton encode: hidden states and token embeddings as safetensors."""

import json
import unittest

from program import BERT, GOLDEN, QWEN, ProgramTest, cases, json_lines, read_safetensors, run


class Encode(ProgramTest):
    def encode(self, model, task, lines, *options, status=0):
        path = self.folder / "out.safetensors"
        text = "".join(json.dumps(line) + "\n" for line in lines)
        done = run("encode", model, "--task", task, "--input", self.write("in.jsonl", text), "--output", path, *options, status=status)
        return read_safetensors(path)[0] if status == 0 else done.err

    def test_hidden_states_are_the_reference(self):
        for fixture in ("bert-embed-mean", "emb-qwen3"):
            expected, _ = read_safetensors(GOLDEN / fixture / "expected.safetensors")
            wanted = [c for c in cases(fixture) if c["task"] == "hidden_states" and "input_ids" in c["input"]
                      and not isinstance(c["input"]["input_ids"][0], list) and not any(c["input"].get("token_type_ids") or [])
                      and "pair" not in c["input"] and isinstance(c["expect"]["hidden_states"], dict)]
            self.assertTrue(wanted)
            got = self.encode(GOLDEN / fixture / "model", "hidden_states",
                              [{"id": c["id"], "input_ids": c["input"]["input_ids"]} for c in wanted])
            self.assertEqual(list(got), [c["id"] for c in wanted])
            for case in wanted:
                with self.subTest(case=case["id"]):
                    shape, values = expected[case["expect"]["hidden_states"]["tensor"]]
                    self.assertEqual(got[case["id"]][0], shape[-2:])
                    self.assert_close(got[case["id"]][1], values, 2e-4)

    def test_ops_colqwen_keeps_the_first_dims(self):
        model = GOLDEN / "ops-colqwen3" / "model"
        lines = [{"text": "what is on the page?"}]
        (rows, columns), whole = self.encode(model, "token_embed", lines)["0"]
        (_, kept), cut = self.encode(model, "token_embed", lines, "--hf-overrides", '{"dims": 16}')["0"]
        self.assertEqual((columns, kept), (64, 16))
        for row in range(rows):
            first = whole[row * columns:row * columns + kept]
            length = sum(v * v for v in first) ** 0.5
            self.assert_close(cut[row * kept:(row + 1) * kept], [v / length for v in first], 1e-5)
        self.assertIn("dims is 65", self.encode(model, "token_embed", lines, "--hf-overrides", '{"dims": 65}', status=3))

    def test_embed_is_what_embed_prints(self):
        got = self.encode(BERT, "embed", [{"text": "a"}, {"text": "b", "id": 12}])
        rows = [json.loads(line)["embedding"] for line in run("embed", BERT, "a", "b").out.splitlines()]
        self.assertEqual(list(got), ["0", "12"])
        for name, row in zip(("0", "12"), rows):
            self.assertEqual(got[name][0], [len(row)])
            self.assert_close(got[name][1], row, 1e-7)

    def test_token_embed_has_a_row_per_token(self):
        got = self.encode(QWEN, "token_embed", [{"text": "one two three"}])
        ids = json.loads(run("tokenize", QWEN, "--json", "one two three").out)["input_ids"]
        self.assertEqual(got["0"][0][0], len(ids))

    def test_every_task(self):
        def shapes(fixture, task, *lines, options=()):
            got = self.encode(GOLDEN / fixture / "model", task, lines or [{"text": "a text"}], *options)
            return [tensor[0] for tensor in got.values()], [tensor[1] for tensor in got.values()]
        (shape,), (values,) = shapes("bert-classify-softmax", "classify")
        self.assertEqual(len(shape), 1)
        self.assertAlmostEqual(sum(values), 1, 5)
        (shape,), _ = shapes("bert-token-classify", "token_classify")
        self.assertEqual(shape[1], 5)
        (shape,), (values,) = shapes("splade-bert", "sparse_embed")
        self.assertEqual(shape, [json.loads(run("info", GOLDEN / "splade-bert" / "model", "--json").out)["vocab_size"]])
        self.assertGreater(max(values), 0)
        got, (values,) = shapes("bert-rerank-sigmoid", "score", {"text": "a query", "document": "a text"})
        self.assertEqual(got, [[]])
        want, = json_lines(run("score", GOLDEN / "bert-rerank-sigmoid" / "model", "a query", "a text", "--json").out)
        self.assertAlmostEqual(values[0], want["score"], 6)
        self.assertIn("document", self.encode(GOLDEN / "bert-rerank-sigmoid" / "model", "score", [{"text": "a"}], status=4))

    def test_no_lines(self):
        self.assertEqual(self.encode(BERT, "embed", []), {})

    def test_errors(self):
        self.assertIn("in.jsonl:2", self.encode(BERT, "embed", [{"text": "a", "id": "x"}, {"text": "b", "id": "x"}], status=4))
        self.assertIn("in.jsonl:1", self.encode(BERT, "embed", [{"text": "a", "id": "__metadata__"}], status=4))
        self.assertIn("in.jsonl:1", self.encode(BERT, "embed", [{"text": "a", "id": [1]}], status=4))
        self.assertIn("in.jsonl:1", self.encode(BERT, "hidden_states", [{"input_ids": []}], status=4))
        self.assertIn("task", self.encode(BERT, "generate", [], status=2))
        self.assertIn("does not do 'classify'", self.encode(BERT, "classify", [], status=3))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["in.jsonl"])
        run("encode", BERT, "--task", "embed", "--input", "-", "--output", "/dev/null", status=2)


if __name__ == "__main__":
    unittest.main()
