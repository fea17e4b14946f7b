#!/usr/bin/env python3
"""Vecton itself, by its program (--program): `vecton bench` for the times, `vecton embed` for cold start, memory and vectors."""
import json
import os
import subprocess
import time

from peer import WARM_UP, Absent, parse, read_texts, report, write_vectors


def run(*command):
    """Standard output, seconds and peak resident megabytes of a command."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} {command[1]}: exit status {process.returncode}")
    return output.decode(), time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e6


def bench(vecton, file, **counts):
    numbers = [f"--{name}={value}" for name, value in counts.items()]
    return json.loads(run(*vecton("bench"), "--json", "--input", file, *numbers)[0])


def vectors_of(output):
    return [json.loads(line)["embedding"] for line in output.splitlines()]


def measure(options):
    program = options.program or "build/release/vecton"
    if not os.access(program, os.X_OK):
        raise Absent(f"there is no program {program}")

    def vecton(command):
        return [program, command, options.model, "--offline", f"--threads={options.threads}", f"--compute={options.precision}"]

    queries = options.queries or options.texts
    _, cold_start, _ = run(*vecton("embed"), "--quiet", "--truncate", read_texts(queries)[0])
    output, _, megabytes = run(*vecton("embed"), "--quiet", "--truncate", "--input", options.texts)
    if options.vectors:
        write_vectors(options.vectors, vectors_of(output)[:WARM_UP])
    all_at_once = bench(vecton, options.texts, rounds=1, requests=1)
    one_by_one = bench(vecton, queries, rounds=1, requests=options.requests)
    return {"seconds": all_at_once["throughput"]["seconds"], "p50_ms": one_by_one["latency"]["p50_ms"], "peak_rss_mb": megabytes,
            "cold_start_s": cold_start, "limit_s": all_at_once["throughput"]["limit_seconds"], "machine": all_at_once["machine"],
            "versions": {"vecton": run(program, "--version")[0].split()[1]}}


def main():
    options = parse(__doc__)
    report(lambda: measure(options))


if __name__ == "__main__":
    main()
