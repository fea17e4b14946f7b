"""The routes that generate, of a small model: shapes, streams, clients that leave."""

import concurrent.futures
import json
import re
import socket
import time
import unittest

import serving
from serving import ServerTest

TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"

HI = [{"role": "user", "content": "Hi"}]


def events(body):
    """The documents of server-sent events; None for [DONE]."""
    lines = [line[6:] for line in body.decode().split("\n") if line.startswith("data: ")]
    return [None if line == "[DONE]" else json.loads(line) for line in lines]


class Generation(ServerTest):
    model, flags = serving.model("gen-llama3"), ("--chat-template", TEMPLATE)

    def test_completions_are_the_same_streamed_and_whole(self):
        body = {"prompt": "the capital of", "max_tokens": 8, "temperature": 0, "logprobs": 1}
        whole = self.post("/v1/completions", body).json
        self.assertEqual(whole["usage"]["completion_tokens"], len(whole["choices"][0]["logprobs"]["tokens"]))
        pieces = events(self.post("/v1/completions", {**body, "stream": True, "stream_options": {"include_usage": True}}).body)
        self.assertIsNone(pieces[-1])
        self.assertEqual(pieces[-2]["usage"]["completion_tokens"], whole["usage"]["completion_tokens"])
        self.assertEqual("".join(p["choices"][0]["text"] for p in pieces[:-2]), whole["choices"][0]["text"])

    def test_echo_scores_the_prompt(self):
        answer = self.post("/v1/completions", {"prompt": "a b c", "max_tokens": 0, "echo": True, "logprobs": 0}).json
        choice = answer["choices"][0]
        self.assertEqual(choice["text"], "a b c")
        self.assertIsNone(choice["logprobs"]["token_logprobs"][0])
        self.assertLess(choice["logprobs"]["token_logprobs"][1], 0)

    def test_chat(self):
        body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 6, "seed": 5, "n": 2}
        whole = self.post("/v1/chat/completions", body).json
        self.assertEqual([c["index"] for c in whole["choices"]], [0, 1])
        pieces = events(self.post("/v1/chat/completions", {**body, "stream": True}).body)
        for choice in whole["choices"]:
            said = [p["choices"][0]["delta"].get("content") or "" for p in pieces[:-1] if p["choices"][0]["index"] == choice["index"]]
            self.assertEqual("".join(said), choice["message"]["content"])

    def test_other_dialects_say_the_same(self):
        messages = [{"role": "user", "content": "Hi"}]
        said = self.post("/v1/chat/completions", {"messages": messages, "max_tokens": 6, "temperature": 0}).json
        said = said["choices"][0]["message"]["content"]
        claude = self.post("/v1/messages", {"messages": messages, "max_tokens": 6, "temperature": 0}).json
        self.assertEqual("".join(b["text"] for b in claude["content"]), said)
        options = {"num_predict": 6, "temperature": 0}
        lines = self.post("/api/chat", {"messages": messages, "options": options}).body.decode().splitlines()
        self.assertEqual("".join(json.loads(line)["message"]["content"] for line in lines), said)
        answer = self.post("/v1/responses", {"input": "Hi", "max_output_tokens": 6, "temperature": 0}).json
        self.assertEqual("".join(p["text"] for p in answer["output"][0]["content"]), said)

    def test_refusals_name_the_field(self):
        for path, body, word in [("/v1/completions", {"prompt": "a", "guided_json": {}}, "structured_outputs"),
                                 ("/v1/chat/completions", {"messages": []}, "messages"),
                                 ("/v1/completions", {"prompt": "a", "temperature": -1}, "temperature")]:
            self.assertIn(word, self.post(path, body, 400).body.decode())
        self.assertIn("no", self.post("/v1/completions", {"prompt": "a", "model": "no"}, 404).body.decode())

    def test_ollamas_examples_call_curl_without_a_type(self):
        body = {"prompt": "a", "raw": True, "stream": False, "options": {"num_predict": 1}}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(self.post("/api/generate", body, headers=form).json["done"], True)
        self.post("/api/generate", body, 415, headers={**form, "Origin": "https://example.org"})  # a page of a browser
        self.post("/v1/completions", {"prompt": "a"}, 415, headers=form)

    def test_ollamas_clients_say_latest(self):
        name = self.server.get("/api/tags").json["models"][0]["model"]
        body = {"model": name + ":latest", "prompt": "a", "raw": True, "stream": False, "options": {"num_predict": 1}}
        self.assertEqual(self.post("/api/generate", body).json["model"], name + ":latest")
        self.post("/api/generate", {**body, "model": name + ":7b"}, 404)

    def test_misspelt_members_are_logged(self):
        self.post("/api/generate", {"prompt": "a", "options": {"temprature": 0, "num_predict": 1}})
        self.server.wait_for_line('field "options.temprature" of /api/generate.*ignored')
        self.post("/v1/completions", {"prompt": "a", "max_tokens": 1, "structured_outputs": {"regex": "a", "regx": "b"}})
        self.server.wait_for_line('field "structured_outputs.regx" of /v1/completions.*ignored')

    def test_streams_of_ollama_have_the_logprobs_of_every_token(self):
        body = {"prompt": "a", "logprobs": True, "options": {"num_predict": 40, "temperature": 1, "seed": 3}}
        lines = [json.loads(line) for line in self.post("/api/generate", body).body.decode().splitlines()]
        self.assertEqual(sum(len(line.get("logprobs", [])) for line in lines), lines[-1]["eval_count"])

    def test_many_completions_are_bounded(self):
        many = {"prompt": "a " * 50, "n": 16384, "max_tokens": 8, "logprobs": 20}
        self.assertIn("these completions could take", self.post("/v1/completions", many, 400).body.decode())
        self.post("/v1/completions", {**many, "n": 4})

    def test_who_leaves_frees_its_work(self):
        many, length = 200, 400
        raw = json.dumps({"prompt": "a", "max_tokens": length, "n": many, "ignore_eos": True, "stream": True}).encode()
        before = self.server.metric("vllm:generation_tokens_total")
        with socket.create_connection(("127.0.0.1", self.server.port)) as sock:
            sock.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw)
            got = b""
            while b"data: " not in got:
                got += sock.recv(1000)
            self.assertIn(b"200 OK", got)
        limit = time.monotonic() + 20
        while self.server.metric("vllm:num_requests_running") > 0:
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.05)
        made = self.server.metric("vllm:generation_tokens_total") - before
        self.assertTrue(0 < made < many * length / 2, made)

    def test_who_leaves_an_answer_that_is_not_streamed(self):
        raw = json.dumps({"prompt": "b", "max_tokens": 400, "n": 200, "ignore_eos": True}).encode()
        sock = self.server.raw(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw,
                               receive=False)
        self.server.wait_for_metric("vllm:num_requests_running", lambda running: running > 0)
        before = self.server.metric("vllm:generation_tokens_total")
        sock.close()
        self.server.wait_for_metric("vllm:num_requests_running", lambda running: running == 0)
        self.assertLess(self.server.metric("vllm:generation_tokens_total") - before, 40_000)

    def test_a_connection_goes_on_after_a_stream(self):
        body = {"messages": HI, "max_tokens": 4, "temperature": 0, "stream": True}
        connection = self.server.connect()
        first = self.server.post("/v1/chat/completions", body, connection=connection)
        self.assertTrue(first.headers["Content-Type"].startswith("text/event-stream"))
        sock = connection.sock
        self.assertIsNotNone(sock)
        again = self.server.post("/v1/chat/completions", body, connection=connection)
        self.assertIs(connection.sock, sock)
        said = lambda answer: [p["choices"][0]["delta"] for p in events(answer.body)[:-1]]
        self.assertEqual(said(first), said(again))
        self.assertEqual(self.server.get("/health", connection=connection).status, 200)
        connection.close()

    def test_streams_side_by_side_say_what_each_says_alone(self):
        asks = [{"prompt": "a " * (i + 1), "max_tokens": 12, "seed": i, "stream": True} for i in range(10)]
        text = lambda body: "".join(p["choices"][0]["text"] for p in events(self.post("/v1/completions", body).body)[:-1])
        alone = [text(body) for body in asks]
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            self.assertEqual(list(pool.map(text, asks)), alone)

    def test_usage_in_chunks(self):
        for path, body in (("/v1/completions", {"prompt": "a"}), ("/v1/chat/completions", {"messages": HI})):
            body = {**body, "max_tokens": 4, "ignore_eos": True, "stream": True,
                    "stream_options": {"include_usage": True, "continuous_usage_stats": True}}
            pieces = events(self.post(path, body).body)[:-1]
            counts = [p["usage"]["completion_tokens"] for p in pieces]
            self.assertEqual(counts, sorted(counts))
            self.assertEqual((counts[-1], pieces[-1]["choices"]), (4, []))
            del body["stream_options"]
            self.assertFalse(any("usage" in p for p in events(self.post(path, body).body)[:-1]))

    def test_structures(self):
        schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"], "additionalProperties": False}
        lark = 'start: "so " %json {"const": 5} /[.!]/'
        for fields, fits in (({"structured_outputs": {"regex": "[ab]{3}"}}, lambda t: re.fullmatch("[ab]{3}", t)),
                             ({"structured_outputs": {"choice": ["yes", "no"]}}, lambda t: t in ("yes", "no")),
                             ({"structured_outputs": {"grammar": 'root ::= "x" "y"? "z"'}}, lambda t: t in ("xz", "xyz")),
                             ({"structured_outputs": {"grammar": lark}}, lambda t: t in ("so 5.", "so 5!")),
                             ({"structured_outputs": {"json": schema}}, lambda t: json.loads(t)["a"] in (1, 2)),
                             ({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}},
                              lambda t: json.loads(t)["a"] in (1, 2))):
            for seed in range(3):
                for path, body in (("/v1/completions", {"prompt": "a"}), ("/v1/chat/completions", {"messages": HI})):
                    choice = self.post(path, {**body, **fields, "seed": seed, "max_tokens": 60}).json["choices"][0]
                    text = choice["text"] if "text" in choice else choice["message"]["content"]
                    self.assertEqual(choice["finish_reason"], "stop", text)
                    self.assertTrue(fits(text), (fields, text))
        for fields, kinds in (({"structured_outputs": {"json_object": True}}, ("length", "stop")),
                              ({"structured_outputs": {"regex": "[ab]{30}"}, "max_tokens": 2}, ("length",))):
            choice = self.post("/v1/completions", {"prompt": "a", "max_tokens": 40, "seed": 1, **fields}).json["choices"][0]
            self.assertIn(choice["finish_reason"], kinds)
            if choice["finish_reason"] == "stop":
                self.assertIsInstance(json.loads(choice["text"]), dict)
        for kinds, word in (({"json": {"type": "x"}}, "type"), ({"regex": "("}, "regex"), ({"grammar": "start: <no>"}, "no token")):
            self.assertIn(word, self.post("/v1/completions", {"prompt": "a", "structured_outputs": kinds}, 400).body.decode())

    def test_errors_of_a_structure_name_the_field_that_has_it(self):
        schema, turn = {"type": "nothing"}, {"messages": HI}
        tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
        openai = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
        bare = {"type": "json_schema", "schema": schema, "name": "n"}
        for path, body, field in (("/v1/completions", {"prompt": "a", "response_format": openai}, "response_format"),
                                  ("/v1/completions", {"prompt": "a", "structured_outputs": {"regex": "("}}, "structured_outputs"),
                                  ("/v1/chat/completions", {**turn, "response_format": openai}, "response_format"),
                                  ("/v1/chat/completions", {**turn, "structured_outputs": {"json": schema}}, "structured_outputs"),
                                  ("/v1/chat/completions", {**turn, "tools": [tool], "tool_choice": "required", "chat_template": "{{ tools }}<tool_call>"}, "tools"),
                                  ("/v1/responses", {"input": "Hi", "text": {"format": bare}}, "text.format"),
                                  ("/v1/messages", {**turn, "max_tokens": 3, "output_config": {"format": bare}}, "output_config.format"),
                                  ("/api/chat", {**turn, "format": schema}, "format"),
                                  ("/api/generate", {"prompt": "a", "format": schema}, "format")):
            for stream in (False, True):
                answer = self.post(path, {**body, "stream": stream}, 400).json
                error = answer["error"]
                said = error if isinstance(error, str) else error["message"]
                self.assertTrue(said.startswith(field + ": "), (path, said))
                if "param" in error:
                    self.assertEqual(error["param"], field, path)
        for path, body, field in (("/v1/responses", {"input": "Hi", "text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
                                  ("/v1/chat/completions", {**turn, "response_format": {"type": "json_schema"}}, "response_format.json_schema.schema")):
            self.assertIn(field + ": field required", self.post(path, body, 400).body.decode())

    def test_forced_calls(self):
        tool = lambda name: {"type": "function", "function": {"name": name, "parameters": {
            "type": "object", "properties": {"x": {"enum": ["u", "v"]}}, "required": ["x"], "additionalProperties": False}}}
        formats = {"hermes": "{{ tools }}<tool_call>", "llama3_json": "{{ tools }}<|python_tag|>",
                   "mistral": "{{ tools }}[TOOL_CALLS][ARGS]", "xml": "{{ tools }}<function=<parameter=",
                   "thinks": "{{ tools }}<tool_call></think>"}
        for name, template in formats.items():
            body = {"messages": HI, "tools": [tool("f"), tool("g")], "chat_template": template, "max_tokens": 120,
                    "parallel_tool_calls": False, "temperature": 0}
            for choice, names, reason in (("required", ("f", "g"), "tool_calls"),
                                          ({"type": "function", "function": {"name": "g"}}, ("g",), "stop")):
                with self.subTest(name, choice=choice):
                    answer = self.post("/v1/chat/completions", {**body, "tool_choice": choice}).json["choices"][0]
                    call = answer["message"]["tool_calls"][0]["function"]
                    self.assertIn(call["name"], names)
                    self.assertIn(json.loads(call["arguments"])["x"], ("u", "v"))
                    self.assertFalse(answer["message"]["content"])
                    self.assertEqual(answer["finish_reason"], reason)

    def test_tokenize_counts_what_a_chat_has(self):
        body = {"messages": HI + [{"role": "assistant", "content": None}, {"role": "user", "content": [{"type": "text", "text": "so"}]}]}
        asked = self.post("/v1/chat/completions", {**body, "max_tokens": 1, "return_token_ids": True}).json
        counted = self.post("/tokenize", body).json
        self.assertEqual(counted["tokens"], asked["prompt_token_ids"])
        self.assertEqual(counted["count"], asked["usage"]["prompt_tokens"])

    def test_metrics_have_the_names_of_vllm(self):
        self.post("/v1/completions", {"prompt": "a", "max_tokens": 3, "ignore_eos": True})
        for name in ("prompt_tokens_total", "generation_tokens_total", "time_to_first_token_seconds_count",
                     "inter_token_latency_seconds_count", "time_per_output_token_seconds_count", "e2e_request_latency_seconds_count",
                     "request_prefill_time_seconds_count", "request_decode_time_seconds_count", "request_generation_tokens_count",
                     "prefix_cache_queries_total", "request_success_total"):
            self.assertGreater(self.server.metric("vllm:" + name), 0, name)
        # What is kept for later requests is not in use.
        self.server.wait_for_metric("vllm:kv_cache_usage_perc", lambda share: share == 0)
        text = self.server.get("/metrics").body.decode()
        for name in ("num_preemptions_total", "prefix_cache_hits_total", "kv_cache_usage_perc", "num_requests_running"):
            self.assertIn("\nvllm:" + name + "{", text)

    def test_embeddings_beside(self):
        self.assertGreater(len(self.post("/v1/embeddings", {"input": "a"}).json["data"][0]["embedding"]), 1)


class Rerankers(ServerTest):
    """A generative model whose name says reranker, and a seed for requests without one."""

    model, flags = serving.model("mlx-qwen3-reranker-4bit"), ("--seed", "5")

    def test_score_and_complete(self):
        ranked = self.post("/rerank", {"query": "a", "documents": ["b", "a"]}).json["results"]
        self.assertEqual(sorted(r["index"] for r in ranked), [0, 1])
        cases, _ = serving.fixture("mlx-qwen3-reranker-4bit")
        ids = next(c for c in cases.values() if c["task"] == "logits")["input"]["input_ids"]
        ids = ids[0] if isinstance(ids[0], list) else ids
        choice = self.post("/v1/completions", {"prompt": ids, "max_tokens": 1, "temperature": 0, "echo": True, "logprobs": 1}).json["choices"][0]
        self.assertEqual(len(choice["logprobs"]["token_logprobs"]), len(ids) + 1)

    def test_requests_without_a_seed_have_the_servers(self):
        body = {"prompt": "a b", "max_tokens": 12, "temperature": 1.5}
        first, again, other = (self.post("/v1/completions", {**body, **more}).json["choices"][0]["text"] for more in ({}, {"seed": 5}, {"seed": 6}))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_scores_alone_where_they_are_asked_for(self):
        server = self.start(self.model, "--runner", "pooling")
        self.assertEqual(server.request("POST", "/v1/completions", {"prompt": "a"}).status, 404)


if __name__ == "__main__":
    unittest.main()
