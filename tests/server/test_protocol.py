"""HTTP itself: connections, limits, hostile clients."""

import concurrent.futures
import json
import os
import random
import socket
import tempfile
import unittest

from serving import BERT, ServerTest

SMALL = b'{"input":"a"}'


def head(path="/v1/embeddings", length=None, more=""):
    size = "" if length is None else f"Content-Length: {length}\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{size}{more}\r\n".encode()


class Protocol(ServerTest):
    flags = ("--payload-limit", "100000")

    def test_a_connection_serves_many_requests(self):
        connection = self.server.connect()
        for i in range(20):
            self.assertEqual(self.server.post("/embed", {"inputs": str(i)}, connection=connection).status, 200)
            self.assertEqual(self.server.get("/nothing", connection=connection).status, 404)
        connection.close()

    def test_pipelined_requests_are_answered_in_order(self):
        many = b"".join(head(length=len(body), more="Connection: close\r\n" if i == 4 else "") + body
                        for i in range(5) for body in [json.dumps({"input": "a", "request_id": str(i)}).encode()])
        got = self.server.raw(many).decode()
        self.assertEqual([got.count(f'"id":"embd-{i}"') for i in range(5)], [1] * 5)
        self.assertEqual(sorted(range(5), key=lambda i: got.index(f"embd-{i}")), list(range(5)))

    def test_chunked_bodies(self):
        chunks = b"5\r\n" + SMALL[:5] + b"\r\n8;x=y\r\n" + SMALL[5:] + b"\r\n0\r\n\r\n"
        got = self.server.raw(head(more="Transfer-Encoding: chunked\r\nConnection: close\r\n") + chunks)
        self.assertIn(b" 200 OK", got)

    def test_expect_continue(self):
        sock = self.server.raw(head(length=len(SMALL), more="Expect: 100-continue\r\nConnection: close\r\n"), receive=False)
        with sock:
            self.assertTrue(sock.recv(1000).startswith(b"HTTP/1.1 100 "))
            sock.sendall(SMALL)
            self.assertIn(b" 200 OK", sock.recv(100000))

    def test_old_clients(self):
        got = self.server.raw(b"GET /version HTTP/1.0\r\n\r\n")
        self.assertIn(b"200 OK", got)
        self.assertTrue(got.endswith(b"}"))

    def test_head_has_no_body(self):
        got = self.server.raw(b"HEAD /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertIn(b"Content-Length: ", got)
        self.assertTrue(got.endswith(b"\r\n\r\n"))

    def test_bodies_over_the_limit(self):
        body = json.dumps({"input": "a" * 200000}).encode()
        answer = self.post("/v1/embeddings", body, status=413)
        self.assertEqual(answer.json["error"]["code"], 413)
        self.assertIn("text/plain", self.post("/embed", body, status=413).headers["Content-Type"])
        self.assertIn(b" 413 ", self.server.raw(head(length=1 << 40)))
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        self.assertIn(b" 413 ", self.server.raw(head(more="Transfer-Encoding: chunked\r\n") + chunk * 8))
        self.post("/v1/embeddings", json.dumps({"input": "a", "x": "y" * 90000}))

    def test_broken_requests(self):
        for data in (b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\x01 HTTP/1.1\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", head(length="abc"), head(length="-5"),
                     head(more="Content-Length: 5\r\nContent-Length: 6\r\n") + b"aaaaaa",
                     head(more="Transfer-Encoding: chunked\r\n") + b"zz\r\n"):
            self.assertTrue(self.server.raw(data).startswith(b"HTTP/1.1 400 "), data)
        self.assertTrue(self.server.raw(b"GET / HTTP/1.1\r\nX: " + b"y" * 100000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 "))
        self.assertEqual(self.server.get("/health").status, 200)

    def test_noise(self):
        noise = random.Random(1)
        for _ in range(50):
            sock = self.server.raw(bytes(noise.choices(range(256), k=noise.randint(1, 400))), receive=False)
            sock.close()
        self.assertEqual(self.server.get("/health").status, 200)

    def test_query_strings_and_slashes_are_ignored(self):
        self.post("/v1/embeddings/?api-version=1", {"input": "a"})
        self.assertIn(b" 200 OK", self.server.raw(b"GET http://host/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))

    def test_many_clients_at_once(self):
        alone = {i: self.post("/embed", {"inputs": f"capital {i}"}).json for i in range(40)}

        def client(i):
            connection = self.server.connect()
            answers = [self.server.post("/embed", {"inputs": f"capital {(i + k) % 40}"}, connection=connection) for k in range(25)]
            connection.close()
            return [(a.status, (i + k) % 40, a.json) for k, a in enumerate(answers)]

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for answers in pool.map(client, range(32)):
                for status, i, vectors in answers:
                    self.assertEqual((status, vectors), (200, alone[i]))

    def test_request_ids(self):
        for given in ("a b", "x" * 200, ""):
            self.assertRegex(self.server.get("/health", headers={"X-Request-Id": given}).headers["X-Request-Id"], "^[0-9a-f]{32}$")


class Connections(ServerTest):
    flags = ("--max-connections", "3")

    def test_more_connections_wait(self):
        busy = [self.server.raw(b"", receive=False) for _ in range(3)]
        late = self.server.raw(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", receive=False)
        late.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            late.recv(1)
        busy.pop().close()
        late.settimeout(60)
        self.assertIn(b"200 OK", late.recv(1000))
        for sock in (late, *busy):
            sock.close()


class UnixSocket(ServerTest):
    def test_serves_on_a_path(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            server = self.start(BERT, "--uds", path)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(60)
                sock.connect(path)
                sock.sendall(head(length=len(SMALL), more="Connection: close\r\n") + SMALL)
                self.assertIn(b"200 OK", sock.recv(100000))
            self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    unittest.main()
