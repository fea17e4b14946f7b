"""Postgres with pgvector: store() writes the vectors of texts, and goes on where an interrupted run ended."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pgvector.psycopg import register_vector
from psycopg import sql

from vecton.integrations.common import open_engine, side


def store(connection: Any, model: Any, rows: Iterable[tuple[Any, str]], table: str, *, id_column: str = "id",
          vector_column: str = "embedding", batch: int = 1024, **options: Any) -> int:
    """Writes the vector of each (id, text) into a table of psycopg's connection that has both columns, the ids unique. Gives the
    number of rows written.

    A batch is a transaction. Ids that are there already are not computed again, so the same call after a crash, or a second one
    at the same time, ends with every row once. The column may be a vector or a halfvec.
    """
    engine = open_engine(model, options)
    register_vector(connection)
    names = {"table": sql.Identifier(*table.split(".")), "id": sql.Identifier(id_column), "vector": sql.Identifier(vector_column)}
    written = 0
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {id}, {vector} FROM {table} LIMIT 0").format(**names))
        id_type = cursor.description[0].type_code
        for some in _batches(rows, batch):
            with connection.transaction():
                cursor.execute(sql.SQL("SELECT {id} FROM {table} WHERE {id} = ANY(%s)").format(**names), [[key for key, _ in some]])
                there = {key for (key,) in cursor.fetchall()}
                new = [(key, text) for key, text in some if key not in there]
                if not new:
                    continue
                vectors = engine.embed([text for _, text in new], **side(engine, "document"))
                written += _write(cursor, names, id_type, [key for key, _ in new], vectors.numpy())
    return written


def _batches(rows: Iterable[tuple[Any, str]], size: int) -> Iterator[list[tuple[Any, str]]]:
    source = iter(rows)
    while some := list(islice(source, size)):
        yield some


def _write(cursor: Any, names: dict[str, Any], id_type: int, keys: list[Any], vectors: Any) -> int:
    """By COPY into a table of this transaction, because COPY itself stops at the first id that is there."""
    cursor.execute(sql.SQL("CREATE TEMP TABLE vecton_rows ON COMMIT DROP AS SELECT {id}, NULL::vector AS {vector} FROM {table} "
                           "WITH NO DATA").format(**names))
    with cursor.copy("COPY vecton_rows FROM STDIN WITH (FORMAT BINARY)") as copy:
        copy.set_types([id_type, "vector"])
        for key, vector in zip(keys, vectors):
            copy.write_row([key, vector])
    cursor.execute(sql.SQL("INSERT INTO {table} ({id}, {vector}) SELECT * FROM vecton_rows ON CONFLICT DO NOTHING").format(**names))
    count: int = cursor.rowcount
    cursor.execute("DROP TABLE vecton_rows")
    return count
