"""Haystack: VectonTextEmbedder, VectonDocumentEmbedder and VectonRanker."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict

from vecton.engine import Engine
from vecton.integrations.common import side


class _Component:
    """A model that is opened by warm_up(), or by the first run."""

    def __init__(self, model: str, engine_options: dict[str, Any] | None = None, **fields: Any) -> None:
        self.model, self.engine_options, self._fields = model, engine_options or {}, fields
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        self.warm_up()
        assert self._engine is not None
        return self._engine

    def warm_up(self) -> None:
        if self._engine is None:
            self._engine = Engine(self.model, **self.engine_options)

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, model=self.model, engine_options=self.engine_options, **self._fields)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Any:
        return default_from_dict(cls, data)


@component
class VectonTextEmbedder(_Component):
    def __init__(self, model: str, prefix: str = "", suffix: str = "", engine_options: dict[str, Any] | None = None) -> None:
        _Component.__init__(self, model, engine_options, prefix=prefix, suffix=suffix)
        self.prefix, self.suffix = prefix, suffix

    def _text(self, text: str) -> str:
        if not isinstance(text, str):
            raise TypeError("VectonTextEmbedder takes one text; for documents take VectonDocumentEmbedder")
        return self.prefix + text + self.suffix

    @component.output_types(embedding=list[float], meta=dict[str, Any])
    def run(self, text: str) -> dict[str, Any]:
        vector = self.engine.embed(self._text(text), **side(self.engine, "query"))
        return {"embedding": vector.tolist(), "meta": {"model": self.model}}

    @component.output_types(embedding=list[float], meta=dict[str, Any])
    async def run_async(self, text: str) -> dict[str, Any]:
        vector = await self.engine.aembed(self._text(text), **side(self.engine, "query"))
        return {"embedding": vector.tolist(), "meta": {"model": self.model}}


@component
class VectonDocumentEmbedder(_Component):
    def __init__(self, model: str, prefix: str = "", suffix: str = "", meta_fields_to_embed: list[str] | None = None,
                 embedding_separator: str = "\n", engine_options: dict[str, Any] | None = None) -> None:
        _Component.__init__(self, model, engine_options, prefix=prefix, suffix=suffix, meta_fields_to_embed=meta_fields_to_embed,
                         embedding_separator=embedding_separator)
        self.prefix, self.suffix, self.separator = prefix, suffix, embedding_separator
        self.meta_fields = meta_fields_to_embed or []

    def _texts(self, documents: list[Document]) -> list[str]:
        if not isinstance(documents, list) or any(not isinstance(d, Document) for d in documents):
            raise TypeError("VectonDocumentEmbedder takes a list of Documents; for one text take VectonTextEmbedder")
        texts = []
        for document in documents:
            parts = [str(document.meta[name]) for name in self.meta_fields if document.meta.get(name) is not None]
            texts.append(self.prefix + self.separator.join([*parts, document.content or ""]) + self.suffix)
        return texts

    @component.output_types(documents=list[Document], meta=dict[str, Any])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        rows = self.engine.embed(self._texts(documents), **side(self.engine, "document")).tolist()
        return self._with(documents, rows)

    @component.output_types(documents=list[Document], meta=dict[str, Any])
    async def run_async(self, documents: list[Document]) -> dict[str, Any]:
        rows = (await self.engine.aembed(self._texts(documents), **side(self.engine, "document"))).tolist()
        return self._with(documents, rows)

    def _with(self, documents: list[Document], rows: list[list[float]]) -> dict[str, Any]:
        return {"documents": [replace(d, embedding=row) for d, row in zip(documents, rows)], "meta": {"model": self.model}}


@component
class VectonRanker(_Component):
    def __init__(self, model: str, top_k: int = 10, engine_options: dict[str, Any] | None = None) -> None:
        _Component.__init__(self, model, engine_options, top_k=top_k)
        self.top_k = top_k

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, Any]:
        ranked = self.engine.rank(query, [d.content or "" for d in documents], top_k=top_k or self.top_k, truncate=True)
        return {"documents": [replace(documents[i], score=score) for i, score in ranked]}

    @component.output_types(documents=list[Document])
    async def run_async(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, Any]:
        ranked = await self.engine.arank(query, [d.content or "" for d in documents], top_k=top_k or self.top_k, truncate=True)
        return {"documents": [replace(documents[i], score=score) for i, score in ranked]}
