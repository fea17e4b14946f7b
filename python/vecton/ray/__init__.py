"""Vecton on a cluster by Ray: one engine per node, as many threads as the node gives it.

    embed_files(["s3 or local *.parquet"], "out/", model, column="text")
"""
from __future__ import annotations

from typing import Any

from vecton.ray.embedder import Embedder
from vecton.ray.files import Report, embed_files
from vecton.ray.nodes import actor_pool
from vecton.ray.processor import ProcessorConfig, build_processor
from vecton.ray.service import deployment

__all__ = ["Embedder", "ProcessorConfig", "Report", "build_processor", "deployment", "embed_dataset", "embed_files"]


def embed_dataset(dataset: Any, model: str, *, column: str = "text", output: str = "embedding", task: str = "embed", query: str = "query",
                  num_cpus: float | None = None, actors: int | tuple[int, int] | None = None, batch_size: int = 1024, **engine: Any) -> Any:
    """The dataset with a column of vectors, or of the answers to another task of Embedder's. By default one actor per node, with the
    node's processors."""
    how = {"model": model, "column": column, "output": output, "task": task, "query": query, "engine": engine}
    return dataset.map_batches(Embedder, fn_constructor_kwargs=how, batch_size=batch_size, batch_format="pyarrow", zero_copy_batch=True,
                               **actor_pool(num_cpus, actors))
