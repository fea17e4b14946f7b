"""Several models in one server: names, every dialect, metrics, and models that come and go."""

import tempfile
import threading
import time
import unittest

from serving import BERT, TIMEOUT, ServerTest, model

RERANKER = model("bert-rerank-sigmoid")
GENERATOR = model("gen-qwen3-yarn")
NAMES = ("--served-model-name", f"embedder={BERT}", "--served-model-name", f"reranker={RERANKER}", "--served-model-name",
         f"writer={GENERATOR}", "--served-model-name", f"alias={BERT}")


class SeveralModels(ServerTest):
    model, flags = BERT, (RERANKER, GENERATOR, *NAMES, "--reasoning-parser", "none", "--tool-call-parser", "none")

    def test_the_name_chooses(self):
        text = "capital of France"
        vectors = self.post("/v1/embeddings", {"model": "embedder", "input": text}).json
        self.assertEqual(vectors["model"], "embedder")
        self.assertEqual(self.post("/v1/embeddings", {"model": "alias", "input": text}).json["data"], vectors["data"])
        self.assertEqual(self.post("/v1/embeddings", {"input": text}).json["data"], vectors["data"])  # the first
        ranks = self.post("/v1/rerank", {"model": "reranker", "query": "a", "documents": ["b", "c"]}).json
        self.assertEqual((ranks["model"], len(ranks["results"])), ("reranker", 2))
        self.post("/score", {"model": "reranker", "text_1": "a", "text_2": "b"})
        self.assertEqual(self.post("/v2/embed", {"model": "embedder", "texts": ["a"], "input_type": "search_query",
                                                 "embedding_types": ["float"]}).status, 200)
        self.post("/tokenize", {"model": "writer", "prompt": "a"})
        self.post("/pooling", {"model": "embedder", "input": "a"})

    def test_what_writes(self):
        turn = [{"role": "user", "content": "Hello"}]
        template = {"chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"}
        self.assertEqual(self.post("/v1/completions", {"model": "writer", "prompt": "a", "max_tokens": 2}).json["model"], "writer")
        self.post("/v1/chat/completions", {"model": "writer", "messages": turn, "max_tokens": 2, **template})
        self.assertEqual(self.post("/api/generate", {"model": "writer", "prompt": "a", "raw": True, "stream": False,
                                                     "options": {"num_predict": 2}}).json["model"], "writer")
        lines = self.post("/v1/completions", {"model": "writer", "prompt": "a", "max_tokens": 2, "stream": True}).body
        self.assertTrue(lines.rstrip().endswith(b"[DONE]"))
        self.assertIn("embedding", self.post("/api/show", {"name": "alias"}).json["capabilities"])
        self.assertIn("completion", self.post("/api/show", {"model": "writer"}).json["capabilities"])

    def test_another_name_is_not_found(self):
        for path, body in (("/v1/embeddings", {"input": "a"}), ("/v2/embed", {"texts": ["a"], "input_type": "search_query"}),
                           ("/v1/rerank", {"query": "a", "documents": ["b"]}), ("/v1/chat/completions", {"messages": []}),
                           ("/v1/completions", {"prompt": "a"}), ("/v1/responses", {"input": "a"}),
                           ("/v1/messages", {"messages": [], "max_tokens": 1}), ("/api/chat", {}), ("/api/generate", {}),
                           ("/api/show", {}), ("/tokenize", {"prompt": "a"})):
            error = self.post(path, {"model": "other", **body}, status=404).json["error"]
            self.assertIn("The model `other` does not exist.", error if isinstance(error, str) else error["message"], path)

    def test_a_task_of_another_model(self):
        error = self.post("/v1/embeddings", {"model": "reranker", "input": "a"}, status=404).json["error"]["message"]
        self.assertIn("The loaded model supports: classify", error)

    def test_teis_routes_are_the_firsts_unless_they_name_one(self):
        self.post("/embed", {"inputs": "a"})
        self.post("/rerank", {"query": "a", "texts": ["b"], "model": "reranker"})
        self.post("/predict", {"inputs": "a"}, status=424)

    def test_lists_have_them_all(self):
        names = ["embedder", "alias", "reranker", "writer"]
        self.assertEqual([m["id"] for m in self.server.get("/v1/models").json["data"]], names)
        self.assertEqual(self.server.get("/v1/models/reranker").json["root"], "reranker")
        self.assertEqual([m["name"] for m in self.server.get("/api/tags").json["models"]], names)
        self.assertEqual([m["name"] for m in self.server.get("/api/ps").json["models"]], names)
        info = self.server.get("/info").json
        self.assertEqual(info["served_model_name"], "embedder")
        self.assertEqual([m["served_model_name"] for m in info["models"]], ["embedder", "reranker", "writer"])
        self.assertEqual(next(iter(info["models"][1]["model_type"])), "reranker")

    def test_metrics_have_the_names(self):
        self.post("/v1/rerank", {"model": "reranker", "query": "a", "documents": ["b", "c"]})
        text = self.server.get("/metrics").body.decode()
        for name in ("embedder", "reranker", "writer"):
            self.assertIn(f'vllm:prompt_tokens_total{{model_name="{name}",engine="0"}}', text)
            self.assertIn(f'vecton_batches_total{{model_name="{name}"}}', text)
        self.assertGreater(self.server.metric('vllm:prompt_tokens_total{model_name="reranker",engine="0"}'), 0)


class TokenizersOfSeveralModels(ServerTest):
    model, flags = BERT, (RERANKER, GENERATOR, *NAMES, "--enable-tokenizer-info-endpoint")

    def test_the_query_chooses(self):
        found = {name: self.server.get("/tokenizer_info" + query).json for name, query in (
            ("first", ""), ("embedder", "?model=embedder"), ("writer", "?a=b&model=wri%74er"))}
        self.assertEqual(found["first"], found["embedder"])
        self.assertNotEqual(found["first"], found["writer"])
        answer = self.server.get("/tokenizer_info?model=other")
        self.assertEqual((answer.status, answer.json["error"]["message"]), (404, "The model `other` does not exist."))


class SeveralModelsAtStart(ServerTest):
    def test_two_of_one_name_are_refused(self):
        with self.assertRaisesRegex(AssertionError, "two models would be called `model`"):
            self.start(BERT, RERANKER)

    def test_what_does_not_fit_the_memory_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "memory_bytes"):
            self.start(BERT, RERANKER, *NAMES[:4], "--memory-bytes", "1000")


KEY = {"Authorization": "Bearer operator"}
TWO = (RERANKER, "--served-model-name", f"embedder={BERT}", "--served-model-name", f"reranker={RERANKER}")
QUERY = {"model": "reranker", "query": "a", "documents": ["b", "c"]}


class ModelsThatComeAndGo(ServerTest):
    model, flags = BERT, (*TWO, "--admin-api-key", "operator")

    def operate(self, what, model, status=200, server=None, **more):
        answer = (server or self.server).post(f"/models/{what}", {"model": model, **more}, headers=KEY)
        self.assertEqual(answer.status, status, answer.body)
        return answer.json

    def state(self, name, server=None):
        return {m["id"]: m["status"]["value"] for m in (server or self.server).get("/models").json["data"]}[name]

    def test_unloading_and_loading(self):
        want = self.post("/v1/rerank", QUERY).json["results"]
        done = self.server.metric('vllm:prompt_tokens_total{model_name="reranker",engine="0"}')
        self.assertEqual(self.operate("unload", "reranker"), {"success": True})
        self.assertEqual((self.state("reranker"), self.state("embedder")), ("unloaded", "loaded"))
        self.assertIn("is not loaded", self.post("/v1/rerank", QUERY, status=404).json["error"]["message"])
        self.assertEqual([m["id"] for m in self.server.get("/v1/models").json["data"]], ["embedder"])
        self.post("/v1/embeddings", {"input": "a"})
        self.assertEqual(self.server.get("/health").status, 200)
        self.assertGreaterEqual(self.server.metric('vllm:prompt_tokens_total{model_name="reranker",engine="0"}'), done)
        self.operate("unload", "reranker")  # again
        self.assertEqual(self.operate("load", "reranker"), {"success": True})
        self.operate("load", "reranker")
        self.assertEqual(self.post("/v1/rerank", QUERY).json["results"], want)

    def test_one_more_model(self):
        self.operate("load", model("emb-qwen3"), **{"served-model-name": "third", "max-model-len": 16})
        self.assertEqual(self.server.get("/v1/models/third").json["max_model_len"], 16)
        self.post("/v1/embeddings", {"model": "third", "input": "a"})
        error = self.operate("load", "third", 400, dtype="float16")["error"]["message"]
        self.assertIn("is served already", error)
        error = self.operate("load", model("emb-qwen3"), 400, **{"served-model-name": "reranker"})["error"]["message"]
        self.assertIn("two models would be called `reranker`", error)
        self.operate("unload", "third")
        error = self.operate("load", model("emb-qwen3"), 400, **{"served-model-name": "third"})["error"]["message"]
        self.assertIn("load the one that there is by its name", error)

    def test_what_cant_be_loaded_is_told_and_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/config.json", "w") as f:
                f.write('{"architectures":["StrangeModel"],"model_type":"strange"}')
            error = self.operate("load", folder, 400, **{"served-model-name": "strange"})["error"]["message"]
            self.assertIn("StrangeModel", error)
        self.assertIn("/no/such", self.operate("load", "/no/such/model", 400)["error"]["message"])
        self.assertIn("--dtype", self.operate("load", BERT, 400, **{"served-model-name": "s", "dtype": "int3"})["error"]["message"])
        self.assertEqual(self.operate("unload", "strange", 404)["error"]["type"], "NotFoundError")
        self.post("/v1/embeddings", {"model": "strange", "input": "a"}, status=404)
        self.post("/v1/embeddings", {"input": "a"})

    def test_bodies(self):
        for body in ({}, {"model": 5}, {"model": None}):
            self.post("/models/load", body, status=400, headers=KEY)
        self.post("/models/unload", b"{", status=400, headers=KEY)
        self.post("/models/unload", {"model": "embedder", "dtype": "auto"}, status=400, headers=KEY)

    def test_the_operators_key_alone(self):
        for headers in ({}, {"Authorization": "Bearer other"}):
            self.post("/models/unload", {"model": "embedder"}, status=401, headers=headers)
        nobody = self.start(BERT)
        answer = nobody.post("/models/unload", {"model": "model"}, headers=KEY)
        self.assertEqual(answer.status, 403)
        self.assertIn("--admin-api-key", answer.json["error"]["message"])
        clients = self.start(BERT, "--api-key", "client", "--admin-api-key", "operator")
        self.assertEqual(clients.post("/models/unload", {"model": "model"}, headers={"Authorization": "Bearer client"}).status, 403)
        self.assertEqual(clients.get("/v1/models").status, 401)
        self.assertEqual(clients.get("/v1/models", headers=KEY).status, 200)

    def test_requests_in_flight_are_answered_first(self):
        server = self.start(BERT, *TWO, "--admin-api-key", "operator", "--backend", "ref", "--threads", "1",
                            "--max-num-batched-tokens", "512")
        answers = []
        long = threading.Thread(target=lambda: answers.append(
            server.post("/rerank", {"model": "reranker", "query": "capital of France", "texts": ["of France " * 40] * 64})))
        long.start()
        server.wait_for_metric("vecton_tokens_waiting", lambda n: n > 0)
        self.operate("unload", "reranker", server=server)
        self.assertEqual(self.state("reranker", server), "unloaded")
        long.join(1)  # the answer is under way: which of two connections is read first is the client's doing
        self.assertFalse(long.is_alive())
        self.assertEqual((answers[0].status, len(answers[0].json)), (200, 64))

    def test_coming_and_going_under_load(self):
        wrong, stop = [], threading.Event()

        def ask(path, body, accepted):
            connection = self.server.connect()
            while not stop.is_set():
                answer = self.server.post(path, body, connection=connection)
                if answer.status not in accepted:
                    wrong.append((answer.status, answer.body))
            connection.close()

        threads = [threading.Thread(target=ask, args=("/v1/embeddings", {"model": "embedder", "input": "a"}, (200,))) for _ in range(2)]
        threads += [threading.Thread(target=ask, args=("/v1/rerank", QUERY, (200, 404))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            self.operate("unload", "reranker")
            self.operate("load", "reranker")
        stop.set()
        for thread in threads:
            thread.join(TIMEOUT)
        self.assertEqual(wrong[:3], [])


class ModelsThatSleep(ServerTest):
    model, flags = BERT, (*TWO, "--sleep-idle-seconds", "0.2")

    def wait_for_state(self, name, state):
        end = time.monotonic() + TIMEOUT
        while {m["id"]: m["status"]["value"] for m in self.server.get("/models").json["data"]}[name] != state:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_they_wake_for_a_request(self):
        want = self.post("/v1/embeddings", {"model": "embedder", "input": "a"}).json["data"]
        for _ in range(3):
            self.wait_for_state("embedder", "sleeping")
            self.assertEqual([self.server.get(p).status for p in ("/health", "/ready", "/info")], [200] * 3)
            self.assertIn("embedder", [m["id"] for m in self.server.get("/v1/models").json["data"]])
            got = [None] * 4

            def ask(i):
                got[i] = self.server.post("/v1/embeddings", {"model": "embedder", "input": "a"})

            threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(TIMEOUT)
            for answer in got:
                self.assertEqual((answer.status, answer.json["data"]), (200, want))
        self.assertGreaterEqual(self.server.metric('vllm:request_success_total{model_name="embedder",engine="0",finished_reason="stop"}'), 13)


class ModelsFile(ServerTest):
    def test_options_of_each(self):
        with tempfile.TemporaryDirectory() as folder:
            file = folder + "/models.yaml"
            with open(file, "w") as f:
                f.write(f"models:\n  - model: {BERT}\n    served-model-name: embedder\n    max-model-len: 16\n"
                        f"  - model: {RERANKER}\n    served-model-name: [reranker, ranks]\n    load-on-startup: false\n")
            server = self.start("--models=" + file)
            models = {m["id"]: m for m in server.get("/models").json["data"]}
            self.assertEqual({name: m["status"]["value"] for name, m in models.items()},
                             {"embedder": "loaded", "reranker": "sleeping", "ranks": "sleeping"})
            self.assertEqual(models["embedder"]["max_model_len"], 16)
            self.assertEqual(server.post("/v1/rerank", {**QUERY, "model": "ranks"}).status, 200)
            with self.assertRaisesRegex(AssertionError, "expected one or the other"):
                self.start(BERT, "--models", file)
            with open(file, "a") as f:
                f.write("    dtype: int3\n")
            with self.assertRaisesRegex(AssertionError, r"models.yaml:8: models\[1\]: --dtype"):
                self.start("--models=" + file)


if __name__ == "__main__":
    unittest.main()
