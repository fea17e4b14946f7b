"""GET /: a page for browsers, the server's health for everybody else."""

import base64
import hashlib
import re
import unittest

from serving import BERT, ServerTest, model

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class Playground(ServerTest):
    flags = ("--api-key", "secret", "--allowed-origins", '["https://example.org"]')

    def page(self, **headers):
        return self.server.get("/", headers={**BROWSER, **headers})

    def test_is_for_browsers_without_a_key(self):
        answer = self.page()
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertTrue(answer.body.startswith(b"<!doctype html>"))
        self.assertNotIn(b"bert-embed-mean", answer.body)  # it says nothing of the model
        self.assertEqual(self.server.get("/v1/models").status, 401)

    def test_others_get_health(self):
        for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
            answer = self.server.get("/", headers=accept)
            self.assertEqual((answer.status, answer.body, answer.headers["Content-Type"]), (200, b"", None))
            self.assertIn("Accept", answer.headers["Vary"])

    def test_teis_route_stays(self):
        answer = self.post("/", {"inputs": "a"}, headers={**BROWSER, "Authorization": "Bearer secret"})
        self.assertEqual(len(answer.json[0]), 64)

    def test_policy_names_the_parts(self):
        answer = self.page()
        policy = answer.headers["Content-Security-Policy"]
        for tag, directive in (("script", "script-src"), ("style", "style-src")):
            (text,) = re.findall(f"<{tag}>(.*?)</{tag}>".encode(), answer.body, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
            self.assertIn(f"{directive} 'sha256-{digest}';", policy)
        self.assertNotIn("unsafe", policy)

    def test_is_not_sent_twice(self):
        answer = self.page()
        self.assertEqual(answer.headers.get_all("Vary"), ["Accept, Origin"])
        again = self.page(**{"If-None-Match": answer.headers["ETag"]})
        self.assertEqual((again.status, again.body, again.headers["Content-Length"]), (304, b"", None))
        head = self.server.request("HEAD", "/", headers=BROWSER)
        self.assertEqual(int(head.headers["Content-Length"]), len(answer.body))

    def test_can_be_turned_off(self):
        server = self.start(BERT, "--disable-playground")
        answer = server.get("/", headers=BROWSER)
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["Vary"], None)


class Matches(ServerTest):
    model = model("colbert-bert")

    def test_tokens_of_a_text(self):
        query, document = "who sleeps?", "a cat naps"
        answer = self.post("/similarity_map", {"query": query, "document": document}).json
        self.assertEqual(answer["images"], [])
        self.assertEqual([len(row) for row in answer["similarities"]], [len(answer["document_tokens"])] * len(answer["tokens"]))
        score = self.post("/score", {"text_1": query, "text_2": document}).json["data"][0]["score"]
        self.assert_close([sum(max(row) for row in answer["similarities"])], [score], 1e-3)

    def test_models_say_what_they_do(self):
        entry = self.server.get("/v1/models").json["data"][0]
        self.assertEqual((entry["scorer"], entry["input_modalities"]), ("late-interaction", ["text"]))
        self.assertIn("token_embed", entry["tasks"])


if __name__ == "__main__":
    unittest.main()
