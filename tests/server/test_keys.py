"""API keys: who may ask, and how much in a minute."""

import json
import os
import signal
import tempfile
import unittest

from serving import BERT, ServerTest

KEYS = [{"key": "sk-search", "name": "search", "requests_per_minute": 2},
        {"key": "sk-bulk", "name": "bulk", "tokens_per_minute": 5},
        {"key": "sk-free", "name": "free"}]


class Keys(ServerTest):
    def setUp(self):
        handle, self.file = tempfile.mkstemp()
        os.close(handle)
        self.addCleanup(os.remove, self.file)
        self.write(KEYS)

    def write(self, keys):
        with open(self.file, "w") as file:
            json.dump(keys, file)

    def serve(self, *flags):
        return self.start(BERT, "--api-key-file", self.file, "--open-metrics", *flags)

    def ask(self, server, key, path="/v1/embeddings", body=None):
        return server.post(path, body or {"input": "a"}, headers={"Authorization": f"Bearer {key}"})

    def test_any_key_opens_and_none_is_shown(self):
        server = self.serve("--api-key", "plain")
        for key in ("plain", "sk-search", "sk-bulk", "sk-free"):
            self.assertEqual(self.ask(server, key).status, 200, key)
        for key in ("", "sk-", "sk-searc", "sk-searchh"):
            self.assertEqual(self.ask(server, key).status, 401, key)
        metrics = server.get("/metrics").body.decode()
        for name in ("key-1", "search", "bulk", "free"):
            self.assertIn(f'vecton_key_requests_total{{key="{name}"}} 1\n', metrics)
        server.stop()
        log = "\n".join(server.log)
        while not server._lines.empty():
            log += server._lines.get() or ""
        self.assertIn(", search, ", log)
        for key in ("plain", "sk-"):
            self.assertNotIn(key, log)
            self.assertNotIn(key, metrics)

    def test_requests_of_a_minute_are_counted(self):
        server = self.serve()
        self.assertEqual([self.ask(server, "sk-search").status for _ in range(2)], [200, 200])
        refused = self.ask(server, "sk-search")
        self.assertEqual((refused.status, refused.json["error"]["type"]), (429, "RateLimitError"))
        self.assertIn("2 requests per minute", refused.json["error"]["message"])
        self.assertEqual(refused.headers.get_all("Retry-After"), ["30"])
        tei = self.ask(server, "sk-search", "/embed", {"inputs": "a"})
        self.assertEqual((tei.status, tei.json["error_type"]), (429, "Overloaded"))
        claude = self.ask(server, "sk-search", "/v1/messages", {"model": "m", "messages": []})
        self.assertEqual((claude.status, claude.json["error"]["type"]), (429, "rate_limit_error"))
        self.assertEqual(self.ask(server, "sk-free").status, 200)
        models = server.get("/v1/models", headers={"Authorization": "Bearer sk-search"})
        self.assertEqual(models.status, 200)  # which is no request for the model
        self.assertEqual(server.metric("vecton_key_refused_total"), 3)

    def test_tokens_are_paid_for_by_the_next(self):
        server = self.serve()
        answer = self.ask(server, "sk-bulk", body={"input": ["a b c d e f"] * 3})
        self.assertEqual(answer.status, 200)
        refused = self.ask(server, "sk-bulk")
        self.assertEqual(refused.status, 429)
        tokens = answer.json["usage"]["total_tokens"]
        self.assertAlmostEqual(int(refused.headers["Retry-After"]), (tokens - 5 + 1) * 12, delta=2)
        self.assertEqual(server.metric("vecton_key_tokens_total"), tokens)

    def test_sighup_reads_the_file_again(self):
        server = self.serve()
        for _ in range(2):
            self.ask(server, "sk-search")
        self.write([KEYS[0], {"key": "sk-new", "name": "new"}])
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_line("reloaded")
        self.assertEqual(self.ask(server, "sk-search").status, 429)
        self.assertEqual(self.ask(server, "sk-bulk").status, 401)
        self.assertEqual(self.ask(server, "sk-new").status, 200)
        self.write([{"kee": "x"}])
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_line(r"not reloaded: .*\[0\]\.kee: there is no such field")
        self.assertEqual(self.ask(server, "sk-new").status, 200)
        server.stop()
        self.assertEqual(sum(line.endswith("Z reloaded") for line in server.log), 1)


if __name__ == "__main__":
    unittest.main()
