"""Scores, labels, tokens and sparse vectors: every route on a small model of every kind, and what each refuses."""

import base64
import json
import math
import shutil
import struct
import tempfile
import unittest

from serving import BERT, QWEN, ServerTest, fixture, model

QUERY = "What is the capital of France?"
DOCUMENTS = ["Paris is the capital of France.", "Berlin ist die Hauptstadt von Deutschland.", "a"]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def norm(vector):
    return math.sqrt(dot(vector, vector))


class TaskTest(ServerTest):
    def data(self, path, body, key="data", **more):
        return [entry[key] for entry in self.post(path, body, **more).json["data"]]

    def refused(self, path, body, words, status=400, kind="BadRequestError"):
        error = self.post(path, body, status=status).json["error"]
        self.assertEqual((error["type"], error["code"]), (kind, status))
        self.assertIn(words, error["message"])

    def no_route(self, path, body, words):
        """A route of vLLM's for a task that the model does not have: as its router says, and why."""
        self.refused(path, body, words, 404, "NotFoundError")
        self.assertEqual(self.post(path, body, status=404).json["detail"], "Not Found")

    def refused_tei(self, path, body, status, kind, words):
        answer = self.post(path, body, status=status)
        if kind:
            self.assertEqual(answer.json["error_type"], kind)
            self.assertIn(words, answer.json["error"])
        else:
            self.assertIn(words, answer.body.decode())


class Reranker(TaskTest):
    """A cross-encoder whose scores are logits."""
    model = model("bert-rerank-identity")
    flags = ("--max-client-batch-size", "8")

    def scores(self, body):
        return self.data("/score", body, "score")

    def test_reference_scores(self):
        cases, _ = fixture("bert-rerank-identity")
        pairs = [c for c in cases.values() if isinstance(c["input"].get("document"), str)]
        self.assertTrue(pairs)
        for case in pairs:
            got = self.scores({"text_1": case["input"]["query"], "text_2": case["input"]["document"], "truncate_prompt_tokens": -1})
            self.assert_close(got, [case["expect"]["score"]])

    def test_names_and_shapes(self):
        want = self.scores({"text_1": QUERY, "text_2": DOCUMENTS})
        self.assertEqual(len(want), 3)
        for first, second in (("queries", "documents"), ("queries", "items"), ("data_1", "data_2")):
            self.assertEqual(self.scores({first: [QUERY], second: DOCUMENTS}), want)
        self.assertEqual(self.scores({"text_1": [QUERY] * 3, "text_2": DOCUMENTS}), want)
        parts = {"content": [{"type": "text", "text": DOCUMENTS[0]}]}
        self.assertEqual(self.scores({"text_1": QUERY, "text_2": parts}), want[:1])
        answer = self.post("/v1/score", {"text_1": QUERY, "text_2": DOCUMENTS[0]}).json
        self.assertRegex(answer["id"], "^score-")
        self.assertEqual((answer["object"], answer["data"][0]["object"], answer["data"][0]["index"]), ("list", "score", 0))
        self.assertGreater(answer["usage"]["prompt_tokens"], 10)

    def test_limits_of_each_text(self):
        answer = self.post("/score", {"text_1": QUERY, "text_2": DOCUMENTS, "max_tokens_per_doc": 2, "max_tokens_per_query": 3})
        self.assertEqual(answer.headers["x-truncated-inputs"], "3")
        self.assertEqual(answer.json["usage"]["prompt_tokens"], 3 * (3 + 3) + 2 + 2 + 1)
        self.assertEqual(self.post("/score", {"text_1": QUERY, "text_2": DOCUMENTS, "max_tokens_per_doc": 0}).headers["x-truncated-inputs"], "0")

    def test_long_pairs(self):
        long = "capital " * 400
        self.refused("/score", {"text_1": QUERY, "text_2": ["a", long]}, "Please reduce the length of the input prompt")
        self.refused("/score", {"text_1": QUERY, "text_2": ["a", long]}, "text_2[1]")
        answer = self.post("/score", {"text_1": QUERY, "text_2": ["a", long], "truncate_prompt_tokens": -1})
        self.assertEqual(answer.headers["x-truncated-inputs"], "1")

    def test_rerank(self):
        scores = self.scores({"text_1": QUERY, "text_2": DOCUMENTS})
        order = sorted(range(3), key=lambda i: -scores[i])
        for path in ("/rerank", "/v1/rerank", "/v2/rerank"):
            answer = self.post(path, {"query": QUERY, "documents": DOCUMENTS, "model": self.model}).json
            self.assertRegex(answer["id"], "^rerank-")
            self.assertEqual([r["index"] for r in answer["results"]], order)
            self.assertEqual([r["relevance_score"] for r in answer["results"]], [scores[i] for i in order])
            self.assertEqual([r["document"] for r in answer["results"]], [{"text": DOCUMENTS[i], "multi_modal": None} for i in order])
            self.assertEqual(answer["usage"]["prompt_tokens"], answer["usage"]["total_tokens"])
        best = self.post("/rerank", {"query": QUERY, "documents": [{"text": d} for d in DOCUMENTS], "top_n": 2, "return_documents": False}).json
        self.assertEqual([list(r) for r in best["results"]], [["index", "relevance_score"]] * 2)
        self.assertEqual([r["index"] for r in best["results"]], order[:2])

    def test_equal_scores_keep_their_order(self):
        answer = self.post("/rerank", {"query": QUERY, "documents": ["a"] * 5}).json
        self.assertEqual([r["index"] for r in answer["results"]], list(range(5)))

    def test_tei_rerank(self):
        order = [r["index"] for r in self.post("/rerank", {"query": QUERY, "documents": DOCUMENTS}).json["results"]]
        answer = self.post("/rerank", {"query": QUERY, "texts": DOCUMENTS}).json
        self.assertEqual([list(r) for r in answer], [["index", "score"]] * 3)
        self.assertEqual([r["index"] for r in answer], order)
        raw = self.post("/rerank", {"query": QUERY, "texts": DOCUMENTS, "raw_scores": True, "return_text": True}).json
        self.assertEqual([r["text"] for r in raw], [DOCUMENTS[i] for i in order])
        self.assert_close([r["score"] for r in raw], sorted(self.scores({"text_1": QUERY, "text_2": DOCUMENTS, "use_activation": False}), reverse=True), 1e-6)
        self.assertEqual([r["index"] for r in self.post("/", {"query": QUERY, "texts": DOCUMENTS}).json], order)

    def test_predict_takes_pairs(self):
        one = self.post("/predict", {"inputs": [QUERY, DOCUMENTS[0]], "raw_scores": True}).json
        self.assert_close([one[0]["score"]], self.scores({"text_1": QUERY, "text_2": DOCUMENTS[0], "use_activation": False}), 1e-6)
        batch = self.post("/", {"inputs": [[QUERY, d] for d in DOCUMENTS], "raw_scores": True}).json
        self.assertEqual(len(batch), 3)
        self.assertEqual(batch[0], one)

    def test_pooling_and_similarity(self):
        want = self.scores({"text_1": QUERY, "text_2": DOCUMENTS})
        pooled = self.data("/pooling", {"task": "score", "text_1": QUERY, "text_2": DOCUMENTS})
        self.assertEqual(pooled, [[s] for s in want])
        similar = self.post("/similarity", {"inputs": {"source_sentence": QUERY, "sentences": DOCUMENTS}}).json
        self.assertEqual(similar, want)
        self.assertEqual(self.post("/invocations", {"query": QUERY, "documents": DOCUMENTS}).json["results"][0]["relevance_score"], max(want))

    def test_info(self):
        kind = self.server.get("/info").json["model_type"]
        self.assertEqual(list(kind), ["reranker"])
        self.assertEqual(len(kind["reranker"]["id2label"]), 1)

    def test_metrics_count_predictions(self):
        before = self.server.metric("te_predict_success")
        self.post("/score", {"text_1": QUERY, "text_2": DOCUMENTS})
        self.assertEqual(self.server.metric("te_predict_success"), before + 3)
        self.assertEqual(self.server.metric("te_predict_inference_duration_count"), before + 3)

    def test_refusals(self):
        self.refused("/score", {"text_1": [], "text_2": "a"}, "At least one text element must be given")
        self.refused("/score", {"text_1": "a", "text_2": []}, "At least one text_pair element must be given")
        self.refused("/rerank", {"query": "a", "documents": []}, "At least one text_pair element must be given")
        self.refused("/score", {"text_1": ["a", "b"], "text_2": ["a", "b", "c"]}, "Input lengths must be either 1:1, 1:N or N:N")
        self.refused("/score", {"text_1": "a", "text_2": ["a"] * 9}, "batch size 9 > maximum allowed batch size 8")
        self.refused("/rerank", {"query": "a", "documents": ["a"] * 9}, "batch size 9")
        self.refused("/score", {"text_2": "a"}, "body.text_1", kind="Bad Request")
        self.refused("/rerank", {"query": "a", "documents": ["a"], "top_n": -1}, "body.top_n", kind="Bad Request")
        image = {"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}]}
        self.refused("/score", {"text_1": "a", "text_2": image}, "MultiModalParam is not supported for BertForSequenceClassification")
        self.refused("/rerank", {"query": image, "documents": ["a"]}, "MultiModalParam")
        self.refused("/score", {"text_1": "a", "text_2": "b", "chat_template": "x"}, "untrusted chat template")
        self.refused("/score", {"text_1": "a", "text_2": "b", "chat_template_kwargs": {"instruction": "rank"}}, "instruction")
        self.no_route("/v1/embeddings", {"input": "a"}, "Unsupported task: 'embed'")
        self.no_route("/v2/embed", {"texts": ["a"]}, "Unsupported task: 'embed'")
        self.refused_tei("/embed", {"inputs": "a"}, 424, "Backend", "Model is not an embedding model")
        self.refused_tei("/embed_sparse", {"inputs": "a"}, 424, "Backend", "SPLADE")
        self.refused_tei("/rerank", {"query": "a", "texts": []}, 400, "Empty", "`texts` cannot be empty")
        self.refused_tei("/rerank", {"texts": ["a"]}, 422, None, "body.query")


class SigmoidReranker(TaskTest):
    model = model("bert-rerank-sigmoid")

    def test_activation(self):
        cases, _ = fixture("bert-rerank-sigmoid")
        case = cases["score0"]
        body = {"text_1": case["input"]["query"], "text_2": case["input"]["document"]}
        score, = self.data("/score", body, "score")
        raw, = self.data("/score", {**body, "use_activation": False}, "score")
        self.assertAlmostEqual(score, case["expect"]["score"], 4)
        self.assertAlmostEqual(score, sigmoid(raw), 5)
        tei = self.post("/rerank", {"query": body["text_1"], "texts": [body["text_2"]]}).json
        self.assertAlmostEqual(tei[0]["score"], score, 6)


class Classifier(TaskTest):
    model = model("bert-classify-softmax")

    def test_reference(self):
        cases, tensors = fixture("bert-classify-softmax")
        for case in cases.values():
            if "text" not in case["input"] or "pair" in case["input"]:
                continue
            for key, act in (("probabilities", True), ("logits", False)):
                answer = self.post("/classify", {"input": case["input"]["text"], "use_activation": act, "truncate_prompt_tokens": -1}).json
                self.assert_close(answer["data"][0]["probs"], tensors[case["expect"][key]["tensor"]])
                self.assertEqual(answer["data"][0]["label"], case["expect"]["label"])

    def test_answer(self):
        answer = self.post("/classify", {"input": DOCUMENTS}).json
        self.assertRegex(answer["id"], "^classify-")
        self.assertEqual([d["index"] for d in answer["data"]], [0, 1, 2])
        for entry in answer["data"]:
            self.assertEqual(len(entry["probs"]), entry["num_classes"])
            self.assertAlmostEqual(sum(entry["probs"]), 1, 5)
        ids = self.post("/tokenize", {"prompt": DOCUMENTS[0]}).json["tokens"]
        self.assertEqual(self.data("/classify", {"input": [ids]}, "probs")[0], answer["data"][0]["probs"])
        self.assertEqual(self.data("/pooling", {"input": DOCUMENTS, "task": "classify"}), [d["probs"] for d in answer["data"]])
        self.assertEqual(self.data("/pooling", {"input": DOCUMENTS[0]}), [answer["data"][0]["probs"]])
        self.assertEqual(self.data("/invocations", {"input": DOCUMENTS[0]}, "probs"), [answer["data"][0]["probs"]])
        packed, = self.data("/pooling", {"input": DOCUMENTS[0], "task": "classify", "encoding_format": "base64"})
        self.assert_close(struct.unpack(f"<{answer['data'][0]['num_classes']}f", base64.b64decode(packed)), answer["data"][0]["probs"], 1e-7)

    def test_predict(self):
        entry = self.post("/classify", {"input": DOCUMENTS[0]}).json["data"][0]
        one = self.post("/predict", {"inputs": DOCUMENTS[0]}).json
        self.assertEqual(one[0]["label"], entry["label"])
        self.assertEqual([p["score"] for p in one], sorted(entry["probs"], reverse=True))
        self.assertEqual(self.post("/predict", {"inputs": DOCUMENTS[:1]}).json, one)
        self.assertEqual(self.post("/predict", {"inputs": [[DOCUMENTS[0]], ["a", "b"]]}).json[0], one)
        self.assertEqual(self.post("/", {"inputs": DOCUMENTS[0]}).json, one)
        raw = self.post("/predict", {"inputs": DOCUMENTS[0], "raw_scores": True}).json
        self.assertNotAlmostEqual(sum(p["score"] for p in raw), 1, 2)

    def test_pairs(self):
        cases, tensors = fixture("bert-classify-softmax")
        pairs = [c for c in cases.values() if "pair" in c["input"]]
        for case in pairs:
            got = self.post("/predict", {"inputs": [case["input"]["text"], case["input"]["pair"]]}).json
            self.assert_close([p["score"] for p in got], sorted(tensors[case["expect"]["probabilities"]["tensor"]], reverse=True))

    def test_info(self):
        kind = self.server.get("/info").json["model_type"]["classifier"]
        self.assertEqual({int(i): label for label, i in kind["label2id"].items()}, {int(i): label for i, label in kind["id2label"].items()})

    def test_refusals(self):
        self.refused("/classify", {}, "Input or messages must be provided")
        self.refused("/classify", {"input": []}, "must not be empty", kind="Bad Request")
        self.refused("/classify", {"messages": [{"role": "user", "content": "a"}]}, "no chat template")
        self.no_route("/score", {"text_1": "a", "text_2": "b"}, "Unsupported task: 'score'")
        self.refused("/pooling", {"input": "a", "task": "dance"}, "literal_error", kind="Bad Request")
        self.refused_tei("/rerank", {"query": "a", "texts": ["b"]}, 424, "Backend", "model is not a re-ranker model")
        self.refused_tei("/predict", {"inputs": ["a", "b", "c"]}, 422, None, "body.inputs")
        self.refused_tei("/predict", {"inputs": []}, 400, "Empty", "`inputs` cannot be empty")
        self.refused_tei("/predict", {"inputs": "a " * 400, "truncate": False}, 422, "Validation", "must have less than")


class Multilabel(TaskTest):
    model = model("bert-classify-multilabel")

    def test_every_label_has_its_own_probability(self):
        probs, = self.data("/classify", {"input": "a"}, "probs")
        raw, = self.data("/classify", {"input": "a", "use_activation": False}, "probs")
        self.assert_close(probs, [sigmoid(x) for x in raw], 1e-5)


class TokenClassifier(TaskTest):
    model = model("bert-token-classify")

    def test_reference(self):
        cases, tensors = fixture("bert-token-classify")
        for case in cases.values():
            for key, act in (("probabilities", True), ("logits", False)):
                rows, = self.data("/pooling", {"task": "token_classify", "input": case["input"]["text"], "use_activation": act,
                                               "truncate_prompt_tokens": -1})
                self.assert_close([v for row in rows for v in row], tensors[case["expect"][key]["tensor"]])

    def test_entities(self):
        text = "é Paris and London"
        for path in ("/token_classify", "/"):
            groups = self.post(path, {"inputs": text}).json
            self.assertTrue(groups)
            for entity in groups:
                self.assertEqual(sorted(entity), ["end", "entity_group", "score", "start", "word"])
                self.assertEqual(entity["word"], text[entity["start"]:entity["end"]])
        single = self.post("/", {"inputs": text, "parameters": {"aggregation_strategy": "none"}}).json
        self.assertIn("entity", single[0])
        both = self.post("/token_classify", {"inputs": [text, "a"], "aggregation_strategy": "first"}).json
        self.assertEqual(len(both), 2)

    def test_refusals(self):
        self.no_route("/classify", {"input": "a"}, "pooling_task")
        self.refused_tei("/token_classify", {"inputs": "a", "aggregation_strategy": "odd"}, 422, None, "'simple'")
        self.refused_tei("/fill_mask", {"inputs": "a"}, 424, "Backend", "masked language model")


class MaskedModel(TaskTest):
    model = model("bert-mlm")

    def test_fill_mask(self):
        best = self.post("/fill_mask", {"inputs": "the capital of [MASK] is"}).json
        self.assertEqual(len(best), 5)
        self.assertEqual([sorted(b) for b in best], [["score", "sequence", "token", "token_str"]] * 5)
        self.assertEqual([b["score"] for b in best], sorted((b["score"] for b in best), reverse=True))
        self.assertTrue(best[0]["sequence"].startswith("the capital of"))
        self.assertEqual(self.post("/", {"inputs": "the capital of [MASK] is", "parameters": {"top_k": 2}}).json, best[:2])
        masks = self.post("/fill_mask", {"inputs": "[MASK] and [MASK]", "top_k": 2}).json
        self.assertEqual([len(m) for m in masks], [2, 2])
        self.assertIn("[MASK]", masks[0][0]["sequence"])
        batch = self.post("/fill_mask", {"inputs": ["the [MASK]", "a [MASK] b [MASK]"], "top_k": 1}).json
        self.assertEqual((len(batch), len(batch[0]), len(batch[1])), (2, 1, 2))

    def test_probabilities_are_those_of_the_logits(self):
        ids = self.post("/tokenize", {"prompt": "the [MASK]"}).json["tokens"]
        rows, = self.data("/pooling", {"task": "token_classify", "input": ids, "use_activation": False})
        logits = rows[2]
        best = self.post("/fill_mask", {"inputs": "the [MASK]", "top_k": 1}).json[0]
        top = max(logits)
        self.assertEqual(best["token"], logits.index(top))
        self.assertAlmostEqual(best["score"], 1 / sum(math.exp(x - top) for x in logits), 5)

    def test_targets(self):
        only = self.post("/fill_mask", {"inputs": "the [MASK]", "targets": ["a", "b"]}).json
        self.assertEqual({b["token_str"] for b in only}, {"a", "b"})

    def test_targets_that_are_no_tokens(self):
        only = self.post("/fill_mask", {"inputs": "the [MASK]", "parameters": {"targets": ["Capital"]}}).json
        self.assertEqual([b["token_str"] for b in only], ["capital"])
        self.refused_tei("/fill_mask", {"inputs": "the [MASK]", "targets": [" "]}, 422, None, "targets")

    def test_refusals(self):
        self.refused_tei("/fill_mask", {"inputs": "no mask"}, 422, "Validation", "mask")
        self.refused_tei("/fill_mask", {"inputs": "a [MASK]", "top_k": 0}, 422, None, "body.top_k")
        self.refused_tei("/fill_mask", {"inputs": []}, 400, "Empty", "`inputs`")
        self.no_route("/score", {"text_1": "a", "text_2": "b"}, "Unsupported task: 'score'")


class StaticEmbedding(TaskTest):
    model = model("static-embed")

    def test_a_text_without_tokens_is_zero(self):
        alone = self.data("/v1/embeddings", {"input": "capital"}, "embedding")[0]
        vectors = self.data("/v1/embeddings", {"input": ["capital", "", "capital"]}, "embedding")
        self.assertEqual(vectors, [alone, [0] * len(alone), alone])
        self.assertEqual(self.data("/v1/embeddings", {"input": ""}, "embedding"), [vectors[1]])
        self.assertEqual(self.post("/embed", {"inputs": ["", "capital"]}).json[0], vectors[1])


class ThreeHeads(TaskTest):
    model = model("bge-m3")

    def test_one_pass_has_every_head(self):
        tasks = ["embed", "token_embed", "sparse_embed"]
        alone = {task: self.data("/pooling", {"input": DOCUMENTS[:2], "task": task}) for task in tasks}
        for task in ("embed&token_embed&sparse_embed", tasks):
            answer = self.post("/pooling", {"input": DOCUMENTS[:2], "task": task}).json
            for i, entry in enumerate(answer["data"]):
                self.assertEqual(list(entry["data"]), tasks)
                for part in tasks:
                    self.assertEqual(entry["data"][part], alone[part][i])
        self.assertEqual(answer["usage"], self.post("/pooling", {"input": DOCUMENTS[:2]}).json["usage"])
        two, = self.data("/pooling", {"input": "a", "task": "sparse_embed&embed"})
        self.assertEqual(sorted(two), ["embed", "sparse_embed"])

    def test_sparse(self):
        sparse = self.post("/embed_sparse", {"inputs": DOCUMENTS}).json
        self.assertEqual(sparse, self.data("/pooling", {"input": DOCUMENTS, "task": "sparse_embed"}))
        self.assertTrue(all(entry["value"] != 0 for row in sparse for entry in row))
        self.assertEqual([e["index"] for e in sparse[0]], sorted(e["index"] for e in sparse[0]))

    def test_refusals(self):
        self.refused("/pooling", {"input": "a", "task": "embed&embed"}, "literal_error", kind="Bad Request")
        self.refused("/pooling", {"input": "a", "task": "embed&sparse_embed", "encoding_format": "bytes"}, "literal_error", kind="Bad Request")
        self.refused("/pooling", {"input": "a", "task": "embed&classify"}, "Unsupported task: 'classify'")


class Splade(TaskTest):
    model = model("splade-bert")

    def test_reference(self):
        cases, tensors = fixture("splade-bert")
        case = cases["sp-one"]
        want = tensors[case["expect"]["dense"]["tensor"]]
        got = {e["index"]: e["value"] for e in self.post("/", {"inputs": case["input"]["text"]}).json[0]}
        self.assert_close([got.get(i, 0) for i in range(len(want))], want, 4e-4)

    def test_refusals(self):
        self.no_route("/v1/embeddings", {"input": "a"}, "Unsupported task: 'embed'")


class LateInteraction(TaskTest):
    model = model("colbert-bert")

    def test_roles(self):
        cases, tensors = fixture("colbert-bert")
        for case in cases.values():
            role = case.get("params", {}).get("role")
            if case["task"] != "token_embed" or "text" not in case["input"] or not role:
                continue
            rows = self.post("/embed_all", {"inputs": case["input"]["text"], "prompt_name": role}).json[0]
            self.assert_close([v for row in rows for v in row], tensors[case["expect"]["embeddings"]["tensor"]])
            pooled, = self.data("/pooling", {"input": case["input"]["text"], "task": "token_embed", "input_type": role, "truncate_prompt_tokens": -1})
            self.assertEqual(pooled, rows)

    def test_scores_are_sums_of_best_matches(self):
        query, = self.post("/embed_all", {"inputs": QUERY, "prompt_name": "query"}).json
        for document, score in zip(DOCUMENTS, self.data("/score", {"text_1": QUERY, "text_2": DOCUMENTS}, "score")):
            rows, = self.post("/embed_all", {"inputs": document, "prompt_name": "document"}).json
            self.assertAlmostEqual(score, sum(max(dot(q, d) for d in rows) for q in query), 3)

    def test_embeddings_are_rows(self):
        rows = self.data("/v1/embeddings", {"input": DOCUMENTS}, "embedding")
        self.assertEqual(rows, self.data("/pooling", {"input": DOCUMENTS, "task": "token_embed"}))
        self.assertEqual(rows, self.data("/invocations", {"input": DOCUMENTS}))
        self.no_route("/v2/embed", {"texts": ["a"]}, "Unsupported task: 'embed'")

    def test_ranking_and_similarity(self):
        scores = self.data("/score", {"text_1": QUERY, "text_2": DOCUMENTS}, "score")
        self.assertEqual(self.post("/similarity", {"inputs": {"source_sentence": QUERY, "sentences": DOCUMENTS}}).json, scores)
        order = sorted(range(3), key=lambda i: -scores[i])
        self.assertEqual([r["index"] for r in self.post("/rerank", {"query": QUERY, "texts": DOCUMENTS}).json], order)

    def test_refusals(self):
        self.refused_tei("/embed_all", {"inputs": "a", "prompt_name": "author"}, 422, "Validation", '"query", "document"')


class Embedder(TaskTest):
    """What else an embedding model does."""
    model = BERT

    def test_scores_are_cosines(self):
        query, *vectors = self.data("/v1/embeddings", {"input": [QUERY, *DOCUMENTS]}, "embedding")
        scores = self.data("/score", {"text_1": QUERY, "text_2": DOCUMENTS}, "score")
        self.assert_close(scores, [dot(query, v) / norm(query) / norm(v) for v in vectors], 1e-5)
        best = self.post("/v1/rerank", {"query": QUERY, "documents": DOCUMENTS, "top_n": 1}).json["results"]
        self.assertEqual(best[0]["index"], scores.index(max(scores)))

    def test_cohere(self):
        floats = self.data("/v1/embeddings", {"input": DOCUMENTS}, "embedding")
        answer = self.post("/v2/embed", {"texts": DOCUMENTS, "embedding_types": ["float", "ubinary", "binary", "base64"]}).json
        self.assertEqual(answer["embeddings"]["float"], floats)
        self.assertEqual(len(answer["embeddings"]["ubinary"][0]), 8)
        self.assertEqual([u - 128 for u in answer["embeddings"]["ubinary"][0]], answer["embeddings"]["binary"][0])
        self.assert_close(struct.unpack("<64f", base64.b64decode(answer["embeddings"]["base64"][0])), floats[0], 1e-7)
        self.assertEqual((answer["texts"], answer["meta"]["api_version"]["version"]), (DOCUMENTS, "2"))
        long = self.post("/v2/embed", {"texts": ["capital " * 100]})
        self.assertEqual(long.headers["x-truncated-inputs"], "1")
        self.assertEqual(self.post("/v2/embed", {"texts": ["the capital of"], "max_tokens": 4}).json["meta"]["billed_units"]["input_tokens"], 4)
        self.refused("/v2/embed", {"texts": ["capital " * 100], "truncate": "NONE"}, "Please reduce the length")
        self.refused("/v2/embed", {}, "One of texts, images, or inputs must be provided")
        self.refused("/v2/embed", {"texts": ["a"], "input_type": "nonexistent_type"}, "Unsupported input_type")
        self.refused("/v2/embed", {"texts": ["the capital of"], "truncate": "NONE", "max_tokens": 3}, "at most 3")
        for word in ("search_query", "search_document", "classification", "clustering"):
            same = self.post("/v2/embed", {"texts": DOCUMENTS, "input_type": word, "embedding_types": ["float"]})
            self.assertEqual(same.json["embeddings"]["float"], floats)
            self.assertIn("changes nothing", same.headers["Warning"])
        self.assertIsNone(self.post("/v2/embed", {"texts": DOCUMENTS}).headers["Warning"])
        first = self.post("/v1/embed", {"texts": DOCUMENTS, "input_type": "search_document"}).json
        self.assertEqual((first["response_type"], first["embeddings"]), ("embeddings_floats", floats))
        whole = self.post("/v1/embed", {"texts": DOCUMENTS, "embedding_types": ["int8", "uint8"]}).json["embeddings"]
        self.assertEqual(max(abs(n) for n in whole["int8"][0]), 127)
        self.assertEqual([n + 128 for n in whole["int8"][0]], whole["uint8"][0])
        self.assertGreater(dot(whole["int8"][0], floats[0]) / norm(whole["int8"][0]), 0.9999)
        self.refused("/v2/embed", {"images": ["data:image/png;base64,"]}, "MultiModalParam is not supported")
        self.refused("/v2/embed", {"texts": ["a"], "output_dimension": 8}, "does not support matryoshka representation")

    def test_messages_make_one_text(self):
        body = {"messages": [{"role": "user", "content": "the capital"}], "chat_template": "{{ messages[0].content }}", "add_special_tokens": True}
        self.assertEqual(self.data("/v1/embeddings", body, "embedding"), self.data("/v1/embeddings", {"input": "the capital"}, "embedding"))

    def test_late_chunking(self):
        parts = ["the capital of France", "is Paris"]
        chunks = self.post("/v1/embeddings", {"input": parts, "late_chunking": True}).json
        alone = self.data("/v1/embeddings", {"input": parts}, "embedding")
        self.assertEqual([d["index"] for d in chunks["data"]], [0, 1])
        self.assertNotEqual(chunks["data"][1]["embedding"], alone[1])
        self.assertAlmostEqual(norm(chunks["data"][1]["embedding"]), 1, 5)
        self.refused("/v1/embeddings", {"input": [[4, 5]], "late_chunking": True}, "late_chunking")

    def test_refusals(self):
        self.no_route("/classify", {"input": "a"}, "Unsupported task: 'classify'")
        self.refused_tei("/rerank", {"query": "a", "texts": ["b"]}, 424, "Backend", "model is not a re-ranker model")
        self.refused("/v1/embeddings", {"prompt_embeds": "AAAA"}, "prompt embeddings")
        self.refused("/v1/embeddings", {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "MultiModalParam")


class Inference(TaskTest):
    """A classifier whose labels are those of natural language inference."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model = cls.folder.name + "/model"
        shutil.copytree(model("bert-classify-softmax"), cls.model)
        with open(cls.model + "/config.json", encoding="utf8") as file:
            config = json.load(file)
        names = ["CONTRADICTION", "NEUTRAL", "ENTAILMENT", "L3", "L4"]
        config["id2label"] = {str(i): name for i, name in enumerate(names)}
        config["label2id"] = {name: i for i, name in enumerate(names)}
        with open(cls.model + "/config.json", "w", encoding="utf8") as file:
            json.dump(config, file)
        super().setUpClass()

    def ask(self, **more):
        body = {"inputs": QUERY, "parameters": {"candidate_labels": ["a city", "food", "music"], **more}}
        return self.post("/zero_shot_classification", body).json

    def test_zero_shot(self):  # values of transformers' pipeline
        for more, labels, scores in (
                ({}, ["a city", "food", "music"], [0.4757039546966553, 0.4279649555683136, 0.09633105248212814]),
                ({"multi_label": True}, ["food", "a city", "music"], [0.9466111660003662, 0.9199668169021606, 0.7708435654640198]),
                ({"hypothesis_template": "It is about {}!"}, ["a city", "music", "food"],
                 [0.510164737701416, 0.39074039459228516, 0.09909488260746002]),
                ({"candidate_labels": "a city"}, ["a city"], [0.9199668169021606])):
            answer = self.ask(**more)
            self.assertEqual((answer["sequence"], answer["labels"]), (QUERY, labels))
            self.assert_close(answer["scores"], scores, 1e-5)
            body = {"inputs": QUERY, "parameters": {"candidate_labels": ["a city", "food", "music"], **more}}
            for path in ("/", "/predict"):
                listed = self.post(path, body).json
                self.assertEqual([(r["label"], r["score"]) for r in listed], list(zip(answer["labels"], answer["scores"])))

    def test_a_classifier_at_every_token(self):  # values of transformers' classifier on BERT's last states
        rows, = self.data("/pooling", {"task": "token_classify", "input": QUERY})
        self.assertEqual(len(rows), 12)
        self.assert_close(rows[0], [0.0029500192, 0.4699034988, 5.4513714e-07, 0.5271435976, 2.4390562e-06], 1e-4)
        self.assert_close(rows[2], [0.0121777076, 0.7259457111, 2.4844013e-07, 0.2618741691, 2.1217756e-06], 1e-4)

    def test_refusals(self):
        labels = {"input": "a", "candidate_labels": ["x"]}
        (alone,) = self.post("/classify", labels).json["data"]
        self.assertEqual((alone["label"], len(alone["probs"])), ("x", 1))
        self.refused("/classify", {**labels, "hypothesis_template": "no place"}, "body.hypothesis_template", kind="Bad Request")
        self.assertEqual(self.post("/token_classify", {"inputs": "a"}, status=424).json["error_type"], "Backend")


class Python(TaskTest):
    """Bodies as json.dumps writes them."""
    model = model("bert-embed-mean")

    def raw(self, body, status=200):
        return self.post("/v1/embeddings", body.encode(), status=status)

    def test_halves_of_pairs(self):
        want = self.data("/v1/embeddings", {"input": "a \ufffd b"}, "embedding")
        answer = self.raw(r'{"input":"a \ud83d b"}')
        self.assertEqual([row["embedding"] for row in answer.json["data"]], want)

    def test_numbers_that_are_none(self):
        self.raw('{"input":"a","unread":[NaN,-Infinity]}')
        for body in ('{"input":"a","dimensions":NaN}', '{"input":[NaN]}', '{"input":"a","truncate_prompt_tokens":Infinity}', '{"input":nan}'):
            self.raw(body, 400)


class Prompts(TaskTest):
    model = QWEN

    def test_input_type_is_a_prompt(self):
        want, = self.data("/v1/embeddings", {"input": "a", "prompt_name": "query"}, "embedding")
        self.assertEqual(self.data("/v1/embeddings", {"input": "a", "input_type": "query"}, "embedding"), [want])
        answer = self.post("/v2/embed", {"texts": ["a"], "input_type": "search_query"}).json
        self.assertEqual(answer["embeddings"]["float"], [want])
        self.refused("/v1/embeddings", {"input": "a", "input_type": "nobody"}, '"query"')


class GenerativeReranker(TaskTest):
    """A causal model that says yes or no, with a cache of what all its prompts begin with."""
    model = model("rerank-qwen3")

    def test_scores_and_instruction(self):
        body = {"text_1": QUERY, "text_2": DOCUMENTS}
        scores = self.data("/score", body, "score")
        raw = self.data("/score", {**body, "use_activation": False}, "score")
        self.assert_close(scores, [sigmoid(x) for x in raw], 1e-5)
        other = self.data("/score", {**body, "chat_template_kwargs": {"instruction": "Find a recipe"}}, "score")
        self.assertNotEqual(other, scores)

    def test_cached_prefixes_give_the_same_bits_and_are_counted(self):
        body = {"text_1": QUERY + " " + "where " * 40, "text_2": DOCUMENTS}
        first = self.data("/score", body, "score")
        asked = self.server.metric("vllm:prefix_cache_queries_total")
        self.assertEqual(self.data("/score", body, "score"), first)
        self.assertGreater(self.server.metric("vllm:prefix_cache_queries_total"), asked)
        self.assertGreater(self.server.metric("vllm:prefix_cache_hits_total"), 0)
        self.assertLessEqual(self.server.metric("vllm:kv_cache_usage_perc"), 1)

    def test_no_cache(self):
        server = self.start(self.model, "--no-enable-prefix-caching")
        body = {"text_1": QUERY, "text_2": DOCUMENTS}
        want = self.data("/score", body, "score")
        self.assertEqual([d["score"] for d in server.post("/score", body).json["data"]], want)
        self.assertEqual(server.metric("vllm:prefix_cache_hits_total"), 0)
        server = self.start(self.model, env={"VLLM_METAL_USE_PAGED_ATTENTION": "0", "VLLM_METAL_MEMORY_FRACTION": "auto"})
        self.assertEqual([d["score"] for d in server.post("/score", body).json["data"]], want)
        self.assertEqual(server.metric("vllm:prefix_cache_hits_total"), 0)


if __name__ == "__main__":
    unittest.main()
