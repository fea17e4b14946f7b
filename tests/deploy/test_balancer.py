"""deploy/haproxy before three servers: who is asked what, what a server's end costs, what the cache of prefixes finds."""

import collections
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "server"))
from serving import BERT, TIMEOUT, Server, model  # noqa: E402

SKIPPED = 77
HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
AGENT = str(ROOT / "deploy" / "haproxy" / "queue-agent")
QUERIES = [f"{n} is the number of a long query, and nothing before it is another's; where does the rain of country {n} fall? " * 3 for n in range(20)]
DOCUMENTS = ["the capital of France", "a cat sleeps", "stocks fell", "rain in Spain"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class Balanced:
    """Servers of one model, an agent for each, and HAProxy by the configuration of deploy/."""

    def __init__(self, test, checkpoint, *flags, backend=None):
        self.servers = [Server(checkpoint, *flags) for _ in range(3)]
        agents = [subprocess.Popen([sys.executable, AGENT, "--server", s.url, "--host", "127.0.0.1", "--port", "0"], stdout=subprocess.PIPE, text=True)
                  for s in self.servers]
        text = (ROOT / "deploy" / "haproxy" / "haproxy.cfg").read_text()
        template = re.search(r"^  server-template .*\n", text, re.M)[0]
        rows = "".join(f"  server s{i} 127.0.0.1:{s.port} agent-port {int(a.stdout.readline().split()[-1])}\n"
                       for i, (s, a) in enumerate(zip(self.servers, agents)))
        self.port = free_port()
        text = text.replace(template, rows).replace("bind :8000", f"bind 127.0.0.1:{self.port}")
        if backend:  # as if there were no rule for prefixes
            text = re.sub(r"(?m)^  use_backend .*\n", "", text)
        folder = tempfile.TemporaryDirectory()
        config = pathlib.Path(folder.name) / "haproxy.cfg"
        config.write_text(text)
        proxy = subprocess.Popen([HAPROXY, "-db", "-f", str(config)], stderr=subprocess.DEVNULL)
        test.addCleanup(folder.cleanup)
        for process in (proxy, *agents):
            test.addCleanup(process.wait, TIMEOUT)
            test.addCleanup(process.kill)
        for agent in agents:
            test.addCleanup(agent.stdout.close)
        for server in self.servers:
            test.addCleanup(server.stop)
        end = time.monotonic() + TIMEOUT
        while True:
            try:
                return self.post("/tokenize", {"inputs": "a"}) and None
            except OSError:
                if time.monotonic() > end or proxy.poll() is not None:
                    raise
                time.sleep(0.05)

    def post(self, path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return json.load(answer)

    def sums(self, name):
        return [server.metric(name) for server in self.servers]


class Balancer(unittest.TestCase):
    def cached(self, **more):
        """Who was asked each query, and the share of tokens that the caches had: every document comes in a request of its own."""
        balanced = Balanced(self, model("rerank-qwen3"), **more)
        answers = collections.defaultdict(list)
        for document in DOCUMENTS:
            for query in QUERIES:
                before = balanced.sums("te_request_count")
                balanced.post("/rerank", {"query": query, "documents": [document]})
                after = balanced.sums("te_request_count")
                answers[query].append([a - b for a, b in zip(after, before)].index(1))
        share = sum(balanced.sums("vllm:prefix_cache_hits_total")) / sum(balanced.sums("vllm:prefix_cache_queries_total"))
        return answers, share, balanced

    def test_a_query_is_asked_where_its_prefix_is(self):
        hashed, share, _ = self.cached()
        self.assertTrue(all(len(set(places)) == 1 for places in hashed.values()), hashed)
        self.assertEqual({places[0] for places in hashed.values()}, {0, 1, 2})
        spread, without, _ = self.cached(backend="by_queue")
        self.assertFalse(all(len(set(places)) == 1 for places in spread.values()), spread)
        print(f"tokens found in caches: {share:.1%} by prefix, {without:.1%} by queue alone")
        self.assertGreater(share, without)

    def test_a_server_that_ends_costs_what_it_had(self):
        balanced = Balanced(self, BERT)
        for _ in range(30):
            balanced.post("/embed", {"inputs": "a text"})
        self.assertTrue(all(count > 5 for count in balanced.sums("te_request_count")))
        balanced.servers[0].process.kill()
        balanced.servers[0].process.wait(TIMEOUT)  # what comes while it dies was begun, and gets 502
        for _ in range(30):  # asked again elsewhere, before HAProxy's check has seen it
            balanced.post("/embed", {"inputs": "a text"})

    def test_a_queue_lowers_the_weight(self):
        server = Server(BERT, "--backend", "ref", "--threads", "1", "--max-num-batched-tokens", "512")
        self.addCleanup(server.stop)
        namespace = {"__name__": "queue_agent"}
        exec(compile(pathlib.Path(AGENT).read_text(), AGENT, "exec"), namespace)
        self.assertEqual(namespace["weight"](server.url, 100), "up ready 100%")
        connection = server.connect()
        connection.request("POST", "/embed", json.dumps({"inputs": ["capital of France " * 40] * 64}), {"Content-Type": "application/json"})
        server.wait_for_metric("vecton_tokens_waiting", lambda n: n > 0)
        self.assertLess(int(namespace["weight"](server.url, 100).split()[-1].rstrip("%")), 60)
        connection.close()
        server.stop()
        self.assertEqual(namespace["weight"](server.url, 100), "drain")


if __name__ == "__main__":
    if not HAPROXY:
        print("skipped: there is no haproxy here")
        sys.exit(SKIPPED)
    unittest.main()
