"""BERTopic: VectonBackend. An object that BERTopic does not know makes it load all-MiniLM with torch; this one it knows."""
from __future__ import annotations

from typing import Any

import numpy as np
from bertopic.backend import BaseEmbedder

from vecton.integrations.common import open_engine


class VectonBackend(BaseEmbedder):
    def __init__(self, model: Any, **options: Any) -> None:
        super().__init__()
        self.embedding_model = open_engine(model, options)

    def embed(self, documents: list[str], verbose: bool = False) -> np.ndarray:
        return np.asarray(self.embedding_model.embed(list(documents), truncate=True, progress=verbose))
