"""KeyBERT: VectonBackend. An object that KeyBERT does not know makes it load another model with torch, BERTopic's backends too."""
from __future__ import annotations

from typing import Any

import numpy as np
from keybert.backend import BaseEmbedder

from vecton.integrations.common import open_engine


class VectonBackend(BaseEmbedder):
    def __init__(self, model: Any, **options: Any) -> None:
        super().__init__(open_engine(model, options))

    def embed(self, documents: list[str], verbose: bool = False) -> np.ndarray:
        return np.asarray(self.embedding_model.embed(list(documents), truncate=True, progress=verbose))
