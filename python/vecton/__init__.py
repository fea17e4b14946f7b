"""Vecton: embeddings, reranking, classification, masked tokens and text from Hugging Face checkpoints, on the processor.

    engine = vecton.Engine("sentence-transformers/all-MiniLM-L6-v2")
    vectors = engine.embed(["a text", "another"])
"""
from __future__ import annotations

from vecton import _core
from vecton.engine import Engine, ModelInfo, engine_options
from vecton.errors import (
    Cancelled, Corrupt, InternalError, InvalidArgument, IoError, NetworkError, NotFound, QueueFull, TooLong, Unauthorized,
    Unsupported, VectonError,
)

TYPE_CHECKING = False  # of typing, which takes longer to import than all of this package
if TYPE_CHECKING:
    import os
    from typing import Any

    from vecton.answers import SparseVectors, TokenVectors
    from vecton.array import Array, Similarity
    from vecton.generation import Completion, Delta, Generation, ToolCall, ToolCallDelta
    from vecton.late_interaction import max_sim
    from vecton.run import install_as
    from vecton.tokenizer import Tokenizer

__version__: str = _core.version()

__all__ = [
    "Array", "Cancelled", "Completion", "Corrupt", "Delta", "Engine", "Generation", "InternalError", "InvalidArgument", "IoError", "ModelInfo", "NetworkError",
    "NotFound", "QueueFull", "Similarity", "SparseVectors", "TokenVectors", "Tokenizer", "TooLong", "ToolCall",
    "ToolCallDelta", "Unauthorized",
    "Unsupported", "VectonError", "families", "inspect", "install_as", "machine", "max_sim", "pull",
]

# What is imported when it is first asked for.
_LAZY = {"Array": "array", "Similarity": "array", "SparseVectors": "answers", "TokenVectors": "answers", "Tokenizer": "tokenizer",
         "install_as": "run", "Completion": "generation", "Delta": "generation", "Generation": "generation",
         "ToolCall": "generation", "ToolCallDelta": "generation", "max_sim": "late_interaction"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module("vecton." + _LAZY[name]), name)
    raise AttributeError(f"module 'vecton' has no attribute {name!r}")


def inspect(model: str | os.PathLike[str], **options: Any) -> ModelInfo:
    """Everything that can be said of a model without reading its weights."""
    return ModelInfo(_core.inspect(engine_options(model, options)))


def families() -> dict[str, list[str]]:
    """The families of models, and the architectures that each is known by."""
    return _core.families()


def pull(model: str, *, progress: Any = None, **options: Any) -> str:
    """Downloads a model of the hub, or what is new of it; gives its folder."""
    from vecton.engine import _download_progress

    return _core.pull(engine_options(model, options), _download_progress(progress))


def machine() -> dict[str, Any]:
    """The processor, its instruction set in use, and the cores of this process."""
    return _core.machine()
