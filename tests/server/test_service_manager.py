"""Sockets that a service manager gives, and what it hears, as systemd does both."""

import http.client
import os
import socket
import subprocess
import tempfile
import unittest

from serving import BERT, TIMEOUT, VECTON


class ServiceManager(unittest.TestCase):
    def start(self, *sockets, notify=None):
        """A server that has the sockets as 3, 4, ...; ended by the test."""
        given = "; ".join(f"os.dup2({s.fileno() + 100}, {3 + i})" for i, s in enumerate(sockets))
        for s in sockets:
            os.dup2(s.fileno(), s.fileno() + 100)
        code = f"import os; {given}; os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='{len(sockets)}'); " \
               f"os.execv({VECTON!r}, ['vecton', 'serve', {BERT!r}, '--host', '127.0.0.1', '--port', '1'])"
        if not sockets:
            code = f"import os; os.execv({VECTON!r}, ['vecton', 'serve', {BERT!r}, '--port', '0'])"
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", **({"NOTIFY_SOCKET": notify} if notify else {})}
        process = subprocess.Popen(["python3", "-c", code], stderr=subprocess.PIPE, text=True, env=environment, close_fds=False)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait, TIMEOUT)
        self.addCleanup(process.terminate)
        for s in sockets:
            os.close(s.fileno() + 100)
        return process

    def wait_for(self, process, words):
        for line in process.stderr:
            if words in line:
                return line
        self.fail(f"the log ended without {words!r}")

    def get(self, connection):
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def test_given_sockets_are_served(self):
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as tcp, \
                socket.socket(socket.AF_UNIX) as local:
            path = os.path.join(folder, "socket")
            local.bind(path)
            local.listen()
            port = tcp.getsockname()[1]
            early = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
            early.connect()  # before there is a server
            process = self.start(tcp, local)
            self.assertIn(f"http://127.0.0.1:{port}\n", self.wait_for(process, "listening on"))
            self.wait_for(process, "ready after")
            self.assertEqual(self.get(early), 200)
            by_file = http.client.HTTPConnection("localhost", timeout=TIMEOUT)
            by_file.sock = socket.socket(socket.AF_UNIX)
            by_file.sock.connect(path)
            self.assertEqual(self.get(by_file), 200)
            process.terminate()
            self.assertEqual(process.wait(TIMEOUT), 0)
            self.assertTrue(os.path.exists(path))  # whose it is

    def test_a_socket_that_does_not_listen_is_named(self):
        with socket.socket() as idle:
            process = self.start(idle)
            self.wait_for(process, "given as 3 is none that listens")
            self.assertNotEqual(process.wait(TIMEOUT), 0)

    def test_says_how_it_is(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(os.path.join(folder, "notify"))
            manager.settimeout(TIMEOUT)
            process = self.start(notify=manager.getsockname())
            self.assertEqual(manager.recv(100), b"READY=1")
            process.terminate()
            self.assertEqual(manager.recv(100), b"STOPPING=1")
            self.assertEqual(process.wait(TIMEOUT), 0)


if __name__ == "__main__":
    unittest.main()
