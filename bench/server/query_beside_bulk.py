#!/usr/bin/env python3
"""bench/server/query_beside_bulk.py MODEL [--vecton FILE] [--texts N] [--batch N] [--clients N] [--priority]

How long one query takes while a bulk job runs: --clients processes send --texts texts of 20 to 200 words, --batch of them a request, and
another process sends one query after the other, with a pause of 20 ms. Prints the query's time alone, its percentiles beside the job, and
the time of a batch: the mean over the job's texts of what the batch that a text was in took (te_request_inference_duration), which the
worst query should not take twice of. With --priority the query says `"priority": -1` to a server of `--scheduling-policy priority`."""
import argparse
import http.client
import json
import multiprocessing
import os
import random
import re
import subprocess
import time

WORDS = "the a of capital france paris rain in spain falls mainly on plain quick brown fox jumps over lazy dog".split()


def post(connection, body):
    connection.request("POST", "/v1/embeddings", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the server answered {answer.status}: {data[:300]!r}")


def job(port, seed, requests, batch):
    rng = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    for _ in range(requests):
        texts = [" ".join(rng.choices(WORDS, k=rng.randint(20, 200))) for _ in range(batch)]
        post(connection, json.dumps({"input": texts, "encoding_format": "base64", "truncate_prompt_tokens": -1}))


def figures(port):
    """Inputs that were computed, and the sum of their batches' seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    return [float(re.search(rf"^te_request_inference_duration_{name} (\S+)$", text, re.M)[1]) for name in ("count", "sum")]


def query(connection, body):
    start = time.perf_counter()
    post(connection, body)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--vecton", default="build/release/vecton")
    parser.add_argument("--texts", type=int, default=100000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--priority", action="store_true")
    options = parser.parse_args()
    flags = ["--scheduling-policy", "priority"] if options.priority else []
    server = subprocess.Popen([options.vecton, "serve", options.model, "--port", "0", "--log-level", "error", *flags], stderr=subprocess.PIPE,
                              text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    port = int(re.search(r":(\d+)$", server.stderr.readline().strip())[1])
    while "ready" not in server.stderr.readline():
        pass
    body = json.dumps({"input": "what is the capital of france", **({"priority": -1} if options.priority else {})})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    alone = sorted(query(connection, body) for _ in range(100))
    before = figures(port)
    each = options.texts // (options.batch * options.clients)
    jobs = [multiprocessing.Process(target=job, args=(port, seed, each, options.batch)) for seed in range(options.clients)]
    for process in jobs:
        process.start()
    start, times = time.perf_counter(), []
    while all(process.is_alive() for process in jobs):
        times.append(query(connection, body))
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    after = figures(port)
    for process in jobs:
        process.join()
    server.terminate()
    status = server.wait()
    times.sort()
    count, summed = (b - a for a, b in zip(before, after))
    batch = 1e3 * summed / max(count, 1)
    p50, p90, p99 = (1e3 * times[int(share * (len(times) - 1))] for share in (0.5, 0.9, 0.99))
    print(f"alone {1e3 * alone[50]:.1f} ms; beside {count:.0f} texts in {seconds:.0f} s, {len(times)} queries: p50 {p50:.0f}, p90 {p90:.0f}, "
          f"p99 {p99:.0f}, at most {1e3 * times[-1]:.0f} ms; a batch {batch:.0f} ms; p99 / batch {p99 / batch:.2f}; server ended with {status}")


if __name__ == "__main__":
    main()
