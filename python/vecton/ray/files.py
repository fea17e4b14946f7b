"""embed_files: Parquet files to Parquet files, each exactly once, whatever is killed in between.

A file is a task. Its rows go to a temporary file beside the target, which is renamed when it is whole; a target that is there is
not made again. Names follow from the inputs' names and vectors from the texts alone, so a second driver or a second try writes the
same bytes.

What a file was made with stands in its metadata, and in a file of the folder: a run with anything else is refused, because vectors of
two models in one folder can't be told apart later, and what is there has cost its price. overwrite=True is how to say that it may go.
"""
from __future__ import annotations

import glob
import hashlib
import json
import os
import pathlib
import platform
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import vecton
from vecton import _core
from vecton.engine import engine_options
from vecton.ray.embedder import column_of, engine_of
from vecton.ray.nodes import alive, cpus_of_a_node

MANIFEST = "_vecton.json"
KEY = b"vecton"  # of a file's metadata: what it was made with, as JSON
HOW_ALONE = ("cache", "max_queue_tokens", "offline", "progress", "revision", "threads", "token")  # options that change no vector, or are in the revision
LOOKED_AT = 2**20  # bytes of each end of a model's files that make its revision
OLD = 24 * 3600  # seconds from which on a temporary file is nobody's


@dataclass
class Report:
    files: int = 0
    rows: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def revision_of(folder: str | os.PathLike[str]) -> str:
    """What a model's files are: the commit of a hub's snapshot, else a hash of their names, their sizes and both ends of each. Tuned
    weights differ everywhere, and all of a large model would take minutes."""
    path = pathlib.Path(folder)
    if path.parent.name == "snapshots":
        return path.name
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name if file == path else file.relative_to(path)} {size}\n".encode())
        with open(file, "rb") as data:
            digest.update(data.read(LOOKED_AT))
            data.seek(max(LOOKED_AT, size - LOOKED_AT))
            digest.update(data.read(LOOKED_AT))
    return digest.hexdigest()


def settings_of(model: str, revision: str, column: str, output: str, keep: Sequence[str] | None, engine: dict[str, Any]) -> dict[str, Any]:
    """All that a file's vectors depend on, but for its texts."""
    options = {name: value for name, value in engine.items() if name not in HOW_ALONE}
    settings = {"model": os.fspath(model), "revision": revision, "column": column, "output_column": output,
                "keep": None if keep is None else list(keep), "engine": options, "vecton": vecton.__version__}
    return json.loads(json.dumps(settings))  # as a file gives them again


def differ(where: str, found: dict[str, Any], settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        if found.get(name) != value:
            raise ValueError(f"{where} was made with {name} = {found.get(name)!r}, now it is {value!r}: take another folder, or overwrite=True")


def check_file(target: str, settings: dict[str, Any]) -> None:
    """Refuses a file that is there and was made with other settings."""
    import pyarrow.parquet

    made_with = (pyarrow.parquet.read_metadata(target).metadata or {}).get(KEY)
    if made_with is None:
        raise ValueError(f"{target} is there and was not made by embed_files: take another folder, or overwrite=True")
    differ(target, json.loads(made_with), settings)


def embed_file(source: str, target: str, model: str, *, column: str = "text", output: str = "embedding", keep: Sequence[str] | None = None,
               batch_size: int = 4096, engine: dict[str, Any] | None = None, revision: str | None = None) -> int:
    """One file, whole or not at all; gives its rows, or -1 where the target is there. `revision`: what the model's files must be.

    Of a file some pages and one batch are in memory, however large it and its row groups are; a batch is a row group of the target.
    """
    import pyarrow
    import pyarrow.parquet

    own = revision_of(_core.resolve(engine_options(model, engine or {})))
    if revision not in (None, own):
        raise ValueError(f"{model} has the revision {own} on {platform.node()}, where it should be {revision}")
    settings = settings_of(model, own, column, output, keep, engine or {})
    if os.path.exists(target):
        check_file(target, settings)
        return -1
    opened = engine_of(model, engine or {})
    made_with = {KEY: json.dumps(settings, sort_keys=True).encode()}
    part = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{uuid.uuid4().hex}.tmp")
    rows, writer = 0, None
    reader = pyarrow.parquet.ParquetFile(source, buffer_size=2**20, pre_buffer=False)
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
                schema = table.schema.with_metadata({**(table.schema.metadata or {}), **made_with})
                writer = pyarrow.parquet.ParquetWriter(part, schema)
            writer.write_table(table.cast(schema))
            rows += len(table)
        if writer is None:  # a file without rows
            fields = [reader.schema_arrow.field(name) for name in wanted if keep is None or name in keep]
            fields.append(pyarrow.field(output, pyarrow.list_(pyarrow.float32(), opened.info.embedding_size)))
            writer = pyarrow.parquet.ParquetWriter(part, pyarrow.schema(fields, {**(reader.schema_arrow.metadata or {}), **made_with}))
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
    """Refuses to mix vectors of different settings in one folder; writes them down in a new one."""
    file = pathlib.Path(output, MANIFEST)
    whole = pathlib.Path(output, f".{MANIFEST}.{uuid.uuid4().hex}.tmp")
    whole.write_text(json.dumps(settings, indent=1, sort_keys=True))
    try:
        os.link(whole, file)  # with all that is in it, or not at all: a second driver may read it now
    except FileExistsError:
        differ(output, json.loads(file.read_text()), settings)
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
    revision = revision_of(_core.resolve(engine_options(model, engine)))
    settings = settings_of(model, revision, column, output_column, keep, engine)
    pairs = plan(inputs, output)
    if overwrite:
        for target in (*(target for _, target in pairs), os.path.join(output, MANIFEST)):
            pathlib.Path(target).unlink(missing_ok=True)
    check_manifest(output, settings)
    sweep(output)
    report = Report()
    missing = []
    for source, target in pairs:
        if os.path.exists(target):
            check_file(target, settings)
            report.skipped += 1
        else:
            missing.append((source, target))
    if not missing:
        return report
    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False)
    how = {"model": model, "column": column, "output": output_column, "keep": keep, "batch_size": batch_size, "engine": engine,
           "revision": revision}
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
