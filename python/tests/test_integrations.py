"""Each framework's own calls, with the real package; without it a test is skipped."""
import asyncio

import numpy as np
import pytest

from conftest import engine, model

TEXTS = ["a text", "another", "a third text"]
EMBED, RERANK = model("bert-embed-mean"), model("bert-rerank-sigmoid")


def test_langchain():
    pytest.importorskip("langchain_core")
    from langchain_core.documents import Document
    from langchain_core.vectorstores import InMemoryVectorStore

    from vecton.integrations.langchain import VectonCrossEncoder, VectonEmbeddings, VectonRerank

    embeddings = VectonEmbeddings(EMBED)
    rows = embeddings.embed_documents(TEXTS)
    assert isinstance(rows[0][0], float) and rows == engine("bert-embed-mean").embed(TEXTS).tolist()
    assert asyncio.run(embeddings.aembed_query("a")) == embeddings.embed_query("a")
    assert asyncio.run(embeddings.aembed_documents(TEXTS)) == rows
    store = InMemoryVectorStore.from_texts(TEXTS, embeddings)
    assert store.similarity_search("another", k=1)[0].page_content == "another"
    assert VectonCrossEncoder(RERANK).score([("q", t) for t in TEXTS]) == engine("bert-rerank-sigmoid").score("q", TEXTS).tolist()
    documents = [Document(page_content=t, metadata={"n": i}) for i, t in enumerate(TEXTS)]
    best = VectonRerank(RERANK, top_n=2).compress_documents(documents, "q")
    expected = engine("bert-rerank-sigmoid").rank("q", TEXTS, top_k=2)
    assert [(d.metadata["n"], d.metadata["relevance_score"]) for d in best] == expected
    assert "relevance_score" not in documents[0].metadata


def test_langchain_uses_the_checkpoints_prompts():
    pytest.importorskip("langchain_core")
    from vecton.integrations.langchain import VectonEmbeddings

    prompts = engine("st-prompts")
    if "query" in prompts.info.prompts:
        assert np.array_equal(VectonEmbeddings(prompts).embed_query("a"), prompts.embed("a", prompt_name="query"))


def test_llama_index():
    pytest.importorskip("llama_index.core")
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

    from vecton.integrations.llama_index import VectonEmbedding, VectonRerank

    embedding = VectonEmbedding(EMBED)
    assert embedding.embed_batch_size == 256 and embedding.class_name() == "VectonEmbedding"
    assert embedding.get_text_embedding_batch(TEXTS) == engine("bert-embed-mean").embed(TEXTS).tolist()
    assert embedding.get_query_embedding("a") == asyncio.run(embedding.aget_query_embedding("a"))
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in TEXTS]
    ranked = VectonRerank(RERANK, top_n=2).postprocess_nodes(nodes, QueryBundle("q"))
    assert [n.node.text for n in ranked] == [TEXTS[i] for i, _ in engine("bert-rerank-sigmoid").rank("q", TEXTS, top_k=2)]


def test_haystack():
    pytest.importorskip("haystack")
    from haystack import Document, Pipeline

    from vecton.integrations.haystack import VectonDocumentEmbedder, VectonRanker, VectonTextEmbedder

    rows = engine("bert-embed-mean").embed(TEXTS).tolist()
    pipeline = Pipeline()
    pipeline.add_component("text", VectonTextEmbedder(EMBED))
    assert pipeline.run({"text": {"text": TEXTS[0]}})["text"]["embedding"] == rows[0]
    try:
        from haystack.core.serialization import allow_deserialization_module
    except ImportError:  # older releases trust every module
        pass
    else:
        allow_deserialization_module("vecton.integrations.haystack")
    again = Pipeline.loads(pipeline.dumps())
    assert again.run({"text": {"text": TEXTS[0]}})["text"]["embedding"] == rows[0]
    documents = VectonDocumentEmbedder(EMBED).run([Document(content=t) for t in TEXTS])["documents"]
    assert [d.embedding for d in documents] == rows
    titled = VectonDocumentEmbedder(EMBED, meta_fields_to_embed=["title"]).run([Document(content="b", meta={"title": "a"})])
    assert titled["documents"][0].embedding == engine("bert-embed-mean").embed("a\nb").tolist()
    ranked = VectonRanker(RERANK).run("q", [Document(content=t) for t in TEXTS], top_k=2)["documents"]
    assert [d.content for d in ranked] == [TEXTS[i] for i, _ in engine("bert-rerank-sigmoid").rank("q", TEXTS, top_k=2)]
    with pytest.raises(TypeError):
        VectonTextEmbedder(EMBED).run(TEXTS)


def test_chroma(tmp_path):
    chromadb = pytest.importorskip("chromadb")
    from vecton.integrations.chroma import VectonEmbeddingFunction

    client = chromadb.PersistentClient(str(tmp_path))
    collection = client.create_collection("texts", embedding_function=VectonEmbeddingFunction(EMBED))
    collection.add(ids=list("abc"), documents=TEXTS)
    assert client.get_collection("texts").query(query_texts=["another"], n_results=1)["ids"] == [["b"]]
    with pytest.raises(ValueError):
        VectonEmbeddingFunction.validate_config({"modle": "x"})


def test_bertopic():
    pytest.importorskip("bertopic")
    from bertopic.backend._utils import select_backend

    from vecton.integrations.bertopic import VectonBackend

    backend = VectonBackend(EMBED)
    assert select_backend(backend) is backend
    assert np.array_equal(backend.embed_documents(TEXTS), engine("bert-embed-mean").embed(TEXTS))


def test_txtai_gets_a_plain_function():
    import types

    from vecton.integrations.txtai import transform

    embed = transform(EMBED)
    assert isinstance(embed, types.FunctionType) and type(embed(TEXTS)) is np.ndarray
    assert np.array_equal(embed(TEXTS), engine("bert-embed-mean").embed(TEXTS))


def test_duckdb():
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    from vecton.integrations.duckdb import register

    connection = duckdb.connect()
    register(connection, engine("bert-embed-mean"))
    (row,) = connection.execute("SELECT embed('a text')").fetchone()
    assert np.array_equal(np.array(row, np.float32), engine("bert-embed-mean").embed("a text"))
