"""Embedder: a callable class for Ray Data, and for whatever else hands over Arrow tables."""
from __future__ import annotations

import json
import os
from typing import Any

from vecton.engine import Engine
from vecton.ray.nodes import threads_of

_engines: dict[str, Engine] = {}


def assigned_threads() -> int:
    """The processors that Ray has given this actor: it sets no affinity. 0, every core, outside of Ray and where it has given none."""
    import sys

    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return 0
    cpus = ray.get_runtime_context().get_assigned_resources().get("CPU", 0)
    return threads_of(cpus) if cpus else 0


def engine_of(model: str, options: dict[str, Any]) -> Engine:
    """One engine per process and options."""
    options = {"threads": assigned_threads(), **options}
    key = f"{os.getpid()} {model} {json.dumps(options, sort_keys=True)}"
    if key not in _engines:
        _engines[key] = Engine(model, **options)
    return _engines[key]


TASKS = ("embed", "token_embed", "classify", "score")


class Embedder:
    """Adds a column of answers to a table: `task` is embed (a vector per row), token_embed (one per token), classify (a number per label)
    or score (how well the text answers that of the column `query`). on_error="null": a row that can't be answered gets null, and its
    error in the column `__inference_error__`."""

    def __init__(self, model: str, *, column: str = "text", output: str = "embedding", task: str = "embed", query: str = "query",
                 engine: dict[str, Any] | None = None, truncate: bool = True, on_error: str = "raise") -> None:
        if on_error not in ("raise", "null"):
            raise ValueError(f"on_error must be raise or null, found {on_error!r}")
        if task not in TASKS:
            raise ValueError(f"task must be {', '.join(TASKS)}, found {task!r}")
        self.model, self.column, self.output, self.options = model, column, output, engine or {}
        self.task, self.query = task, query
        self.truncate, self.on_error = truncate, on_error

    def __call__(self, table: Any) -> Any:
        import pyarrow

        engine = engine_of(self.model, self.options)
        texts = table.column(self.column).to_pylist()
        queries = table.column(self.query).to_pylist() if self.task == "score" else [None] * len(texts)
        if self.on_error == "raise":
            return table.append_column(self.output, self._answer(engine, texts, queries))
        rows: list[Any] = []
        errors: list[str | None] = []
        for text, query in zip(texts, queries):
            try:
                rows += self._answer(engine, [text], [query]).to_pylist()
                errors.append(None)
            except (TypeError, ValueError) as error:
                rows.append(None)
                errors.append(str(error))
        table = table.append_column(self.output, pyarrow.array(rows, self._answer(engine, [], []).type))
        return table.append_column("__inference_error__", pyarrow.array(errors, pyarrow.string()))

    def _answer(self, engine: Engine, texts: list[Any], queries: list[Any]) -> Any:
        """A column of the answers to the rows."""
        import pyarrow

        size = engine.info.embedding_size
        if self.task == "embed":
            return column_of(engine.embed(texts, truncate=self.truncate), size)
        if self.task == "classify":
            return column_of(engine.classify(texts, truncate=self.truncate), len(engine.labels))
        if self.task == "score":
            return pyarrow.array(engine.score_pairs(list(zip(queries, texts)), truncate=self.truncate).numpy())
        tokens = engine.embed_tokens(texts, truncate=self.truncate)
        return pyarrow.ListArray.from_arrays(pyarrow.array(tokens.offsets, pyarrow.int32()), column_of(tokens.values, tokens.values.shape[1]))


def column_of(vectors: Any, size: int) -> Any:
    """Vectors as a column of lists of fixed size, without a copy."""
    import pyarrow

    return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.numpy().reshape(-1)), size)
