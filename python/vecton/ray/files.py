"""embed_files: Parquet files to Parquet files, each exactly once, whatever is killed in between.

A file is a task. Its rows go to a temporary file beside the target, which is renamed when it is whole; a target that is there is
not made again. Names follow from the inputs' names and vectors from the texts alone, so a second driver or a second try writes the
same bytes.
"""
from __future__ import annotations

import glob
import json
import os
import pathlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import vecton
from vecton.ray.embedder import column_of, engine_of
from vecton.ray.nodes import alive, cpus_of_a_node

MANIFEST = "_vecton.json"
OLD = 24 * 3600  # seconds from which on a temporary file is nobody's


@dataclass
class Report:
    files: int = 0
    rows: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def embed_file(source: str, target: str, model: str, *, column: str = "text", output: str = "embedding", keep: Sequence[str] | None = None,
               batch_size: int = 4096, engine: dict[str, Any] | None = None) -> int:
    """One file, whole or not at all; gives its rows. None where the target is there."""
    import pyarrow
    import pyarrow.parquet

    if os.path.exists(target):
        return -1
    opened = engine_of(model, engine or {})
    part = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{uuid.uuid4().hex}.tmp")
    rows, writer = 0, None
    reader = pyarrow.parquet.ParquetFile(source)
    names = reader.schema_arrow.names
    for name in (column, *(keep or [])):
        if name not in names:
            raise ValueError(f"{source} has no column {name!r}; it has {', '.join(names)}")
    wanted = list(dict.fromkeys([*(names if keep is None else keep), column]))
    try:
        for batch in reader.iter_batches(batch_size, columns=wanted):
            table = pyarrow.Table.from_batches([batch])
            vectors = opened.embed(table.column(column), truncate=True)
            if keep is not None and column not in keep:
                table = table.drop_columns([column])
            table = table.append_column(output, column_of(vectors, opened.info.embedding_size))
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(part, table.schema)
            writer.write_table(table)
            rows += len(table)
        if writer is None:  # a file without rows
            fields = [reader.schema_arrow.field(name) for name in wanted if keep is None or name in keep]
            fields.append(pyarrow.field(output, pyarrow.list_(pyarrow.float32(), opened.info.embedding_size)))
            writer = pyarrow.parquet.ParquetWriter(part, pyarrow.schema(fields))
        writer.close()
        os.replace(part, target)
    finally:
        pathlib.Path(part).unlink(missing_ok=True)
    return rows


def plan(inputs: str | Sequence[str], output: str) -> list[tuple[str, str]]:
    """Pairs of an input file and its target, by name."""
    given = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    files = sorted({file for pattern in given for file in (glob.glob(os.fspath(pattern)) or [os.fspath(pattern)])})
    files = [inside for file in files for inside in (sorted(glob.glob(os.path.join(file, "*.parquet"))) if os.path.isdir(file) else [file])]
    if not files:
        raise ValueError(f"there are no files in {inputs}")
    pairs = [(file, os.path.join(output, os.path.basename(file))) for file in files]
    twice = {target for _, target in pairs if sum(1 for _, other in pairs if other == target) > 1}
    if twice:
        raise ValueError(f"several inputs are called {', '.join(sorted(os.path.basename(t) for t in twice))}: their outputs would be one file")
    return pairs


def check_manifest(output: str, settings: dict[str, Any]) -> None:
    """Refuses to mix vectors of different settings in one folder."""
    file = pathlib.Path(output, MANIFEST)
    whole = pathlib.Path(output, f".{MANIFEST}.{uuid.uuid4().hex}.tmp")
    whole.write_text(json.dumps(settings, indent=1, sort_keys=True))
    try:
        os.link(whole, file)  # with all that is in it, or not at all: a second driver may read it now
    except FileExistsError:
        found = json.loads(file.read_text())
        for name, value in settings.items():
            if found.get(name) != value:
                raise ValueError(f"{output} was made with {name} = {found.get(name)!r}, now it is {value!r}: take another folder") from None
    finally:
        whole.unlink()


def sweep(output: str) -> None:
    for file in pathlib.Path(output).glob(".*.tmp"):
        if time.time() - file.stat().st_mtime > OLD:
            file.unlink(missing_ok=True)


class Worker:
    """Files, one after the other, with one engine."""

    def __init__(self, how: dict[str, Any]) -> None:
        self.how = how

    def embed(self, source: str, target: str) -> int:
        return embed_file(source, target, **self.how)


def embed_files(inputs: str | Sequence[str], output: str | os.PathLike[str], model: str, *, column: str = "text",
                output_column: str = "embedding", keep: Sequence[str] | None = None, actors: int | None = None,
                num_cpus: float | None = None, batch_size: int = 4096, overwrite: bool = False, **engine: Any) -> Report:
    """Every input file with a column of vectors, into the folder `output`. Files that fail are listed; the others go on."""
    import ray

    output = os.fspath(output)
    os.makedirs(output, exist_ok=True)
    check_manifest(output, {"model": model, "column": column, "output_column": output_column, "keep": None if keep is None else list(keep),
                            "engine": engine, "vecton": vecton.__version__})
    sweep(output)
    pairs = plan(inputs, output)
    if overwrite:
        for _, target in pairs:
            pathlib.Path(target).unlink(missing_ok=True)
    report = Report()
    missing = [pair for pair in pairs if not os.path.exists(pair[1])]
    report.skipped = len(pairs) - len(missing)
    if not missing:
        return report
    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False)
    how = {"model": model, "column": column, "output": output_column, "keep": keep, "batch_size": batch_size, "engine": engine}
    actor = ray.remote(num_cpus=num_cpus or cpus_of_a_node(), max_restarts=-1, max_task_retries=3)(Worker)
    workers = [actor.remote(how) for _ in range(min(len(missing), actors or len(alive())))]
    waiting = list(reversed(missing))
    running = {}
    for worker in workers:
        if waiting:
            pair = waiting.pop()
            running[worker.embed.remote(*pair)] = (worker, pair)
    while running:
        (done,), _ = ray.wait(list(running), num_returns=1)
        worker, pair = running.pop(done)
        try:
            rows = ray.get(done)
            report.skipped += rows < 0
            report.files += rows >= 0
            report.rows += max(rows, 0)
        except Exception as error:  # of whatever kind: the file is reported, the others go on
            report.failed[pair[0]] = str(error).strip().splitlines()[-1]
        if waiting:
            pair = waiting.pop()
            running[worker.embed.remote(*pair)] = (worker, pair)
    for worker in workers:
        ray.kill(worker)
    return report
