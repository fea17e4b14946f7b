"""SentenceTransformer: texts to vectors."""
from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from vecton.array import as_array, as_tensor
from vecton.compare import compare, compare_pairwise, unit
from vecton.sentence_transformers.common import Encoder, as_batch, check_batch_size, logger, need_torch, take_inputs
from vecton.sentence_transformers.util import quantize_embeddings


class SentenceTransformer(Encoder):
    """sentence-transformers' class of this name."""

    def encode(self, inputs: Any = None, prompt_name: str | None = None, prompt: str | None = None, batch_size: int = 32,
               show_progress_bar: bool | None = None, output_value: str | None = "sentence_embedding", precision: str = "float32",
               convert_to_numpy: bool = True, convert_to_tensor: bool = False, device: Any = None, normalize_embeddings: bool = False,
               truncate_dim: int | None = None, pool: Any = None, chunk_size: int | None = None, *, _role: str | None = None,
               **kwargs: Any) -> Any:
        """Vectors of the inputs; long ones are cut to max_seq_length. `batch_size` is checked and has no other effect: the
        engine packs batches by tokens."""
        inputs = take_inputs(inputs, kwargs)
        check_batch_size(batch_size)
        how = self._how(self._prompt(prompt_name, prompt), _role)
        texts, single = as_batch(inputs, self.engine)
        bar = self._bar(show_progress_bar)
        if output_value == "token_embeddings":
            return self._tokens(texts, single, how)
        if output_value not in ("sentence_embedding", None):
            raise ValueError(f"output_value must be sentence_embedding, token_embeddings or None, found {output_value!r}")
        if not texts:
            empty = np.array([])
            return as_tensor(empty) if convert_to_tensor else empty if convert_to_numpy else []
        rows = self.engine.embed(texts, progress=bar, **how)
        rows = self._finish(rows, truncate_dim if truncate_dim is not None else self.truncate_dim, normalize_embeddings)
        if output_value is None:
            tokens = self._tokens(texts, False, how)
            found = [{"sentence_embedding": as_tensor(row), "token_embeddings": of} for row, of in zip(rows, tokens)]
            return found[0] if single else found
        if precision != "float32":
            rows = quantize_embeddings(rows, precision)
        if convert_to_tensor:
            return as_tensor(rows[0] if single else rows)
        if convert_to_numpy:
            return rows[0] if single else rows
        return as_tensor(rows[0]) if single else [as_tensor(row) for row in rows]

    def _finish(self, rows: Any, dimensions: int | None, normalize: bool) -> Any:
        if dimensions is not None and dimensions < rows.shape[1]:
            rows = as_array(np.ascontiguousarray(rows[:, :dimensions]))
        return as_array(unit(rows).astype(np.float32, copy=False)) if normalize else rows

    def _tokens(self, texts: list[Any], single: bool, how: dict[str, Any]) -> Any:
        found = [as_tensor(rows) for rows in self.engine.embed_tokens(texts, **how)] if texts else []
        return found[0] if single else found

    def encode_query(self, inputs: Any = None, prompt_name: str | None = None, prompt: str | None = None, *more: Any, **how: Any) -> Any:
        return self.encode(inputs, self._query_prompt_name(prompt_name, prompt), prompt, *more, _role="query", **how)

    def encode_document(self, inputs: Any = None, prompt_name: str | None = None, prompt: str | None = None, *more: Any, **how: Any) -> Any:
        return self.encode(inputs, self._document_prompt_name(prompt_name, prompt), prompt, *more, _role="document", **how)

    # Similarity.

    @property
    def similarity_fn_name(self) -> str:
        return self._similarity or self.engine.info.similarity or "cosine"

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: Any) -> None:
        self._similarity = None if name is None else str(getattr(name, "value", name))

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        return as_tensor(compare(embeddings1, embeddings2, self.similarity_fn_name).astype(np.float32, copy=False))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        return as_tensor(compare_pairwise(embeddings1, embeddings2, self.similarity_fn_name).astype(np.float32, copy=False))

    # Sizes.

    def get_embedding_dimension(self) -> int:
        size = self.engine.info.embedding_size
        return min(size, self.truncate_dim) if self.truncate_dim else size

    get_sentence_embedding_dimension = get_embedding_dimension

    @contextlib.contextmanager
    def truncate_sentence_embeddings(self, truncate_dim: int | None) -> Any:
        before, self.truncate_dim = self.truncate_dim, truncate_dim
        try:
            yield
        finally:
            self.truncate_dim = before

    def encode_multi_process(self, inputs: Any = None, pool: Any = None, prompt_name: str | None = None, prompt: str | None = None,
                             batch_size: int = 32, chunk_size: int | None = None, show_progress_bar: bool | None = None,
                             precision: str = "float32", normalize_embeddings: bool = False, truncate_dim: int | None = None,
                             **kwargs: Any) -> Any:
        logger.warning("encode_multi_process is deprecated; encode uses every core")
        return self.encode(take_inputs(inputs, kwargs), prompt_name, prompt, batch_size, show_progress_bar, precision=precision,
                           normalize_embeddings=normalize_embeddings, truncate_dim=truncate_dim)

    def __call__(self, features: Any) -> Any:
        raise NotImplementedError("Vecton computes whole texts: call encode(). The parts of the model can't be run from Python")

    def torch_embeddings(self, inputs: Any, **how: Any) -> Any:
        """encode() as a torch tensor, whether the program has imported torch or not."""
        torch = need_torch("torch_embeddings()")
        return torch.from_numpy(np.asarray(self.encode(inputs, **how)))
