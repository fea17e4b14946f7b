"""LangChain: VectonEmbeddings, VectonCrossEncoder, VectonRerank and ChatVecton."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from pydantic import ConfigDict

from vecton.integrations.common import open_engine, side
from vecton.integrations.langchain_chat import ChatVecton

__all__ = ["ChatVecton", "VectonCrossEncoder", "VectonEmbeddings", "VectonRerank"]

try:
    from langchain_core.cross_encoders import BaseCrossEncoder
except ImportError:  # older releases
    from abc import ABC as BaseCrossEncoder


class VectonEmbeddings(Embeddings):
    """Embeddings by a model's name, folder, or an open Engine. Long texts are cut to the model's length."""

    def __init__(self, model: Any, **options: Any) -> None:
        self.engine = open_engine(model, options)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.engine.embed(list(texts), **side(self.engine, "document")).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self.engine.embed(text, **side(self.engine, "query")).tolist()

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return (await self.engine.aembed(list(texts), **side(self.engine, "document"))).tolist()

    async def aembed_query(self, text: str) -> list[float]:
        return (await self.engine.aembed(text, **side(self.engine, "query"))).tolist()


class VectonCrossEncoder(BaseCrossEncoder):
    """Scores of pairs, for CrossEncoderReranker."""

    def __init__(self, model: Any, **options: Any) -> None:
        self.engine = open_engine(model, options)

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        return self.engine.score_pairs(text_pairs, truncate=True).tolist()


class VectonRerank(BaseDocumentCompressor):
    """The top_n documents by how well they answer the query; metadata gets relevance_score."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: Any
    top_n: int | None = 3

    def __init__(self, model: Any, top_n: int | None = 3, **options: Any) -> None:
        super().__init__(engine=open_engine(model, options), top_n=top_n)

    def compress_documents(self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None) -> Sequence[Document]:
        ranked = self.engine.rank(query, [d.page_content for d in documents], top_k=self.top_n, truncate=True)
        return [Document(page_content=documents[i].page_content, id=documents[i].id,
                         metadata={**documents[i].metadata, "relevance_score": score}) for i, score in ranked]
