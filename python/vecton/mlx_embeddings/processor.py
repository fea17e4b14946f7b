"""Processor: of models that read pictures the tokenizer, and what makes numbers of pictures."""
from __future__ import annotations

import io
import json
import os
import pathlib
import re
from typing import Any

import numpy as np

from vecton.engine import Engine
from vecton.mlx_embeddings.arrays import to_mx, to_numpy
from vecton.mlx_embeddings.patches import Patches
from vecton.tokenizer import BatchEncoding, Tokenizer, _tensors

DOCUMENT = "<|im_start|>user\n{}Describe the image.<|im_end|><|endoftext|>"  # of ColQwen2 and ColQwen2.5


def compares_images(engine: Engine) -> bool:
    """Whether pictures are read by themselves, beside texts (SigLIP, CLIP), and not as parts of a text."""
    return bool(engine.info.images) and not engine.info.image_placeholder and "embed" in engine.tasks


def image_token(engine: Engine) -> str:
    """The token that stands for a part of a picture: the middle one of what stands for a whole one."""
    tokens = re.findall(r"<[^<>]*>", engine.info.image_placeholder)
    if not tokens:
        raise ValueError("images: the pictures of this model have no token: give them to embed_vision_language(model, processor, items)")
    return tokens[len(tokens) // 2]


class Levels:
    """How levels of pictures of one size become numbers, as preprocessor_config.json says, and back."""

    def __init__(self, folder: str) -> None:
        file = pathlib.Path(folder, "preprocessor_config.json")
        self.settings: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        size = self.settings.get("size") or {}
        self.crop = self.settings.get("crop_size") if self.settings.get("do_center_crop") else None
        if not ("height" in size and "width" in size or "shortest_edge" in size and self.crop):
            raise ValueError("images: the pictures of this model have no size of their own: give them to embed_vision_language(model, processor, items)")
        self.size = size
        normal = self.settings.get("do_normalize", True)
        self.scale = self.settings.get("rescale_factor", 1 / 255) if self.settings.get("do_rescale", True) else 1.0
        self.mean = np.array(self.settings["image_mean"] if normal else [0.0] * 3)
        self.std = np.array(self.settings["image_std"] if normal else [1.0] * 3)

    def values(self, image: Any) -> np.ndarray:
        """[3, height, width] of a PIL image."""
        from PIL import Image

        resample = Image.Resampling(self.settings.get("resample", 3))
        image = image.convert("RGB")
        if "height" in self.size:
            image = image.resize((self.size["width"], self.size["height"]), resample)
        else:
            edge, short = self.size["shortest_edge"], min(image.size)
            image = image.resize(tuple(edge if side == short else int(edge * side / short) for side in image.size), resample)
        levels = np.asarray(image, np.float64)
        if self.crop:
            top, left = ((have - want) // 2 for have, want in zip(levels.shape, (self.crop["height"], self.crop["width"])))
            levels = levels[top:top + self.crop["height"], left:left + self.crop["width"]]
        return ((levels * self.scale - self.mean) / self.std).transpose(2, 0, 1).astype(np.float32)

    def levels(self, values: Any) -> list[np.ndarray]:
        """The pictures, uint8 [height, width, 3], of values [pictures, 3, height, width] or [pictures, height, width, 3]."""
        rows = to_numpy(values).astype(np.float64)
        if rows.ndim != 4 or 3 not in (rows.shape[1], rows.shape[3]):
            raise ValueError(f"pixel_values must have the shape [images, 3, height, width] or [images, height, width, 3], found {list(rows.shape)}")
        if rows.shape[1] == 3:
            rows = rows.transpose(0, 2, 3, 1)
        return list(np.clip(np.rint((rows * self.std + self.mean) / self.scale), 0, 255).astype(np.uint8))


class Processor(Tokenizer):
    """Called with text, images or both; each is as what the family's own processor takes."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine._core.tokenizer(), engine.info.max_model_len, engine._core.render)
        self._folder, self._compares, self._late = engine.info.folder, compares_images(engine), engine.info.scorer == "late-interaction"
        self._engine = engine

    @property
    def tokenizer(self) -> Processor:
        return self

    def __call__(self, text: Any = None, text_pair: Any = None, images: Any = None, **how: Any) -> BatchEncoding:
        if self._compares:  # what such models have no place for
            how.setdefault("return_token_type_ids", False)
        if images is None:
            if text is None:
                raise ValueError("a processor takes text, images or both")
            return super().__call__(text, text_pair, **how)
        kind = how.get("return_tensors")
        if not self._compares:
            if text_pair is not None:
                raise ValueError("text_pair: pictures are parts of one text")
            return self._pictured(text, images if isinstance(images, (list, tuple)) else [images], kind, how)
        found = BatchEncoding() if text is None else super().__call__(text, text_pair, **how)
        levels = Levels(self._folder)
        many = images if isinstance(images, (list, tuple)) else [images]
        found["pixel_values"] = _floats(np.stack([levels.values(_opened(one)) for one in many]), kind)
        return found

    def _pictured(self, text: Any, images: Any, kind: str | None, how: dict[str, Any]) -> BatchEncoding:
        """Texts whose placeholders are as long as their pictures. Of texts without any each has the picture of its place before it;
        pictures without texts stand in the prompt that a late-interaction model has for documents."""
        patches, markup = Patches(self._folder), self._engine.info.image_placeholder
        rows, grids = zip(*(patches.values(_opened(one)) for one in images))
        if text is None:
            texts = [DOCUMENT.format(markup) if self._late else markup] * len(rows)
        else:
            texts = [text] if isinstance(text, str) else list(text)
            token = image_token(self._engine)
            if not any(token in one for one in texts):
                if len(texts) != len(rows):
                    raise ValueError(f"Mismatched multimodal batch sizes: got {len(texts)} text item(s) and {len(rows)} image item(s).")
                texts = [markup + one for one in texts]
        parts = "\0".join(texts).split(image_token(self._engine))
        if len(parts) != len(rows) + 1:
            raise ValueError(f"the texts have {len(parts) - 1} placeholders {image_token(self._engine)}, and there are {len(rows)} images")
        filled = parts[0] + "".join(image_token(self._engine) * patches.tokens_of(grid) + part for grid, part in zip(grids, parts[1:]))
        whole = filled.split("\0")
        found = super().__call__(whole[0] if isinstance(text, str) and kind is None else whole, **how)
        if self._late:  # as the processors of these models: a picture a row
            values = np.zeros((len(rows), max(map(len, rows)), rows[0].shape[1]), np.float32)
            for into, row in zip(values, rows):
                into[:len(row)] = row
        else:
            values = np.concatenate(rows)
        found["pixel_values"], found["image_grid_thw"] = _floats(values, kind), _tensors([list(grid) for grid in grids], kind)
        return found

    def score_retrieval(self, queries: Any, documents: Any, *_: Any, **__: Any) -> Any:
        """The late interaction of each query with each document, [queries, documents]."""
        if not self._late:
            raise AttributeError("score_retrieval is of models with a vector per token")
        from vecton.sentence_transformers.util import maxsim

        return maxsim(queries, documents)


def _opened(image: Any) -> Any:
    """A PIL image of a path, the bytes of a file or what is one."""
    from PIL import Image

    if isinstance(image, (str, os.PathLike)):
        return Image.open(image)
    if isinstance(image, (bytes, bytearray)):
        return Image.open(io.BytesIO(image))
    if isinstance(image, Image.Image):
        return image
    if hasattr(image, "read"):
        return Image.open(image)
    return Image.fromarray(np.asarray(image))


def _floats(values: np.ndarray, kind: str | None) -> Any:
    from vecton.array import as_array, as_tensor

    if kind == "pt":
        return as_tensor(values)
    return to_mx(values) if kind == "mlx" else as_array(values)
