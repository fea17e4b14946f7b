#!/usr/bin/env python3
"""Vecton beside llama.cpp on GGUF files: a prompt, and one token after another; in turn, round after round; medians and ratios.

    python3 bench/peers/compare_generation.py FILE.gguf [FILE.gguf ...] --llama-bench build/peers/llama.cpp/bin/llama-bench --rounds 5

Both read the same file on the same number of threads, each in a process of its own. Ratios are llama.cpp / Vecton of the same round, then
their median: above 1 Vecton is the faster one. --compute names Vecton's modes: llama.cpp multiplies 8-bit activations wherever weights are
packed, which int8 does here and exact float32 does not.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--llama-bench", required=True, help="the program")
    parser.add_argument("--bench-generate", default=str(ROOT / "build/release/bench/model/bench_generate"), help="the program [%(default)s]")
    parser.add_argument("--compute", nargs="*", default=["float32", "int8"], help="Vecton's modes [%(default)s]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512, help="its tokens")
    parser.add_argument("--tokens", type=int, default=64, help="written after it")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command[0]}: exit status {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def of_vecton(options, file, compute):
    """Milliseconds of the prompt and of a token."""
    said = run(options.bench_generate, file, "--threads", options.threads, "--prefill", options.prompt, "--tokens", options.tokens, "--rounds", 1, "--compute", compute)
    return [float(re.search(pattern, said).group(1)) for pattern in (r"prompt of \d+ tokens: ([\d.]+) ms", r"step ([\d.]+) ms")]


def of_llama(options, file):
    said = run(options.llama_bench, "-m", file, "-t", options.threads, "-p", options.prompt, "-n", options.tokens, "-r", 1, "-o", "jsonl")
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    prompt = next(test for test in found if test["n_gen"] == 0)
    written = next(test for test in found if test["n_prompt"] == 0)
    return [prompt["avg_ns"] / 1e6, written["avg_ns"] / 1e6 / options.tokens]


def row(name, rounds, others):
    cells = []
    for which in range(2):
        text = f"{statistics.median(r[which] for r in rounds):.1f} (best {min(r[which] for r in rounds):.1f})"
        if others:
            text += f", {statistics.median(b[which] / a[which] for a, b in zip(rounds, others)):.2f} x"
        cells.append(text)
    return f"| {name} | " + " | ".join(cells) + " |"


def main():
    options = parse()
    print(f"| {options.threads} threads, {options.rounds} rounds | prompt of {options.prompt}, ms | one token, ms |\n|---|---|---|")
    for file in options.files:
        rounds = {name: [] for name in [*options.compute, "llama.cpp"]}
        for _ in range(options.rounds):
            for compute in options.compute:
                rounds[compute].append(of_vecton(options, file, compute))
            rounds["llama.cpp"].append(of_llama(options, file))
        stem = os.path.basename(file).removesuffix(".gguf")
        for compute in options.compute:
            print(row(f"{stem}, Vecton {compute}", rounds[compute], rounds["llama.cpp"]))
        print(row(f"{stem}, llama.cpp", rounds["llama.cpp"], None), flush=True)


if __name__ == "__main__":
    main()
