"""SparseEncoder: texts to weights of tokens."""
from __future__ import annotations

import sys
from typing import Any

import numpy as np

from vecton.answers import SparseVectors
from vecton.array import as_tensor
from vecton.compare import compare, compare_pairwise
from vecton.sentence_transformers.common import Encoder, as_batch, check_batch_size, take_inputs


class SparseEncoder(Encoder):
    """sentence-transformers' class of this name. Without torch its sparse results are SparseVectors."""

    def __init__(self, *args: Any, max_active_dims: int | None = None, **how: Any) -> None:
        super().__init__(*args, **how)
        self.max_active_dims = max_active_dims

    def encode(self, inputs: Any = None, prompt_name: str | None = None, prompt: str | None = None, batch_size: int = 32,
               show_progress_bar: bool | None = None, convert_to_tensor: bool = True, convert_to_sparse_tensor: bool = True,
               save_to_cpu: bool = False, device: Any = None, max_active_dims: int | None = None, pool: Any = None,
               chunk_size: int | None = None, *, _role: str | None = None, **kwargs: Any) -> Any:
        inputs = take_inputs(inputs, kwargs)
        check_batch_size(batch_size)
        if self._prompt(prompt_name, prompt):
            raise ValueError("prompt: sparse models read their texts without one")
        texts, single = as_batch(inputs, self.engine)
        sparse = self.engine.embed_sparse(texts, role=_role if self.engine.info.roles else None, truncate=self.max_seq_length or True,
                                          progress=self._bar(show_progress_bar))
        sparse = _most(sparse, max_active_dims if max_active_dims is not None else self.max_active_dims)
        if not convert_to_sparse_tensor:
            dense = as_tensor(sparse.toarray())
            return dense[0] if single else dense if convert_to_tensor else list(dense)
        if "torch" not in sys.modules:
            return sparse
        tensor = sparse.to_torch()
        return tensor[0] if single else tensor if convert_to_tensor else [tensor[i] for i in range(len(sparse))]

    def encode_query(self, inputs: Any = None, prompt_name: str | None = None, prompt: str | None = None, *more: Any, **how: Any) -> Any:
        return self.encode(inputs, self._query_prompt_name(prompt_name, prompt), prompt, *more, _role="query", **how)

    def encode_document(self, inputs: Any = None, prompt_name: str | None = None, prompt: str | None = None, *more: Any, **how: Any) -> Any:
        return self.encode(inputs, self._document_prompt_name(prompt_name, prompt), prompt, *more, _role="document", **how)

    @property
    def similarity_fn_name(self) -> str:
        return self._similarity or self.engine.info.similarity or "dot"

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        return as_tensor(compare(_dense(embeddings1), _dense(embeddings2), self.similarity_fn_name))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        return as_tensor(compare_pairwise(_dense(embeddings1), _dense(embeddings2), self.similarity_fn_name))

    def decode(self, embeddings: Any, top_k: int | None = None) -> list[Any]:
        """(token, weight) of every row, heaviest first."""
        if top_k is not None and top_k <= 0:
            raise ValueError(f"top_k must be a positive integer, got {top_k}.")
        rows = np.atleast_2d(_dense(embeddings))
        found = []
        for row in rows:
            ids = np.flatnonzero(row)
            ids = ids[np.argsort(-row[ids], kind="stable")][:top_k]
            found.append([(self.tokenizer.convert_ids_to_tokens(int(i)), float(row[i])) for i in ids])
        return found if len(getattr(embeddings, "shape", (0, 0))) == 2 else found[0]

    def intersection(self, embeddings_1: Any, embeddings_2: Any) -> Any:
        """The products of the weights of tokens that both have: of one vector and another, or each row of several."""
        one, other = _dense(embeddings_1), _dense(embeddings_2)
        if isinstance(embeddings_1, SparseVectors) and len(embeddings_1) == 1:
            one = one[0]
        if one.ndim != 1 or other.ndim not in (1, 2) or one.shape[-1] != other.shape[-1]:
            raise ValueError(f"intersection() takes one vector, and one or several of the same size, found the shapes {list(one.shape)} and "
                             f"{list(other.shape)}")
        shared = np.maximum(one * other, 0)
        if "torch" not in sys.modules:
            return as_tensor(shared)
        return as_tensor(shared).to_sparse()

    @staticmethod
    def sparsity(embeddings: Any) -> dict[str, float]:
        rows = np.atleast_2d(_dense(embeddings))
        active = (rows != 0).sum(1)
        return {"active_dims": float(active.mean()), "sparsity_ratio": float(1 - active.mean() / rows.shape[1])}

    def get_embedding_dimension(self) -> int:
        return self.engine.info.vocab_size

    get_sentence_embedding_dimension = get_embedding_dimension


def _dense(embeddings: Any) -> np.ndarray:
    if isinstance(embeddings, SparseVectors):
        return embeddings.toarray()
    if getattr(embeddings, "is_sparse", False):
        embeddings = embeddings.to_dense()
    return np.asarray(embeddings, np.float32)


def _most(sparse: SparseVectors, count: int | None) -> SparseVectors:
    """The heaviest `count` weights of each row."""
    if count is None:
        return sparse
    ids, values = [], []
    for row_ids, row in sparse:
        keep = np.sort(np.argsort(-row, kind="stable")[:count])
        ids.append(row_ids[keep])
        values.append(row[keep])
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in ids], dtype=np.int64)])
    return SparseVectors(np.concatenate(ids), np.concatenate(values), indptr, sparse.columns)
