#!/usr/bin/env python3
"""What Python costs over the program, and SentenceTransformer beside the original: by turns, round after round, medians.

    PYTHONPATH=build/release/python python bench/python/overhead.py MODEL --program build/release/vecton

Of a model that computes next to nothing (tests/golden/static-embed/model) the differences are Python's own, whatever else the machine
does. Prints JSON. Ratios and differences are of the same round, then their median. Where sentence-transformers is not installed, its rows
are left out. `cpu` ratios are of the processor's seconds, which other work on the machine changes less.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder, or name in the hub's cache")
    parser.add_argument("--program", default="build/release/vecton", help="of the same build as the module [build/release/vecton]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=300, help="single queries of a round")
    parser.add_argument("--texts", default=str(DATA / "mixed600.jsonl"))
    return parser.parse_args()


def texts_of(file):
    return [json.loads(line)["text"] for line in open(file, encoding="utf8") if line.strip()]


def program(options, *counts, file=None):
    """What `vecton bench` measures in C++, and the processor's seconds of the whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([options.program, "bench", options.model, "--offline", "--json", f"--threads={options.threads}", "--input",
                           file or options.texts, *counts], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(done.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def timed(call):
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def latency(embed, queries, count):
    seconds = [timed(lambda: embed(queries[i % len(queries)]))[0] for i in range(count)]
    return statistics.median(seconds) * 1e6


def main():
    options = parse()
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="true", OMP_NUM_THREADS=str(options.threads))
    texts, short = texts_of(options.texts), str(DATA / "short16.jsonl")
    queries = texts_of(short)

    import vecton

    engine = vecton.Engine(options.model, threads=options.threads)
    from vecton.sentence_transformers import SentenceTransformer

    ours, original = SentenceTransformer(options.model), None
    try:
        import sentence_transformers
        import torch

        torch.set_num_threads(options.threads)
        original = sentence_transformers.SentenceTransformer(options.model, device="cpu")
    except ImportError:
        pass
    engine.embed(texts[:100], truncate=True), ours.encode(texts[:100])
    if original is not None:
        original.encode(texts[:100])

    rows = {"texts_ratio": [], "texts_added_ms": [], "query_us": [], "query_program_us": [], "query_added_us": [], "st_ratio": [], "st_cpu_ratio": [], "st_query_ratio": []}
    for _ in range(options.rounds):
        at_once, _ = program(options, "--rounds=1", "--requests=1")
        seconds, _ = timed(lambda: engine.embed(texts, truncate=True))
        rows["texts_ratio"].append(seconds / at_once["throughput"]["seconds"])
        rows["texts_added_ms"].append((seconds - at_once["throughput"]["seconds"]) * 1e3)
        one_by_one, _ = program(options, "--rounds=1", f"--requests={options.requests}", file=short)
        rows["query_program_us"].append(one_by_one["latency"]["p50_ms"] * 1e3)
        rows["query_us"].append(latency(engine.embed, queries, options.requests))
        rows["query_added_us"].append(rows["query_us"][-1] - rows["query_program_us"][-1])
        if original is not None:
            (wall, cpu), (their_wall, their_cpu) = timed(lambda: ours.encode(texts)), timed(lambda: original.encode(texts))
            rows["st_ratio"].append(their_wall / wall)
            rows["st_cpu_ratio"].append(their_cpu / cpu)
            rows["st_query_ratio"].append(latency(original.encode, queries, 20) / latency(ours.encode, queries, 20))
        print({name: round(values[-1], 3) for name, values in rows.items() if values}, file=sys.stderr, flush=True)

    result = {name: {"median": statistics.median(values), "least": min(values), "all": values} for name, values in rows.items() if values}
    result["machine"] = vecton.machine()
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
