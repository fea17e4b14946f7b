"""The server's description of itself: /openapi.json and /docs."""

import html.parser
import json
import unittest

from serving import ServerTest, model


class Page(html.parser.HTMLParser):
    """Counts what a page opens and closes, and keeps what it links to."""

    VOID = {"meta", "link", "br", "hr", "img", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.links, self.ids, self.tags = [], [], set(), set()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        if "href" in given:
            self.links.append(given["href"])
        if "id" in given:
            assert given["id"] not in self.ids, given["id"]
            self.ids.add(given["id"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


class OpenApi(ServerTest):
    def document(self):
        answer = self.server.get("/openapi.json")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/json"))
        return answer.json

    def test_examples_of_what_the_model_does_are_answered(self):
        answered = 0
        for path, methods in self.document()["paths"].items():
            body = methods.get("post", {}).get("requestBody")
            for example in body["content"]["application/json"]["examples"].values() if body else ():
                answer = self.server.post(path, example["value"])
                known = methods["post"]["responses"]
                self.assertIn(str(answer.status), known, path)
                kind = answer.headers["Content-Type"].split(";")[0]
                self.assertIn(kind, known[str(answer.status)]["content"], path)
                operators = path in ("/models/load", "/models/unload")  # of whom this server has none
                self.assertIn(answer.status, (403,) if operators else (200, 400, 404, 422, 424), path)
                answered += answer.status == 200
        self.assertGreaterEqual(answered, 10)

    def test_routes_without_a_body_answer(self):
        for path, methods in self.document()["paths"].items():
            if "get" in methods and "{" not in path:
                answer = self.server.get(path)
                self.assertEqual(answer.status, 200, path)
                kinds = list(methods["get"]["responses"]["200"].get("content", {}))
                if answer.body or kinds:
                    self.assertIn(answer.headers["Content-Type"].split(";")[0], kinds, path)

    def test_answers_have_what_their_schemas_require(self):
        schemas = self.document()["components"]["schemas"]
        answer = self.post("/v1/embeddings", {"input": ["a", "b"]}).json
        self.assertLessEqual(set(schemas["Embeddings"]["required"]), set(answer))
        self.assertEqual(set(schemas["Embeddings"]["properties"]), set(answer))

    def test_page(self):
        answer = self.server.get("/docs")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
        page = Page()
        page.feed(answer.body.decode())
        self.assertEqual(page.open, [])
        self.assertNotIn("script", page.tags)
        for link in page.links:
            self.assertTrue(link in ("openapi.json", "data:,") or link[1:] in page.ids, link)


class OpenApiWithKey(ServerTest):
    flags = ("--api-key", "secret")

    def test_description_is_open_and_says_what_is_not(self):
        self.assertEqual(self.server.get("/docs").status, 200)
        answer = self.server.get("/openapi.json")
        self.assertEqual(answer.status, 200)
        self.assertNotIn(b"secret", answer.body)
        for path, methods in json.loads(answer.body)["paths"].items():
            if "get" in methods and "{" not in path:
                guarded = "security" in methods["get"]
                self.assertEqual(self.server.get(path).status, 401 if guarded else 200, path)


class OpenApiOfAReranker(ServerTest):
    model = model("bert-rerank-sigmoid")

    def test_every_dialects_example_is_answered(self):
        body = self.server.get("/openapi.json").json["paths"]["/rerank"]["post"]["requestBody"]
        examples = body["content"]["application/json"]["examples"]
        self.assertEqual(len(examples), 3)
        for example in examples.values():
            self.post("/rerank", example["value"])


if __name__ == "__main__":
    unittest.main()
