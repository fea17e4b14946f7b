"""What every route answers."""

import base64
import json
import math
import re
import struct
import unittest

from serving import BERT, QWEN, ServerTest, fixture

TEXTS = ["What is the capital of France?", "a", "Le café naïve"]


def norm(vector):
    return math.sqrt(sum(v * v for v in vector))


def reference(name, case):
    """The inputs of a case and its vectors."""
    cases, tensors = fixture(name)
    expect = cases[case]["expect"]
    return cases[case]["input"], tensors[(expect.get("embedding") or expect.get("embeddings"))["tensor"]]


class Embeddings(ServerTest):
    def vectors(self, body, path="/v1/embeddings"):
        return [d["embedding"] for d in self.post(path, body).json["data"]]

    def test_reference_vectors(self):
        given, want = reference("bert-embed-mean", "emb-plain-short")
        self.assert_close(self.vectors({"input": given["text"]})[0], want)
        self.assert_close(self.vectors({"input": given["input_ids"]})[0], want)

    def test_answer(self):
        unnamed = self.post("/v1/embeddings", {"input": TEXTS}).json["model"]
        self.assertEqual(unnamed, "model")  # the folder's own name, not its path
        self.post("/v1/embeddings", {"input": TEXTS, "model": unnamed})
        answer = self.post("/v1/embeddings", {"input": TEXTS, "model": self.server.get("/v1/models").json["data"][0]["id"]}).json
        self.assertEqual(answer["object"], "list")
        self.assertRegex(answer["id"], "^embd-")
        self.assertEqual([d["index"] for d in answer["data"]], [0, 1, 2])
        self.assertEqual({d["object"] for d in answer["data"]}, {"embedding"})
        self.assertEqual(answer["usage"]["prompt_tokens"], answer["usage"]["total_tokens"])
        self.assertGreater(answer["usage"]["total_tokens"], 9)

    def test_every_shape_gives_the_same_vector(self):
        ids = self.post("/tokenize", {"prompt": TEXTS[0]}).json["tokens"]
        vectors = [self.vectors({"input": i})[0] for i in (TEXTS[0], TEXTS[:1], ids, [ids])]
        vectors += [self.vectors({"input": TEXTS[0]}, "/embeddings")[0], self.vectors({"input": TEXTS})[0]]
        self.assertEqual(len({str(v) for v in vectors}), 1)

    def test_base64_has_the_same_floats(self):
        floats = self.vectors({"input": TEXTS})
        packed = self.vectors({"input": TEXTS, "encoding_format": "base64"})
        for a, b in zip(floats, packed):
            raw = base64.b64decode(b)
            self.assertEqual([struct.unpack("<f", struct.pack("<f", x))[0] for x in a],
                             list(struct.unpack(f"<{len(raw) // 4}f", raw)))

    def test_bytes(self):
        answer = self.post("/v1/embeddings", {"input": TEXTS, "encoding_format": "bytes", "endianness": "little"})
        self.assertEqual(answer.headers["Content-Type"], "application/octet-stream")
        where = json.loads(answer.headers["metadata"])["data"]
        floats = self.vectors({"input": TEXTS})
        for place, vector in zip(where, floats):
            self.assert_close(struct.unpack("<64f", answer.body[place["start"]:place["end"]]), vector, 1e-7)
        only = self.post("/v1/embeddings", {"input": TEXTS, "encoding_format": "bytes_only"})
        self.assertEqual(only.body, answer.body)
        self.assertNotIn("metadata", only.headers)

    def test_length_one_unless_asked_otherwise(self):
        self.assertAlmostEqual(norm(self.vectors({"input": "a"})[0]), 1, 5)
        self.assertNotAlmostEqual(norm(self.vectors({"input": "a", "use_activation": False})[0]), 1, 2)

    def test_truncation_is_asked_for_and_reported(self):
        long = "capital " * 100
        answer = self.post("/v1/embeddings", {"input": [long, "a"], "truncate_prompt_tokens": -1})
        self.assertEqual(answer.headers["x-truncated-inputs"], "1")
        self.assertEqual(answer.json["usage"]["prompt_tokens"], 48 + 3)
        short = self.post("/v1/embeddings", {"input": long, "truncate_prompt_tokens": 8}).json
        self.assertEqual(short["usage"]["prompt_tokens"], 8)
        left = self.vectors({"input": "the capital", "truncate_prompt_tokens": 3, "truncation_side": "left"})
        self.assert_close(left[0], self.vectors({"input": "capital"})[0])

    def test_special_tokens_can_be_left_out(self):
        answer = self.post("/v1/embeddings", {"input": "the", "add_special_tokens": False}).json
        self.assertEqual(answer["usage"]["prompt_tokens"], 1)

    def test_unknown_fields_are_ignored_and_logged_once(self):
        for _ in range(2):
            self.post("/v1/embeddings", {"input": "a", "surprise_field": 1})
        self.server.wait_for_line('field "surprise_field".*ignored')

    def test_pooling(self):
        embed = self.post("/pooling", {"input": TEXTS}).json
        self.assertRegex(embed["id"], "^pooling-")
        self.assertEqual(embed["data"][1]["object"], "pooling")
        self.assertEqual([d["data"] for d in embed["data"]], self.vectors({"input": TEXTS}))
        tokens = self.post("/pooling", {"input": TEXTS, "task": "token_embed"}).json
        count = self.post("/tokenize", {"prompt": TEXTS[0]}).json["count"]
        self.assertEqual((len(tokens["data"][0]["data"]), len(tokens["data"][0]["data"][0])), (count, 64))

    def test_headers_tell_the_work(self):
        headers = self.post("/v1/embeddings", {"input": TEXTS[1:]}, headers={"X-Request-Id": "mine-1"}).headers
        self.assertEqual(headers["X-Request-Id"], "mine-1")
        self.assertEqual(headers["x-compute-type"], "cpu")
        self.assertEqual(headers["x-compute-characters"], str(len("".join(TEXTS[1:]))))
        for name in ("compute-time", "compute-tokens", "total-time", "tokenization-time", "queue-time", "inference-time"):
            self.assertRegex(headers[f"x-{name}"], r"^\d+$")


class Tei(ServerTest):
    def test_embed(self):
        want = [d["embedding"] for d in self.post("/v1/embeddings", {"input": TEXTS}).json["data"]]
        self.assertEqual(self.post("/embed", {"inputs": TEXTS}).json, want)
        self.assertEqual(self.post("/", {"inputs": TEXTS[0]}).json, want[:1])
        self.assertEqual(self.post("/invocations", {"inputs": TEXTS[0]}).json, want[:1])
        self.assertEqual(self.post("/invocations", {"input": TEXTS[0]}).json["data"][0]["embedding"], want[0])
        ids = self.post("/tokenize", {"prompt": TEXTS[0]}).json["tokens"]
        self.assertEqual(self.post("/embed", {"inputs": [TEXTS[1], ids]}).json, [want[1], want[0]])
        self.assertGreater(norm(self.post("/embed", {"inputs": "a", "normalize": False}).json[0]), 1.01)

    def test_truncates_unless_told_not_to(self):
        long = "capital " * 100
        self.assertEqual(self.post("/embed", {"inputs": long}).headers["x-truncated-inputs"], "1")
        self.assertEqual(self.post("/embed", {"inputs": long, "truncate": None}).headers["x-compute-tokens"], "48")
        self.post("/embed", {"inputs": long, "truncate": False}, status=422)
        left = self.post("/embed", {"inputs": long + "the", "truncation_direction": "left"}).json
        self.assertNotEqual(left, self.post("/embed", {"inputs": long + "the"}).json)

    def test_embed_all(self):
        answer = self.post("/embed_all", {"inputs": TEXTS}).json
        want = self.post("/pooling", {"input": TEXTS, "task": "token_embed"}).json["data"]
        self.assertEqual(answer, [d["data"] for d in want])

    def test_similarity(self):
        body = {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS}}
        vectors = self.post("/embed", {"inputs": TEXTS}).json
        for path in ("/similarity", "/"):
            scores = self.post(path, body).json
            self.assert_close(scores, [sum(a * b for a, b in zip(vectors[0], v)) for v in vectors], 1e-6)

    def test_tokenize_and_decode(self):
        tokens = self.post("/tokenize", {"inputs": ["the capital", "a"]}).json
        self.assertEqual([t["text"] for t in tokens[0]], ["[CLS]", "the", "capital", "[SEP]"])
        self.assertEqual((tokens[0][2]["start"], tokens[0][2]["stop"], tokens[0][0]["special"]), (4, 11, True))
        ids = [[t["id"] for t in row] for row in tokens]
        self.assertEqual(self.post("/decode", {"ids": ids}).json, ["the capital", "a"])
        self.assertEqual(self.post("/decode", {"ids": ids[0], "skip_special_tokens": False}).json, ["[CLS] the capital [SEP]"])

    def test_detokenize(self):
        ids = self.post("/tokenize", {"prompt": "the capital", "add_special_tokens": False}).json["tokens"]
        self.assertEqual(self.post("/detokenize", {"tokens": ids}).json, {"prompt": "the capital"})

    def test_info(self):
        info = self.server.get("/info").json
        self.assertEqual(info["model_type"], {"embedding": {"pooling": "mean"}})
        self.assertGreater(info["max_batch_tokens"], 0)
        self.assertEqual((info["payload_limit"], info["model_sha"]), (32 << 20, None))
        self.assertNotIn("/", info["model_id"])  # of a folder, its name
        self.assertEqual((info["max_input_length"], info["auto_truncate"]), (48, True))
        for key in ("model_id", "model_dtype", "max_client_batch_size", "tokenization_workers", "version"):
            self.assertIn(key, info)


class Status(ServerTest):
    def test_probes(self):
        for method, path in (("GET", "/health"), ("GET", "/"), ("GET", "/ping"), ("POST", "/ping"), ("HEAD", "/health"), ("GET", "/ready")):
            self.assertEqual(self.server.request(method, path).status, 200, path)

    def test_version_and_load(self):
        self.assertRegex(self.server.get("/version").json["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(self.server.get("/load").json, {"server_load": 0})

    def test_the_tokenizers_settings_where_they_are_asked_for(self):
        for method in ("GET", "POST"):
            self.assertEqual(self.server.request(method, "/tokenizer_info").status, 404)
        settings = self.start(BERT, "--enable-tokenizer-info-endpoint").get("/tokenizer_info").json
        self.assertEqual((settings["tokenizer_class"], settings["do_lower_case"], settings["unk_token"]), ("BertTokenizer", True, "[UNK]"))
        self.assertNotIn("vocab_file", settings)

    def test_models(self):
        models = self.server.get("/v1/models").json["data"]
        self.assertEqual((models[0]["id"], models[0]["max_model_len"], models[0]["object"]), (BERT, 48, "model"))

    def test_metrics_are_prometheus_text(self):
        before = self.server.metric("te_embed_success")
        self.post("/v1/embeddings", {"input": TEXTS})
        self.post("/embed", {"inputs": []}, status=400)
        answer = self.server.get("/metrics")
        self.assertIn("version=0.0.4", answer.headers["Content-Type"])
        series, types = {}, {}
        for line in answer.body.decode().splitlines():
            if line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                self.assertNotIn(name, types)
                types[name] = kind
            elif not line.startswith("#"):
                found = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? ([-+0-9.eE]+|\+Inf|NaN)', line)
                self.assertTrue(found, line)
                name = found[1] if found[1] in types else re.sub("_(bucket|sum|count)$", "", found[1])
                self.assertIn(name, types)
                self.assertNotIn((found[1], found[2]), series)
                series[found[1], found[2]] = float(found[3])
        self.assertEqual(series["te_embed_success", None], before + 3)
        self.assertGreaterEqual(series["te_request_failure", '{err="empty"}'], 1)
        self.assertEqual(series["te_request_duration_count", None], series["te_request_duration_bucket", '{le="+Inf"}'])
        for name in ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:prompt_tokens_total",
                     "vllm:request_success_total", "vllm:e2e_request_latency_seconds", "te_queue_size", "te_request_count",
                     "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total", "vllm:kv_cache_usage_perc",
                     "te_embed_duration", "te_predict_count", "te_predict_inference_duration"):
            self.assertIn(name, types)


class Decoder(ServerTest):
    model = QWEN
    flags = ("--hf-overrides", '{"is_matryoshka":true}', "--served-model-name", "first", "--served-model-name", "second")

    def test_reference_vectors(self):
        given, want = reference("emb-qwen3", "c7")
        got = self.post("/embed", {"inputs": given["text"], "normalize": True}).json[0]
        self.assert_close(got, want)
        given, want = reference("emb-qwen3", "c10")
        self.assert_close(self.post("/embed", {"inputs": given["text"], "prompt_name": "query"}).json[0], want)
        self.assert_close(self.post("/v1/embeddings", {"input": given["text"], "prompt_name": "query"}).json["data"][0]["embedding"], want)

    def test_dimensions(self):
        given, want = reference("emb-qwen3", "c15")
        got = self.post("/v1/embeddings", {"input": given["text"], "dimensions": 16}).json["data"][0]["embedding"]
        self.assert_close(got, want)
        self.assertAlmostEqual(norm(self.post("/embed", {"inputs": "a", "dimensions": 8}).json[0]), 1, 5)

    def test_model_names(self):
        self.assertEqual([m["id"] for m in self.server.get("/v1/models").json["data"]], ["first", "second"])
        self.assertEqual(self.server.get("/v1/models/second").json["id"], "second")
        for name in ("first", "second"):
            self.assertEqual(self.post("/v1/embeddings", {"input": "a", "model": name}).json["model"], name)
        self.assertEqual(self.post("/v1/embeddings", {"input": "a"}).json["model"], "first")
        error = self.post("/v1/embeddings", {"input": "a", "model": "x"}, status=404).json["error"]
        self.assertEqual((error["type"], error["message"]), ("NotFoundError", "The model `x` does not exist."))
        self.post("/embed", {"inputs": "a", "model": "x"})


if __name__ == "__main__":
    unittest.main()
