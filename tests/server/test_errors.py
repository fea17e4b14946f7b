"""What is refused, with which status and which words."""

import json
import unittest

from serving import ServerTest

JSON = {"Content-Type": "application/json"}


class VllmErrors(ServerTest):
    flags = ("--max-client-batch-size", "4")

    def refused(self, body, status, kind, words, param=None, path="/v1/embeddings"):
        error = self.post(path, body, status=status).json["error"]
        self.assertEqual((error["type"], error["code"]), (kind, status))
        self.assertIn(words, error["message"])
        if param:
            self.assertEqual(error["param"], param)
        return error

    def test_shape(self):
        self.refused({}, 400, "Bad Request", "1 validation error(s):", "body.input")
        self.refused({"input": ["a", 1]}, 400, "Bad Request", "body.input.1", "body.input.1")
        self.refused({"input": [1, "a"]}, 400, "Bad Request", "token id", "body.input.1")
        self.refused({"input": []}, 400, "Bad Request", "must not be empty", "body.input")
        self.refused({"input": "a", "encoding_format": "int8"}, 400, "Bad Request", "literal_error")
        self.refused({"input": "a", "encoding_format": "int8"}, 400, "Bad Request", "int8")
        self.refused({"input": "a", "normalize": True}, 400, "Bad Request", "use_activation", "body.normalize")
        self.refused({"input": 5, "dimensions": "x", "user": 7}, 400, "Bad Request", "2 validation error(s):")
        self.refused([1], 400, "Bad Request", "expected a JSON object", "body")

    def test_json(self):
        for body in ("{", "", "nonsense", '{"input":"a"} x', b'{"input":"\xff\xfe"}', "[" * 100000):
            self.refused(body, 400, "Bad Request", "not valid JSON", "body")

    def test_content_type(self):
        self.post("/v1/embeddings", '{"input":"a"}', status=415, headers={"Content-Type": "text/plain"})
        self.post("/v1/embeddings", '{"input":"a"}', status=415, headers={"Content-Encoding": "gzip"})
        self.post("/v1/embeddings", '{"input":"a"}', headers={"Content-Type": "application/json; charset=utf-8"})

    def test_values(self):
        long = "capital " * 100
        self.refused({"input": long}, 400, "BadRequestError", "Please reduce the length of the input prompt", "input")
        self.refused({"input": ["a", long]}, 400, "BadRequestError", "input[1]")
        self.refused({"input": "a", "truncate_prompt_tokens": 49}, 400, "BadRequestError",
                     "truncate_prompt_tokens value is greater than max_model_len. Please request a smaller truncation size.")
        self.refused({"input": "a", "truncate_prompt_tokens": -2}, 400, "Bad Request", "at least -1")
        self.refused({"input": "a", "truncate_prompt_tokens": 0}, 400, "BadRequestError", "truncate_prompt_tokens")
        self.refused({"input": "a", "dimensions": 8}, 400, "BadRequestError", "does not support matryoshka representation", "dimensions")
        self.refused({"input": [4, 100000, 5]}, 400, "BadRequestError", "100000")
        self.refused({"input": [[4], []]}, 400, "BadRequestError", "no tokens")
        self.refused({"input": "a", "priority": 1}, 400, "BadRequestError", "priority")
        self.refused({"input": "a", "prompt_name": "nope"}, 400, "BadRequestError", "nope", "prompt_name")
        self.refused({"messages": [{"role": "user", "content": "a"}]}, 400, "BadRequestError", "no chat template")
        self.refused({"input": ["a"] * 5}, 400, "BadRequestError", "batch size 5 > maximum allowed batch size 4")

    def test_tasks(self):
        for task in ("classify", "token_classify"):
            self.refused({"input": "a", "task": task}, 400, "BadRequestError", f"Unsupported task: '{task}'", path="/pooling")
        self.refused({"input": "a", "task": "dance"}, 400, "Bad Request", "literal_error", path="/pooling")
        self.refused({"input": "a", "task": "plugin"}, 400, "BadRequestError", "No IOProcessor plugin installed", path="/pooling")
        self.refused({"input": "a"}, 404, "NotFoundError", "embed, token_embed", path="/classify")
        for path in ("/v1/completions", "/v1/chat/completions"):
            self.refused({"prompt": "a"}, 404, "NotFoundError", "does not support", path=path)

    def test_tokens(self):
        self.refused({"tokens": [100000]}, 400, "BadRequestError", "100000", path="/detokenize")
        self.refused({"prompt": 5}, 400, "Bad Request", "body.prompt", path="/tokenize")

    def test_paths_and_methods(self):
        self.assertEqual(self.server.get("/nothing").json["error"]["type"], "NotFoundError")
        for method, path, allowed in (("GET", "/v1/embeddings", "POST"), ("DELETE", "/health", "GET, HEAD"), ("PUT", "/embed", "POST")):
            answer = self.server.request(method, path)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, allowed))


class TeiErrors(ServerTest):
    flags = ("--max-client-batch-size", "4", "--auto-truncate", "false")

    def refused(self, path, body, status, kind, words):
        answer = self.post(path, body, status=status)
        if kind:
            self.assertEqual(answer.json["error_type"], kind)
            self.assertIn(words, answer.json["error"])
        else:
            self.assertIn("text/plain", answer.headers["Content-Type"])
            self.assertIn(words, answer.body.decode())

    def test_by_the_table(self):
        long = "capital " * 100
        for path in ("/embed", "/embed_all", "/"):
            self.refused(path, {"inputs": []}, 400, "Empty", "`inputs` cannot be empty")
            self.refused(path, {"inputs": ["a"] * 5}, 422, "Validation", "batch size 5 > maximum allowed batch size 4")
            self.refused(path, {"inputs": long}, 422, "Validation", "`inputs` must have less than 49 tokens")
            self.refused(path, {"inputs": "a", "prompt_name": "x"}, 422, "Validation", "prompt_name")
            self.refused(path, {"inputs": {}} if path != "/" else {}, 422, None, "body.inputs")
            self.refused(path, "{", 400, None, "JSON")
        self.refused("/embed", {"inputs": "a", "dimensions": 0}, 422, "Validation", "`dimensions` should be positive")
        self.refused("/embed", {"inputs": "a", "dimensions": 65}, 422, "Validation", "smaller than the maximum embedding dimension.")
        self.refused("/embed", {"inputs": [[100000]]}, 422, "Validation", "100000")
        self.refused("/decode", {"ids": []}, 400, "Empty", "`ids` cannot be empty")
        self.refused("/decode", {"ids": [100000]}, 422, "Tokenizer", "100000")
        self.refused("/tokenize", {"inputs": []}, 400, "Empty", "`inputs` cannot be empty")
        self.refused("/similarity", {"inputs": {"source_sentence": "a", "sentences": []}}, 400, "Empty", "`inputs.sentences`")
        self.refused("/similarity", {"inputs": {"source_sentence": "a", "sentences": ["a"] * 4}}, 422, "Validation", "batch size 5")

    def test_tasks(self):
        self.refused("/rerank", {"query": "a", "texts": ["b"]}, 424, "Backend", "model is not a re-ranker model")
        self.refused("/predict", {"inputs": "a"}, 424, "Backend", "model is not a classifier model")
        self.refused("/embed_sparse", {"inputs": "a"}, 424, "Backend", "Model is not")

    def test_no_content_type(self):
        connection = self.server.connect()
        connection.request("POST", "/embed", '{"inputs":"a"}')
        self.assertEqual(connection.getresponse().status, 415)
        connection.close()


class Keys(ServerTest):
    flags = ("--api-key", "sesame", "--api-key", "second", "--served-model-name", "m")

    def test_keys_guard_everything_but_probes(self):
        for path in ("/health", "/ping", "/ready", "/"):
            self.assertEqual(self.server.get(path).status, 200, path)
        paths = [("GET", p) for p in ("/v1/models", "/v1/models/m", "/version", "/info", "/metrics", "/load", "/nothing")]
        paths += [("POST", p) for p in ("/v1/embeddings", "/embed", "/pooling", "/tokenize", "/detokenize", "/decode", "/similarity", "/", "/rerank")]
        for method, path in paths:
            answer = self.server.request(method, path, b"{}" if method == "POST" else None)
            self.assertEqual((answer.status, answer.json), (401, {"error": "Unauthorized"}), path)
            self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")

    def test_any_key_opens(self):
        for header in ("Bearer sesame", "bearer second"):
            self.post("/v1/embeddings", {"input": "a"}, headers={"Authorization": header})
        for header in ("Bearer sesam", "sesame", "Basic sesame", "Bearer "):
            self.post("/v1/embeddings", {"input": "a"}, status=401, headers={"Authorization": header})

    def test_from_the_environment(self):
        server = self.start(self.model, "--open-metrics", env={"VLLM_API_KEY": "hidden"})
        self.assertEqual(server.post("/embed", {"inputs": "a"}).status, 401)
        self.assertEqual(server.post("/embed", {"inputs": "a"}, headers={"Authorization": "Bearer hidden"}).status, 200)
        self.assertEqual(server.get("/metrics").status, 200)

    def test_preflight_needs_none(self):
        self.assertEqual(self.server.request("OPTIONS", "/v1/embeddings", headers={"Origin": "http://x"}).status, 204)


class Origins(ServerTest):
    def test_any_origin(self):
        answer = self.server.request("OPTIONS", "/v1/embeddings", headers={
            "Origin": "http://page", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"})
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (204, "*"))
        allowed = answer.headers["Access-Control-Allow-Headers"].lower()
        self.assertIn("authorization", allowed)
        self.assertIn("content-type", allowed)
        self.assertIn("POST", answer.headers["Access-Control-Allow-Methods"])
        self.assertEqual(self.post("/embed", {"inputs": "a"}, headers={"Origin": "http://page"}).headers["Access-Control-Allow-Origin"], "*")
        self.assertNotIn("Access-Control-Allow-Origin", self.post("/embed", {"inputs": "a"}).headers)

    def test_an_allowed_origin_sends_what_it_asks_for(self):
        asked = "authorization,content-type,x-stainless-arch,x-stainless-lang,x-stainless-retry-count,x-stainless-timeout"
        for flags, origin, allowed in (((), "http://localhost:3000", True), (("--allowed-origins", '["http://page"]'), "http://page", True),
                                       (("--allowed-origins", '["http://page"]'), "http://other", False)):
            server = self.start(self.model, *flags) if flags else self.server
            answer = server.request("OPTIONS", "/v1/embeddings", headers={
                "Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked}).headers
            names = [name.strip().lower() for name in answer["Access-Control-Allow-Headers"].split(",")]
            self.assertEqual(set(asked.split(",")) <= set(names), allowed)
            self.assertEqual("Access-Control-Allow-Origin" in answer, allowed)

    def test_named_origins(self):
        server = self.start(self.model, "--allowed-origins", '["http://page"]')
        good = server.get("/health", headers={"Origin": "http://page"}).headers
        self.assertEqual((good["Access-Control-Allow-Origin"], good["Vary"]), ("http://page", "Origin"))
        self.assertNotIn("Access-Control-Allow-Origin", server.get("/health", headers={"Origin": "http://other"}).headers)


if __name__ == "__main__":
    unittest.main()
