"""What scripts call of mlx.core after a model has answered, on numpy's arrays."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from vecton.array import Array

float16, float32, int32, int64, uint8, bool_ = np.float16, np.float32, np.int32, np.int64, np.uint8, np.bool_


def array(values: Any, dtype: Any = None) -> Array:
    made = np.array(values, dtype=dtype)
    if dtype is None and made.dtype == np.float64:
        made = made.astype(np.float32)
    if dtype is None and made.dtype == np.int64:
        made = made.astype(np.int32)
    return made.view(Array)


def _of(function: Any) -> Any:
    def call(*arguments: Any, **how: Any) -> Any:
        return np.asarray(function(*arguments, **how)).view(Array)

    call.__name__ = function.__name__
    return call


argmax, argmin, argsort, sort, mean, sum, max, min, stack, concatenate, exp, log, sqrt, matmul, abs, where, transpose = map(_of, (
    np.argmax, np.argmin, np.argsort, np.sort, np.mean, np.sum, np.max, np.min, np.stack, np.concatenate, np.exp, np.log, np.sqrt,
    np.matmul, np.abs, np.where, np.transpose))
expand_dims, squeeze, reshape, maximum, minimum, multiply, add, divide, subtract = map(_of, (
    np.expand_dims, np.squeeze, np.reshape, np.maximum, np.minimum, np.multiply, np.add, np.divide, np.subtract))
linalg = SimpleNamespace(norm=_of(np.linalg.norm))


def arange(*arguments: Any, dtype: Any = None) -> Array:
    return array(np.arange(*arguments), dtype)


def zeros(shape: Any, dtype: Any = np.float32) -> Array:
    return np.zeros(shape, dtype).view(Array)


def ones(shape: Any, dtype: Any = np.float32) -> Array:
    return np.ones(shape, dtype).view(Array)


def sigmoid(values: Any) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.asarray(values)))).view(Array)


def softmax(values: Any, axis: int = -1) -> Array:
    values = np.asarray(values)
    powers = np.exp(values - values.max(axis=axis, keepdims=True))
    return (powers / powers.sum(axis=axis, keepdims=True)).view(Array)


def eval(*_: Any) -> None:  # noqa: A001
    """Nothing: the arrays are computed already."""


def _seed(seed: int) -> None:
    np.random.seed(seed)


random = SimpleNamespace(seed=_seed)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"Vecton's stand-in for mlx.core has no {name!r}: it has what scripts do with embeddings. Install mlx for the rest "
                         "(pip install 'mlx[cpu]')")
