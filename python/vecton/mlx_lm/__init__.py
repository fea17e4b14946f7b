"""mlx-lm's functions on Vecton: load, generate, stream_generate, batch_generate."""
from __future__ import annotations

from vecton.mlx_lm.generate import BatchResponse, GenerationResponse, batch_generate, generate, stream_generate
from vecton.mlx_lm.load import load

__all__ = ["BatchResponse", "GenerationResponse", "batch_generate", "generate", "load", "stream_generate"]
