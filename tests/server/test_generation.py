"""The routes that generate, of a small model: shapes, streams, clients that leave."""

import json
import socket
import time
import unittest

import serving
from serving import ServerTest

TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"


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

    def test_embeddings_beside(self):
        self.assertGreater(len(self.post("/v1/embeddings", {"input": "a"}).json["data"][0]["embedding"]), 1)


if __name__ == "__main__":
    unittest.main()
