"""Texts, and pictures with texts, to vectors in one call."""
from __future__ import annotations

from typing import Any

import numpy as np

from vecton.mlx_embeddings.arrays import to_mx
from vecton.mlx_embeddings.outputs import BaseModelOutput
from vecton.pictures import picture


def generate(model: Any, processor: Any, texts: Any, images: Any = None, max_length: int = 512, padding: bool = True,
             truncation: bool = True, **_: Any) -> Any:
    """The model's output for texts, cut to max_length tokens; with images for pairs of both."""
    texts = [texts] if isinstance(texts, str) else list(texts)
    if images is not None:
        return _pictured(model, [{"text": text, "image": image} for text, image in zip(*_of_one_length(texts, images))])
    if model.engine.info.images:
        return _pictured(model, texts, max_length if truncation else None)
    inputs = processor(texts, return_tensors="mlx", padding=padding, truncation=truncation, max_length=max_length)
    return model(inputs["input_ids"], attention_mask=inputs["attention_mask"])


def embed_text(model: Any, processor: Any, texts: Any, *, max_length: int = 512, padding: bool = True, truncation: bool = True,
               template: bool = True) -> Any:
    """A vector of length 1 per text; a text is cut to max_length tokens. Of Qwen3-VL-Embedding it is read in the prompt of the
    checkpoint; template=False: as it is."""
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError("embed_text expects a non-empty list[str].")
    if model.engine.info.images:
        return _pictured(model, texts, max_length if truncation else None, template).text_embeds
    return generate(model, processor, texts, max_length=max_length, padding=padding, truncation=truncation).text_embeds


def embed_vision_language(model: Any, processor: Any, items: Any, *, template: bool = True) -> Any:
    """A vector of length 1 per item, {"image": ..., "text": ...}: an image is a path, the bytes of a file or a PIL image. Of
    late-interaction models a matrix per item, filled up with zeros."""
    if not isinstance(items, list) or not items:
        raise ValueError("embed_vision_language expects a non-empty list of dicts.")
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f"Multimodal item at index {index} must be a dict, found {type(item).__name__}.")
        if item.get("image") is None:
            raise ValueError(f"Multimodal item at index {index} is missing required key 'image'.")
        if not isinstance(item.get("text") or "", str):
            raise ValueError(f"Multimodal item at index {index} has invalid 'text' type {type(item['text']).__name__}.")
        unknown = [name for name in item if name not in ("image", "text")]
        if unknown:
            raise ValueError(f"Multimodal item at index {index} has unknown keys {', '.join(map(repr, unknown))}.")
        if isinstance(item["image"], (list, tuple)):
            raise ValueError(f"Multimodal item at index {index} has several images; one belongs to an item.")
        try:
            picture(item["image"], "image")
        except TypeError as error:
            raise ValueError(f"Unsupported image type at index {index}: {error}") from error
    return _pictured(model, items, None, template).text_embeds


def _of_one_length(texts: list[str], images: Any) -> tuple[list[str], list[Any]]:
    pictures = list(images) if isinstance(images, (list, tuple)) else [images]
    if len(texts) == 1:
        texts = texts * len(pictures)
    if len(texts) != len(pictures):
        raise ValueError(f"Mismatched multimodal batch sizes: got {len(texts)} text item(s) and {len(pictures)} image item(s).")
    return texts, pictures


def _pictured(model: Any, items: list[Any], max_length: int | None = None, template: bool = True) -> BaseModelOutput:
    engine = model.engine
    if not engine.info.images:
        raise ValueError(f"{engine.info.name} does not support vision-language embedding")
    how = {"truncate": max_length, "prompt": None if template else ""}
    try:
        if engine.info.scorer == "late-interaction":
            matrices = list(engine.embed_tokens(items, **how))
            vectors = np.zeros((len(matrices), max(map(len, matrices)), matrices[0].shape[1]), np.float32)
            for filled, rows in zip(vectors, matrices):
                filled[:len(rows)] = rows
        else:
            vectors = np.asarray(engine.embed(items, normalize=True, **how))
    except OSError as error:  # scripts expect one kind of error of what is no picture
        raise ValueError(f"Failed to process image: {error}") from error
    vectors = to_mx(np.ascontiguousarray(vectors))
    return BaseModelOutput(text_embeds=vectors, image_embeds=vectors if not all(isinstance(one, str) for one in items) else None)
