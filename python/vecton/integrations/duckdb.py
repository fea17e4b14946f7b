"""DuckDB: register(connection, model) makes the function embed(text) -> FLOAT[dimension]."""
from __future__ import annotations

from typing import Any

from vecton.integrations.common import open_engine


def register(connection: Any, model: Any, name: str = "embed", **options: Any) -> None:
    import duckdb
    import pyarrow

    engine = open_engine(model, options)
    size = engine.info.embedding_size

    def embed(texts: Any) -> Any:
        rows = engine.embed(texts, truncate=True)
        return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.numpy().reshape(-1)), size)

    connection.create_function(name, embed, [duckdb.sqltype("VARCHAR")], duckdb.sqltype(f"FLOAT[{size}]"), type="arrow")
