"""chromadb: VectonEmbeddingFunction, registered as "vecton", so that a stored collection opens again."""
from __future__ import annotations

from typing import Any

import numpy as np
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function

from vecton.engine import Engine
from vecton.integrations.common import side


@register_embedding_function
class VectonEmbeddingFunction(EmbeddingFunction[Documents]):
    """A prompt that is not given is the checkpoint's for queries or documents."""

    def __init__(self, model: str, revision: str | None = None, query_prompt: str | None = None, document_prompt: str | None = None) -> None:
        self.model, self.revision = model, revision
        self.query_prompt, self.document_prompt = query_prompt, document_prompt
        self._engine = Engine(model, revision=revision)

    def _embed(self, texts: Documents, role: str, prompt: str | None) -> Embeddings:
        how = side(self._engine, role) if prompt is None else {"prompt": prompt, "truncate": True}
        rows = self._engine.embed(list(texts), **how)
        return [np.array(row, np.float32) for row in rows]

    def __call__(self, input: Documents) -> Embeddings:
        return self._embed(input, "document", self.document_prompt)

    def embed_query(self, input: Documents) -> Embeddings:
        return self._embed(input, "query", self.query_prompt)

    @staticmethod
    def name() -> str:
        return "vecton"

    def default_space(self) -> str:
        return "cosine"

    def supported_spaces(self) -> list[str]:
        return ["cosine", "l2", "ip"]

    def get_config(self) -> dict[str, Any]:
        return {"model": self.model, "revision": self.revision, "query_prompt": self.query_prompt, "document_prompt": self.document_prompt}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> VectonEmbeddingFunction:
        return VectonEmbeddingFunction(**config)

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        unknown = set(config) - {"model", "revision", "query_prompt", "document_prompt"}
        if unknown or not isinstance(config.get("model"), str):
            raise ValueError(f"the embedding function vecton needs a model, and knows no {', '.join(sorted(unknown)) or 'other one'}")

    def validate_config_update(self, old_config: dict[str, Any], new_config: dict[str, Any]) -> None:
        if old_config.get("model") != new_config.get("model"):
            raise ValueError("the model of a collection can't be changed: its vectors are of another")
