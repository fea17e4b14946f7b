"""Pictures of requests: inside them, in a folder, on hosts; and what is refused by name."""

import base64
import concurrent.futures
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

    def test_a_picture_is_fetched_once_for_a_request(self):
        url = f"{self.host.url}/page.png"
        part = {"type": "image_url", "image_url": {"url": url}}
        other = {"content": [{"type": "image_url", "image_url": {"url": f"{self.host.url}/gray.png"}}]}
        for path, body in (("/v1/embeddings", {"input": [{"image": url}, "a text", {"image": url}, {"text": "b", "image": url}]}),
                           ("/v1/embeddings", {"messages": [{"role": "user", "content": [part, part]}]}),
                           ("/v2/embed", {"images": [url, url]}),
                           ("/score", {"text_1": {"content": [part]}, "text_2": [{"content": [part]}, "a text", {"content": [part]}]}),
                           ("/rerank", {"query": {"image": url}, "documents": [{"content": [part]}, other, {"image": url}]})):
            seen = len(self.host.seen)
            answer = self.server.post(path, body)
            self.assertEqual(answer.status, 200, answer.body)
            fetched = self.host.seen[seen:]
            self.assertEqual(sorted(fetched), sorted(set(fetched)), path)
            self.assertIn("/page.png", fetched)
        # The same vectors as of the picture itself, each time.
        vectors = [item["embedding"] for item in self.server.post("/v1/embeddings", {"input": [{"image": url}, {"image": url}, {"image": data_uri("page.png")}]}).json["data"]]
        self.assertEqual(vectors[0], vectors[1])
        self.assertEqual(vectors[0], vectors[2])
        seen = len(self.host.seen)
        self.embed(url), self.embed(url)
        self.assertEqual(len(self.host.seen), seen + 2, "nothing is kept for another request")

    def test_no_picture_is_left_out(self):
        page = data_uri("page.png")
        for path, body, field in (("/embed", {"inputs": "a", "images": [page]}, "images"), ("/embed", {"inputs": [{"image": page}]}, "inputs.0"),
                                  ("/similarity", {"inputs": {"source_sentence": "a", "sentences": [{"image": page}]}}, "sentences.0"),
                                  ("/v1/embeddings", {"input": "a", "image": page}, "image"), ("/v1/embeddings", {"input": [{"text": "a", "images": [page]}]}, "input.0.images"),
                                  ("/v1/embeddings", {"messages": [{"role": "user", "content": [{"type": "image_embeds", "image_embeds": "AAAA"}]}]}, "image_embeds"),
                                  ("/v1/embeddings", {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "image_url": page}]}]}, "one has both"),
                                  ("/score", {"text_1": "a", "text_2": "b", "images": [page]}, "images"), ("/api/embed", {"input": "a", "images": [page]}, "images"),
                                  ("/rerank", {"query": "a", "documents": [{"text": "b", "image_urls": [page]}]}, "documents.0.image_urls")):
            answer = self.closed.post(path, body)
            self.assertIn(answer.status, (400, 422), (path, answer.body))
            self.assertIn(field.encode(), answer.body, path)

    def test_dialects_agree(self):
        page = data_uri("page.png")
        vector = self.closed.post("/v1/embeddings", {"input": [{"image": page}]}).json["data"][0]["embedding"]
        for body in ({"input": [page], "modality": "image"}, {"input": page.partition(",")[2], "modality": "image"}, {"input": [{"image_url": {"url": page}}]},
                     {"input": [{"content": [{"type": "image_url", "image_url": page}]}]}):
            self.assertEqual(self.closed.post("/v1/embeddings", body).json["data"][0]["embedding"], vector, body.keys())
        typed, bare = (self.closed.post("/v1/embeddings", {"messages": [{"role": "user", "content": [{**kind, "image_url": {"url": page}}]}]})
                       for kind in ({"type": "image_url"}, {}))
        self.assertEqual(typed.json["data"], bare.json["data"])
        self.assertEqual(self.closed.post("/v2/embed", {"images": [page], "input_type": "image"}).json["embeddings"]["float"][0], vector)

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


class PrefixCache(unittest.TestCase):
    """Pictures of one size, whose tokens are the same: what is kept of one never stands for another."""
    model, side = serving.model("qwen3-vl"), 192

    @classmethod
    def picture(cls, seed):
        rows = bytes((x * (seed + c + 1) + y * (3 * seed + 2 * c + 1)) % 256 for y in range(cls.side) for x in range(cls.side) for c in range(3))
        side = cls.side.to_bytes(4, "little")
        head = b"BM" + (54 + len(rows)).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
        return "data:image/bmp;base64," + base64.b64encode(head + side + side + b"\1\0\x18\0" + bytes(24) + rows).decode()

    @classmethod
    def ask(cls, server, *pictures, tokens=8):
        parts = [{"type": "image_url", "image_url": {"url": picture}} for picture in pictures] + [{"type": "text", "text": "what is it"}]
        answer = server.post("/v1/chat/completions", {"messages": [{"role": "user", "content": parts}], "max_tokens": tokens, "temperature": 0,
                                                      "logprobs": True, "top_logprobs": 3, "ignore_eos": True}).json
        return answer["choices"][0]["logprobs"]["content"], answer["usage"]["prompt_tokens_details"]["cached_tokens"]

    def server(self, *flags):
        server = serving.Server(self.model, *flags)
        self.addCleanup(server.stop)
        return server

    def test_pictures_do_not_share_pages(self):
        plain, cached = self.server("--no-enable-prefix-caching"), self.server()
        one, other = self.picture(1), self.picture(2)
        orders = {"one": (one,), "other": (other,), "both": (one, other), "twice": (one, one)}
        wanted = {name: self.ask(plain, *pictures)[0] for name, pictures in orders.items()}
        self.assertEqual(len({str(w) for w in wanted.values()}), len(orders))
        found = {}
        for name in ("one", "one", "other", "both", "twice", "both", "other", "one"):
            said, found[name] = self.ask(cached, *orders[name])
            self.assertEqual(said, wanted[name], name)
            if name == "other" and list(found) == ["one", "other"]:
                self.assertEqual(found[name], 0, "the first page ends within the picture")
        for name, tokens in found.items():  # when it came last, but for the first that was asked for once
            self.assertGreaterEqual(tokens, 16, name)

    def test_preemption_keeps_pictures(self):
        plain, tight = self.server("--no-enable-prefix-caching"), self.server("--cache-bytes", "300000", "--max-num-seqs", "8")
        pictures = [self.picture(seed) for seed in range(6)]
        wanted = [self.ask(plain, picture, tokens=40)[0] for picture in pictures]
        for _ in range(10):  # until they meet
            with concurrent.futures.ThreadPoolExecutor(len(pictures)) as pool:
                said = list(pool.map(lambda picture: self.ask(tight, picture, tokens=40)[0], pictures))
            self.assertEqual(said, wanted)
            if tight.metric("vllm:num_preemptions_total") > 0:
                return
        self.fail("no sequence was preempted")


if __name__ == "__main__":
    unittest.main()
