"""Pictures of requests: inside them, in a folder, on hosts; and what is refused by name."""

import base64
import http.server
import pathlib
import tempfile
import threading
import time
import unittest

import serving

PICTURES = serving.GOLDEN / "images"
MODEL = serving.model("qwen3-vl-embedding")


def data_uri(name):
    return "data:;base64," + base64.b64encode((PICTURES / name).read_bytes()).decode()


class Host(http.server.ThreadingHTTPServer):
    """Serves the pictures on this machine; /slow never answers, /away redirects."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.seen.append(self.path)
            name = self.path.strip("/")
            if name == "slow":
                time.sleep(3)
                return
            if name.startswith("to/"):
                self.send_response(302)
                self.send_header("Location", name[3:])
                self.end_headers()
                return
            file = PICTURES / name
            self.send_response(200 if file.is_file() else 404)
            self.end_headers()
            self.wfile.write(file.read_bytes() if file.is_file() else b"")

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.seen = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Sources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.folder.name)
        cls.open = root / "open"
        cls.open.mkdir()
        (cls.open / "a page.png").write_bytes((PICTURES / "page.png").read_bytes())
        (root / "secret.png").write_bytes((PICTURES / "page.png").read_bytes())
        (cls.open / "link.png").symlink_to(root / "secret.png")
        cls.host = Host()
        cls.closed = serving.Server(MODEL)
        cls.server = serving.Server(
            MODEL, "--allowed-media-domains", "127.0.0.1", "localhost.example", "--allowed-local-media-path", str(cls.open),
            "--limit-mm-per-prompt", '{"image": 2}', env={"VLLM_IMAGE_FETCH_TIMEOUT": "1"})
        cls.small = serving.Server(MODEL, "--mm-processor-kwargs", '{"max_pixels": 2048}', "--allowed-media-domains", "*")

    @classmethod
    def tearDownClass(cls):
        for server in (cls.closed, cls.server, cls.small):
            server.stop()
        cls.host.shutdown()
        cls.host.server_close()
        cls.folder.cleanup()

    def embed(self, *urls, server=None):
        parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        return (server or self.server).post("/v1/embeddings", {"messages": [{"role": "user", "content": parts}]})

    def refused(self, message, *urls, server=None):
        answer = self.embed(*urls, server=server)
        self.assertEqual(answer.status, 400, answer.body)
        self.assertIn(message, answer.json["error"]["message"])

    def test_all_sources_are_one_picture(self):
        whole = self.embed(data_uri("page.png"))
        self.assertEqual(whole.status, 200, whole.body)
        for url in (f"{self.host.url}/page.png", f"file://{self.open}/a%20page.png", f"{self.host.url}/to/{self.host.url}/page.png"):
            answer = self.embed(url)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(answer.json["data"], whole.json["data"], url)
            self.assertEqual(answer.json["usage"], whole.json["usage"], url)

    def test_every_route_takes_them(self):
        url = f"{self.host.url}/page.png"
        for path, body in (("/v2/embed", {"images": [url]}), ("/v1/embeddings", {"input": [{"image": url}]}),
                           ("/rerank", {"query": "q", "documents": [{"content": [{"type": "image_url", "image_url": {"url": url}}]}]})):
            answer = self.server.post(path, body)
            self.assertEqual(answer.status, 200, answer.body)
            answer = self.closed.post(path, body)
            self.assertEqual(answer.status, 400, answer.body)
            self.assertIn(b"--allowed-media-domains", answer.body)

    def test_nothing_is_reached_unless_it_is_allowed(self):
        seen = len(self.host.seen)
        self.refused("--allowed-media-domains", f"{self.host.url}/page.png", server=self.closed)
        self.refused("--allowed-local-media-path", f"file://{self.open}/a%20page.png", server=self.closed)
        self.refused("private network", f"{self.host.url}/page.png", server=self.small)
        self.refused("--allowed-media-domains", f"http://localhost:{self.host.server_port}/page.png")
        self.assertEqual(len(self.host.seen), seen)
        self.refused('"localhost"', f"{self.host.url}/to/http://localhost:{self.host.server_port}/page.png")
        self.assertEqual(len(self.host.seen), seen + 1)
        self.refused("is not in the folder", f"file://{self.open}/link.png")
        self.refused("is not in the folder", f"file://{self.open}/../secret.png")
        self.refused("is not in the folder", "file:///etc/passwd")
        self.refused("there is no file", f"file://{self.open}/none.png")
        self.refused("expected a data: URI", f"{self.open}/a page.png")

    def test_hosts_that_fail(self):
        self.refused("status 404", f"{self.host.url}/none.png")
        start = time.monotonic()
        self.refused("can't be fetched", f"{self.host.url}/slow")
        self.assertLess(time.monotonic() - start, 2.5, "VLLM_IMAGE_FETCH_TIMEOUT")

    def test_limit(self):
        page = data_uri("page.png")
        self.assertEqual(self.embed(page, page).status, 200)
        self.refused("limit_mm_per_prompt", page, page, page)

    def test_processor(self):
        page = data_uri("page.png")
        small, whole = (self.embed(page, server=server).json["usage"]["prompt_tokens"] for server in (self.small, self.closed))
        self.assertLess(small, whole)

    def test_settings_that_are_none(self):
        for flags, message in ((("--mm-processor-kwargs", '{"max_pixel": 2048}'), "max_pixel is not known"),):
            with self.assertRaises(AssertionError) as failure:
                serving.Server(MODEL, *flags).stop()
            self.assertIn(message, str(failure.exception))
        with self.assertRaises(AssertionError) as failure:
            serving.Server(serving.BERT, "--mm-processor-kwargs", '{"max_pixels": 2048}').stop()
        self.assertIn("reads no images", str(failure.exception))


if __name__ == "__main__":
    unittest.main()
