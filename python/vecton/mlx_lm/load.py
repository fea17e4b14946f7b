"""load: a model and its tokenizer."""
from __future__ import annotations

import os
from typing import Any

from vecton.engine import Engine


class Model:
    """A model to hand to generate(). Its layers are not reached from Python."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Model has no attribute {name!r}: the layers of a model are not reached from Python; .engine is the engine")


def load(path_or_hf_repo: str | os.PathLike[str], tokenizer_config: dict[str, Any] | None = None, model_config: dict[str, Any] | None = None,
         adapter_path: str | None = None, lazy: bool = False, revision: str | None = None) -> tuple[Model, Any]:
    """Model and tokenizer. `model_config` is laid over config.json; `lazy` has no effect."""
    if adapter_path is not None:
        raise ValueError("adapter_path: give the folder with the adapter as the model")
    unknown = set(tokenizer_config or {}) - {"trust_remote_code"}
    if unknown:
        raise ValueError(f"tokenizer_config: {', '.join(sorted(unknown))} can't be set")
    engine = Engine(path_or_hf_repo, runner="generate", revision=revision, hf_overrides=model_config or None)
    return Model(engine), engine.tokenizer
