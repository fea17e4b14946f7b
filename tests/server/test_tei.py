"""TEI's published interface: what each route takes, and that its answers have exactly the described members."""

import numbers
import unittest

from serving import ServerTest, model

TEXT, OTHER = "the capital of Paris", "a"
ERRORS = {"Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty"}


class TeiTest(ServerTest):
    def matches(self, value, shape, where="answer"):
        """`shape`: a type, [shape] for a list of it, {name: shape} with "name?" for what may be absent or null."""
        if isinstance(shape, list):
            self.assertIsInstance(value, list, where)
            for i, item in enumerate(value):
                self.matches(item, shape[0], f"{where}[{i}]")
        elif isinstance(shape, dict):
            names = {name.rstrip("?") for name in shape}
            self.assertEqual(set(value) - names, set(), where)
            for name, inner in shape.items():
                if not name.endswith("?"):
                    self.assertIn(name, value, where)
                if value.get(name.rstrip("?")) is not None:
                    self.matches(value[name.rstrip("?")], inner, f"{where}.{name}")
        else:
            # JSON does not tell 1 from 1.0.
            self.assertIsInstance(value, numbers.Real if shape is float else shape, where)
            self.assertEqual(isinstance(value, bool), shape is bool, where)

    def error(self, path, body, status, kind):
        answer = self.post(path, body, status=status).json
        self.matches(answer, {"error": str, "error_type": str})
        self.assertEqual(answer["error_type"], kind)
        self.assertIn(kind, ERRORS)

    def long_texts(self, path, body, key="inputs", alike=False):
        """Texts that are too long: cut at either side by default, an error where `truncate` is false."""
        long = " ".join(["the"] * 300 + ["capital"] * 300)
        body = {**body, key: [long] if key == "texts" else long}
        right, left = (self.post(path, {**body, "truncation_direction": side}).json for side in ("Right", "Left"))
        self.assertEqual(right == left, alike)
        self.assertEqual(self.post(path, body).json, right)
        self.assertEqual(self.post(path, {**body, "truncate": True}).json, right)
        self.assertEqual(self.post(path, {**body, "truncate": None}).json, right)
        self.error(path, {**body, "truncate": False}, 422, "Validation")
        self.post(path, {**body, "truncation_direction": "Up"}, status=422)


INFO = {"model_id": str, "model_sha?": str, "model_dtype": str, "model_type": dict, "max_concurrent_requests": int, "max_input_length": int,
        "max_batch_tokens": int, "max_batch_requests?": int, "max_client_batch_size": int, "auto_truncate": bool, "tokenization_workers": int,
        "version": str, "sha?": str, "docker_label?": str, "served_model_name?": str,
        "max_queue_tokens?": int, "payload_limit?": int, "similarity_fn_name?": str, "compute?": str, "compute_cosine?": float}  # the last five are Vecton's
CLASSES = {"id2label": dict, "label2id": dict}


class Embeddings(TeiTest):
    flags = ("--max-client-batch-size", "4")

    def test_embed(self):
        ids = [t["id"] for t in self.post("/tokenize", {"inputs": TEXT}).json[0]]
        one, = self.post("/embed", {"inputs": TEXT}).json
        for inputs, want in ((TEXT, 1), (ids, 1), ([TEXT], 1), ([ids], 1), ([TEXT, ids], 2)):
            answer = self.post("/embed", {"inputs": inputs, "normalize": True, "prompt_name": None}).json
            self.matches(answer, [[float]])
            self.assertEqual(answer, [one] * want)
        self.assertNotEqual(self.post("/embed", {"inputs": TEXT, "normalize": False}).json, [one])
        self.assertEqual(self.post("/", {"inputs": TEXT}).json, [one])
        self.long_texts("/embed", {})

    def test_embed_all(self):
        answer = self.post("/embed_all", {"inputs": [TEXT, OTHER]}).json
        self.matches(answer, [[[float]]])
        self.assertEqual([len(rows) for rows in answer], [len(t) for t in self.post("/tokenize", {"inputs": [TEXT, OTHER]}).json])
        self.long_texts("/embed_all", {})

    def test_openai(self):
        answer = self.post("/v1/embeddings", {"input": [TEXT, OTHER], "model": None, "user": "me", "encoding_format": "float"}).json
        self.assertEqual((answer["object"], [d["object"] for d in answer["data"]]), ("list", ["embedding"] * 2))
        self.matches(answer["data"], [{"object": str, "embedding": [float], "index": int}])
        self.assertLessEqual({"prompt_tokens", "total_tokens"}, answer["usage"].keys())
        packed = self.post("/v1/embeddings", {"input": TEXT, "encoding_format": "base64"}).json
        self.assertIsInstance(packed["data"][0]["embedding"], str)

    def test_similarity(self):
        body = {"inputs": {"source_sentence": TEXT, "sentences": [OTHER, TEXT]}}
        answer = self.post("/similarity", {**body, "parameters": {"truncate": True, "truncation_direction": "Right", "prompt_name": None}}).json
        self.matches(answer, [float])
        self.assertAlmostEqual(answer[1], 1, 5)
        self.assertEqual(self.post("/similarity", {**body, "parameters": None}).json, answer)
        for wrong in ({"inputs": {"source_sentence": TEXT}}, {"inputs": {"sentences": [TEXT]}}, {"inputs": [TEXT]}, {}):
            self.post("/similarity", wrong, status=422)

    def test_tokenize_and_decode(self):
        shape = [[{"id": int, "text": str, "special": bool, "start?": int, "stop?": int}]]
        for inputs in (TEXT, [TEXT], [TEXT, OTHER]):
            answer = self.post("/tokenize", {"inputs": inputs, "add_special_tokens": True, "prompt_name": None}).json
            self.matches(answer, shape)
        tokens = self.post("/tokenize", {"inputs": TEXT}).json[0]
        self.assertEqual([t["special"] for t in tokens], [True, *[False] * (len(tokens) - 2), True])
        self.assertEqual(TEXT[tokens[1]["start"]:tokens[1]["stop"]], "the")
        plain = self.post("/tokenize", {"inputs": TEXT, "add_special_tokens": False}).json[0]
        self.assertEqual(plain, tokens[1:-1])
        ids = [t["id"] for t in tokens]
        for given, count in ((ids, 1), ([ids], 1), ([ids, ids], 2)):
            self.assertEqual(self.post("/decode", {"ids": given}).json, [TEXT.lower()] * count)
        self.assertIn("[CLS]", self.post("/decode", {"ids": ids, "skip_special_tokens": False}).json[0])
        self.error("/decode", {"ids": [10**6]}, 422, "Tokenizer")

    def test_info(self):
        info = self.server.get("/info").json
        self.matches(info, INFO)
        self.assertEqual(info["model_type"], {"embedding": {"pooling": "mean"}})
        self.assertEqual(info["max_client_batch_size"], 4)

    def test_health_and_metrics(self):
        self.assertEqual(self.server.get("/health").status, 200)
        self.assertIn("text/plain", self.server.get("/metrics").headers["Content-Type"])

    def test_errors(self):
        for path in ("/embed", "/embed_all"):
            self.post(path, {}, status=422)
        for path in ("/embed", "/embed_all", "/tokenize"):
            self.post(path, {"inputs": 5}, status=422)
        self.error("/embed", {"inputs": []}, 400, "Empty")
        self.error("/embed", {"inputs": ["a"] * 5}, 422, "Validation")
        self.error("/embed", {"inputs": "a", "prompt_name": "nope"}, 422, "Validation")
        self.error("/embed_sparse", {"inputs": "a"}, 424, "Backend")
        self.error("/predict", {"inputs": "a"}, 424, "Backend")
        self.error("/rerank", {"query": "a", "texts": ["b"]}, 424, "Backend")


class Sparse(TeiTest):
    model = model("splade-bert")

    def test_embed_sparse(self):
        answer = self.post("/embed_sparse", {"inputs": [TEXT, OTHER], "prompt_name": None}).json
        self.matches(answer, [[{"index": int, "value": float}]])
        self.assertEqual(self.server.get("/info").json["model_type"], {"embedding": {"pooling": "splade"}})
        self.long_texts("/embed_sparse", {})


class Classifier(TeiTest):
    model = model("bert-classify-softmax")

    def test_predict(self):
        labels = [{"score": float, "label": str}]
        one = self.post("/predict", {"inputs": TEXT, "raw_scores": False}).json
        self.matches(one, labels)
        self.matches(self.post("/predict", {"inputs": [TEXT, OTHER]}).json, labels)  # a pair
        batch = self.post("/predict", {"inputs": [[TEXT], [TEXT, OTHER]]}).json
        self.matches(batch, [labels])
        self.assertEqual(batch[0], one)
        self.assertAlmostEqual(sum(p["score"] for p in one), 1, 5)
        self.assertEqual([p["score"] for p in one], sorted((p["score"] for p in one), reverse=True))
        self.assertNotAlmostEqual(sum(p["score"] for p in self.post("/predict", {"inputs": TEXT, "raw_scores": True}).json), 1, 3)
        self.long_texts("/predict", {})
        for wrong in ({"inputs": [TEXT, OTHER, TEXT]}, {"inputs": [[TEXT, OTHER, TEXT]]}, {"inputs": [[]]}, {"inputs": {}}):
            self.post("/predict", wrong, status=422)
        self.error("/embed", {"inputs": "a"}, 424, "Backend")
        self.error("/rerank", {"query": "a", "texts": ["b"]}, 424, "Backend")

    def test_info(self):
        kind = self.server.get("/info").json["model_type"]
        self.assertEqual(list(kind), ["classifier"])
        self.matches(kind["classifier"], CLASSES)


class Reranker(TeiTest):
    model = model("bert-rerank-sigmoid")

    def test_rerank(self):
        body = {"query": TEXT, "texts": [OTHER, TEXT]}
        answer = self.post("/rerank", body).json
        self.matches(answer, [{"index": int, "score": float, "text?": str}])
        self.assertEqual([r.get("text") for r in answer], [None] * 2)
        told = self.post("/rerank", {**body, "return_text": True, "raw_scores": True}).json
        self.assertEqual([r["index"] for r in told], [r["index"] for r in answer])
        self.assertEqual([r["text"] for r in told], [body["texts"][r["index"]] for r in told])
        self.assertNotEqual([r["score"] for r in told], [r["score"] for r in answer])
        self.long_texts("/rerank", {"query": "a"}, "texts")
        for wrong in ({"texts": [TEXT]}, {"query": [TEXT], "texts": [TEXT]}, {"query": TEXT, "texts": TEXT}):
            self.post("/rerank", wrong, status=422)
        self.error("/rerank", {"query": TEXT, "texts": []}, 400, "Empty")

    def test_info(self):
        kind = self.server.get("/info").json["model_type"]
        self.assertEqual(list(kind), ["reranker"])
        self.matches(kind["reranker"], CLASSES)


if __name__ == "__main__":
    unittest.main()
