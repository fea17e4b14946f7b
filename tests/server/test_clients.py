"""The official clients, unchanged. VECTON_TEST_PYTHON names an interpreter that has the package openai."""

import asyncio
import os
import shutil
import subprocess
import sys
import unittest

SKIPPED = 77  # CTest's word for it


def has_clients(python):
    return bool(shutil.which(python)) and not subprocess.run([python, "-c", "import openai"], capture_output=True).returncode


class OpenAiClient:
    flags = ("--api-key", "sesame", "--served-model-name", "tiny")

    def client(self, **more):
        import openai
        return openai.OpenAI(base_url=self.server.url + "/v1", **{"api_key": "sesame", "max_retries": 0, **more})

    def test_embeddings(self):
        client = self.client()
        default = client.embeddings.create(model="tiny", input=["a", "capital"])  # the client asks for base64 itself
        floats = client.embeddings.create(model="tiny", input=["a", "capital"], encoding_format="float")
        self.assertEqual([len(d.embedding) for d in default.data], [64, 64])
        for a, b in zip(default.data, floats.data):
            self.assert_close(a.embedding, b.embedding, 1e-7)
        self.assertEqual(default.usage.total_tokens, floats.usage.total_tokens)
        ids = client.embeddings.create(model="tiny", input=[[4, 34, 5]]).data[0].embedding
        self.assert_close(ids, default.data[0].embedding, 1e-7)
        cut = client.embeddings.create(model="tiny", input="capital " * 100, extra_body={"truncate_prompt_tokens": -1})
        self.assertEqual(cut.usage.prompt_tokens, 48)

    def test_models(self):
        client = self.client()
        self.assertEqual([m.id for m in client.models.list()], ["tiny"])
        self.assertEqual(client.models.retrieve("tiny").id, "tiny")

    def test_errors_are_its_exceptions(self):
        import openai
        with self.assertRaises(openai.AuthenticationError):
            self.client(api_key="wrong").models.list()
        with self.assertRaises(openai.NotFoundError):
            self.client().embeddings.create(model="other", input="a")
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client().embeddings.create(model="tiny", input="capital " * 100)
        self.assertIn("Please reduce the length", str(caught.exception))
        with self.assertRaises(openai.BadRequestError):
            self.client().embeddings.create(model="tiny", input="a", dimensions=8)

    def test_many_at_once(self):
        import openai

        async def all_of_them():
            async with openai.AsyncOpenAI(base_url=self.server.url + "/v1", api_key="sesame") as client:
                return await asyncio.gather(*[client.embeddings.create(model="tiny", input=f"text {i}") for i in range(100)])

        self.assertEqual(len(asyncio.run(all_of_them())), 100)


def main():
    python = os.environ.get("VECTON_TEST_PYTHON", sys.executable)
    if not has_clients(python):
        print(f"skipped: {python} has no package openai (VECTON_TEST_PYTHON names one that has)")
        return SKIPPED
    if os.path.realpath(python) != os.path.realpath(sys.executable) or sys.prefix != prefix_of(python):
        return subprocess.run([python, "-B", __file__, *sys.argv[1:]]).returncode
    from serving import ServerTest
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(type("Clients", (OpenAiClient, ServerTest), {}))
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


def prefix_of(python):
    return subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
