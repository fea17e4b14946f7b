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
                 pixel_values: Any = None, image_grid_thw: Any = None) -> BaseModelOutput:
        """`second` and `third` are what the family's own model has there: token_type_ids and attention_mask of BERT, the mask of
        others."""
        ids = to_numpy(inputs if input_ids is None else input_ids)
        if (pixel_values is None) != (image_grid_thw is None):
            raise ValueError("pixel_values and image_grid_thw are given together, as the processor makes them")
        if pixel_values is not None and not self.engine.info.images:
            raise ValueError(f"{self.engine.info.name} does not support vision-language embedding")
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
        rows = [row[keep].tolist() for row, keep in zip(ids, mask)]
        if pixel_values is not None:
            return self._pictured(rows, pixel_values, image_grid_thw)
        return self._answer(rows, mask)

    def _pictured(self, rows: list[list[int]], pixel_values: Any, grids: Any) -> BaseModelOutput:
        from vecton.mlx_embeddings.patches import Patches
        from vecton.mlx_embeddings.processor import DOCUMENT, image_token
        from vecton.pictures import pictures

        patches, engine, late = Patches(self.engine.info.folder), self.engine, self.engine.info.scorer == "late-interaction"
        document = DOCUMENT.format(engine.info.image_placeholder)
        token = engine.tokenizer.convert_tokens_to_ids(image_token(engine))
        left = list(zip(patches.levels(pixel_values, grids), map(patches.tokens_of, to_numpy(grids))))
        prompts = []
        for row in rows:  # the engine reads a text, where one token stands for a picture
            ids, levels, at = [], [], 0
            while at < len(row):
                ids.append(row[at])
                if row[at] != token:
                    at += 1
                    continue
                if not left or row[at:at + left[0][1]] != [token] * left[0][1]:
                    raise ValueError("input_ids have other placeholders than image_grid_thw has images: give both as the processor makes them")
                image, count = left.pop(0)
                levels.append(image)
                at += count
            text = engine.tokenizer.decode(ids, skip_special_tokens=False)
            if engine.tokenizer.encode(text, add_special_tokens=False) != ids:
                raise ValueError("input_ids beside pixel_values must be those that the tokenizer gives to a text")
            if late and text != document:
                raise ValueError(f"input_ids beside pixel_values must be those of processor(images=): this model reads pictures in the prompt {document!r}")
            prompts.append(_core.Prompt("" if late else text, pictures(levels, "pixel_values")))
        if left:
            raise ValueError(f"input_ids have no placeholders for {len(left)} images of image_grid_thw")
        if late:
            results = self._run(engine, prompts, "token_embed", role="document")
            counts, values = results.sizes(), results.matrix()
            vectors = np.zeros((len(counts), int(counts.max()), values.shape[1]), np.float32)
            for into, end, count in zip(vectors, np.cumsum(counts), counts):
                into[:count] = values[end - count:end]
        else:
            vectors = np.ascontiguousarray(self._run(engine, prompts, "embed", normalize=True, prompt="").matrix())
        return BaseModelOutput(text_embeds=to_mx(vectors), image_embeds=to_mx(vectors))

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
    def _run(engine: Engine, rows: list[Any], task: str, **how: Any) -> Any:
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
