"""Starting, filling up, being left and being stopped."""

import json
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from serving import BERT, TIMEOUT, VECTON, ServerTest

SLOW = ("--backend", "ref", "--threads", "1", "--max-num-batched-tokens", "512")  # a plain and slow machine
LONG = "capital of France " * 40
COUNT = 64
WORK = {"inputs": [LONG] * COUNT}  # many batches


class Background(threading.Thread):
    """A request whose answer is waited for elsewhere."""

    def __init__(self, server, path="/embed", body=None):
        super().__init__(daemon=True)
        self.server, self.path, self.body, self.answer = server, path, body or WORK, None
        self.start()

    def run(self):
        self.answer = self.server.post(self.path, self.body)


class Lifecycle(ServerTest):
    def busy(self, *flags):
        """A server in the middle of a long request."""
        server = self.start(BERT, *SLOW, *flags)
        background = Background(server)
        server.wait_for_metric("vecton_tokens_waiting", lambda n: n > 0)
        return server, background

    def test_probes_answer_while_it_works(self):
        server, background = self.busy()
        for path in ("/health", "/ready", "/metrics", "/v1/models"):
            self.assertEqual(server.get(path).status, 200)
        self.assertGreater(server.metric("vllm:num_requests_running") + server.metric("vllm:num_requests_waiting"), 0)
        self.assertEqual(server.get("/load").json, {"server_load": 1})
        background.join(TIMEOUT)
        self.assertEqual((background.answer.status, len(background.answer.json)), (200, COUNT))
        self.assertEqual(server.get("/load").json, {"server_load": 0})

    def test_a_full_queue_says_when_to_come_back(self):
        server, background = self.busy("--max-queue-tokens", "100")
        vllm = server.post("/v1/embeddings", {"input": [LONG] * 10, "truncate_prompt_tokens": -1})
        self.assertEqual((vllm.status, vllm.json["error"]["code"]), (429, 429))
        self.assertEqual(vllm.headers["Retry-After"], "1")
        tei = server.post("/embed", {"inputs": [LONG] * 10})
        self.assertEqual((tei.status, tei.json), (429, {"error": "Model is overloaded", "error_type": "Overloaded"}))
        background.join(TIMEOUT)
        self.assertEqual(server.post("/embed", {"inputs": "a"}).status, 200)

    def test_a_client_that_leaves_frees_its_work(self):
        server = self.start(BERT, *SLOW)
        connection = server.connect()
        connection.request("POST", "/embed", json.dumps(WORK), {"Content-Type": "application/json"})
        server.wait_for_metric("vecton_tokens_waiting", lambda n: n > 0)
        connection.close()
        self.assertGreater(server.wait_for_metric("vecton_inputs_cancelled_total", lambda n: n > 0), 0)
        server.wait_for_metric("vecton_tokens_waiting", lambda n: n == 0)
        self.assertLess(server.metric("te_embed_success"), COUNT)
        self.assertEqual(server.post("/embed", {"inputs": "a"}).status, 200)

    def test_sigterm_finishes_what_was_accepted(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server, background = self.busy()
            idle = server.connect()
            self.assertEqual(server.get("/health", connection=idle).status, 200)
            server.process.send_signal(number)
            server.wait_for_line("stopping")
            background.join(TIMEOUT)
            self.assertEqual((background.answer.status, len(background.answer.json)), (200, COUNT))
            self.assertEqual(background.answer.headers["Connection"], "close")
            self.assertEqual(server.process.wait(TIMEOUT), 0)
            with self.assertRaises(OSError):
                server.get("/health")
            idle.close()

    def test_a_second_signal_ends_at_once(self):
        server, _ = self.quietly_busy()
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_line("stopping")
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(TIMEOUT), 128 + signal.SIGTERM)

    def test_the_grace_period_is_a_limit(self):
        server, _ = self.quietly_busy("--grace-period", "0.05")
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_line("grace period is over")
        self.assertEqual(server.process.wait(TIMEOUT), 0)

    def quietly_busy(self, *flags):
        """As busy(), for a request that never gets its answer."""
        server = self.start(BERT, *SLOW, *flags)
        connection = server.connect()
        connection.request("POST", "/embed", json.dumps(WORK), {"Content-Type": "application/json"})
        self.addCleanup(connection.close)
        server.wait_for_metric("vecton_tokens_waiting", lambda n: n > 0)
        return server, connection


class Start(ServerTest):
    def fails(self, *arguments):
        done = subprocess.run([VECTON, "serve", *arguments], capture_output=True, timeout=TIMEOUT)
        self.assertGreater(done.returncode, 0)
        return done.stderr.decode("utf8", "replace")

    def test_a_model_that_is_not_there(self):
        self.assertIn("/nowhere", self.fails("/nowhere/model", "--port", "0", "--offline"))

    def test_a_model_that_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/config.json", "w") as f:
                f.write('{"architectures":["StrangeModel"],"model_type":"strange"}')
            self.assertIn("StrangeModel", self.fails(folder, "--port", "0"))

    def test_an_address_that_is_taken(self):
        self.assertIn("Address already in use", self.fails(BERT, "--port", str(self.server.port)))

    def test_an_address_that_is_none(self):
        self.assertIn("no.such.host.invalid", self.fails(BERT, "--host", "no.such.host.invalid", "--port", "0"))

    def test_every_address_of_a_name(self):
        try:
            socket.getaddrinfo("localhost", None)
        except OSError as e:  # a bare chroot has no /etc/hosts
            self.skipTest(f"localhost has no address here: {e}")
        server = self.start(BERT, "--host", "localhost")
        self.assertEqual(server.get("/health").status, 200)

    def test_requests_right_after_listening_are_answered(self):
        server = self.start(BERT, ready=False)
        self.assertEqual(server.post("/embed", {"inputs": "a"}).status, 200)

    def test_quiet(self):
        process = subprocess.Popen([VECTON, "serve", BERT, "--port", "0", "--log-level", "error"], stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        line = process.stderr.readline().decode()
        port = int(line.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as sock:
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200", sock.recv(1000))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT), 0)
        self.assertNotIn("/metrics", process.stderr.read().decode())


if __name__ == "__main__":
    unittest.main()
