"""txtai: transform(), for Embeddings(method="external", transform=transform(model)). txtai calls plain functions only."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vecton.integrations.common import open_engine


def transform(model: Any, **options: Any) -> Callable[[list[str]], Any]:
    engine = open_engine(model, options)

    def embed(texts: list[str]) -> Any:
        return engine.embed(list(texts), truncate=True).numpy()

    return embed
