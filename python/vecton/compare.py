"""How vectors are compared."""
from __future__ import annotations

from typing import Any

import numpy as np


def compare(a: Any, b: Any, function: str) -> np.ndarray:
    """[rows of a, rows of b]; distances are negative. `function` is a model's: cosine, dot, euclidean or manhattan."""
    a, b = np.atleast_2d(np.asarray(a, np.float32)), np.atleast_2d(np.asarray(b, np.float32))
    if function == "dot":
        return a @ b.T
    if function == "euclidean":
        squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
        return -np.sqrt(np.maximum(squares, 0))
    if function == "manhattan":
        return np.stack([-np.abs(row - b).sum(1) for row in a]) if len(a) else np.zeros((0, len(b)), np.float32)
    if function not in ("cosine", ""):
        raise ValueError(f"similarity of {function!r} is none of two vectors; cosine, dot, euclidean and manhattan are")
    return unit(a) @ unit(b).T


def compare_pairwise(a: Any, b: Any, function: str) -> np.ndarray:
    """Of each row of a with the same row of b."""
    a, b = np.atleast_2d(np.asarray(a, np.float32)), np.atleast_2d(np.asarray(b, np.float32))
    if function == "dot":
        return (a * b).sum(1)
    if function == "euclidean":
        return -np.sqrt(((a - b) ** 2).sum(1))
    if function == "manhattan":
        return -np.abs(a - b).sum(1)
    if function not in ("cosine", ""):
        raise ValueError(f"similarity of {function!r} is none of two vectors; cosine, dot, euclidean and manhattan are")
    return (unit(a) * unit(b)).sum(1)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1; a row of zeros stays."""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
