"""Late interaction (MaxSim) of a query with stored documents."""
from __future__ import annotations

from typing import Any

import numpy as np

from vecton import _core


def max_sim(query: Any, documents: Any, offsets: Any = None) -> np.ndarray:
    """Of each document the sum, over the query's tokens, of the largest product with one of its tokens, float32 [documents].

    query      the vectors of its tokens, [tokens, dimension]
    documents  an array [documents, tokens, dimension], or a list of arrays [tokens, dimension]; with `offsets` one array
               [rows, dimension], of which document i has rows offsets[i] to offsets[i + 1]

    A float32 array in C order is read where it lies: numpy.memmap of a file larger than the memory is never copied. All cores are used;
    a score depends neither on them nor on the other documents. Errors (InvalidArgument) name the argument.
    """
    query = np.ascontiguousarray(query, np.float32)
    rows, bounds = stacked(documents, offsets) if len(documents) else (query[:0], np.zeros(1, np.int64))
    scores = np.empty(max(0, len(bounds) - 1), np.float32)
    _core.max_sim(query, rows, bounds, scores)
    return scores


def stacked(documents: Any, offsets: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """What max_sim() takes, as one array of rows and its offsets."""
    if offsets is not None:
        return np.ascontiguousarray(documents, np.float32), np.ascontiguousarray(offsets, np.int64)
    if getattr(documents, "ndim", 0) == 3:
        count, tokens, dimension = documents.shape
        return (np.ascontiguousarray(documents, np.float32).reshape(count * tokens, dimension),
                np.arange(count + 1, dtype=np.int64) * tokens)
    each = [np.asarray(document, np.float32) for document in documents]
    return np.ascontiguousarray(np.concatenate(each)), np.cumsum([0, *map(len, each)], dtype=np.int64)
