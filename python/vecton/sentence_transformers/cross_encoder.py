"""CrossEncoder: pairs of texts to scores or labels."""
from __future__ import annotations

import os
from typing import Any

import numpy as np

from vecton.array import as_array, as_tensor
from vecton.pictures import is_picture
from vecton.sentence_transformers.common import Encoder, as_input, check_batch_size, model_name, take_inputs


class CrossEncoder(Encoder):
    """sentence-transformers' class of this name."""

    def __init__(self, model_name_or_path: str | os.PathLike[str], num_labels: int | None = None, max_length: int | None = None,
                 activation_fn: Any = None, *, keep_in_fp32_modules: Any = None, **how: Any) -> None:
        # keep_in_fp32_modules: everything is kept in float32.
        super().__init__(model_name(model_name_or_path, "cross-encoder"), **how)
        tasks = self.engine.info.tasks
        self._scores = "score" in tasks and self.engine.info.scorer == "cross-encoder" and len(self.engine.labels) <= 1
        if not self._scores and "classify" not in tasks:
            raise ValueError(f"{self.engine.info.name} reads no pairs of texts: it does {', '.join(tasks)}")
        if num_labels is not None and num_labels != self.num_labels:
            raise ValueError(f"num_labels: the checkpoint has {self.num_labels}, not {num_labels}")
        if max_length is not None:
            self.max_seq_length = max_length
        self.activation_fn = activation_fn

    @property
    def num_labels(self) -> int:
        return 1 if self._scores else max(1, len(self.engine.labels))

    @property
    def max_length(self) -> int | None:
        return self.max_seq_length

    @max_length.setter
    def max_length(self, length: int | None) -> None:
        self.max_seq_length = length

    def predict(self, inputs: Any = None, prompt_name: str | None = None, prompt: str | None = None, batch_size: int = 32,
                show_progress_bar: bool | None = None, activation_fn: Any = None, apply_softmax: bool | None = False,
                convert_to_numpy: bool = True, convert_to_tensor: bool = False, device: Any = None, pool: Any = None,
                chunk_size: int | None = None, **kwargs: Any) -> Any:
        """A score per pair, or a number per label. One pair gives one."""
        pairs = take_inputs(inputs, kwargs)
        check_batch_size(batch_size)
        if prompt is not None or prompt_name is not None:
            raise ValueError("prompt: the prompts of this checkpoint are put by the model itself")
        pairs = list(pairs)
        if not pairs:
            empty = np.array([])
            return as_tensor(empty) if convert_to_tensor else empty if convert_to_numpy else []
        single = len(pairs) == 2 and all(_is_side(side) for side in pairs)
        if single:
            pairs = [pairs]
        if not all(isinstance(side, str) for pair in pairs for side in pair) or self.engine.info.images:
            pairs = [[as_input(side, self.engine, f"inputs[{i}]") for side in pair] for i, pair in enumerate(pairs)]
        name = self._activation(activation_fn)
        raw = name is not None
        cut, bar = self.max_seq_length or True, self._bar(show_progress_bar)
        if self._scores:
            scores: Any = self.engine.score_pairs(pairs, raw=raw, truncate=cut, progress=bar)
        else:
            scores = self.engine.classify([a for a, _ in pairs], [b for _, b in pairs], raw=raw, truncate=cut, progress=bar)
            scores = scores[:, 0] if self.num_labels == 1 and scores.shape[1] == 1 else scores
        scores = _apply(name, scores)
        if apply_softmax and scores.ndim == 2:  # one label has none
            scores = _apply("Softmax", scores)
        scores = as_array(np.ascontiguousarray(scores, np.float32))
        if convert_to_tensor:
            return as_tensor(scores)[0] if single else as_tensor(scores)
        if convert_to_numpy:
            return scores[0] if single else scores
        return as_tensor(scores)[0] if single else [as_tensor(scores)[i] for i in range(len(scores))]

    def rank(self, query: str, documents: list[str], top_k: int | None = None, return_documents: bool = False,
             prompt_name: str | None = None, prompt: str | None = None, batch_size: int = 32, show_progress_bar: bool | None = None,
             activation_fn: Any = None, device: Any = None, pool: Any = None, chunk_size: int | None = None, *,
             apply_softmax: bool = False, convert_to_numpy: bool = True, convert_to_tensor: bool = False) -> list[dict[str, Any]]:
        """The documents by their score, as corpus_id and score. `apply_softmax` and `convert_to_*`, which older versions had, change
        nothing: there is one score, and it is a number."""
        if self.num_labels != 1:
            raise ValueError("CrossEncoder.rank() only works for models with num_labels=1. Consider using CrossEncoder.predict() with "
                             "input pairs instead.")
        documents = list(documents)
        if not documents:
            return []
        pairs = [(query, document) for document in documents]
        how: dict[str, Any] = {"prompt_name": prompt_name, "prompt": prompt, "batch_size": batch_size}
        logits = self.predict(pairs, activation_fn="Identity", show_progress_bar=show_progress_bar, **how)
        scores = logits if self._activation(activation_fn) == "Identity" else self.predict(pairs, activation_fn=activation_fn, **how)
        order = np.argsort(-logits, kind="stable")[:top_k]
        return [{"corpus_id": int(i), "score": float(scores[i]), **({"text": documents[i]} if return_documents else {})} for i in order]


    def _activation(self, given: Any) -> str | None:
        """What scores go through: what is given, else what the checkpoint names, else a sigmoid of one label and nothing of several.
        None: what the engine does by itself."""
        name = _activation(given if given is not None else self.activation_fn)
        info = self.engine.info
        if name is not None or info.activation_named:
            return name
        default = "Sigmoid" if self.num_labels == 1 else "Identity"
        return None if default.lower() == info.activation else default


def _is_side(value: Any) -> bool:
    return isinstance(value, (str, dict)) or is_picture(value)


def _activation(function: Any) -> str | None:
    """What an activation is called: its own name, or that of its class, as torch has them."""
    if function is None:
        return None
    name = function if isinstance(function, str) else type(function).__name__
    name = name.rsplit(".", 1)[-1]
    if name not in ("Identity", "Sigmoid", "Softmax", "Tanh"):
        raise ValueError(f"activation_fn: {name} is not known; Identity, Sigmoid, Softmax and Tanh are")
    return name


def _apply(name: str | None, scores: Any) -> Any:
    if name == "Sigmoid":
        return 1 / (1 + np.exp(-scores))
    if name == "Tanh":
        return np.tanh(scores)
    if name == "Softmax" and scores.ndim == 1:
        return np.ones_like(scores)  # of one label
    if name == "Softmax":
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    return scores
