"""HTTPS: who gets in, what is refused, and new certificates without a restart."""

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

from serving import BERT, TIMEOUT, VECTON, ServerTest

OPENSSL = shutil.which("openssl")


@unittest.skipUnless(OPENSSL, "certificates are made by openssl, which is not here")
class Tls(ServerTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.make("ca", "ca")
        for name in ("one", "two", "client"):
            cls.make(name, name, signer="ca")
        cls.openssl("pkey", "-aes256", "-in", cls.file("one.key"), "-out", cls.file("locked.key"), "-passout", "pass:secret")

    @classmethod
    def file(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def openssl(cls, *arguments):
        subprocess.run([OPENSSL, *arguments], check=True, capture_output=True)

    @classmethod
    def make(cls, name, subject, signer=None):
        by = ["-CA", cls.file(signer + ".pem"), "-CAkey", cls.file(signer + ".key")] if signer else ["-addext", "basicConstraints=critical,CA:TRUE"]
        cls.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "30", "-subj", f"/CN={subject}", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", cls.file(name + ".key"), "-out", cls.file(name + ".pem"), *by)

    def certified(self, name="one"):
        return ("--ssl-certfile", self.file(name + ".pem"), "--ssl-keyfile", self.file(name + ".key"))

    def context(self, client=None):
        context = ssl.create_default_context(cafile=self.file("ca.pem"))
        if client:
            context.load_cert_chain(self.file(client + ".pem"), self.file(client + ".key"))
        return context

    def connect(self, server, context=None):
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=TIMEOUT, context=context or self.context())
        self.addCleanup(connection.close)
        return connection

    def subject(self, connection):
        return dict(pair for part in connection.sock.getpeercert()["subject"] for pair in part)["commonName"]

    def error_of(self, *flags):
        done = subprocess.run([VECTON, "serve", BERT, "--port", "0", *flags], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_answers_over_tls(self):
        server = self.start(BERT, *self.certified())
        self.assertTrue(server.url.startswith("https://"))
        connection = self.connect(server)
        for text in ("a", "b " * 40000):  # a body and an answer of many records
            body = {"inputs": [text] * 20, "truncate": True}
            answer = server.post("/embed", body, connection=connection)
            self.assertEqual((answer.status, len(answer.json)), (200, 20))
        self.assertIn(connection.sock.version(), ("TLSv1.2", "TLSv1.3"))
        refused = server.post("/embed", {"inputs": "a"}, connection=connection, headers={"Connection": "close"})
        self.assertEqual(refused.status, 200)

    def test_old_protocols_and_plain_requests_are_refused(self):
        server = self.start(BERT, *self.certified())
        old = self.context()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        weak = self.context()
        weak.maximum_version = ssl.TLSVersion.TLSv1_2
        weak.set_ciphers("AES128-SHA:AES256-GCM-SHA384")  # no forward secrecy
        http2 = self.context()
        http2.set_alpn_protocols(["h2"])
        for context in (old, weak, http2):
            with self.assertRaises(ssl.SSLError):
                self.connect(server, context).connect()
        self.assertNotIn(b"200", server.raw(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"))
        both = self.context()
        both.set_alpn_protocols(["h2", "http/1.1"])
        connection = self.connect(server, both)
        self.assertEqual(server.get("/health", connection=connection).status, 200)
        self.assertEqual(connection.sock.selected_alpn_protocol(), "http/1.1")
        self.assertIn('te_request_failure{err="tls"} 4', server.get("/metrics", connection=connection).body.decode())

    def test_silent_clients_do_not_hold_up_others(self):
        server = self.start(BERT, *self.certified())
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
        for sock in silent:
            self.addCleanup(sock.close)
        self.assertEqual(server.get("/health", connection=self.connect(server)).status, 200)

    def test_certificates_of_clients(self):
        server = self.start(BERT, *self.certified(), "--ssl-ca-certs", self.file("ca.pem"), "--ssl-cert-reqs", "2")
        self.assertEqual(server.get("/health", connection=self.connect(server, self.context("client"))).status, 200)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            server.get("/health", connection=self.connect(server))
        self.make("stranger", "stranger")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            server.get("/health", connection=self.connect(server, self.context("stranger")))
        optional = self.start(BERT, *self.certified(), "--ssl-ca-certs", self.file("ca.pem"), "--ssl-cert-reqs", "1")
        self.assertEqual(optional.get("/health", connection=self.connect(optional)).status, 200)

    def test_a_new_certificate_without_a_restart(self):
        for refresh in ((), ("--enable-ssl-refresh",)):
            for kind in ("pem", "key"):
                shutil.copy(self.file("one." + kind), self.file("used." + kind))
            server = self.start(BERT, *self.certified("used"), *refresh)
            before = self.connect(server)
            self.assertEqual(server.get("/health", connection=before).status, 200)
            self.assertEqual(self.subject(before), "one")
            for kind in ("key", "pem"):
                shutil.copy(self.file("two." + kind), self.file("used." + kind))
            if not refresh:
                server.process.send_signal(signal.SIGHUP)
            server.wait_for_line("certificate: CN=two, valid until")
            after = self.connect(server)
            self.assertEqual(server.get("/health", connection=after).status, 200)
            self.assertEqual(self.subject(after), "two")
            self.assertEqual(server.get("/health", connection=before).status, 200)
            with open(self.file("used.key"), "w") as file:
                file.write("nonsense")
            if not refresh:
                server.process.send_signal(signal.SIGHUP)
            server.wait_for_line("not reloaded: .*holds no private key")
            self.assertEqual(server.get("/health", connection=self.connect(server)).status, 200)

    def test_a_key_with_a_password(self):
        flags = ("--ssl-certfile", self.file("one.pem"), "--ssl-keyfile", self.file("locked.key"))
        server = self.start(BERT, *flags, "--ssl-keyfile-password", "secret")
        self.assertEqual(server.get("/health", connection=self.connect(server)).status, 200)
        self.assertIn("has a password, and none is given", self.error_of(*flags))
        self.assertIn("--ssl-keyfile-password: it does not open", self.error_of(*flags, "--ssl-keyfile-password", "wrong"))

    def test_wrong_files_are_named(self):
        one, two = self.file("one.pem"), self.file("two.key")
        for flags, words in (
                (("--ssl-certfile", "/none.pem"), "--ssl-certfile: /none.pem can't be read"),
                (("--ssl-certfile", self.file("one.key")), "holds no certificate"),
                (("--ssl-certfile", one), "holds no private key"),
                (("--ssl-certfile", one, "--ssl-keyfile", two), "is not that of the certificate"),
                (("--ssl-keyfile", two), "--ssl-certfile: it is missing"),
                ((*self.certified(), "--ssl-cert-reqs", "2"), "need --ssl-ca-certs"),
                ((*self.certified(), "--ssl-ca-certs", two), "holds no certificate"),
                ((*self.certified(), "--ssl-ciphers", "none of these"), "--ssl-ciphers: there is no cipher")):
            self.assertIn(words, self.error_of(*flags), flags)

    def test_sigterm_finishes_over_tls(self):
        server = self.start(BERT, *self.certified())
        connection = self.connect(server)
        self.assertEqual(server.get("/health", connection=connection).status, 200)
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
