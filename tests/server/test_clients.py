"""The official clients, unchanged. VECTON_TEST_PYTHON names an interpreter that has the package openai; of cohere, voyageai,
langchain-openai and huggingface_hub those are driven that it has too."""

import asyncio
import importlib.util
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


def needs(package):
    return unittest.skipUnless(importlib.util.find_spec(package), f"there is no package {package}")


class OtherClients:
    """Clients of other servers, on a model without prompts."""

    flags = ("--served-model-name", "tiny")
    texts = ["the capital of France", "a cat"]

    def vectors(self, **more):
        return [d["embedding"] for d in self.server.post("/v1/embeddings", {"input": self.texts, **more}).json["data"]]

    def assert_vectors(self, got, want=None):
        for a, b in zip(got, want or self.vectors(), strict=True):
            self.assert_close(a, b, 1e-6)

    @needs("cohere")
    def test_cohere(self):
        import cohere
        for kind in (cohere.ClientV2, cohere.Client):
            client = kind("key", base_url=self.server.url)
            for word in ("search_document", "search_query", "classification", "clustering"):
                answer = client.embed(texts=self.texts, model="tiny", input_type=word, embedding_types=["float", "int8", "ubinary"])
                self.assert_vectors(answer.embeddings.float_)
                self.assertEqual(max(abs(n) for n in answer.embeddings.int8[0]), 127)
                self.assertEqual(len(answer.embeddings.ubinary[0]), 8)
                self.assertGreater(answer.meta.billed_units.input_tokens, 4)
            ranked = client.rerank(query=self.texts[0], documents=self.texts, model="tiny", top_n=1)
            self.assertEqual([r.index for r in ranked.results], [0])
        bare = cohere.Client("key", base_url=self.server.url).embed(texts=self.texts, model="tiny", input_type="search_query")
        self.assert_vectors(bare.embeddings)
        with self.assertRaises(cohere.BadRequestError):
            cohere.ClientV2("key", base_url=self.server.url).embed(texts=["capital " * 100], model="tiny", input_type="search_query",
                                                                   embedding_types=["float"], truncate="NONE")

    @needs("voyageai")
    def test_voyage(self):
        import voyageai
        client = voyageai.Client("key", base_url=self.server.url + "/v1")
        for word in (None, "query", "document"):
            self.assert_vectors(client.embed(self.texts, model="tiny", input_type=word).embeddings)
        whole = client.embed(self.texts, model="tiny", output_dtype="int8").embeddings
        self.assertEqual(whole, self.vectors(output_dtype="int8"))
        ranked = client.rerank(self.texts[0], self.texts, model="tiny", top_k=1)
        self.assertEqual([(r.index, r.document) for r in ranked.results], [(0, self.texts[0])])

    @needs("langchain_openai")
    def test_langchain(self):
        import openai
        from langchain_openai import OpenAIEmbeddings
        base = {"model": "tiny", "base_url": self.server.url + "/v1", "api_key": "none"}
        self.assert_vectors(OpenAIEmbeddings(**base, check_embedding_ctx_length=False).embed_documents(self.texts))
        with self.assertRaises(openai.BadRequestError) as caught:  # what its own way of counting tokens sends
            openai.OpenAI(base_url=base["base_url"], api_key="none").embeddings.create(model="tiny", input=[[1820, 6864, 315, 9822]])
        self.assertIn("check_embedding_ctx_length=False", str(caught.exception))

    @needs("huggingface_hub")
    def test_hugging_face(self):
        from huggingface_hub import InferenceClient
        client = InferenceClient(self.server.url)
        self.assert_vectors(client.feature_extraction(self.texts[0]).tolist(), self.vectors()[:1])
        self.assertEqual(len(client.sentence_similarity(self.texts[0], other_sentences=self.texts)), 2)

    def test_model_names_with_a_slash(self):
        import openai
        server = self.start(self.model, "--served-model-name", "org/name")
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="none")
        self.assertEqual(client.models.retrieve("org/name").id, "org/name")


def main():
    python = os.environ.get("VECTON_TEST_PYTHON", sys.executable)
    if not has_clients(python):
        print(f"skipped: {python} has no package openai (VECTON_TEST_PYTHON names one that has)")
        return SKIPPED
    if os.path.realpath(python) != os.path.realpath(sys.executable) or sys.prefix != prefix_of(python):
        return subprocess.run([python, "-B", __file__, *sys.argv[1:]]).returncode
    from serving import ServerTest
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(type(kind.__name__, (kind, ServerTest), {}))
                               for kind in (OpenAiClient, OtherClients))
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


def prefix_of(python):
    return subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
