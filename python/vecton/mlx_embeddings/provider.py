"""Texts to vectors in one call."""
from __future__ import annotations

from typing import Any, NoReturn


def generate(model: Any, processor: Any, texts: Any, images: Any = None, max_length: int = 512, padding: bool = True,
             truncation: bool = True, **_: Any) -> Any:
    """The model's output for texts, cut to max_length tokens."""
    if images is not None:
        raise ValueError(f"{model.engine.info.name} does not support vision-language embedding")
    inputs = processor([texts] if isinstance(texts, str) else list(texts), return_tensors="mlx", padding=padding,
                       truncation=truncation, max_length=max_length)
    return model(inputs["input_ids"], attention_mask=inputs["attention_mask"])


def embed_text(model: Any, processor: Any, texts: Any, *, max_length: int = 512, padding: bool = True, truncation: bool = True) -> Any:
    """A vector of length 1 per text; a text is cut to max_length tokens."""
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError("embed_text expects a non-empty list[str].")
    return generate(model, processor, texts, max_length=max_length, padding=padding, truncation=truncation).text_embeds


def embed_vision_language(model: Any, processor: Any, items: Any, **_: Any) -> NoReturn:
    """Images are not read yet; what is wrong with the items is said first."""
    if not isinstance(items, list) or not items:
        raise ValueError("embed_vision_language expects a non-empty list of dicts.")
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f"Multimodal item at index {index} must be a dict, found {type(item).__name__}.")
        if "image" not in item:
            raise ValueError(f"Multimodal item at index {index} is missing required key 'image'.")
        if not isinstance(item.get("text") or "", str):
            raise ValueError(f"Multimodal item at index {index} has invalid 'text' type {type(item['text']).__name__}.")
    raise ValueError(f"{model.engine.info.name} does not support vision-language embedding")
