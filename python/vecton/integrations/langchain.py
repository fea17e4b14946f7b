"""LangChain: VectonEmbeddings, VectonCrossEncoder and VectonRerank."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from pydantic import ConfigDict

from vecton.engine import Engine

try:
    from langchain_core.cross_encoders import BaseCrossEncoder
except ImportError:  # older releases
    from abc import ABC as BaseCrossEncoder  # type: ignore[assignment]


def _engine(model: Any, options: dict[str, Any]) -> Engine:
    return model if isinstance(model, Engine) else Engine(model, **options)


def _role(engine: Engine, role: str) -> dict[str, Any]:
    """Queries and documents as the checkpoint tells them apart."""
    names = {"query": ("query",), "document": ("document", "passage", "corpus")}[role]
    prompt = next((name for name in names if name in engine.info.prompts), None)
    return {"prompt_name": prompt, "role": role if engine.info.roles else None, "truncate": True}


class VectonEmbeddings(Embeddings):
    """Embeddings by a model's name, folder, or an open Engine. Long texts are cut to the model's length."""

    def __init__(self, model: Any, **options: Any) -> None:
        self.engine = _engine(model, options)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.engine.embed(list(texts), **_role(self.engine, "document")).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self.engine.embed(text, **_role(self.engine, "query")).tolist()

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return (await self.engine.aembed(list(texts), **_role(self.engine, "document"))).tolist()

    async def aembed_query(self, text: str) -> list[float]:
        return (await self.engine.aembed(text, **_role(self.engine, "query"))).tolist()


class VectonCrossEncoder(BaseCrossEncoder):
    """Scores of pairs, for CrossEncoderReranker."""

    def __init__(self, model: Any, **options: Any) -> None:
        self.engine = _engine(model, options)

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        return self.engine.score_pairs(text_pairs, truncate=True).tolist()


class VectonRerank(BaseDocumentCompressor):
    """The top_n documents by how well they answer the query; metadata gets relevance_score."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: Any
    top_n: int | None = 3

    def __init__(self, model: Any, top_n: int | None = 3, **options: Any) -> None:
        super().__init__(engine=_engine(model, options), top_n=top_n)  # type: ignore[call-arg]

    def compress_documents(self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None) -> Sequence[Document]:
        ranked = self.engine.rank(query, [d.page_content for d in documents], top_k=self.top_n, truncate=True)
        return [Document(page_content=documents[i].page_content, id=documents[i].id,
                         metadata={**documents[i].metadata, "relevance_score": score}) for i, score in ranked]
