"""Each framework's own calls, with the real package; without it a test is skipped."""
import asyncio
import subprocess
import sys

import numpy as np
import pytest

from conftest import PATIENCE, engine, model, run_python
from vecton.integrations.common import side

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


def test_langchain_chats():
    pytest.importorskip("langchain_core")
    from langchain_core.messages import HumanMessage, SystemMessage
    from langchain_core.prompts import ChatPromptTemplate
    from pydantic import BaseModel
    from typing_extensions import TypedDict

    from vecton.integrations.langchain import ChatVecton

    writer = engine("gen-llama3")
    chat = ChatVecton(writer, temperature=0, max_tokens=8)
    talk = [SystemMessage("Be brief."), HumanMessage("Why?")]
    expected = writer.chat([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}], temperature=0, max_tokens=8)
    answer = chat.invoke(talk)
    assert answer.content == expected.text and answer.response_metadata["finish_reason"] == expected.finish_reason
    assert answer.usage_metadata["output_tokens"] == len(expected.token_ids)
    assert "".join(chunk.content for chunk in chat.stream(talk)) == expected.text

    async def later():
        return (await chat.ainvoke(talk)).content, "".join([chunk.content async for chunk in chat.astream(talk)])

    assert asyncio.run(later()) == (expected.text, expected.text)
    chain = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")]) | chat
    assert chain.invoke({"question": "Why?"}).content == expected.text
    assert [one.content for one in chat.batch([talk, talk])] == [expected.text] * 2

    class Answer(BaseModel):
        yes: bool

    assert isinstance(chat.with_structured_output(Answer).invoke(talk, max_tokens=100), Answer)
    with pytest.raises(TypeError, match="takes no temprature"):
        chat.invoke(talk, temprature=1)
    raw = ChatVecton(writer, temperature=0, max_tokens=100).with_structured_output(Answer, include_raw=True).invoke(talk)
    assert isinstance(raw["parsed"], Answer) and raw["parsing_error"] is None and raw["raw"].content
    cut = ChatVecton(writer, temperature=0, max_tokens=1).with_structured_output(Answer, include_raw=True).invoke(talk)
    assert cut["parsed"] is None and cut["parsing_error"] is not None
    with pytest.raises(ValueError, match="method must be"):
        chat.with_structured_output(Answer, method="guess")

    class Keys(TypedDict):
        """A town."""

        big: bool

    assert set(chat.with_structured_output(Keys).invoke(talk, max_tokens=100)) == {"big"}
    schema = {"title": "one", "type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"], "additionalProperties": False}
    assert set(chat.with_structured_output(schema).invoke(talk, max_tokens=100)) == {"a"}


def test_langchain_tools():
    pytest.importorskip("langchain_core")
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool
    from pydantic import BaseModel

    from vecton.integrations.langchain import ChatVecton

    @tool
    def weather(hot: bool) -> str:
        """How it is outside."""
        return "hot" if hot else "cold"

    class Town(BaseModel):
        """A town."""

        big: bool

    chat = ChatVecton(engine("gen-qwen3-moe"), temperature=0, max_tokens=120, chat_template_kwargs={"enable_thinking": False})
    talk = [HumanMessage("Is it hot?")]
    bound = chat.bind_tools([weather, Town], tool_choice="weather")
    answer = bound.invoke(talk)
    (call,) = answer.tool_calls
    assert call["name"] == "weather" and set(call["args"]) == {"hot"} and call["id"].startswith("call_")
    assert answer.content == "" and answer.response_metadata["finish_reason"] == "tool_calls"
    whole = None
    for chunk in bound.stream(talk):
        whole = chunk if whole is None else whole + chunk
    assert whole.tool_calls == answer.tool_calls and whole.usage_metadata == answer.usage_metadata

    async def later():
        whole = None
        async for chunk in bound.astream(talk):
            whole = chunk if whole is None else whole + chunk
        return whole.tool_calls, (await bound.ainvoke(talk)).tool_calls

    assert asyncio.run(later()) == (answer.tool_calls, answer.tool_calls)
    result = weather.invoke(call)
    assert isinstance(result, ToolMessage)
    assert bound.invoke([*talk, answer, result]).tool_calls[0]["name"] == "weather"  # the conversation goes on
    cut = bound.invoke(talk, max_tokens=8)
    assert not cut.tool_calls and [call["name"] for call in cut.invalid_tool_calls] in ([], ["weather"])
    assert isinstance(chat.bind_tools([weather, Town], tool_choice="any").invoke(talk).tool_calls[0]["args"], dict)
    assert isinstance(chat.with_structured_output(Town, method="function_calling").invoke(talk), Town)
    assert isinstance(chat.bind_tools([weather]).invoke(talk, max_tokens=4).content, str)


def test_langchain_uses_the_checkpoints_prompts():
    pytest.importorskip("langchain_core")
    from vecton.integrations.langchain import VectonEmbeddings

    prompts = engine("st-prompts")
    assert "query" in prompts.info.prompts
    assert np.array_equal(VectonEmbeddings(prompts).embed_query("a"), prompts.embed("a", prompt_name="query"))
    with pytest.raises(ValueError, match="the engine is open: threads"):
        VectonEmbeddings(prompts, threads=1)


def test_langchain_huggingface_on_the_stand_in():
    pytest.importorskip("langchain_huggingface")
    out = run_python("""
import sys, vecton
vecton.install_as("sentence_transformers")
from langchain_huggingface import HuggingFaceEmbeddings
embeddings = HuggingFaceEmbeddings(model_name=sys.argv[1], cache_folder=None)
print(embeddings.embed_documents(["a text"]) == vecton.Engine(sys.argv[1]).embed(["a text"]).tolist(), len(embeddings.embed_query("a")))
""", EMBED)
    assert out.split() == ["True", "64"]


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


def test_haystack_waits_without_a_thread():
    pytest.importorskip("haystack")
    from haystack import Document

    from vecton.integrations.haystack import VectonDocumentEmbedder, VectonRanker, VectonTextEmbedder

    documents = [Document(content=t) for t in TEXTS]

    async def all_three():
        return (await VectonTextEmbedder(EMBED).run_async("a"), await VectonDocumentEmbedder(EMBED).run_async(documents),
                await VectonRanker(RERANK).run_async("q", documents))

    text, embedded, ranked = asyncio.run(all_three())
    assert text == VectonTextEmbedder(EMBED).run("a")
    assert [d.embedding for d in embedded["documents"]] == engine("bert-embed-mean").embed(TEXTS).tolist()
    assert [d.content for d in ranked["documents"]] == [TEXTS[i] for i, _ in engine("bert-rerank-sigmoid").rank("q", TEXTS)]
    with pytest.raises(TypeError):
        asyncio.run(VectonTextEmbedder(EMBED).run_async(TEXTS))


def test_chroma(tmp_path):
    chromadb = pytest.importorskip("chromadb")
    from vecton.integrations.chroma import VectonEmbeddingFunction

    client = chromadb.PersistentClient(str(tmp_path))
    collection = client.create_collection("texts", embedding_function=VectonEmbeddingFunction(EMBED))
    collection.add(ids=list("abc"), documents=TEXTS)
    assert client.get_collection("texts").query(query_texts=["another"], n_results=1)["ids"] == [["b"]]
    # In a process that has not made it: the function is found by its name once the integration is imported.
    again = run_python("""
import sys, chromadb, vecton.integrations.chroma
print(chromadb.PersistentClient(sys.argv[1]).get_collection("texts").query(query_texts=["another"], n_results=1)["ids"])
""", str(tmp_path))
    assert again.strip() == "[['b']]"
    with pytest.raises(ValueError):
        VectonEmbeddingFunction.validate_config({"modle": "x"})


def test_both_sides_of_a_search_get_the_checkpoints_prompts():
    """Frameworks ask for a query's vector and for documents' by methods of their own."""
    prompts = engine("st-prompts")
    query, document = prompts.embed("a", prompt_name="query"), prompts.embed("a", **side(prompts, "document"))
    assert not np.array_equal(query, document)
    try:
        from vecton.integrations.chroma import VectonEmbeddingFunction
    except ImportError:
        pass
    else:
        function = VectonEmbeddingFunction(model("st-prompts"))
        assert np.array_equal(function.embed_query(["a"])[0], query) and np.array_equal(function(["a"])[0], document)
        own = VectonEmbeddingFunction(model("st-prompts"), query_prompt="find: ")
        assert np.array_equal(own.embed_query(["a"])[0], prompts.embed("a", prompt="find: "))
    try:
        from haystack import Document

        from vecton.integrations.haystack import VectonDocumentEmbedder, VectonTextEmbedder
    except ImportError:
        pass
    else:
        assert VectonTextEmbedder(model("st-prompts")).run("a")["embedding"] == query.tolist()
        (found,) = VectonDocumentEmbedder(model("st-prompts")).run([Document(content="a")])["documents"]
        assert found.embedding == document.tolist()
    try:
        from vecton.integrations.llama_index import VectonEmbedding
    except ImportError:
        pass
    else:
        embedding = VectonEmbedding(prompts)
        assert embedding.get_query_embedding("a") == query.tolist() and embedding.get_text_embedding("a") == document.tolist()


def test_bertopic():
    pytest.importorskip("bertopic")
    from bertopic.backend._utils import select_backend

    from vecton.integrations.bertopic import VectonBackend

    backend = VectonBackend(EMBED)
    assert select_backend(backend) is backend, "what BERTopic does not know becomes all-MiniLM on torch"
    assert np.array_equal(backend.embed_documents(TEXTS), engine("bert-embed-mean").embed(TEXTS))


def test_keybert():
    keybert = pytest.importorskip("keybert")
    from vecton.integrations.keybert import VectonBackend

    words = keybert.KeyBERT(VectonBackend(EMBED)).extract_keywords("the cat sleeps on the warm window sill", top_n=2)
    assert len(words) == 2 and all(isinstance(word, str) for word, _ in words)


def test_txtai():
    pytest.importorskip("txtai")
    from txtai import Embeddings

    from vecton.integrations.txtai import transform

    embeddings = Embeddings(method="external", transform=transform(EMBED), backend="numpy")
    embeddings.index(TEXTS)
    assert embeddings.search("another", 1)[0][0] == 1


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
    same = connection.execute("SELECT array_cosine_similarity(embed('a text'), embed('a text'))").fetchone()[0]
    assert same == pytest.approx(1)
    # More than a vector of DuckDB's (2,048).
    many = connection.execute("SELECT sum(embed('text ' || i)[1]) FROM range(3000) t(i)").fetchone()[0]
    assert many == pytest.approx(float(engine("bert-embed-mean").embed([f"text {i}" for i in range(3000)])[:, 0].sum(dtype=np.float64)), rel=1e-4)


def test_an_engine_that_duckdb_holds_ends_in_silence():
    pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    code = """
import sys, duckdb
from vecton.integrations.duckdb import register
connection = duckdb.connect()
register(connection, sys.argv[1])
connection.execute("SELECT embed('a')").fetchone()
"""
    done = subprocess.run([sys.executable, "-c", code, EMBED], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def similarity_task():
    """Pairs of texts with a score that is the model's own, so that the right embeddings correlate with it entirely."""
    pytest.importorskip("mteb")
    datasets = pytest.importorskip("datasets")
    from mteb.abstasks.sts import AbsTaskSTS
    from mteb.abstasks.task_metadata import TaskMetadata

    firsts, seconds = [f"text {i}" for i in range(12)], [f"another {i * i}" for i in range(12)]
    vectors = engine("bert-embed-mean")
    scores = [float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in zip(vectors.embed(firsts), vectors.embed(seconds))]

    class Pairs(AbsTaskSTS):
        metadata = TaskMetadata(name="Pairs", description="", type="STS", category="t2t", modalities=["text"], eval_splits=["test"],
                                eval_langs=["eng-Latn"], main_score="cosine_spearman", dataset={"path": "none/none", "revision": "1"})
        min_score, max_score = -1, 1

        def load_data(self, **_):
            rows = datasets.Dataset.from_dict({"sentence1": firsts, "sentence2": seconds, "score": scores})
            self.dataset, self.data_loaded = datasets.DatasetDict({"test": rows}), True

    return Pairs()


def test_mteb(similarity_task):
    import mteb

    from vecton.integrations.mteb import VectonEncoder

    encoder = VectonEncoder(EMBED, name="our/model")
    meta = encoder.mteb_model_meta
    assert (meta.name, meta.embed_dim, meta.max_tokens) == ("our/model", 64, engine("bert-embed-mean").info.max_model_len)
    result = mteb.evaluate(encoder, similarity_task, cache=None)
    assert result.model_name == "our/model"
    assert result.task_results[0].get_score() == pytest.approx(1)


def test_mteb_takes_the_checkpoints_prompts(similarity_task):
    from mteb.types import PromptType
    from vecton.integrations.mteb import VectonCrossEncoder, VectonEncoder

    prompts = engine("st-prompts")
    where = {"task_metadata": similarity_task.metadata, "hf_split": "test", "hf_subset": "default"}
    encoder = VectonEncoder(prompts, prompts={"STS": "compare: "})
    batches = [{"text": TEXTS[:2]}, {"text": TEXTS[2:]}]
    assert np.array_equal(encoder.encode(batches, **where), prompts.embed(TEXTS, prompt="compare: "))
    plain = VectonEncoder(prompts)
    assert np.array_equal(plain.encode(batches, prompt_type=PromptType.query, **where), prompts.embed(TEXTS, prompt_name="query"))
    assert plain.mteb_model_meta.name.count("/") == 1
    with pytest.raises(ValueError, match="reads text alone"):
        plain.encode([{"image": [None]}], **where)
    reranker = VectonCrossEncoder(RERANK)
    assert np.array_equal(reranker.predict(batches, batches, **where), engine("bert-rerank-sigmoid").score_pairs(list(zip(TEXTS, TEXTS))))


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """A connection to a server of this test's own: pgserver brings one with pgvector."""
    pgserver = pytest.importorskip("pgserver")
    psycopg = pytest.importorskip("psycopg")
    pytest.importorskip("pgvector")
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        yield connection
    server.cleanup()


@pytest.mark.parametrize("kind", ["vector", "halfvec"])
def test_pgvector(postgres, kind):
    from vecton.integrations.pgvector import store

    if kind == "halfvec" and not postgres.execute("SELECT 1 FROM pg_type WHERE typname = 'halfvec'").fetchone():
        pytest.skip("this pgvector has no halfvec")
    vectors = engine("bert-embed-mean")
    postgres.execute(f"CREATE TABLE texts_{kind} (id bigint PRIMARY KEY, embedding {kind}(64))")
    rows = [(i, f"text {i}") for i in range(50)]

    def interrupted():
        yield from rows[:25]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store(postgres, vectors, interrupted(), f"texts_{kind}", batch=10)
    assert postgres.execute(f"SELECT count(*) FROM texts_{kind}").fetchone() == (20,)
    before = vectors.stats()["requests_done"]
    assert store(postgres, vectors, iter(rows), f"public.texts_{kind}", batch=10) == 30
    assert vectors.stats()["requests_done"] == before + 30, "what is there is not computed again"
    found = postgres.execute(f"SELECT id, embedding::vector FROM texts_{kind} ORDER BY id").fetchall()
    assert [key for key, _ in found] == list(range(50))
    stored = np.array([vector.to_list() if hasattr(vector, "to_list") else vector for _, vector in found], np.float32)
    exact = np.asarray(vectors.embed([text for _, text in rows]))
    assert np.array_equal(stored, exact if kind == "vector" else exact.astype(np.float16).astype(np.float32))
    nearest = postgres.execute(f"SELECT id FROM texts_{kind} ORDER BY embedding::vector <=> %s LIMIT 1", [vectors.embed("text 7")])
    assert nearest.fetchone() == (7,)
