"""What fails beneath the server: disks, files, memory, the process itself (docs/RELIABILITY.md)."""

import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

from serving import BERT, TIMEOUT, VECTON, Server, ServerTest


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def ask(port, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        return json.load(answer)


def wait_ready(port):
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=TIMEOUT).close()
        except OSError:
            time.sleep(0.02)
    raise AssertionError("the server is not ready")


class Disks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.model = str(pathlib.Path(self.folder.name) / "model")
        shutil.copytree(BERT, self.model)
        self.weights = self.model + "/model.safetensors"

    def fails(self, *command, **more):
        done = subprocess.run([VECTON, *command], capture_output=True, timeout=TIMEOUT, env={**os.environ, "HF_HUB_OFFLINE": "1"}, **more)
        self.assertGreater(done.returncode, 0)
        return done.stderr.decode("utf8", "replace")

    def test_the_disk_of_the_log_is_full(self):
        port = free_port()
        with open("/dev/full", "w") as full:
            process = subprocess.Popen([VECTON, "serve", BERT, "--port", str(port)], stdout=full, stderr=full)
        try:
            wait_ready(port)
            self.assertEqual(len(ask(port, "/embed", {"inputs": ["a", "b"]})), 2)
        finally:
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(TIMEOUT), 0)

    def test_the_disk_of_the_output_is_full(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([VECTON, "embed", BERT, "a text"], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left on device", done.stderr)

    def test_an_output_that_grows_too_large(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        texts = self.folder.name + "/texts.txt"
        pathlib.Path(texts).write_text("a text\n" * 200)
        for name in ("vectors.jsonl", "vectors.npy"):
            said = self.fails("embed", BERT, "-i", texts, "-o", self.folder.name + "/" + name, preexec_fn=limit)
            self.assertIn(name, said)
            self.assertIn("File too large", said)
            self.assertFalse(os.path.exists(self.folder.name + "/" + name), "half an output looks like a whole one")
        said = self.fails("convert", BERT, "--mlx-path", self.folder.name + "/converted", preexec_fn=limit)
        self.assertIn("can't be written", said)
        self.assertFalse(os.path.exists(self.folder.name + "/converted/model.safetensors"))

    def test_a_file_that_is_none(self):
        os.remove(self.weights)
        os.mkdir(self.weights)
        self.assertIn("model.safetensors", self.fails("serve", self.model, "--port", "0"))

    def test_a_file_that_may_not_be_read(self):
        os.chmod(self.weights, 0)
        more = {}
        if os.geteuid() == 0:  # who may read everything
            os.chmod(self.folder.name, 0o755)
            more = {"user": 65534}
            if subprocess.run(["test", "-x", VECTON], user=65534).returncode or not os.path.isabs(VECTON):
                self.skipTest("another user can't run the program here")
        said = self.fails("serve", self.model, "--port", "0", **more)
        self.assertIn("model.safetensors", said)
        self.assertIn("Permission denied", said)

    def test_a_file_that_is_cut_while_it_is_served(self):
        server = Server(self.model)
        self.addCleanup(server.stop)
        self.assertEqual(server.post("/embed", {"inputs": "a"}).status, 200)
        os.truncate(self.weights, 1000)
        try:  # words that have not been read yet
            server.post("/embed", {"inputs": "the capital of France is rain"})
        except OSError:
            pass
        server.wait_for_line("SIGBUS: a file of the model was changed")
        self.assertEqual(server.process.wait(TIMEOUT), -signal.SIGBUS)


class Memory(ServerTest):
    def test_a_request_for_which_there_is_no_memory(self):
        server = self.start(BERT)
        body = {"inputs": ["a capital of France " * 10] * 1500}
        want = server.post("/embed_all", {"inputs": ["a capital"]}).json
        pid = server.process.pid
        held = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
        if held > 1 << 40:
            self.skipTest("a sanitizer holds all addresses")
        statuses = set()
        for more in (2 << 20, 8 << 20, 24 << 20):
            resource.prlimit(pid, resource.RLIMIT_AS, (held + more, resource.RLIM_INFINITY))
            answer = server.post("/embed_all", body)
            statuses.add(answer.status)
            if answer.status != 200:
                self.assertIn("memory", answer.json["error"])
            self.assertEqual(server.get("/health").status, 200)
        self.assertLessEqual(statuses, {200, 424, 500, 503})
        self.assertNotEqual(statuses, {200}, "there was memory enough")
        resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertEqual(server.post("/embed_all", {"inputs": ["a capital"]}).json, want)
        self.assertEqual(server.post("/embed_all", body).status, 200)


class Killed(unittest.TestCase):
    def test_a_kill_under_load_loses_what_was_in_flight_alone(self):
        """Clients that ask again after a broken connection: whatever is answered is right, and a client loses what it had asked for when the kill came."""
        clients, kills, port = 8, 3, free_port()

        def start():
            process = subprocess.Popen([VECTON, "serve", BERT, "--port", str(port), "--log-level", "error"], stderr=subprocess.DEVNULL)
            wait_ready(port)
            return process

        process = start()
        texts = [f"rain in Spain {i} " * (i % 7 + 1) for i in range(20)]
        want = ask(port, "/embed", {"inputs": texts, "truncate": True})
        over, wrong, lost, right = threading.Event(), [], [0] * clients, [0] * clients

        def run(number):
            i = number
            while not over.is_set():
                i = (i + 1) % len(texts)
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as sock:
                        body = json.dumps({"inputs": texts[i]}).encode()
                        got = b""
                        try:
                            sock.sendall(b"POST /embed HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
                                         b"Content-Length: %d\r\n\r\n" % len(body) + body)
                            while part := sock.recv(1 << 20):
                                got += part
                        except OSError:
                            got = b""
                except OSError:  # refused: nobody is there
                    time.sleep(0.01)
                    continue
                head, _, answer = got.partition(b"\r\n\r\n")
                try:
                    vector = json.loads(answer)
                except ValueError:
                    lost[number] += 1
                    continue
                if not head.startswith(b"HTTP/1.1 200") and not head.startswith(b"HTTP/1.1 503"):
                    wrong.append(got[:300])
                elif head.startswith(b"HTTP/1.1 200"):
                    right[number] += 1
                    if vector != [want[i]]:
                        wrong.append(vector)

        threads = [threading.Thread(target=run, args=(i,)) for i in range(clients)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(kills):
                before = sum(right)
                end = time.monotonic() + TIMEOUT
                while sum(right) < before + 50 and time.monotonic() < end:
                    time.sleep(0.01)
                process.kill()
                process.wait()
                process = start()
            before = sum(right)
            time.sleep(0.3)
        finally:
            over.set()
            for thread in threads:
                thread.join(TIMEOUT)
            process.terminate()
            process.wait(TIMEOUT)
        self.assertEqual(wrong, [])
        self.assertGreater(sum(right), before, "nothing was answered after the last start")
        # And perhaps one that the kernel still accepted for the process that was ending.
        self.assertLessEqual(max(lost), 2 * kills)
        self.assertGreaterEqual(sum(right), 50 * kills)


if __name__ == "__main__":
    unittest.main()
