"""What clients of vLLM's pooling servers count on, route by route."""

import base64
import json
import math
import struct
import unittest

from serving import BERT, ServerTest, model

TEXT = "the capital of Paris"
CHAT = [{"role": "user", "content": "the capital"}, {"role": "assistant", "content": "Paris"}, {"role": "user", "content": "of what"}]
TEMPLATE = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}{{ 'so' if add_generation_prompt }}"
TYPES = {"float32": ("f", 4), "float16": ("e", 2), "bfloat16": ("", 2), "fp8_e4m3": ("", 1), "fp8_e5m2": ("", 1)}
QUERY, DOCUMENTS = "the capital", ["Paris is the capital", "a"]


class VllmTest(ServerTest):
    def list_of(self, path, **body):
        answer = self.post(path, {"model": "m", **body}).json
        self.assertEqual((answer["object"], answer["model"]), ("list", "m"))
        self.assertEqual([d["index"] for d in answer["data"]], list(range(len(answer["data"]))))
        usage = answer["usage"]
        self.assertEqual((usage["total_tokens"], usage["completion_tokens"]), (usage["prompt_tokens"], 0))
        self.assertIsInstance(answer["created"], int)
        return answer

    def ids(self, text=TEXT):
        return self.post("/tokenize", {"model": "m", "prompt": text}).json["tokens"]

    def message(self, path, status=400, **body):
        error = self.post(path, {"model": "m", **body}, status=status).json["error"]
        self.assertEqual(error["code"], status)
        return error["message"]

    def check_inputs(self, path, key, **more):
        """Texts and ids, alone and in a list; chats under both names; what the template is told."""
        ids = self.ids()
        alone = self.list_of(path, input=TEXT, **more)
        self.assertEqual(alone["usage"]["prompt_tokens"], len(ids))
        for inputs, count in ((ids, 1), ([TEXT] * 10, 10), ([ids] * 10, 10)):
            answer = self.list_of(path, input=inputs, **more)
            self.assertEqual([d[key] for d in answer["data"]], [alone["data"][0][key]] * count)
            self.assertEqual(answer["usage"]["prompt_tokens"], len(ids) * count)
        chat = self.list_of(path, messages=CHAT, **more)
        prompt = "".join(f"{m['role']}: {m['content']}\n" for m in CHAT)
        text = self.list_of(path, input=prompt, add_special_tokens=False, **more)
        self.assertEqual((chat["data"], chat["usage"]), (text["data"], text["usage"]))
        for field in ("messages", "input"):
            self.assertEqual(self.list_of(path, **{field: CHAT}, **more)["data"], chat["data"])
            self.assertEqual([d[key] for d in self.list_of(path, **{field: [CHAT] * 2}, **more)["data"]], [chat["data"][0][key]] * 2)
        tokens = chat["usage"]["prompt_tokens"]
        special = len(ids) - len(self.post("/tokenize", {"prompt": TEXT, "add_special_tokens": False}).json["tokens"])
        for options, change in (({"add_generation_prompt": True}, 1), ({"add_special_tokens": True}, special), ({"continue_final_message": True}, 0)):
            got = self.list_of(path, messages=CHAT, **options, **more)["usage"]["prompt_tokens"]
            self.assertGreaterEqual(got, tokens + (change if change != 1 else 1))
            if change != 1:
                self.assertEqual(got, tokens + change)
        self.assertIn("Cannot set both `continue_final_message` and `add_generation_prompt` to True.",
                      self.message(path, messages=CHAT, continue_final_message=True, add_generation_prompt=True, **more))
        self.assertIn("truncate_prompt_tokens value is greater than max_model_len. Please request a smaller truncation size.",
                      self.message(path, input=TEXT, truncate_prompt_tokens=8193, **more))
        cut = self.list_of(path, input="the capital " * 100, truncate_prompt_tokens=10, **more)
        self.assertEqual(cut["usage"]["prompt_tokens"], 10)
        self.assertIn("out of vocabulary", self.message(path, input=[-1], **more))

    def check_formats(self, path, key, size):
        """Base64 and the bytes forms of a path, in every type and order of bytes, beside its floats."""
        floats = self.flat(self.list_of(path, input=[TEXT] * 3, encoding_format="float")["data"][0][key])
        self.assertEqual(floats, self.flat(self.list_of(path, input=TEXT)["data"][0][key]))
        for name, (letter, width) in TYPES.items():
            for order in ("native", "little", "big"):
                body = {"model": "m", "input": [TEXT] * 3, "embed_dtype": name, "endianness": order}
                packed = base64.b64decode(self.post(path, {**body, "encoding_format": "base64"}).json["data"][2][key])
                self.assertEqual(len(packed), size * width)
                if letter:
                    self.assert_close(struct.unpack(f"{'>' if order == 'big' else '<'}{size}{letter}", packed), floats, 2e-3)
                raw = self.post(path, {**body, "encoding_format": "bytes"})
                metadata = json.loads(raw.headers["metadata"])
                item = metadata["data"][2]
                self.assertLessEqual({"index", "embed_dtype", "endianness", "start", "end", "shape"}, item.keys())
                self.assertEqual((item["embed_dtype"], item["index"], math.prod(item["shape"])), (name, 2, size))
                self.assertEqual(raw.body[item["start"]:item["end"]], packed)
                self.assertIn("usage", metadata)
                only = self.post(path, {**body, "encoding_format": "bytes_only"})
                self.assertNotIn("metadata", only.headers)
                self.assertEqual(only.body, raw.body)
        for field in ("encoding_format", "embed_dtype", "endianness"):
            message = self.message(path, **{"input": TEXT, "encoding_format": "base64", field: f"bad_{field}"})
            self.assertIn("literal_error", message)
            self.assertIn(f"bad_{field}", message)

    @staticmethod
    def flat(values):
        return [v for row in values for v in row] if isinstance(values[0], list) else values

    def check_invocations(self, path, **body):
        want, got = (self.post(p, {"model": "m", **body}).json for p in (path, "/invocations"))
        self.assertEqual(want.keys(), got.keys())
        for key in ("data", "results"):
            self.assertEqual(want.get(key), got.get(key))

    def check_other_tasks(self, *tasks):
        for task in tasks:
            start = "No IOProcessor plugin installed." if task == "plugin" else f"Unsupported task: '{task}'"
            error = self.post("/pooling", {"model": "m", "input": "a", "task": task}, status=400).json["error"]
            self.assertEqual(error["type"], "BadRequestError")
            self.assertEqual(error["message"][:len(start)], start)


class Embed(VllmTest):
    flags = ("--served-model-name", "m", "--runner", "pooling", "--enforce-eager", "--chat-template", TEMPLATE)

    def test_inputs(self):
        self.check_inputs("/v1/embeddings", "embedding")
        self.check_inputs("/pooling", "data", task="embed")

    def test_formats(self):
        size = len(self.list_of("/v1/embeddings", input=TEXT)["data"][0]["embedding"])
        self.check_formats("/v1/embeddings", "embedding", size)

    def test_invocations(self):
        self.check_invocations("/v1/embeddings", input=TEXT)
        self.check_invocations("/v1/embeddings", messages=CHAT)

    def test_models(self):
        self.assertEqual([m["id"] for m in self.server.get("/v1/models").json["data"]], ["m"])

    def test_activation(self):
        default, normal, raw = (self.list_of("/v1/embeddings", input=TEXT, use_activation=a)["data"][0]["embedding"] for a in (None, True, False))
        self.assertEqual(default, normal)
        length = math.sqrt(sum(v * v for v in raw))
        self.assert_close(normal, [v / length for v in raw], 1e-5)
        self.assertNotAlmostEqual(length, 1, 2)

    def test_ids_of_requests(self):
        self.assertEqual(self.list_of("/pooling", input="a", request_id="mine")["id"], "pooling-mine")
        self.assertEqual(self.list_of("/v1/embeddings", input="a", request_id="mine")["id"], "embd-mine")

    def test_padding(self):
        plain = self.list_of("/v1/embeddings", input="a")["usage"]
        self.assertEqual(self.list_of("/v1/embeddings", input="a", padding="do_not_pad")["usage"], plain)
        for padding in ("max_length", "longest"):  # no model of text here reads padding
            self.assertIn("do_not_pad", self.message("/v1/embeddings", input="a", padding=padding))

    def test_dimensions(self):
        for dimensions in (-1, 16):
            self.message("/v1/embeddings", input="a", dimensions=dimensions)

    def test_other_tasks(self):
        self.check_other_tasks("classify", "token_classify", "plugin")

    def test_cohere(self):
        answer = self.post("/v2/embed", {"model": "m", "texts": [TEXT, "a"], "embedding_types": ["float", "binary", "ubinary", "base64"]}).json
        self.assertEqual(answer["texts"], [TEXT, "a"])
        openai = self.list_of("/v1/embeddings", input=[TEXT, "a"])
        floats = answer["embeddings"]["float"]
        self.assertEqual(floats, [d["embedding"] for d in openai["data"]])
        self.assert_close([math.hypot(*v) for v in floats], [1, 1], 1e-5)
        self.assertEqual({len(v) * 8 for kind in ("binary", "ubinary") for v in answer["embeddings"][kind]}, {len(floats[0])})
        self.assert_close(struct.unpack(f"<{len(floats[0])}f", base64.b64decode(answer["embeddings"]["base64"][0])), floats[0], 1e-7)
        meta = answer["meta"]
        self.assertEqual(meta["api_version"]["version"], "2")
        self.assertEqual(meta["billed_units"], {"input_tokens": openai["usage"]["prompt_tokens"], "image_tokens": 0})
        self.assertIn("Unsupported input_type", self.message("/v2/embed", texts=["a"], input_type="nonexistent_type"))
        self.message("/v2/embed")
        long = " ".join(["the"] * 60 + ["capital"] * 60)
        end, start = (self.post("/v2/embed", {"texts": [long], "truncate": side, "embedding_types": ["float"]}).json["embeddings"]["float"][0]
                      for side in ("END", "START"))
        self.assertNotEqual(end, start)
        self.message("/v2/embed", texts=[long], truncate="NONE")

    def test_answers_to_bad_bodies_stay_small(self):
        for body in ({"input": [{"text": "payload"}] * 5000}, {"input": ["a"] + [1] * 5000}, {"input": "a", "dimensions": "A" * 100000}):
            answer = self.post("/v1/embeddings", body, status=400)
            self.assertLess(len(answer.body), 4000)
            self.assertNotIn(b"/usr/", answer.body)

    def test_request_ids(self):
        self.assertEqual(len(self.server.get("/health").headers["X-Request-Id"]), 32)
        self.assertEqual(self.server.get("/health", headers={"X-Request-Id": "Custom"}).headers["X-Request-Id"], "Custom")


class TokenEmbed(VllmTest):
    flags = ("--served-model-name", "m", "--pooler-config.task", "token_embed", "--max-model-len", "32")

    def test_rows(self):
        ids = self.ids()
        rows = self.list_of("/pooling", input=TEXT, task="token_embed")["data"][0]["data"]
        self.assertEqual(len(rows), len(ids))
        self.assertEqual(self.list_of("/pooling", input=TEXT)["data"][0]["data"], rows)
        for inputs in (TEXT, ids, [TEXT, "a"]):
            got = self.list_of("/v1/embeddings", input=inputs, use_activation=False)
            want = self.list_of("/pooling", input=inputs, task="token_embed", use_activation=False)
            self.assertEqual([d["embedding"] for d in got["data"]], [d["data"] for d in want["data"]])
            self.assertEqual(got["usage"], want["usage"])
        self.assertIn("parts", self.message("/v1/embeddings", input=TEXT, late_chunking_params={"chunk_size": 5}))

    def test_formats(self):
        rows = self.list_of("/v1/embeddings", input=TEXT)["data"][0]["embedding"]
        self.check_formats("/v1/embeddings", "embedding", len(rows) * len(rows[0]))

    def test_invocations(self):
        self.check_invocations("/pooling", input=TEXT)

    def test_other_tasks(self):
        self.check_other_tasks("classify", "token_classify", "plugin")


class LongTexts(VllmTest):
    flags = ("--served-model-name", "m", "--max-model-len", "16", "--pooler-config",
             '{"pooling_type": "MEAN", "use_activation": true, "enable_chunked_processing": true, "max_embed_len": 100}')

    def test_are_read_in_pieces(self):
        answer = self.list_of("/v1/embeddings", input=["capital " * 50, "capital " * 90, "capital"])
        self.assertEqual(answer["usage"]["prompt_tokens"], 52 + 92 + 3)
        for entry in answer["data"]:
            self.assertAlmostEqual(math.hypot(*entry["embedding"]), 1, 5)
        self.assertIn("max_embed_len is 100", self.message("/v1/embeddings", input="capital " * 99))


class Classify(VllmTest):
    model = model("bert-classify-softmax")
    flags = ("--served-model-name", "m", "--chat-template", TEMPLATE)

    def test_inputs(self):
        self.check_inputs("/classify", "probs")
        self.check_inputs("/pooling", "data", task="classify")
        for entry in self.list_of("/classify", input=[TEXT, "a"])["data"]:
            self.assertEqual(len(entry["probs"]), entry["num_classes"])
            self.assertIn("label", entry)
        self.message("/classify", input=[])
        self.message("/classify")

    def test_activation(self):
        default, soft, raw = (self.list_of("/classify", input=TEXT, use_activation=a)["data"][0]["probs"] for a in (None, True, False))
        self.assertEqual(default, soft)
        total = sum(math.exp(v) for v in raw)
        self.assert_close(soft, [math.exp(v) / total for v in raw], 1e-5)

    def test_tokens(self):
        rows = self.list_of("/pooling", input=TEXT, task="token_classify")["data"][0]["data"]
        self.assertEqual(len(rows), len(self.ids()))

    def test_invocations(self):
        self.check_invocations("/classify", input=TEXT)
        self.check_invocations("/classify", messages=CHAT)

    def test_routes_of_other_models(self):
        for path, body in (("/score", {"queries": "a", "documents": "b"}), ("/v1/score", {"queries": "a", "documents": "b"}),
                           ("/rerank", {"query": "a", "documents": ["b"]}), ("/v1/rerank", {"query": "a", "documents": ["b"]}),
                           ("/v2/rerank", {"query": "a", "documents": ["b"]}), ("/v1/embeddings", {"input": "a"}), ("/v2/embed", {"texts": ["a"]})):
            answer = self.post(path, {"model": "m", **body}, status=404).json
            self.assertEqual(answer["detail"], "Not Found")
            self.assertIn("The loaded model supports: classify", answer["error"]["message"])
        self.check_other_tasks("embed", "token_embed", "plugin")


class Score(VllmTest):
    model = model("bert-rerank-sigmoid")
    flags = ("--served-model-name", "m")

    def test_pairs(self):
        one = [self.list_of("/score", queries=QUERY, documents=d)["data"][0]["score"] for d in DOCUMENTS]
        for first, second in (("queries", "documents"), ("queries", "items"), ("text_1", "text_2"), ("data_1", "data_2")):
            for side in (QUERY, [QUERY] * 2):
                for path in ("/score", "/v1/score"):
                    got = self.list_of(path, **{first: side, second: DOCUMENTS})
                    self.assertEqual([d["score"] for d in got["data"]], one)
        self.check_invocations("/score", queries=QUERY, documents=DOCUMENTS)
        self.check_invocations("/rerank", query=QUERY, documents=DOCUMENTS)

    def test_limits(self):
        for path, body in (("/rerank", {"query": QUERY * 100, "documents": DOCUMENTS}), ("/score", {"queries": QUERY * 100, "documents": DOCUMENTS})):
            self.assertIn("Please reduce the length of the input prompt", self.message(path, **body))
            self.assertIn("Please request a smaller truncation size.", self.message(path, truncate_prompt_tokens=8193, **body))
            for field in ("max_tokens_per_doc", "max_tokens_per_query"):
                self.assertIn(f"{field} must be a non-negative integer", self.message(path, **{**body, field: -5}))
        body = {"query": "a", "documents": ["the capital " * 15]}
        tokens = [self.post("/rerank", {**body, "max_tokens_per_doc": most}).json["usage"]["prompt_tokens"] for most in (0, 5, 1000)]
        self.assertEqual(tokens[0], tokens[2])
        self.assertEqual(tokens[0] - tokens[1], 30 - 5)

    def test_activation(self):
        for path, more in (("/rerank", {"query": QUERY, "documents": DOCUMENTS}), ("/score", {"queries": QUERY, "documents": DOCUMENTS})):
            values = []
            for activation in (None, True, False):
                answer = self.post(path, {**more, "use_activation": activation}).json
                values.append([r.get("relevance_score", r.get("score")) for r in answer.get("results", answer.get("data"))])
            self.assertEqual(values[0], values[1])
            self.assert_close(values[0], [1 / (1 + math.exp(-v)) for v in values[2]], 1e-5)

    def test_tasks(self):
        self.assertEqual(len(self.list_of("/pooling", input=TEXT, task="classify")["data"][0]["data"]), 1)
        self.check_other_tasks("embed", "token_embed", "plugin")


class Tokenize(VllmTest):
    flags = ("--served-model-name", "m", "--chat-template", TEMPLATE)

    def test_prompts(self):
        for special in (True, False):
            answer = self.post("/tokenize", {"model": "m", "prompt": TEXT, "add_special_tokens": special}).json
            self.assertEqual(answer["count"], len(answer["tokens"]))
            self.assertEqual((answer["max_model_len"], answer["token_strs"]), (48, None))
        named = self.post("/tokenize", {"prompt": TEXT, "return_token_strs": True}).json
        self.assertEqual(len(named["token_strs"]), named["count"])
        ids = self.post("/tokenize", {"prompt": TEXT, "add_special_tokens": False}).json["tokens"]
        self.assertEqual(self.post("/detokenize", {"model": "m", "tokens": ids}).json, {"prompt": TEXT.lower()})

    def test_chats(self):
        prompt = "".join(f"{m['role']}: {m['content']}\n" for m in CHAT)
        for generation in (True, False):
            for special in (True, False):
                for last in (True, False):
                    if generation and last:
                        continue
                    text = prompt + ("so" if generation else "")
                    got = self.post("/tokenize", {"messages": CHAT, "add_generation_prompt": generation, "add_special_tokens": special,
                                                  "continue_final_message": last}).json
                    want = self.post("/tokenize", {"prompt": text, "add_special_tokens": special}).json
                    self.assertEqual(got, want)


if __name__ == "__main__":
    unittest.main()
