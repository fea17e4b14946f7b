"""The program as a whole: help, versions, families, info, completion, bench, pull, serve, exit statuses."""

import json
import shutil
import signal
import socket
import subprocess
import time
import unittest
import urllib.request

from program import BERT, GOLDEN, QWEN, VECTON, ProgramTest, environment, run

COMMANDS = ["embed", "similarity", "rerank", "score", "classify", "tag", "fill-mask", "encode", "serve", "bench", "info", "models", "pull", "tokenize", "detokenize", "completion"]


class Help(ProgramTest):
    def test_every_command_has_help_with_examples(self):
        top = run("--help").out
        self.assertEqual(run("help").out, top)
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assertIn(f"  {command} ", top)
                done = run(command, "--help")
                self.assertIn("Examples:", done.out)
                self.assertIn(f"vecton {command}", done.out)
                self.assertEqual(done.err, "")
                self.assertEqual(run("help", command).out, done.out)

    def test_version(self):
        self.assertRegex(run("--version").out, r"^vecton \d+\.\d+\.\d+\n$")

    def test_wrong_commands(self):
        self.assertIn("did you mean 'embed'", run("embde", status=2).err)
        run("--nonsense", status=2)
        done = run(status=2)
        self.assertEqual(done.out, "")
        self.assertIn("Usage", done.err)
        self.assertIn("--nonsense", run("embed", BERT, "--nonsense", status=2).err)


class Models(ProgramTest):
    def test_families(self):
        listed = run("models").out
        self.assertEqual(run("--list-families").out, listed)
        names = [line.split()[0] for line in listed.splitlines()]
        self.assertIn("bert", names)
        self.assertEqual([f["family"] for f in json.loads(run("models", "--json").out)], names)


class Info(ProgramTest):
    def test_plan(self):
        info = json.loads(run("info", BERT, "--json").out)
        self.assertEqual((info["pooling"], info["tasks"]), ("MEAN", ["embed", "token_embed"]))
        self.assertGreater(info["parameters"], 0)
        table = run("info", BERT).out
        self.assertIn("/v1/embeddings", info["routes"])
        self.assertNotIn("/predict", info["routes"])
        for word in ("MEAN", "architecture", "max length", "prompts", "/v1/embeddings"):
            self.assertIn(word, table)

    def test_options_change_it(self):
        info = json.loads(run("info", BERT, "--json", "--pooler-config", '{"pooling_type": "CLS"}', "--max-model-len", 32).out)
        self.assertEqual((info["pooling"], info["max_model_len"]), ("CLS", 32))

    def test_prompts(self):
        self.assertIn("query", run("info", QWEN).out)

    def test_routes_that_are_served(self):
        for route in ("/v1/embeddings", "/v2/embed", "/v1/embed", "/embed", "/embed_all"):
            self.assertIn(route + ",", run("info", BERT).out)

    def test_version_after_the_name_of_another_server(self):
        self.assertEqual(run("text-embeddings-router", "--version").out, run("--version").out)

    def test_wrong_options(self):
        self.assertIn("pooling_type", run("info", BERT, "--pooler-config", '{"pooling_type": "SOME"}', status=2).err)


class Completion(ProgramTest):
    def test_scripts_name_every_command_and_option(self):
        for shell in ("bash", "zsh", "fish"):
            script = run("completion", shell).out
            for word in (*COMMANDS, "output-format", "served-model-name"):
                self.assertIn(word, script)
        run("completion", "tcsh", status=2)
        run("completion", status=2)

    def test_shells_accept_them(self):
        for shell in ("bash", "zsh", "fish"):
            if shutil.which(shell):
                path = self.write(shell, run("completion", shell).out)
                self.assertEqual(subprocess.run([shell, "-n", path]).returncode, 0)

    @unittest.skipUnless(shutil.which("bash"), "needs bash")
    def test_bash_completes(self):
        path = self.write("bash", run("completion", "bash").out)
        def complete(*words):
            script = f'source {path}; COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; _vecton; echo "${{COMPREPLY[@]}}"'
            return subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout.split()
        self.assertEqual(complete("vecton", "em"), ["embed"])
        self.assertEqual(complete("vecton", "embed", "--prompt-n"), ["--prompt-name"])
        self.assertEqual(complete("vecton", "completion", "z"), ["zsh"])


class Bench(ProgramTest):
    def test_report(self):
        report = json.loads(run("bench", BERT, "--texts", 4, "--tokens", 16, "--rounds", 3, "--requests", 5, "--threads", 1, "--json").out)
        self.assertEqual((report["texts"], report["tokens"], report["latency"]["requests"]), (4, 64, 5))
        self.assertGreater(report["machine"]["fma_gflops"], 0)
        self.assertGreater(report["throughput"]["share_of_limit"], 0)
        self.assertLess(report["throughput"]["share_of_limit"], 1.05)
        table = run("bench", BERT, "--input", self.write("t.txt", "a\nb\n"), "--rounds", 1, "--requests", 1).out
        self.assertIn("texts/s", table)
        self.assertIn("of the limit", table)
        run("bench", BERT, "--input", self.write("none.txt", ""), status=4)

    def test_compares_the_ways_to_compute(self):
        texts = self.write("texts.txt", "\n".join(f"the capital of Paris {i}" for i in range(14)))
        small = ("--input", texts, "--compute", "all", "--rounds", 1, "--requests", 1, "--threads", 1)
        report = json.loads(run("bench", BERT, *small, "--json").out)
        self.assertEqual((report["task"], report["requests"]), ("embed", 14))
        self.assertEqual([mode["compute"] for mode in report["modes"]], ["float32", "bfloat16", "int8"])
        sizes = [mode["weight_bytes"] for mode in report["modes"]]
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        for mode in report["modes"]:
            self.assertGreater(mode["speed"], 0)
            self.assertGreater(mode["agreement"]["least_cosine"], 0.99)
            self.assertIn("top10_kept", mode["agreement"])
        self.assertEqual(report["modes"][0]["agreement"]["least_cosine"], 1)
        self.assertLess(report["modes"][2]["agreement"]["least_cosine"], 1)
        self.assertIn("least cosine", run("bench", BERT, *small).out)
        self.assertIn("kendall tau", run("bench", str(GOLDEN / "bert-rerank-sigmoid" / "model"), *small).out)
        self.assertIn("--input", run("bench", str(GOLDEN / "bert-rerank-sigmoid" / "model"), "--compute", "all", status=2).err)

    def test_rounds_find_nothing_in_the_prefix_cache(self):
        small = ("--texts", 4, "--tokens", 32, "--rounds", 2, "--requests", 3, "--threads", 1)
        cache = json.loads(run("bench", QWEN, *small, "--json").out)["prefix_cache"]
        self.assertEqual(cache, {"enabled": True, "cached_tokens": 0})
        self.assertIn("all computed", run("bench", QWEN, *small, "--no-enable-prefix-caching").out)


class Pull(ProgramTest):
    def test_a_folder_is_itself(self):
        self.assertEqual(run("pull", BERT).out.strip(), BERT)

    def test_offline(self):
        self.assertIn("org/name", run("pull", "org/name", "--offline", "--cache", self.folder, status=5).err)

    def test_no_network(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        env = environment(HF_ENDPOINT=f"http://127.0.0.1:{port}")
        env.pop("HF_HUB_OFFLINE")
        run("pull", "org/name", "--cache", self.folder, status=5, env=env)


class Serve(ProgramTest):
    def start(self, *arguments, env=None):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen([VECTON, "serve", *map(str, arguments), "--port", str(port)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=env or environment())
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + 60
        while True:
            self.assertIsNone(process.poll())
            self.assertLess(time.monotonic(), end)
            try:
                opener.open(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.02)

        def ask(path, body=None, headers=()):
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body and json.dumps(body).encode(),
                                             {"Content-Type": "application/json", **dict(headers)})
            with opener.open(request, timeout=30) as answer:
                return json.load(answer)
        return process, ask

    def test_answers_and_drains(self):
        process, ask = self.start(BERT, "--served-model-name", "me", "--threads", 1, "--enforce-eager")
        self.assertEqual(ask("/v1/models")["data"][0]["id"], "me")
        got = ask("/v1/embeddings", {"input": "a"})["data"][0]["embedding"]
        self.assert_close(got, json.loads(run("embed", BERT, "a").out)["embedding"], 1e-6)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)

    def test_options_of_other_servers(self):
        _, ask = self.start("--model-id", BERT, "--pooling", "cls", "--hostname", "127.0.0.1", "--max-batch-tokens", 512)
        got = ask("/v1/embeddings", {"input": "a"})["data"][0]["embedding"]
        want = json.loads(run("embed", BERT, "--pooler-config", '{"pooling_type": "CLS"}', "a").out)["embedding"]
        self.assert_close(got, want, 1e-6)

    def test_routes_of_info_are_there(self):
        _, ask = self.start(BERT, "--root-path", "/embedder", "--chat-template", "{{ messages[0].content }}")
        for route in json.loads(run("info", BERT, "--json").out)["routes"]:
            for path in (route, "/embedder" + route):
                try:
                    ask(path, {"no": "fields"})
                except urllib.error.HTTPError as answer:
                    self.assertIn(answer.code, (400, 422), path)
                    answer.close()
        self.assertIn("tokens", ask("/embedder/tokenize", {"messages": [{"role": "user", "content": "a"}]}))

    def test_variables_and_notes_of_other_programs(self):
        process, ask = self.start("--json-output", "-tp", 1, env=environment(MODEL_ID=BERT, SERVED_MODEL_NAME="me", POOLING="cls"))
        self.assertEqual(ask("/v1/models")["data"][0]["id"], "me")
        process.send_signal(signal.SIGTERM)
        for line in process.communicate(timeout=30)[1].splitlines():
            self.assertIn("timestamp", json.loads(line))

    def test_mlx_embeddings_spelling(self):
        got = [json.loads(line) for line in run("--model", BERT, "--text", "a", "--text", "b").out.splitlines()]
        want = [json.loads(line) for line in run("embed", BERT, "a", "b").out.splitlines()]
        self.assertEqual(got, want)
        self.assertIn("takes text, and the request has 1 image", run("--model", BERT, "--text", "a", "--image", "cats.jpg", status=2).err)

    def test_default_prompt(self):
        _, ask = self.start(QWEN, "--default-prompt-name", "query")
        got = ask("/v1/embeddings", {"input": "a"})["data"][0]["embedding"]
        self.assert_close(got, json.loads(run("embed", QWEN, "--prompt-name", "query", "a").out)["embedding"], 1e-6)
        self.assertIn("nobody", run("serve", QWEN, "--port", 0, "--default-prompt-name", "nobody", status=2).err)

    def test_key_of_the_environment(self):
        _, ask = self.start(BERT, env=environment(VLLM_API_KEY="secret", VLLM_METAL_MEMORY_FRACTION="0.5"))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            ask("/v1/models")
        self.assertEqual(refused.exception.code, 401)
        refused.exception.close()
        ask("/v1/models", headers={"Authorization": "Bearer secret"}.items())

    def test_dimensions_of_the_pooler(self):
        trained = ("--hf-overrides", '{"is_matryoshka": true}')
        plain = json.loads(run("embed", BERT, "a", "-d", 4, *trained).out)
        self.assertEqual(json.loads(run("embed", BERT, "a", "--pooler-config", '{"dimensions": 4}', *trained).out), plain)
        self.assertEqual(len(json.loads(run("embed", BERT, "a", "-d", 5, "--pooler-config", '{"dimensions": 4}', *trained).out)["embedding"]), 5)
        for config, options, word in (('{"dimensions": 4}', (), "matryoshka"), ('{"dimensions": 0}', trained, "at least 1"), ('{"dimensions": 4000}', trained, "pooler_config: dimensions should be from 1 to")):
            self.assertIn(word, run("embed", BERT, "a", "--pooler-config", config, *options, status=2).err)

    def test_refusals(self):
        run("serve", "./no-such-folder", "--port", 0, status=3)
        run("serve", status=2)
        run("serve", BERT, "--port", 99999, status=2)
        for origins in ("[", "[1]", "{}"):
            self.assertIn("--allowed-origins", run("serve", BERT, "--allowed-origins", origins, status=2).err)
        self.assertIn("at least 1", run("serve", BERT, "--payload-limit", 0, status=2).err)
        host = run("serve", BERT, "--host", "not.a.host.invalid", status=2).err
        self.assertIn("host not.a.host.invalid: no address", host)
        self.assertNotIn("authoritative", host)
        generate = run("serve", BERT, "--port", 0, "--runner", "generate", status=2).err
        self.assertIn("is not a generative model", generate)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.assertIn(str(taken.getsockname()[1]), run("serve", BERT, "--port", taken.getsockname()[1], status=1).err)


if __name__ == "__main__":
    unittest.main()
