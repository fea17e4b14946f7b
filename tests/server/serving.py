"""Starting `vecton serve` on the fixtures of tests/golden and talking to it."""

import http.client
import json
import os
import pathlib
import queue
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

VECTON = os.environ.get("VECTON", "build/dev/vecton")
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
BERT = str(GOLDEN / "bert-embed-mean" / "model")
QWEN = str(GOLDEN / "emb-qwen3" / "model")
TIMEOUT = 60  # seconds that anything may take


def model(fixture):
    return str(GOLDEN / fixture / "model")


def fixture(name):
    """The cases of a fixture by their ids, and its tensors as flat lists of floats."""
    folder = GOLDEN / name
    document = json.loads((folder / "cases.json").read_text("utf8"))
    cases = {c["id"]: c for c in document["cases"] + document.get("role_cases", [])}
    raw = (folder / "expected.safetensors").read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for key, entry in json.loads(raw[8:8 + size]).items():
        if key != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[key] = list(struct.unpack(f"<{(end - begin) // 4}f", raw[8 + size + begin:8 + size + end]))
    return cases, tensors


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """A running server; its log is read line by line."""

    def __init__(self, model, *flags, ready=True, env=None):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "VLLM_", "API_KEY"))}
        self.process = subprocess.Popen([VECTON, "serve", model, "--port", "0", *flags], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env={**kept, "HF_HUB_OFFLINE": "1", **(env or {})})
        self.log, self._lines = [], queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.url = self.wait_for_line(r"listening on (\S+)").group(1)
            self.port = int(self.url.rsplit(":", 1)[1]) if self.url.startswith("http") else None
            if ready:
                self.wait_for_line(r"ready after")
        except BaseException:
            self.stop()
            raise

    def _read(self):
        for line in self.process.stderr:
            self._lines.put(line.decode("utf8", "replace").rstrip("\n"))
        self._lines.put(None)

    def wait_for_line(self, pattern):
        """The match of the next line of the log that has the pattern."""
        while True:
            line = self._lines.get(timeout=TIMEOUT)
            if line is None:
                raise AssertionError(f"the log ended without {pattern!r}: {self.log}")
            self.log.append(line)
            if found := re.search(pattern, line):
                return found

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def request(self, method, path, body=None, headers=None, connection=None):
        own = connection or self.connect()
        raw = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        own.request(method, path, raw, {**({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})})
        answer = own.getresponse()
        result = Answer(answer.status, answer.headers, answer.read())
        if not connection:
            own.close()
        return result

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def raw(self, data, receive=True):
        """Sends bytes as they are; what comes back until the server closes, or the open socket."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)
        sock.sendall(data)
        if not receive:
            return sock
        with sock:
            got = b""
            while part := sock.recv(65536):
                got += part
            return got

    def metric(self, name):
        """The sum of a metric's series."""
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics").body.decode().splitlines()
                   if re.match(re.escape(name) + r"[{ ]", line))

    def wait_for_metric(self, name, accept):
        end = time.monotonic() + TIMEOUT
        while not accept(value := self.metric(name)):
            if time.monotonic() > end:
                raise AssertionError(f"{name} is still {value}")
            time.sleep(0.005)
        return value

    def stop(self, number=signal.SIGTERM):
        """Ends the server; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        self._reader.join(TIMEOUT)
        self.process.stderr.close()
        while not self._lines.empty() and (line := self._lines.get()):  # up to the end
            self.log.append(line)
        return self.process.returncode


class ServerTest(unittest.TestCase):
    """A test class with one server for all its tests."""

    model, flags = BERT, ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.model, *cls.flags)
        cls.addClassCleanup(cls._stop)

    @classmethod
    def _stop(cls):
        status = cls.server.stop()
        assert status == 0, f"the server ended with {status}: {cls.server.log[-20:]}"

    def post(self, path, body, status=200, **more):
        answer = self.server.post(path, body, **more)
        self.assertEqual(answer.status, status, answer.body[:500])
        return answer

    def start(self, model, *flags, **more):
        """A server of this test's own."""
        server = Server(model, *flags, **more)
        self.addCleanup(server.stop)
        return server

    def assert_close(self, got, want, tolerance=1e-4):
        self.assertEqual(len(got), len(want))
        self.assertLessEqual(max((abs(a - b) for a, b in zip(got, want)), default=0), tolerance)
