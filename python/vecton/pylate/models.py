"""pylate.models.ColBERT."""
from __future__ import annotations

from typing import Any

import numpy as np

from vecton.array import as_tensor
from vecton.compare import unit
from vecton.sentence_transformers.common import as_batch, check_batch_size
from vecton.sentence_transformers.multi_vector import MultiVectorEncoder


class ColBERT(MultiVectorEncoder):
    def encode(self, sentences: Any = None, batch_size: int = 32, prompt_name: str | None = None,  # type: ignore[override]
               prompt: str | None = None, show_progress_bar: bool | None = None, is_query: bool = True, pool_factor: int = 1,
               protected_tokens: int = 1, convert_to_numpy: bool = True, convert_to_tensor: bool = False, padding: bool = False,
               device: Any = None, normalize_embeddings: bool = True, **kwargs: Any) -> Any:
        """A matrix [tokens, dimension] per sentence."""
        if kwargs:
            raise ValueError(f"encode() has no argument {', '.join(map(repr, kwargs))}")
        if pool_factor != 1:
            raise ValueError("pool_factor: tokens of documents are not pooled together; 1 is taken")
        check_batch_size(batch_size)
        texts, single = as_batch(sentences, self.engine)
        how: dict[str, Any] = {"role": "query" if is_query else "document", "truncate": True, "progress": self._bar(show_progress_bar)}
        if prompt is not None or prompt_name is not None:
            how["prompt"] = self._prompt(prompt_name, prompt)
        found: list[Any] = list(self.engine.embed_tokens(texts, **how)) if texts else []
        if normalize_embeddings:
            found = [unit(rows) for rows in found]
        if padding:
            longest = max((len(rows) for rows in found), default=0)
            found = [np.pad(rows, ((0, longest - len(rows)), (0, 0))) for rows in found]
        if convert_to_tensor or not convert_to_numpy:
            found = [as_tensor(np.ascontiguousarray(rows)) for rows in found]
        return found[0] if single else found

    def encode_query(self, inputs: Any = None, *args: Any, **how: Any) -> Any:
        return self.encode(inputs, *args, **{**how, "is_query": True})

    def encode_document(self, inputs: Any = None, *args: Any, **how: Any) -> Any:
        return self.encode(inputs, *args, **{**how, "is_query": False})
