"""Traces, as a collector of OpenTelemetry gets them."""

import http.server
import json
import re
import queue
import signal
import socket
import threading
import unittest

from serving import BERT, TIMEOUT, ServerTest, model

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(http.server.ThreadingHTTPServer):
    """Takes what is sent to it, or answers with `status`."""

    def __init__(self, status=200):
        self.bodies, collector = queue.Queue(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.bodies.put((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *arguments):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self):
        """Those of the next batch."""
        path, kind, body = self.bodies.get(timeout=TIMEOUT)
        assert (path, kind) == ("/v1/traces", "application/json")
        resource, = body["resourceSpans"]
        assert resource["resource"]["attributes"][0] == {"key": "service.name", "value": {"stringValue": "search"}}
        return resource["scopeSpans"][0]["spans"]


def values(span):
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


class Traces(ServerTest):
    def collector(self, status=200):
        collector = Collector(status)
        self.addCleanup(collector.server_close)
        self.addCleanup(collector.shutdown)
        return collector

    def traced(self, collector, name=BERT):
        return self.start(name, "--otlp-traces-endpoint", collector.url, "--otlp-service-name", "search", "--served-model-name", "m")

    def test_a_request_is_a_trace(self):
        collector = self.collector()
        server = self.traced(collector)
        parent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "mine"}
        server.post("/v1/embeddings", {"input": ["a", "b c"]}, headers=parent)
        server.post("/v1/embeddings", {"input": "a"}, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})  # not recorded
        server.get("/health", headers=parent)
        server.post("/embed", {"inputs": 1})
        server.process.send_signal(signal.SIGTERM)  # sends what is left
        spans = collector.spans()
        root, failed = (s for s in spans if s["kind"] == 2)
        self.assertEqual((root["name"], root["traceId"], root["parentSpanId"]), ("llm_request", TRACE, PARENT))
        got = values(root)
        for key, value in {"gen_ai.request.id": "mine", "gen_ai.response.model": "m", "gen_ai.usage.num_sequences": "2",
                           "gen_ai.request.model": "m",
                           "http.route": "/v1/embeddings", "http.response.status_code": "200"}.items():
            self.assertEqual(got[key], value)
        self.assertGreater(int(got["gen_ai.usage.prompt_tokens"]), 2)
        children = [s for s in spans if s.get("parentSpanId") == root["spanId"]]
        self.assertEqual(sorted(s["name"] for s in children), ["compute", "parse", "queue", "render", "tokenize"])
        for child in children:
            self.assertEqual(child["traceId"], TRACE)
            self.assertGreaterEqual(int(child["startTimeUnixNano"]), int(root["startTimeUnixNano"]))
            self.assertLessEqual(int(child["endTimeUnixNano"]), int(root["endTimeUnixNano"]) + 1_000_000)
        self.assertNotIn("parentSpanId", failed)
        self.assertEqual(failed["status"], {"code": 2, "message": "shape"})
        self.assertEqual(values(failed)["http.response.status_code"], "422")

    def test_a_stream_is_one_trace_too(self):
        collector = self.collector()
        server = self.traced(collector, model("gen-llama3"))
        server.post("/v1/completions", {"prompt": "a", "max_tokens": 3, "stream": True, "ignore_eos": True, "temperature": 0.5, "top_p": 0.25}).body
        plain, found = (server.get("/metrics", headers={"Accept": accept}) for accept in ("text/plain", "application/openmetrics-text"))
        self.assertIn("application/openmetrics-text", found.headers["Content-Type"])
        self.assertTrue(found.body.endswith(b"\n# EOF\n"))
        self.assertNotIn(b"trace_id", plain.body)
        exemplars = {name for name in (b"vllm:e2e_request_latency_seconds", b"vllm:time_to_first_token_seconds")
                     if re.search(name + rb'_bucket\{[^}]*\} 1 # \{trace_id="[0-9a-f]{32}"\} [0-9.e-]+ [0-9.]+\n', found.body)}
        self.assertEqual(len(exemplars), 2)
        server.process.send_signal(signal.SIGTERM)
        root, = (s for s in collector.spans() if s["kind"] == 2)
        for key, value in {"gen_ai.usage.completion_tokens": "3", "gen_ai.request.max_tokens": "3", "gen_ai.request.temperature": 0.5,
                           "gen_ai.request.top_p": 0.25}.items():
            self.assertEqual(values(root)[key], value)
        self.assertGreater(values(root)["gen_ai.latency.time_to_first_token"], 0)

    def test_nobody_waits_for_a_collector_that_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections and says nothing
            server = self.start(BERT, "--otlp-traces-endpoint", f"http://127.0.0.1:{deaf.getsockname()[1]}")
            connection = server.connect()
            for _ in range(20):
                self.assertEqual(server.post("/embed", {"inputs": "a"}, connection=connection).status, 200)
            self.assertEqual(server.metric("vecton_traces_sent_total"), 0)
            self.assertEqual(server.stop(), 0)

    def test_a_collector_that_refuses_is_named(self):
        server = self.traced(self.collector(500))
        server.post("/embed", {"inputs": "a"})
        server.wait_for_line("the collector takes none: it answered 500")
        self.assertEqual(server.metric("vecton_traces_dropped_total"), 1)

    def test_off_means_off(self):
        server = self.start(BERT)
        self.assertNotIn("vecton_traces", server.get("/metrics").body.decode())


if __name__ == "__main__":
    unittest.main()
