"""mlx-embeddings' API on Vecton: load, and what is called on what it gives."""
from __future__ import annotations

from vecton.mlx_embeddings.provider import embed_text, embed_vision_language, generate
from vecton.mlx_embeddings.registry import SUPPORTED_MODELS, list_model_families, resolve_model_reference
from vecton.mlx_embeddings.utils import ModelNotFoundError, convert, load

__version__ = "0.1.0"  # whose behaviour this is

__all__ = ["SUPPORTED_MODELS", "ModelNotFoundError", "convert", "embed_text", "embed_vision_language", "generate", "list_model_families",
           "load", "resolve_model_reference"]
