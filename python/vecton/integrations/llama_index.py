"""LlamaIndex: VectonEmbedding and VectonRerank."""
from __future__ import annotations

from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from vecton.engine import Engine
from vecton.integrations.common import open_engine, side


class VectonEmbedding(BaseEmbedding):
    """Embeddings by a model's name, folder, or an open Engine."""

    _engine: Engine = PrivateAttr()

    def __init__(self, model: Any, embed_batch_size: int = 256, callback_manager: Any = None, **options: Any) -> None:
        engine = open_engine(model, options)
        super().__init__(model_name=engine.info.name, embed_batch_size=embed_batch_size, callback_manager=callback_manager)
        self._engine = engine

    @classmethod
    def class_name(cls) -> str:
        return "VectonEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._engine.embed(query, **side(self._engine, "query")).tolist()

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return (await self._engine.aembed(query, **side(self._engine, "query"))).tolist()

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._engine.embed(text, **side(self._engine, "document")).tolist()

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._engine.embed(list(texts), **side(self._engine, "document")).tolist()

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self._engine.aembed(text, **side(self._engine, "document"))).tolist()

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return (await self._engine.aembed(list(texts), **side(self._engine, "document"))).tolist()


class VectonRerank(BaseNodePostprocessor):
    """The top_n nodes by how well they answer the query."""

    top_n: int = Field(default=3)
    _engine: Engine = PrivateAttr()

    def __init__(self, model: Any, top_n: int = 3, **options: Any) -> None:
        super().__init__(top_n=top_n)
        self._engine = open_engine(model, options)

    @classmethod
    def class_name(cls) -> str:
        return "VectonRerank"

    def _postprocess_nodes(self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None) -> list[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("VectonRerank needs the query: pass query_bundle")
        texts = [node.node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
        ranked = self._engine.rank(query_bundle.query_str, texts, top_k=self.top_n, truncate=True)
        return [NodeWithScore(node=nodes[i].node, score=score) for i, score in ranked]
