"""Answers that are more than one array."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from vecton.array import Array, as_array
from vecton.texts import char_spans


class TokenVectors:
    """A vector per token of every text. [i] is those of text i, a view of `values`."""

    def __init__(self, values: np.ndarray, offsets: np.ndarray, tokens: list[Any], texts: list[Any]) -> None:
        self.values = as_array(values)  # [sum of tokens, dimension]
        self.offsets = offsets  # [texts + 1]
        self._tokens = tokens
        self._texts = texts

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Array:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{index}: there are {len(self)} texts")
        index %= len(self)
        return self.values[self.offsets[index]:self.offsets[index + 1]]

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))

    @property
    def ids(self) -> list[np.ndarray]:
        """The token ids of each text's rows."""
        return [ids for ids, _, _, _ in self._tokens]

    @property
    def special(self) -> list[np.ndarray]:
        """Which rows are of special tokens."""
        return [special.astype(bool) for _, _, _, special in self._tokens]

    @property
    def spans(self) -> list[np.ndarray]:
        """The characters [begin, end) of each text's rows; 0, 0 of special tokens, and of inputs that are not a text alone."""
        return [char_spans(text, begin, end) if isinstance(text, str) else np.zeros((len(begin), 2), np.int64)
                for text, (_, begin, end, _) in zip(self._texts, self._tokens)]

    def __repr__(self) -> str:
        return f"TokenVectors({len(self)} texts, {self.values.shape[0]} tokens, dimension {self.values.shape[1]})"


class SparseVectors:
    """Weights of tokens, in compressed rows: of text i those from indptr[i] to indptr[i + 1]."""

    def __init__(self, indices: np.ndarray, values: np.ndarray, indptr: np.ndarray, columns: int) -> None:
        self.indices, self.values, self.indptr, self.columns = indices, as_array(values), indptr, columns

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.columns

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, index: int) -> tuple[np.ndarray, Array]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{index}: there are {len(self)} texts")
        part = slice(self.indptr[index % len(self)], self.indptr[index % len(self) + 1])
        return self.indices[part], self.values[part]

    def __iter__(self) -> Iterator[tuple[np.ndarray, Array]]:
        return (self[i] for i in range(len(self)))

    def to_dicts(self) -> list[dict[int, float]]:
        return [dict(zip(ids.tolist(), values.tolist())) for ids, values in self]

    def toarray(self) -> Array:
        dense = np.zeros(self.shape, np.float32)
        for row, (ids, values) in enumerate(self):
            dense[row, ids] = values
        return as_array(dense)

    def to_scipy(self) -> Any:
        from scipy.sparse import csr_matrix

        return csr_matrix((self.values.numpy(), self.indices, self.indptr), shape=self.shape)

    def to_torch(self) -> Any:
        """A sparse COO tensor."""
        import torch

        rows = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        return torch.sparse_coo_tensor(torch.from_numpy(np.stack([rows, self.indices.astype(np.int64)])),
                                       self.values.torch(), self.shape).coalesce()

    def __repr__(self) -> str:
        return f"SparseVectors({len(self)} texts, {len(self.indices)} weights of {self.columns} tokens)"
