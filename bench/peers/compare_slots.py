#!/usr/bin/env python3
"""Vecton beside llama-server: so many completions at once, in turn, round after round; medians and ratios.

    python3 bench/peers/compare_slots.py FILE.gguf --llama-server build/peers/llama.cpp/bin/llama-server --slots 16 --prompt 512

Every client sends a prompt of token ids and reads the stream of its answer. The rate is that of all tokens between the moment when the
last stream has begun and the moment when the first one ends, so that all are under way. Ratios are Vecton / llama-server of the same
round, then their median: above 1 Vecton is the faster one. --flags are more of `vecton serve`, such as --kv-cache-dtype bfloat16:
llama.cpp's cache holds half floats.
"""
import argparse
import http.client
import json
import pathlib
import random
import shlex
import statistics
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORT = 8139
PATIENCE = 600  # seconds


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--llama-server", required=True, help="the program")
    parser.add_argument("--vecton", default=str(ROOT / "build/release/vecton"), help="the program [%(default)s]")
    parser.add_argument("--flags", default="", help="more of vecton serve")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=512, help="tokens of each")
    parser.add_argument("--tokens", type=int, default=64, help="written after it")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


class Server:
    def __init__(self, command):
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not self.healthy():
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.2)

    def healthy(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/health")
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def stream(seed, options, times):
    """Appends when each piece of the answer came."""
    ids = random.Random(seed).choices(range(1000, 20000), k=options.prompt)
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE)
    body = {"prompt": ids, "max_tokens": options.tokens, "temperature": 0, "ignore_eos": True, "stream": True}
    connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise SystemExit(f"the server answered {answer.status}: {answer.read()[:300]!r}")
    for line in answer:
        if line.startswith(b"data: {") and json.loads(line[6:])["choices"]:
            times.append(time.monotonic())


def rate(options, count, seed):
    """Tokens a second while `count` answers are written."""
    times = [[] for _ in range(count)]
    clients = [threading.Thread(target=stream, args=(seed + i, options, own)) for i, own in enumerate(times)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    begin, end = max(own[1] for own in times), min(own[-2] for own in times)
    if end <= begin:
        raise SystemExit("the first answer ended before the last one began: give more --tokens")
    return sum(begin < at <= end for own in times for at in own) / (end - begin)


def main():
    options = parse()
    context = options.prompt + options.tokens + 64
    commands = {
        "Vecton": [options.vecton, "serve", options.file, "--port", PORT, "--threads", options.threads, "--no-enable-prefix-caching", *shlex.split(options.flags)],
        "llama-server": [options.llama_server, "-m", options.file, "--port", PORT, "-t", options.threads, "-np", options.slots, "-c", options.slots * context,
                         "--no-webui"],
    }
    rates = {name: {1: [], options.slots: []} for name in commands}
    for i in range(options.rounds):
        for name, command in commands.items():
            with Server(command):
                for count, found in rates[name].items():
                    found.append(rate(options, count, 1000 * i + 100 * count))
    print(f"| {options.threads} threads, {options.rounds} rounds, after {options.prompt} tokens | one, tokens/s | {options.slots} at once, tokens/s | times one |\n|---|---|---|---|")
    for name, found in rates.items():
        one, many = found[1], found[options.slots]
        print(f"| {name} | {statistics.median(one):.1f} | {statistics.median(many):.1f} | {statistics.median(m / o for o, m in zip(one, many)):.1f} |")
    ratios = [statistics.median(v / l for v, l in zip(rates["Vecton"][n], rates["llama-server"][n])) for n in (1, options.slots)]
    print(f"| ratio | {ratios[0]:.2f} x | {ratios[1]:.2f} x | |")


if __name__ == "__main__":
    main()
