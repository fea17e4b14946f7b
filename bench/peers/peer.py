"""What every peer has in common: its command line, the measurement and the JSON that comes of it.

    peer_X.py MODEL TEXTS.jsonl [--queries FILE] [--threads N] [--requests N] [--vectors FILE] [--graph PATH] [--precision P]

A peer_X.py hands `main` one function, load(options) -> embed, where embed(texts) gives an array of vectors, a row per text,
tokenizing included. It imports what it measures inside `load`, so that the environment set here is seen and importing
counts as a part of the cold start.
"""
import argparse
import json
import os
import statistics
import sys
import time

ABSENT = 3  # the exit status of a peer that is not installed, or whose converted model is not there
WARM_UP = 100  # texts
PRECISIONS = ["float32", "bfloat16", "int8"]


class Absent(Exception):
    pass


def setting_of(options, by_precision):
    """What a peer calls the precision that was asked for; Absent where it has none."""
    if options.precision not in by_precision:
        raise Absent(f"there is no {options.precision} of it")
    return by_precision[options.precision]


def read_texts(file):
    with open(file, encoding="utf8") as lines:
        return [json.loads(line)["text"] for line in lines if line.strip()]


def parse(about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("model", help="folder, or name on the model hub")
    parser.add_argument("texts", help='file of {"text": ...} lines, embedded all at once')
    parser.add_argument("--queries", help="such a file, embedded one by one [TEXTS]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--requests", type=int, default=50, help="how many queries")
    parser.add_argument("--vectors", help="write the vectors of the first texts there, a JSON array per line")
    parser.add_argument("--graph", help="the model as the peer wants it converted, where it does")
    parser.add_argument("--precision", default="float32", choices=PRECISIONS, help="of the arithmetic [float32]")
    parser.add_argument("--program", help="the program to run, where the peer is one")
    return parser.parse_args()


def limit_threads(threads):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    os.environ["HF_HUB_OFFLINE"] = "1"


def seconds_since_this_process_started():
    with open("/proc/self/stat") as file:
        ticks = int(file.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/uptime") as file:
        return float(file.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")


def peak_megabytes():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024 / 1e6


def timed(embed, texts):
    start = time.perf_counter()
    embed(texts)
    return time.perf_counter() - start


def write_vectors(file, vectors):
    with open(file, "w", encoding="utf8") as out:
        out.writelines(json.dumps([float(x) for x in vector]) + "\n" for vector in vectors)


def measure(options, embed, texts, queries):
    embed(queries[:1])
    cold_start = seconds_since_this_process_started()
    vectors = embed(texts[:WARM_UP])
    if options.vectors:
        write_vectors(options.vectors, vectors)
    seconds = timed(embed, texts)
    latencies = [timed(embed, [queries[i % len(queries)]]) for i in range(options.requests)]
    return {"seconds": seconds, "p50_ms": statistics.median(latencies) * 1e3, "peak_rss_mb": peak_megabytes(), "cold_start_s": cold_start}


def report(call):
    """Prints what `call` returns; a peer that can't be measured says so on standard error and by its exit status."""
    try:
        print(json.dumps(call()))
    except (Absent, ModuleNotFoundError) as reason:
        print(reason, file=sys.stderr)
        sys.exit(ABSENT)


def main(about, packages, load):
    options = parse(about)
    limit_threads(options.threads)

    def call():
        texts, queries = read_texts(options.texts), read_texts(options.queries or options.texts)
        result = measure(options, load(options), texts, queries)
        import importlib.metadata as metadata  # after the clock of the cold start has stopped
        return result | {"versions": {name: metadata.version(name) for name in packages}}

    report(call)
