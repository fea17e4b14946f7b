"""Model: what load() gives. Called with token ids, it computes whole texts: there are no layers to call from Python."""
from __future__ import annotations

from typing import Any

import numpy as np

from vecton import _core
from vecton.engine import Engine
from vecton.mlx_embeddings.arrays import to_mx, to_numpy
from vecton.mlx_embeddings.outputs import BaseModelOutput


class ModelConfig:
    """config.json's values as they are written there: the keys of id2label are strings."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the model's config.json has no {name!r}")

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


class Model:
    def __init__(self, engine: Engine, backbone: Engine | None, config: dict[str, Any]) -> None:
        # The head's answers, and those of the backbone where the head hides them.
        self.engine, self._backbone = engine, backbone or engine
        self.config = ModelConfig(config)
        self.model_type = str(config.get("model_type", ""))

    def __call__(self, input_ids: Any = None, second: Any = None, third: Any = None, *, attention_mask: Any = None,
                 token_type_ids: Any = None, position_ids: Any = None, return_dict: bool | None = True, inputs: Any = None,
                 pixel_values: Any = None) -> BaseModelOutput:
        """`second` and `third` are what the family's own model has there: token_type_ids and attention_mask of BERT, the mask of
        others."""
        ids = to_numpy(inputs if input_ids is None else input_ids)
        if pixel_values is not None:
            raise ValueError("pixel_values: give the pictures to embed_vision_language(model, processor, items)" if self.engine.info.images else
                             f"{self.engine.info.name} does not support vision-language embedding")
        if position_ids is not None:
            raise ValueError("position_ids: positions are counted by the engine")
        if self.model_type == "bert":
            token_type_ids = second if token_type_ids is None else token_type_ids
            attention_mask = third if attention_mask is None else attention_mask
        elif attention_mask is None:
            attention_mask = second
        if ids.ndim != 2 or ids.dtype.kind not in "iu":
            raise ValueError(f"input_ids must be integers [batch, tokens], found {ids.dtype} {list(ids.shape)}")
        if token_type_ids is not None and to_numpy(token_type_ids).any():
            raise ValueError("token_type_ids: only a first segment, of zeros, can be given; pairs are read by vecton.Engine's classify and score")
        mask = np.ones(ids.shape, bool) if attention_mask is None else to_numpy(attention_mask).astype(bool)
        if mask.shape != ids.shape:
            raise ValueError(f"attention_mask has the shape {list(mask.shape)}, input_ids {list(ids.shape)}")
        return self._answer([row[keep].tolist() for row, keep in zip(ids, mask)], mask)

    def _answer(self, rows: list[list[int]], mask: np.ndarray) -> BaseModelOutput:
        tasks = self.engine.tasks
        output = BaseModelOutput()
        tokens = _padded(self._run(self._backbone, rows, "token_embed"), mask)
        output.last_hidden_state = tokens
        if self.engine.info.scorer == "late-interaction":
            output.text_embeds, output.pooler_output = tokens, tokens.sum(1) / np.maximum(mask.sum(1, keepdims=True), 1)
        elif "fill_mask" in tasks:
            output.text_embeds = tokens / np.maximum(np.linalg.norm(tokens, axis=-1, keepdims=True), 1e-12)
            output.pooler_output = _padded(self._run(self.engine, rows, "token_classify", use_activation=False), mask)
        else:
            output.text_embeds = self._run(self._backbone, rows, "embed", normalize=True).matrix()
            if "classify" in tasks:
                output.pooler_output = self._run(self.engine, rows, "classify").matrix()
            elif "token_classify" in tasks:
                output.pooler_output = _padded(self._run(self.engine, rows, "token_classify"), mask)
        for name in ("last_hidden_state", "pooler_output", "text_embeds"):
            value = getattr(output, name)
            if value is not None:
                setattr(output, name, to_mx(np.ascontiguousarray(value, np.float32)))
        return output

    @staticmethod
    def _run(engine: Engine, rows: list[list[int]], task: str, **how: Any) -> Any:
        results = engine._core.run(rows, _core.Request(task=task, add_special_tokens=False, **how))
        results.raise_first()
        return results

    def eval(self) -> Model:
        return self

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Vecton's model has no {name!r}: it is called with token ids and answers with arrays; layers, weights and "
                             "gradients are not reached from Python")


def _padded(results: Any, mask: np.ndarray) -> np.ndarray:
    """The rows of tokens where the mask has them, zeros elsewhere."""
    values = results.matrix()
    out = np.zeros((*mask.shape, values.shape[1]), np.float32)
    out[mask] = values
    return out
