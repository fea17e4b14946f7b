"""What the frameworks' classes share: a model by name or as an open engine, and the two sides of a search."""
from __future__ import annotations

from typing import Any

from vecton.engine import Engine

DOCUMENT = ("document", "passage", "corpus", "text")  # names that checkpoints give the prompt of documents


def open_engine(model: Any, options: dict[str, Any]) -> Engine:
    """`model` is a name, a folder or an open Engine, which takes no options any more."""
    if not isinstance(model, Engine):
        return Engine(model, **options)
    if options:
        raise ValueError(f"the engine is open: {', '.join(options)} must be given when it is opened")
    return model


def side(engine: Engine, role: str) -> dict[str, Any]:
    """Arguments of embed() for "query" or "document", as the checkpoint tells them apart; long texts are cut."""
    names = ("query",) if role == "query" else DOCUMENT
    prompt = next((name for name in names if name in engine.info.prompts), None)
    return {"prompt_name": prompt, "role": role if engine.info.roles else None, "truncate": True}
