#!/usr/bin/env python3
"""Vecton beside its peers, on this machine: each in a process of its own, in turn, round after round; medians and ratios.

    build/peers/venv/bin/python bench/peers/compare.py MODEL --rounds 5

With --log FILE every run is appended to that file and the table is of all runs in it, so that a comparison can be made in
several sittings. Ratios are peer / Vecton of the same round, then their median: above 1 Vecton is the better one. A peer
that is not there is listed as absent. A peer is a program and, after a colon, its precision (float32 where there is none): what a
lower one costs stands in the column of vectors.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from peer import ABSENT

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "data"
PEERS = ["vecton:bfloat16", "vecton:int8", "sentence_transformers", "sentence_transformers:bfloat16", "onnxruntime", "onnxruntime:int8",
         "openvino", "openvino:bfloat16", "openvino:int8", "ctranslate2", "ctranslate2:int8"]
FIGURES = {"seconds": ("all texts, s", "{:.2f}"), "p50_ms": ("one query, ms", "{:.2f}"),
           "cold_start_s": ("cold start, s", "{:.2f}"), "peak_rss_mb": ("peak RSS, MB", "{:.0f}")}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder, or name in the hub's cache")
    parser.add_argument("--texts", default=str(DATA / "mixed600.jsonl"))
    parser.add_argument("--queries", default=str(DATA / "short16.jsonl"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--vecton", default="build/release/vecton", help="the program [build/release/vecton]")
    parser.add_argument("--onnx", help="graph for onnxruntime and openvino, by export_onnx.py and quantize_openvino.py")
    parser.add_argument("--ct2", help="folder for ctranslate2, by ct2-transformers-converter")
    parser.add_argument("--log", help="append every run to this file, and report on all of it")
    return parser.parse_args()


def command_of(peer, options, vectors):
    program, _, precision = peer.partition(":")
    graph = {"onnxruntime": options.onnx, "openvino": options.onnx, "ctranslate2": options.ct2}.get(program)
    return [sys.executable, str(HERE / f"peer_{program}.py"), options.model, options.texts, "--queries", options.queries,
            "--threads", str(options.threads), "--requests", str(options.requests), "--vectors", str(vectors),
            "--program", options.vecton, "--precision", precision or "float32"] + (["--graph", graph] if graph else [])


def measure(peer, options, vectors):
    """What one process of `peer` measured, or {"absent": why}."""
    run = subprocess.run(command_of(peer, options, vectors), capture_output=True, text=True)
    if run.returncode == ABSENT:
        return {"absent": run.stderr.strip().splitlines()[-1]}
    if run.returncode:
        return {"absent": f"failed with exit status {run.returncode}: {run.stderr.strip()[-400:]}"}
    return json.loads(run.stdout.splitlines()[-1])


def difference(file, other):
    """The largest difference of a value, and the smallest cosine, between two files of vectors."""
    def rows(path):
        with open(path, encoding="utf8") as lines:
            return [json.loads(line) for line in lines]
    pairs = list(zip(rows(file), rows(other), strict=True))
    def cosine(a, b):
        return sum(map(lambda x, y: x * y, a, b)) / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
    return {"texts": len(pairs), "max_difference": max(abs(x - y) for a, b in pairs for x, y in zip(a, b, strict=True)),
            "min_cosine": min(cosine(a, b) for a, b in pairs)}


def one_round(options):
    """{name: what it measured}, Vecton first; a peer's vectors are compared with Vecton's."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: pathlib.Path(folder) / name for name in ["vecton", *options.peers]}
        runs = {name: measure(name, options, file) for name, file in files.items()}
        for name in options.peers:
            if files[name].exists() and files["vecton"].exists():
                runs[name]["vectors"] = difference(files["vecton"], files[name])
    return runs


def cell(rounds, name, figure):
    """Median, and the median of the ratios to Vecton's figure of the same round."""
    there = [r for r in rounds if figure in r.get(name, {})]
    text = FIGURES[figure][1].format(statistics.median(r[name][figure] for r in there))
    ratios = [r[name][figure] / r["vecton"][figure] for r in there if figure in r["vecton"]]
    return text if name == "vecton" or not ratios else f"{text} ({statistics.median(ratios):.2f} x)"


def vectors_cell(rounds, name):
    found = [r[name]["vectors"] for r in rounds if "vectors" in r.get(name, {})]
    if not found:
        return "-"
    return f"{max(v['max_difference'] for v in found):.1e}, {min(v['min_cosine'] for v in found):.7f}"


def table(rounds):
    names = list(dict.fromkeys(name for r in rounds for name in r))
    lines = ["| | rounds | " + " | ".join(title for title, _ in FIGURES.values()) + " | vectors: max difference, min cosine | versions |",
             "|---" * (len(FIGURES) + 4) + "|"]
    for name in names:
        done = [r[name] for r in rounds if name in r and "absent" not in r[name]]
        if not done:
            lines.append(f"| {name} | absent: {next(r[name]['absent'] for r in rounds if name in r)} |" + " |" * (len(FIGURES) + 2))
            continue
        cells = [str(len(done)), *(cell(rounds, name, figure) for figure in FIGURES), vectors_cell(rounds, name),
                 ", ".join(f"{k} {v}" for k, v in done[-1]["versions"].items())]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def machine_of(rounds):
    runs = [r["vecton"] for r in rounds if "machine" in r["vecton"]]
    if not runs:
        return []
    m = runs[-1]["machine"]
    shares = [run["limit_s"] / run["seconds"] for run in runs]
    return [f"{m['cpu']}, {m['isa']}, {m['threads']} of {m['cores']} cores, peak {m['fma_gflops']:.0f} GFLOP/s, memory {m['read_gbytes_s']:.0f} GB/s; "
            f"Vecton at {100 * statistics.median(shares):.0f} % of the limit", ""]


def main():
    options = parse()
    rounds = []
    if options.log and pathlib.Path(options.log).exists():
        rounds = [json.loads(line) for line in pathlib.Path(options.log).read_text().splitlines()]
    for _ in range(options.rounds):
        rounds.append(one_round(options))
        if options.log:
            with open(options.log, "a", encoding="utf8") as log:
                log.write(json.dumps(rounds[-1]) + "\n")
    print("\n".join(machine_of(rounds) + table(rounds)))


main()
