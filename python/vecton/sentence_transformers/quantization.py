"""sentence_transformers.quantization: where scripts import it from."""
from __future__ import annotations

from vecton.sentence_transformers.util import quantize_embeddings

__all__ = ["quantize_embeddings"]
