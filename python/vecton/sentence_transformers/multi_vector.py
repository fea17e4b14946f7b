"""MultiVectorEncoder: late interaction, a vector per token."""
from __future__ import annotations

import os
from typing import Any

from vecton.array import as_tensor
from vecton.sentence_transformers.common import Encoder, as_batch, check_batch_size, take_inputs
from vecton.sentence_transformers.util import maxsim, maxsim_pairwise, mean_maxsim, mean_maxsim_pairwise

SIMILARITIES = {"maxsim": (maxsim, maxsim_pairwise), "meanmaxsim": (mean_maxsim, mean_maxsim_pairwise)}


class MultiVectorEncoder(Encoder):
    """sentence-transformers' class of this name."""

    def __init__(self, model_name_or_path: str | os.PathLike[str] | None = None, *, similarity_fn_name: Any = None, **how: Any) -> None:
        super().__init__(model_name_or_path, **how)
        self.similarity_fn_name = similarity_fn_name

    def encode(self, inputs: Any = None, prompt_name: str | None = None, prompt: str | None = None, batch_size: int = 32,
               show_progress_bar: bool | None = None, output_value: str | None = "token_embeddings", convert_to_numpy: bool = False,
               device: Any = None, normalize_embeddings: bool = False, pool: Any = None, chunk_size: int | None = None,
               token_pooling: Any = None, task: str | None = None, **kwargs: Any) -> Any:
        """A matrix [tokens, dimension] per input. `task` is "query" or "document"; normalize_embeddings normalises what a checkpoint
        leaves as it is."""
        inputs = take_inputs(inputs, kwargs)
        check_batch_size(batch_size)
        if output_value not in ("token_embeddings", None):
            raise ValueError(f"output_value must be token_embeddings or None, found {output_value!r}")
        if token_pooling is not None:
            raise ValueError("token_pooling: vectors of tokens are not put together here")
        if task not in (None, "query", "document"):
            raise ValueError(f"task must be \"query\" or \"document\", found {task!r}")
        texts, single = as_batch(inputs, self.engine)
        how: dict[str, Any] = {"role": task, "truncate": True, "progress": self._bar(show_progress_bar)}
        if normalize_embeddings:
            how["normalize"] = True
        if prompt is not None or prompt_name is not None:
            how["prompt"] = self._prompt(prompt_name, prompt)
        rows = list(self.engine.embed_tokens(texts, **how)) if texts else []
        found: list[Any] = rows if convert_to_numpy and output_value else [as_tensor(one) for one in rows]
        if output_value is None:
            found = [{"token_embeddings": one} for one in found]
        return found[0] if single else found

    def encode_query(self, inputs: Any = None, *args: Any, **how: Any) -> Any:
        return self.encode(inputs, *args, **{"task": "query", **how})

    def encode_document(self, inputs: Any = None, *args: Any, **how: Any) -> Any:
        return self.encode(inputs, *args, **{"task": "document", **how})

    @property
    def similarity_fn_name(self) -> str:
        return self._similarity or "maxsim"

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: Any) -> None:
        name = None if name is None else str(getattr(name, "value", name))
        if name not in (None, *SIMILARITIES):
            raise ValueError(f"similarity_fn_name must be {' or '.join(SIMILARITIES)}, found {name!r}")
        self._similarity = name

    def similarity(self, embeddings1: Any, embeddings2: Any, **how: Any) -> Any:
        """How alike each query and each document are, [queries, documents]."""
        return SIMILARITIES[self.similarity_fn_name][0](embeddings1, embeddings2, **how)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any, **how: Any) -> Any:
        return SIMILARITIES[self.similarity_fn_name][1](embeddings1, embeddings2, **how)

    def get_embedding_dimension(self) -> int:
        return self.engine.info.embedding_size

    get_sentence_embedding_dimension = get_embedding_dimension
