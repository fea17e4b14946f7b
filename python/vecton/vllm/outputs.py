"""vllm.outputs: what requests give."""
from __future__ import annotations

from typing import Any

import numpy as np

from vecton.array import as_tensor
from vecton.vllm.generated import CompletionOutput, Logprob, RequestOutput

__all__ = ["ClassificationOutput", "ClassificationRequestOutput", "CompletionOutput", "EmbeddingOutput", "EmbeddingRequestOutput", "Logprob",
           "PoolingOutput", "PoolingRequestOutput", "RequestOutput", "ScoringOutput", "ScoringRequestOutput"]


class _Rows:
    """Values that lie in an array until somebody asks for them as vLLM has them."""

    def __init__(self, values: Any) -> None:
        self._values = values
        self._as_given: Any = None


class PoolingOutput(_Rows):
    """`data`: a torch tensor where the program has imported torch, else an array."""

    @property
    def data(self) -> Any:
        if self._as_given is None:
            self._as_given = as_tensor(np.asarray(self._values))
        return self._as_given

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PoolingOutput) and bool(np.array_equal(np.asarray(self._values), np.asarray(other._values)))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"PoolingOutput(data={self.data})"


class _ListOutput(_Rows):
    def _list(self) -> list[float]:
        if self._as_given is None:
            self._as_given = np.asarray(self._values).tolist()
        return self._as_given


class EmbeddingOutput(_ListOutput):
    @property
    def embedding(self) -> list[float]:
        return self._list()

    @property
    def hidden_size(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"EmbeddingOutput(hidden_size={self.hidden_size})"


class ClassificationOutput(_ListOutput):
    @property
    def probs(self) -> list[float]:
        return self._list()

    @property
    def num_classes(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"ClassificationOutput(num_classes={self.num_classes})"


class ScoringOutput:
    def __init__(self, score: float) -> None:
        self.score = score

    def __repr__(self) -> str:
        return f"ScoringOutput(score={self.score})"


class PoolingRequestOutput:
    """The answer to one prompt."""

    def __init__(self, request_id: str, outputs: Any, prompt_token_ids: list[int], num_cached_tokens: int = 0,
                 finished: bool = True) -> None:
        self.request_id, self.outputs, self.prompt_token_ids = request_id, outputs, prompt_token_ids
        self.num_cached_tokens, self.finished, self.error = num_cached_tokens, finished, None

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(request_id={self.request_id!r}, outputs={self.outputs!r}, "
                f"prompt_token_ids={self.prompt_token_ids}, num_cached_tokens={self.num_cached_tokens}, finished={self.finished})")


class EmbeddingRequestOutput(PoolingRequestOutput):
    pass


class ClassificationRequestOutput(PoolingRequestOutput):
    pass


class ScoringRequestOutput(PoolingRequestOutput):
    pass
