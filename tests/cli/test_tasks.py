"""vecton rerank, score, classify, tag and fill-mask, and what info says of such models."""

import csv
import io
import json
import math
import pathlib
import re
import shutil
import unittest

from program import BERT, GOLDEN, ProgramTest, cases, environment, json_lines, read_safetensors, run

PIPELINES = json.loads((pathlib.Path(__file__).parent / "pipelines.json").read_text("utf8"))
QUERY = "What is the capital of France?"
DOCUMENTS = ["Paris is the capital of France.", "Berlin ist die Hauptstadt.", "a"]


def model(fixture):
    return str(GOLDEN / fixture / "model")


RERANKER, SIGMOID = model("bert-rerank-identity"), model("bert-rerank-sigmoid")
CLASSIFIER, TAGGER, MASKED = model("bert-classify-softmax"), model("bert-token-classify"), model("bert-mlm")
COLBERT, QWEN_RERANKER, LOGIT_SCORE = model("colbert-bert"), model("rerank-qwen3"), model("st-logit-score-prompt")


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


class Score(ProgramTest):
    def scores(self, *arguments, **more):
        return [line["score"] for line in json_lines(run("score", *arguments, "--json", **more).out)]

    def test_reference(self):
        wanted = [c for c in cases("bert-rerank-sigmoid") if isinstance(c["input"].get("document"), str)]
        pairs = self.write("pairs.jsonl", "".join(json.dumps({"query": c["input"]["query"], "document": c["input"]["document"]}) + "\n" for c in wanted))
        self.assert_close(self.scores(SIGMOID, "--input", pairs, "--truncate"), [c["expect"]["score"] for c in wanted])

    def test_input_in_every_form(self):
        want = self.scores(RERANKER, QUERY, *DOCUMENTS)
        self.assertEqual(len(want), 3)
        texts = self.write("texts.txt", "\n".join(DOCUMENTS) + "\n")
        self.assertEqual(self.scores(RERANKER, "--query", QUERY, "--input", texts), want)
        self.assertEqual(self.scores(RERANKER, QUERY, "--input", texts), want)
        self.assertEqual(self.scores(RERANKER, "--query", QUERY, stdin="\n".join(DOCUMENTS)), want)
        lines = "".join(json.dumps({"id": i, "q": QUERY, "d": d}) + "\n" for i, d in enumerate(DOCUMENTS))
        pairs = self.write("pairs.jsonl", lines)
        self.assertEqual(self.scores(RERANKER, "--input", pairs, "--field", "q", "--pair", "d"), want)
        rows = self.write("pairs.csv", "query,document\n" + "".join(f'"{QUERY}","{d}"\n' for d in DOCUMENTS))
        self.assertEqual(self.scores(RERANKER, "--input", rows), want)
        out = table(run("score", RERANKER, "--input", pairs, "--field", "q", "--pair", "d", "--csv").out)
        self.assertEqual([row["id"] for row in out], ["0", "1", "2"])
        self.assert_close([float(row["score"]) for row in out], want, 1e-6)

    def test_raw(self):
        line, = json_lines(run("score", SIGMOID, QUERY, "a", "--json", "--raw").out)
        self.assertEqual(line["score"], line["logit"])
        self.assertLess(self.scores(SIGMOID, QUERY, "a")[0], 1)

    def test_sparse_vectors_are_compared_as_sentence_transformers_does(self):
        texts = (QUERY, "Paris, the city; it's in the north!", QUERY)
        self.assert_close(self.scores(model("st-splade-router"), *texts), [21.3696, 19.0774], 1e-3)
        self.assert_close(self.scores(model("st-splade-most"), *texts), [36.7186, 40.1291], 1e-3)
        folder = self.folder / "sparse"
        shutil.copytree(model("st-splade-most"), folder)
        settings = folder / "config_sentence_transformers.json"
        for name, wanted in (("cosine", [0.9006, 1.0]), ("euclidean", [-2.8486, 0.0]), ("manhattan", [-4.3433, 0.0])):
            settings.write_text(json.dumps({**json.loads(settings.read_text("utf8")), "similarity_fn_name": name}))
            self.assert_close(self.scores(folder, *texts), wanted, 1e-3)
        ranking = json.loads(run("rerank", model("st-splade-most"), *texts, "--json").out)["ranking"]
        self.assertEqual([each["index"] for each in ranking], [1, 0])

    def test_logits_are_calibrated_before_the_activation(self):
        def line(*options):
            return json_lines(run("score", SIGMOID, QUERY, "a", "--json", *options).out)[0]
        plain = line()["logit"]
        for config, mean, sigma in (({"logit_mean": 1, "logit_sigma": 2}, 1, 2), ({"logit_bias": -0.5}, -0.5, 1), ({"logit_scale": 4}, 0, 0.25)):
            answer = line("--pooler-config", json.dumps(config))
            self.assert_close([answer["logit"]], [(plain - mean) / sigma], 1e-5)
            self.assert_close([answer["score"]], [1 / (1 + math.exp(-(plain - mean) / sigma))], 1e-6)
        for config, word in (({"logit_sigma": 0}, "logit_sigma"), ({"logit_mean": 1, "logit_bias": 1}, "logit_bias"), ({"logit_mean": "x"}, "logit_mean: expected a number")):
            self.assertIn(word, run("score", SIGMOID, QUERY, "a", "--pooler-config", json.dumps(config), status=2).err)
        self.assertIn("is for classifiers", run("embed", BERT, "a", "--pooler-config", '{"logit_mean": 1}', status=2).err)

    def test_a_prompt_of_a_cross_encoder(self):
        prompted = model("st-cross-prompt")
        plain, other = self.scores(prompted, QUERY, "a"), self.scores(prompted, QUERY, "a", "--prompt", "Odd: ")
        self.assertNotEqual(plain, other)
        name = next(iter(json.loads((pathlib.Path(prompted) / "config_sentence_transformers.json").read_text("utf8"))["prompts"]))
        self.assertEqual(len(self.scores(prompted, QUERY, "a", "--prompt-name", name)), 1)
        run("score", prompted, QUERY, "a", "--prompt-name", "nobody", status=2)
        self.assertIn("prompt", run("score", prompted, QUERY, "a", "--instruction", "Do", status=2).err)

    def test_an_instruction_takes_the_place_of_the_checkpoints_prompt(self):
        for words, score in (([], 0.8908644), (["--instruction", ""], 0.8243562), (["--instruction", "Find a recipe"], 0.1944289)):
            self.assertAlmostEqual(self.scores(LOGIT_SCORE, "password", "Click here.", *words)[0], score, places=4)

    def test_instruction(self):
        plain = self.scores(QWEN_RERANKER, QUERY, "a")
        self.assertNotEqual(self.scores(QWEN_RERANKER, QUERY, "a", "--instruction", "Find a recipe"), plain)
        self.assertEqual(self.scores(QWEN_RERANKER, QUERY, "a", "--no-enable-prefix-caching"), plain)
        self.assertEqual(self.scores(QWEN_RERANKER, QUERY, "a", "--cache-bytes", 1 << 24), plain)
        env = environment(VLLM_METAL_USE_PAGED_ATTENTION="0", VLLM_METAL_MEMORY_FRACTION="0.01")
        self.assertEqual(self.scores(QWEN_RERANKER, QUERY, "a", env=env), plain)

    def test_every_kind_of_scorer(self):
        for each in (BERT, COLBERT):
            self.assertEqual(len(self.scores(each, QUERY, *DOCUMENTS)), 3)

    def test_plain(self):
        out = run("score", SIGMOID, QUERY, *DOCUMENTS).out
        self.assertEqual(len(out.splitlines()), 3)
        self.assertIn("█", out)
        self.assertNotIn("\x1b", out)
        self.assertIn("\x1b[", run("score", SIGMOID, QUERY, "a", "--color", "always").out)

    def test_errors(self):
        self.assertIn("documents", run("score", RERANKER, QUERY, status=2).err)
        self.assertIn("does not do 'score'", run("score", CLASSIFIER, QUERY, "a", status=3).err)
        self.assertIn("pairs.jsonl:2", run("score", RERANKER, "--input", self.write("pairs.jsonl", '{"query":"a","document":"b"}\n{"query":"a"}\n'), status=4).err)
        self.assertIn("pairs", run("score", RERANKER, "--input", self.write("t.txt", "a\n"), status=2).err)
        self.assertIn("--truncate", run("score", RERANKER, QUERY, "capital " * 300, status=4).err)
        self.assertIn("1 text was cut", run("score", RERANKER, QUERY, "capital " * 300, "--truncate").err)
        self.assertIn("instruction", run("score", RERANKER, QUERY, "a", "--instruction", "x", status=2).err)
        run("score", RERANKER, QUERY, "a", "--json", "--csv", status=2)
        for name, value in (("VLLM_METAL_MEMORY_FRACTION", "2"), ("VLLM_METAL_MEMORY_FRACTION", "x"), ("VLLM_METAL_USE_PAGED_ATTENTION", "maybe")):
            self.assertIn(name, run("score", RERANKER, QUERY, "a", env=environment(**{name: value}), status=2).err)


class Rerank(ProgramTest):
    def test_best_first(self):
        scores = [line["score"] for line in json_lines(run("score", RERANKER, QUERY, *DOCUMENTS, "--json").out)]
        order = sorted(range(3), key=lambda i: -scores[i])
        out = json.loads(run("rerank", RERANKER, QUERY, *DOCUMENTS, "--json").out)
        self.assertEqual(out["query"], QUERY)
        self.assertEqual([r["index"] for r in out["ranking"]], order)
        self.assertEqual([r["text"] for r in out["ranking"]], [DOCUMENTS[i] for i in order])
        self.assertEqual([r["score"] for r in out["ranking"]], [scores[i] for i in order])
        rows = table(run("rerank", RERANKER, QUERY, *DOCUMENTS, "--csv", "--top-n", 2).out)
        self.assertEqual([(r["rank"], r["text"]) for r in rows], [("1", DOCUMENTS[order[0]]), ("2", DOCUMENTS[order[1]])])
        plain = run("rerank", RERANKER, QUERY, *DOCUMENTS).out.splitlines()
        self.assertEqual(plain[0], QUERY)
        self.assertTrue(plain[1].endswith(DOCUMENTS[order[0]]))

    def test_ids_and_ties(self):
        lines = self.write("d.jsonl", "".join(json.dumps({"id": f"d{i}", "text": "a"}) + "\n" for i in range(70)))
        out = json.loads(run("rerank", RERANKER, "--query", QUERY, "--input", lines, "--json").out)
        self.assertEqual([r["id"] for r in out["ranking"]], [f"d{i}" for i in range(70)])

    def test_errors(self):
        self.assertIn("--query", run("rerank", RERANKER, "--input", self.write("t.txt", "a\n"), status=2).err)
        self.assertIn("does not do 'score'", run("rerank", MASKED, QUERY, "a", status=3).err)
        self.assertIn("token ids", run("rerank", RERANKER, "--query", "q", "--input", self.write("t.jsonl", '{"input_ids":[4]}\n'), status=4).err)
        self.assertEqual(json.loads(run("rerank", RERANKER, "--query", "q", "--input", self.write("n.txt", ""), "--json").out)["ranking"], [])


class Classify(ProgramTest):
    def test_reference(self):
        expected, _ = read_safetensors(GOLDEN / "bert-classify-softmax" / "expected.safetensors")
        wanted = [c for c in cases("bert-classify-softmax") if "text" in c["input"] and "pair" not in c["input"]]
        lines = self.write("in.jsonl", "".join(json.dumps({"text": c["input"]["text"]}) + "\n" for c in wanted))
        got = json_lines(run("classify", CLASSIFIER, "--input", lines, "--json", "--truncate").out)
        for answer, case in zip(got, wanted, strict=True):
            self.assertEqual(answer["label"], case["expect"]["label"])
            values = expected[case["expect"]["probabilities"]["tensor"]][1]
            self.assert_close(sorted(answer["scores"].values()), sorted(values))

    def test_forms(self):
        answer, = json_lines(run("classify", CLASSIFIER, "a text", "--json").out)
        self.assertEqual(answer["text"], "a text")
        row, = table(run("classify", CLASSIFIER, "a text", "--csv").out)
        self.assertEqual(row["label"], answer["label"])
        self.assert_close([float(row[k]) for k in answer["scores"]], list(answer["scores"].values()), 1e-6)
        plain = run("classify", CLASSIFIER, "a text", "--top-k", 2).out.splitlines()
        self.assertEqual((len(plain), plain[0]), (3, "a text"))
        self.assertTrue(plain[1].endswith(answer["label"]))
        raw, = json_lines(run("classify", CLASSIFIER, "a text", "--json", "--raw").out)
        self.assertNotAlmostEqual(sum(raw["scores"].values()), 1, 2)

    def test_pairs(self):
        one, = json_lines(run("classify", CLASSIFIER, "a text", "--pair", "b", "--json").out)
        lines = self.write("in.jsonl", json.dumps({"text": "a text", "second": "b"}) + "\n")
        two, = json_lines(run("classify", CLASSIFIER, "--input", lines, "--pair-field", "second", "--json").out)
        self.assertEqual(one["scores"], two["scores"])
        self.assertNotEqual(one["scores"], json_lines(run("classify", CLASSIFIER, "a text", "--json").out)[0]["scores"])

    def test_pictures_among_candidates(self):
        for fixture in ("siglip", "clip"):
            case, = (c for c in cases(fixture) if c["task"] == "image_text_scores")
            expected, _ = read_safetensors(GOLDEN / fixture / "expected.safetensors")
            images, labels = case["input"]["images"], case["input"]["texts"]
            given = [option for image in images for option in ("--image", GOLDEN / image)] + [option for label in labels for option in ("--candidate-labels", label)]
            got = json_lines(run("classify", model(fixture), *given, "--hypothesis-template", "{}", "--truncate", "--json").out)
            rows = expected[case["expect"]["scores"]["tensor"]][1]
            for i, (answer, image) in enumerate(zip(got, images, strict=True)):
                row = rows[i * len(labels):(i + 1) * len(labels)]
                self.assert_close([answer["scores"][label] for label in labels], row)
                self.assertEqual((answer["label"], answer["image"]), (labels[row.index(max(row))], str(GOLDEN / image)))
        plain = run("classify", model("clip"), "--image", GOLDEN / images[0], "--candidate-labels", "a cat, a dog").out.splitlines()
        self.assertEqual((len(plain), plain[0]), (3, str(GOLDEN / images[0])))

    def test_pictures_are_ranked(self):
        page, other = (str(GOLDEN / "images" / name) for name in ("page.png", "photo.jpg"))
        for fixture in ("siglip", "qwen3-vl-reranker", "colqwen3"):
            scored = json_lines(run("score", model(fixture), "--query", "a cat", "--image", page, "--image", other, "a text", "--json").out)
            self.assertEqual(len(scored), 3)
            answer, = json_lines(run("rerank", model(fixture), "a cat", "a text", "--image", page, "--image", other, "--json").out)
            self.assertEqual([x["score"] for x in answer["ranking"]], [scored[x["index"]]["score"] for x in answer["ranking"]])
            self.assertEqual({x["index"]: x.get("image", x.get("text")) for x in answer["ranking"]}, {0: "a text", 1: page, 2: other})
            lines = self.write("pairs.jsonl", json.dumps({"query": "a cat", "image": page}) + "\n")
            self.assertEqual(json_lines(run("score", model(fixture), "--input", lines, "--json").out)[0]["score"], scored[1]["score"])
            lines = self.write("pages.jsonl", json.dumps({"image": other}) + "\n")
            self.assertEqual(json_lines(run("rerank", model(fixture), "a cat", "--input", lines, "--json").out)[0]["ranking"][0]["score"], scored[2]["score"])
        self.assertIn("has 1 image", run("rerank", BERT, "q", "--image", page, status=2).err)
        self.assertIn("--query", run("score", model("siglip"), "--image", page, status=2).err)

    def test_candidates_are_refused_elsewhere(self):
        self.assertIn("compare images and texts", run("classify", CLASSIFIER, "a", "--candidate-labels", "x,y", status=2).err)
        self.assertIn("--hypothesis-template", run("classify", CLASSIFIER, "a", "--candidate-labels", "x", "--hypothesis-template", "no", status=2).err)
        self.assertIn("without a text", run("classify", model("clip"), "a", "--candidate-labels", "x,y", status=2).err)

    def test_errors(self):
        self.assertIn("it does: embed", run("classify", BERT, "a", status=3).err)
        self.assertIn("text 2", run("classify", CLASSIFIER, "a", "capital " * 400, status=4).err)


class Tag(ProgramTest):
    text = "é Paris and London"

    def test_entities(self):
        answer, = json_lines(run("tag", TAGGER, self.text, "--json").out)
        self.assertTrue(answer["entities"])
        for entity in answer["entities"]:
            self.assertEqual(entity["text"], self.text[entity["start"]:entity["end"]])
        rows = table(run("tag", TAGGER, self.text, "--csv").out)
        self.assertEqual([r["text"] for r in rows], [e["text"] for e in answer["entities"]])
        counts = {}
        for strategy in ("none", "simple", "first", "average", "max"):
            line, = json_lines(run("tag", TAGGER, self.text, "--json", "--aggregation", strategy).out)
            counts[strategy] = len(line["entities"])
            prefixed = any(re.match("[BI]-", e["label"]) for e in line["entities"])
            self.assertEqual(prefixed, strategy == "none")
        self.assertGreaterEqual(counts["none"], counts["simple"])
        self.assertGreaterEqual(counts["simple"], counts["first"])

    def test_reference(self):
        groups = {}
        for case in PIPELINES["entities"]:
            groups.setdefault((case["model"], case["aggregation"]), []).append(case)
        for (name, aggregation), group in groups.items():
            texts = self.write("texts.jsonl", "".join(json.dumps({"text": case["text"]}) + "\n" for case in group))
            lines = json_lines(run("tag", model(name), "--input", texts, "--aggregation", aggregation, "--json").out)
            for case, line in zip(group, lines, strict=True):
                with self.subTest(name, aggregation=aggregation, text=case["text"]):
                    got, want = line["entities"], case["entities"]
                    self.assertEqual([(e["label"], e["start"], e["end"]) for e in got], [(e["label"], e["start"], e["end"]) for e in want])
                    self.assert_close([e["score"] for e in got], [e["score"] for e in want])

    def test_highlights(self):
        marked = run("tag", TAGGER, self.text, "--color", "always").out
        self.assertIn("\x1b[48;2;", marked)
        first = re.sub(r"\x1b\[[0-9;]*m", "", marked).splitlines()[0]
        self.assertEqual(first, self.text)
        self.assertEqual(run("tag", TAGGER, self.text).out.splitlines()[0], self.text)

    def test_labels_that_are_no_names(self):
        """Numbers and null stay so in JSON; other output spells them."""
        folder = pathlib.Path(self.folder) / "numbers"
        shutil.copytree(TAGGER, folder)
        config = json.loads((folder / "config.json").read_text("utf8"))
        labels = [1, None, 2.5, True, 0]
        config["id2label"] = {str(i): labels[i] for i in range(len(config["id2label"]))}
        (folder / "config.json").write_text(json.dumps(config), "utf8")
        for aggregation in ("none", "simple", "first", "average", "max"):
            line, = json_lines(run("tag", folder, "Paris is the capital of France", "--aggregation", aggregation, "--json").out)
            found = [e["label"] for e in line["entities"]]
            self.assertTrue(found)
            self.assertFalse([label for label in found if isinstance(label, str)])
            rows = table(run("tag", folder, "Paris is the capital of France", "--aggregation", aggregation, "--csv").out)
            self.assertEqual([row["label"] for row in rows], [json.dumps(label) for label in found])

    def test_errors(self):
        self.assertIn("does not do 'token_classify'", run("tag", CLASSIFIER, "a", status=3).err)
        self.assertIn("has no labels", run("tag", MASKED, "a", status=3).err)
        run("tag", TAGGER, "a", "--aggregation", "some", status=2)


class FillMask(ProgramTest):
    def test_forms(self):
        answer, = json_lines(run("fill-mask", MASKED, "the [MASK] of", "--json").out)
        best, = answer["masks"]
        self.assertEqual(len(best), 5)
        self.assertEqual([b["score"] for b in best], sorted((b["score"] for b in best), reverse=True))
        rows = table(run("fill-mask", MASKED, "the [MASK] of", "--csv", "--top-k", 2).out)
        self.assertEqual([r["text"] for r in rows], [b["text"] for b in best[:2]])
        plain = run("fill-mask", MASKED, "the [MASK] of", "-k", 3).out.splitlines()
        self.assertEqual((len(plain), plain[0]), (4, "the [MASK] of"))
        two, = json_lines(run("fill-mask", MASKED, "[MASK] and [MASK]", "--json", "-k", 1).out)
        self.assertEqual([len(m) for m in two["masks"]], [1, 1])

    def test_targets(self):
        answer, = json_lines(run("fill-mask", MASKED, "the [MASK] of", "--targets", "a,b", "--json").out)
        self.assertEqual({b["text"] for b in answer["masks"][0]}, {"a", "b"})

    def test_targets_that_are_no_tokens(self):
        for case in PIPELINES["fillings"]:
            done = run("fill-mask", model(case["model"]), case["text"], "--targets", ",".join(case["targets"]), "--json")
            found = {f["token"]: f["score"] for f in json_lines(done.out)[0]["masks"][0]}
            self.assertEqual(sorted(found), sorted(f["token"] for f in case["fillings"]))
            for filling in case["fillings"]:
                self.assertAlmostEqual(found[filling["token"]], filling["score"], delta=1e-4)
            self.assertIn("is not a token of the vocabulary: its first one", done.err)

    def test_errors(self):
        self.assertIn("mask", run("fill-mask", MASKED, "no mask here", status=4).err)
        self.assertIn("target", run("fill-mask", MASKED, "a [MASK]", "--targets", " ", status=2).err)
        self.assertIn("does not do 'fill_mask'", run("fill-mask", BERT, "a [MASK]", status=3).err)


class Roles(ProgramTest):
    def test_queries_and_documents(self):
        shapes = {}
        for role in ("query", "document"):
            path = self.folder / f"{role}.safetensors"
            run("encode", COLBERT, "--task", "token_embed", "--role", role, "--input", self.write("in.txt", "a text\n"), "--output", path)
            shapes[role] = read_safetensors(path)[0]["0"][0]
        self.assertGreater(shapes["query"][0], shapes["document"][0])
        run("embed", BERT, "a", "--role", "author", status=2)


class Info(ProgramTest):
    def test_labels_and_scorers(self):
        for each, tasks, scorer in ((RERANKER, "score", "cross-encoder"), (COLBERT, "token_embed", "late-interaction"), (BERT, "embed", "bi-encoder")):
            info = json.loads(run("info", each, "--json").out)
            self.assertEqual((info["tasks"][0], info["scorer"]), (tasks, scorer))
            self.assertIn(scorer, run("info", each).out)
        info = json.loads(run("info", CLASSIFIER, "--json").out)
        self.assertEqual(info["activation"], "softmax")
        self.assertIn(info["labels"][0], run("info", CLASSIFIER).out)


if __name__ == "__main__":
    unittest.main()
