"""DualEncoder: a model that compares texts with pictures (SigLIP, CLIP), as load() gives it."""
from __future__ import annotations

import json
import math
import pathlib
from typing import Any

import numpy as np

from vecton.mlx_embeddings.arrays import to_mx, to_numpy
from vecton.mlx_embeddings.model import Model
from vecton.mlx_embeddings.outputs import BaseModelOutput
from vecton.mlx_embeddings.processor import Levels


class DualEncoder(Model):
    """Called with token ids, pixel values or both: text_embeds, image_embeds and how alike they are."""

    def __call__(self, input_ids: Any = None, pixel_values: Any = None, attention_mask: Any = None, position_ids: Any = None,  # type: ignore[override]
                 return_loss: Any = None, return_dict: bool | None = True) -> BaseModelOutput:
        if input_ids is None and pixel_values is None:
            raise ValueError("the model takes input_ids, pixel_values or both")
        if position_ids is not None or return_loss:
            raise ValueError("position_ids and return_loss: positions are counted by the engine, and nothing is trained")
        output = BaseModelOutput()
        texts = None if input_ids is None else self._texts(to_numpy(input_ids), attention_mask)
        pictures = None if pixel_values is None else self._pictures(pixel_values)
        if texts is not None:
            output.text_embeds = to_mx(texts)
        if pictures is not None:
            output.image_embeds = to_mx(pictures)
        if texts is not None and pictures is not None:
            scale, bias = self._scale()
            logits = (texts @ pictures.T * scale + bias).astype(np.float32)
            output.logits_per_text, output.logits_per_image = to_mx(logits), to_mx(np.ascontiguousarray(logits.T))
        return output

    def _texts(self, ids: np.ndarray, mask: Any) -> np.ndarray:
        if ids.ndim != 2 or ids.dtype.kind not in "iu":
            raise ValueError(f"input_ids must be integers [batch, tokens], found {ids.dtype} {list(ids.shape)}")
        keep = np.ones(ids.shape, bool) if mask is None else to_numpy(mask).astype(bool)
        if keep.shape != ids.shape:
            raise ValueError(f"attention_mask has the shape {list(keep.shape)}, input_ids {list(ids.shape)}")
        rows = [row[kept].tolist() for row, kept in zip(ids, keep)]
        return np.ascontiguousarray(self._run(self.engine, rows, "embed", normalize=True).matrix())

    def _pictures(self, values: Any) -> np.ndarray:
        levels = Levels(self.engine.info.folder).levels(values)
        return np.ascontiguousarray(self.engine.embed(levels, normalize=True))

    def _scale(self) -> tuple[float, float]:
        """exp(logit_scale) and logit_bias of the checkpoint."""
        found = {name: value for file in pathlib.Path(self.engine.info.folder).glob("*.safetensors") for name, value in _scalars(file).items()}
        if "logit_scale" not in found:
            raise ValueError(f"{self.engine.info.folder}: no safetensors file has a logit_scale")
        return math.exp(found["logit_scale"]), found.get("logit_bias", 0.0)


def _scalars(file: pathlib.Path) -> dict[str, float]:
    """The tensors logit_scale and logit_bias of a safetensors file."""
    with open(file, "rb") as data:
        size = int.from_bytes(data.read(8), "little")
        header = json.loads(data.read(size))
        found = {}
        for name in ("logit_scale", "logit_bias"):
            if name not in header:
                continue
            begin, end = header[name]["data_offsets"]
            data.seek(8 + size + begin)
            raw, kind = data.read(end - begin), header[name]["dtype"]
            if kind == "BF16":
                raw, kind = b"\0\0" + raw, "F32"
            types = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
            if kind not in types:
                raise ValueError(f"{file}: {name} is of {kind}; F64, F32, F16 and BF16 are read")
            found[name] = float(np.frombuffer(raw, types[kind])[0])
        return found
