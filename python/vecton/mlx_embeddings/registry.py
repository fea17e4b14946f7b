"""Names: which model types are known, and short names of models."""
from __future__ import annotations

from typing import Any

SUPPORTED_MODELS: dict[str, dict[str, bool]] = {
    "bert": {"trust_remote_code": False},
    "xlm_roberta": {"trust_remote_code": False},
    "modernbert": {"trust_remote_code": False},
    "qwen3": {"trust_remote_code": False},
    "gemma3_text": {"trust_remote_code": False},
    "lfm2": {"trust_remote_code": False},
    "qwen3_vl": {"trust_remote_code": False},
}

FAMILIES: dict[str, dict[str, Any]] = {
    "qwen3-embedding": {
        "default_model": "Qwen/Qwen3-Embedding-0.6B", "model_type": "qwen3",
        "variants": ["Qwen/Qwen3-Embedding-0.6B", "Qwen/Qwen3-Embedding-4B", "Qwen/Qwen3-Embedding-8B"],
        "aliases": ["qwen3", "qwen3-embedding"]},
    "qwen3-vl-embedding": {
        "default_model": "Qwen/Qwen3-VL-Embedding-2B", "model_type": "qwen3_vl",
        "variants": ["Qwen/Qwen3-VL-Embedding-2B", "Qwen/Qwen3-VL-Embedding-8B"],
        "aliases": ["qwen3-vl", "qwen3_vl", "qwen3-vl-embedding"]},
}


def list_model_families() -> dict[str, dict[str, Any]]:
    return {name: dict(family) for name, family in FAMILIES.items()}


def resolve_model_reference(name: str) -> str:
    """The model that a short name means; another name stays."""
    import os

    if not isinstance(name, str) or not name.strip():
        raise ValueError("the model's name must not be empty")
    if os.path.exists(name):
        return name
    for family in FAMILIES.values():
        if name.lower() in family["aliases"]:
            return str(family["default_model"])
    return name
