"""MultiVectorEncoder: late interaction, a vector per token."""
from __future__ import annotations

from typing import Any

import numpy as np

from vecton.array import as_tensor
from vecton.compare import max_sim
from vecton.sentence_transformers.common import Encoder, as_batch, check_batch_size, take_inputs


class MultiVectorEncoder(Encoder):
    """sentence-transformers' class of this name."""

    def encode(self, inputs: Any = None, prompt_name: str | None = None, prompt: str | None = None, batch_size: int = 32,
               show_progress_bar: bool | None = None, convert_to_numpy: bool = False, device: Any = None, *, _role: str | None = None,
               **kwargs: Any) -> Any:
        """A matrix [tokens, dimension] per input."""
        inputs = take_inputs(inputs, kwargs)
        check_batch_size(batch_size)
        texts, single = as_batch(inputs, self.engine)
        how = {"role": _role, "truncate": True, "progress": self._bar(show_progress_bar)}
        if prompt is not None or prompt_name is not None:
            how["prompt"] = self._prompt(prompt_name, prompt)
        found = [rows if convert_to_numpy else as_tensor(rows) for rows in self.engine.embed_tokens(texts, **how)] if texts else []
        return found[0] if single else found

    def encode_query(self, inputs: Any = None, **how: Any) -> Any:
        return self.encode(inputs, _role="query", **how)

    def encode_document(self, inputs: Any = None, **how: Any) -> Any:
        return self.encode(inputs, _role="document", **how)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """MaxSim of each query with each document, [queries, documents]."""
        queries, documents = _many(embeddings1), _many(embeddings2)
        return as_tensor(np.array([[max_sim(q, d) for d in documents] for q in queries], np.float32).reshape(len(queries), len(documents)))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        return as_tensor(np.array([max_sim(q, d) for q, d in zip(_many(embeddings1), _many(embeddings2))], np.float32))

    def get_embedding_dimension(self) -> int:
        return self.engine.info.embedding_size

    get_sentence_embedding_dimension = get_embedding_dimension


def _many(embeddings: Any) -> list[Any]:
    return [embeddings] if getattr(embeddings, "ndim", 3) == 2 else list(embeddings)
