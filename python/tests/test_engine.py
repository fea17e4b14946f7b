"""The engine's answers: shapes, bits equal to the program's, and every way that texts can be given."""
import json
import subprocess
import sys

import numpy as np
import pytest

import vecton
from conftest import PROGRAM, engine, model

TEXTS = ["a text", "another, longer text", "é", "a text"]


def test_a_text_gives_a_vector_and_a_list_a_matrix(embedder):
    assert embedder.embed("a text").shape == (64,)
    assert embedder.embed(TEXTS).shape == (4, 64)
    assert embedder.embed(["a text"]).shape == (1, 64)
    assert embedder.embed([]).shape == (0, 64)
    assert embedder.embed("a text").dtype == np.float32


def test_bits_are_those_of_the_program(embedder, tmp_path):
    out = tmp_path / "vectors.npy"
    subprocess.run([PROGRAM, "embed", model("bert-embed-mean"), *TEXTS, "--output", str(out)], check=True, capture_output=True)
    assert np.array_equal(np.load(out), embedder.embed(TEXTS))


def test_scores_are_those_of_the_program():
    done = subprocess.run([PROGRAM, "rerank", model("bert-rerank-sigmoid"), "--query", "q", *TEXTS, "--json"],
                          check=True, capture_output=True, text=True)
    rows = json.loads(done.stdout)["ranking"]
    ranked = engine("bert-rerank-sigmoid").rank("q", TEXTS)
    assert [row["index"] for row in rows] == [index for index, _ in ranked]
    assert [row["score"] for row in rows] == pytest.approx([score for _, score in ranked], abs=1e-6)


def test_a_batch_has_the_bits_of_its_texts(embedder):
    together = embedder.embed(TEXTS)
    for row, text in zip(together, TEXTS):
        assert np.array_equal(row, embedder.embed(text))


def test_more_texts_than_one_chunk(embedder, monkeypatch):
    monkeypatch.setattr("vecton.engine.CHUNK", 16)
    texts = [f"text {i}" for i in range(100)]
    many = embedder.embed(texts)
    monkeypatch.undo()
    assert np.array_equal(many, embedder.embed(texts))


def test_errors_of_later_chunks_name_their_place(embedder, monkeypatch):
    monkeypatch.setattr("vecton.engine.CHUNK", 10)
    texts = [f"text {i}" for i in range(45)]
    with pytest.raises(vecton.TooLong, match=r"input\[37\]"):
        embedder.embed([*texts[:37], "a " * 500, *texts[38:]])
    with pytest.raises(TypeError, match=r"input\[33\]"):
        embedder.embed([*texts[:33], None, *texts[34:]])
    with pytest.raises(vecton.TooLong, match=r"input\[37\]"):
        embedder.embed_tokens([*texts[:37], "a " * 500])


def test_vectors_of_many_texts_are_put_in_place_once(embedder, monkeypatch):
    monkeypatch.setattr("vecton.engine.CHUNK", 10)
    texts = [f"text {i}" for i in range(45)]
    whole = embedder.embed(texts)
    assert whole.flags.owndata is False and whole.base is not None and np.array_equal(whole, np.stack([embedder.embed(text) for text in texts]))
    out = np.zeros((45, 64), np.float32)
    assert embedder.embed(texts, out=out).base is out and np.array_equal(out, whole)
    with pytest.raises(ValueError, match="out has 44 rows; the texts have 45"):
        embedder.embed(texts, out=out[:44])
    assert embedder.embed([], progress=True).shape == (0, 64)


def test_arrays_are_shared_with_others_through_dlpack(embedder):
    rows = embedder.embed(["a", "b"])
    assert np.shares_memory(np.from_dlpack(rows), rows)
    torch = pytest.importorskip("torch")
    tensor = torch.from_dlpack(rows)
    tensor[0, 0] = 7
    assert rows[0, 0] == 7 and rows.torch().data_ptr() == rows.ctypes.data


def test_texts_from_arrays_tuples_and_generators(embedder):
    expected = embedder.embed(["a", "b"])
    for given in (("a", "b"), np.array(["a", "b"]), np.array(["a", "b"], object), iter(["a", "b"]), {"a": 1, "b": 2}.keys()):
        assert np.array_equal(embedder.embed(given), expected)


def test_texts_from_pandas_and_arrow(embedder):
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    for given in (pandas.Series(["a", "b"]), arrow.array(["a", "b"]), arrow.chunked_array([["a"], ["b"]])):
        assert np.array_equal(embedder.embed(given), embedder.embed(["a", "b"]))
    with pytest.raises(TypeError, match=r"input\[1\]"):
        embedder.embed(arrow.array(["a", None]))


def test_token_ids_instead_of_texts(embedder):
    ids = embedder.tokenizer.encode("a text")
    expected = embedder.embed(["a text"])
    how = dict(prompt="")
    assert np.array_equal(embedder.embed([ids], **how), expected)
    assert np.array_equal(embedder.embed(np.array(ids)), expected[0])


@pytest.mark.parametrize("bad, where", [([None], r"input\[0\].*NoneType"), (["a", float("nan")], r"input\[1\].*float"),
                                        (["a", b"b"], r"input\[1\].*decode"), (None, "NoneType"), (b"a", "bytes"), (7, "int")])
def test_what_is_no_text_is_named(embedder, bad, where):
    with pytest.raises(TypeError, match=where):
        embedder.embed(bad)


def test_halves_of_surrogate_pairs(embedder):
    assert np.array_equal(embedder.embed("a \ud800"), embedder.embed("a \ufffd"))
    assert np.array_equal(embedder.embed("\ud83d\ude00"), embedder.embed("\U0001f600"))


def test_the_array_is_the_engines_memory(embedder):
    vectors = embedder.embed([f"text {i}" for i in range(1000)])
    base = vectors
    while isinstance(base, np.ndarray):
        assert not base.flags.owndata
        base = base.base
    assert isinstance(base, memoryview)  # of memory that is not numpy's
    assert np.shares_memory(np.from_dlpack(vectors), vectors)


def test_arrays_outlive_their_engine():
    with vecton.Engine(model("bert-embed-mean")) as short:
        vectors, again = short.embed(TEXTS), short.embed(TEXTS).copy()
    assert np.array_equal(vectors, again)


def test_out_takes_the_vectors(embedder):
    out = np.full((4, 64), np.nan, np.float32)
    given = embedder.embed(TEXTS, out=out)
    assert np.shares_memory(given, out) and np.array_equal(out, embedder.embed(TEXTS))
    with pytest.raises(ValueError, match="out has 3 rows"):
        embedder.embed(TEXTS, out=np.zeros((3, 64), np.float32))
    with pytest.raises(ValueError, match="columns"):
        embedder.embed(TEXTS, out=np.zeros((4, 65), np.float32))
    rows = np.zeros((8, 64), np.float32)
    assert np.array_equal(embedder.embed(TEXTS, out=rows[2:6]), given) and np.array_equal(rows[2:6], given) and not rows[6:].any()


def test_out_that_takes_no_vectors_is_refused(embedder):
    read_only = np.zeros((4, 64), np.float32)
    read_only.flags.writeable = False
    for out, found in ((np.zeros((4, 64)), r"dtype float64 in C order"), (np.zeros((4, 64), np.float16), "dtype float16"),
                       (np.zeros((4, 64), np.float32, order="F"), "in Fortran order"), (np.zeros((4, 128), np.float32)[:, ::2], "in no contiguous order"),
                       (np.zeros((4, 64), np.dtype(np.float32).newbyteorder()), "dtype [<>]f4"), (np.zeros(256, np.float32), r"\[256\]"),
                       (read_only, "a read-only array")):
        with pytest.raises(ValueError, match=r"out must be a writable array \[texts, dimension\] of dtype float32 in C order, found.*" + found):
            embedder.embed(TEXTS, out=out)
        with pytest.raises(ValueError, match=found):
            embedder.submit("embed", TEXTS, out=out)
        assert not out.any()
        with pytest.raises(TypeError):  # nor is a copy filled
            embedder._core.run(TEXTS, embedder._plain).copy_into(out, 0)
    with pytest.raises(TypeError, match="out must be a numpy array, found list"):
        embedder.embed(TEXTS, out=[[0.0] * 64] * 4)


def test_long_texts_are_an_error_or_cut(embedder):
    with pytest.raises(vecton.TooLong, match="maximum context length") as caught:
        embedder.embed(["short", "a " * 500])
    assert isinstance(caught.value, ValueError) and caught.value.code == "too_long"
    assert embedder.embed("a " * 500, truncate=True).shape == (64,)
    assert not np.array_equal(embedder.embed("a b c d", truncate=4), embedder.embed("a b c d"))


def test_prompts_and_roles():
    prompts = engine("st-prompts")
    assert prompts.info.prompts
    name, text = next(iter(prompts.info.prompts.items()))
    assert np.array_equal(prompts.embed("a", prompt_name=name), prompts.embed("a", prompt=text))
    assert not np.array_equal(prompts.embed("a", prompt=text), prompts.embed("a", prompt=""))
    with pytest.raises(ValueError, match="prompt"):
        prompts.embed("a", prompt_name="nobody")
    with pytest.raises(ValueError, match="role"):
        prompts.embed("a", role="judge")


def test_token_vectors():
    vectors = engine("colbert-bert").embed_tokens(["a téxt", "b"], role="document")
    assert len(vectors) == 2 and len(vectors.offsets) == 3
    assert np.shares_memory(vectors[1], vectors.values)
    assert np.array_equal(np.concatenate(list(vectors)), vectors.values)
    assert [len(ids) for ids in vectors.ids] == [len(rows) for rows in vectors]
    spans = ["a téxt"[begin:end] for begin, end in vectors.spans[0]]
    assert "".join(spans) in ("atéxt", "atxté", "a téxt") or "é" in "".join(spans)
    with pytest.raises(IndexError):
        vectors[2]


def test_sparse_vectors():
    sparse = engine("splade-bert").embed_sparse(["a text", "b"])
    assert sparse.shape == (2, engine("splade-bert").info.vocab_size)
    dense = sparse.toarray()
    assert sparse.to_dicts()[1] == {i: dense[1, i] for i in np.flatnonzero(dense[1])}
    assert np.array_equal(sparse[0][1], dense[0][dense[0] != 0])


def test_scores_and_ranks():
    reranker = engine("bert-rerank-sigmoid")
    scores = reranker.score("q", TEXTS)
    assert scores.shape == (4,) and reranker.score("q", TEXTS[1]) == scores[1]
    assert np.array_equal(reranker.score_pairs([("q", text) for text in TEXTS]), scores)
    assert reranker.score("q", []).shape == (0,)
    ranked = reranker.rank("q", TEXTS)
    assert [score for _, score in ranked] == sorted(scores.tolist(), reverse=True)
    assert ranked.index((0, scores[0])) < ranked.index((3, scores[3])), "equal texts stay in their order"
    assert reranker.rank("q", TEXTS, top_k=1) == ranked[:1] and reranker.rank("q", TEXTS, top_k=0) == []
    with pytest.raises(ValueError, match="top_k must be 0 or more, or None for all; found -1"):
        reranker.rank("q", TEXTS, top_k=-1)
    raw = reranker.score("q", TEXTS, raw=True)
    assert np.allclose(1 / (1 + np.exp(-raw)), scores, atol=1e-6)


def test_classes():
    classifier = engine("bert-classify-softmax")
    rows = classifier.classify(TEXTS)
    assert rows.shape == (4, len(classifier.labels)) and np.allclose(rows.sum(1), 1, atol=1e-5)
    assert np.array_equal(classifier.classify(TEXTS[0]), rows[0])
    assert not np.allclose(classifier.classify(TEXTS, raw=True).sum(1), 1)
    assert not np.array_equal(classifier.classify(["a"], ["b"]), classifier.classify(["a"]))


def test_entities_are_parts_of_the_text():
    tagger = engine("bert-token-classify")
    text = "Zoë lives in Rome"
    for entity in tagger.tag(text):
        assert text[entity["start"]:entity["end"]] == entity["text"]
    assert tagger.tag([text, text]) == [tagger.tag(text)] * 2
    tokens = tagger.classify_tokens([text])
    assert tokens[0].shape[1] == len(tagger.labels)
    with pytest.raises(ValueError, match="aggregation"):
        tagger.tag(text, "mean")


def test_masked_tokens():
    filler = engine("bert-mlm")
    (choices,) = filler.fill_mask("a [MASK] b", top_k=3)
    assert len(choices) == 3 and choices[0]["score"] >= choices[1]["score"]
    assert filler.fill_mask(["[MASK] [MASK]", "a [MASK]"], top_k=1)[1][0][0]["token"] >= 0
    assert len(filler.fill_mask("[MASK] [MASK]")) == 2


def test_similarity_is_a_heat_map_in_notebooks(embedder):
    matrix = embedder.similarity(["a <b>", "c"])
    assert np.allclose(np.diag(matrix), 1, atol=1e-5)
    page = matrix._repr_html_()
    assert "a &lt;b&gt;" in page and page.count("<td") == 4
    assert embedder.similarity(["a"], ["b", "c"]).shape == (1, 2)
    assert "<table>" in embedder.info._repr_html_()


def test_a_task_that_the_model_lacks(embedder):
    with pytest.raises(ValueError):
        embedder.classify("a")
    with pytest.raises(vecton.InvalidArgument, match="The loaded model supports: embed, token_embed"):
        embedder.fill_mask("a [MASK]")


def test_compute_says_its_price():
    texts = ["the capital of France", "a river"]
    exact = vecton.Engine(model("bert-embed-mean"))
    assert (exact.info.compute, exact.info.compute_cosine) == ("float32", 1)
    for compute in ("bfloat16", "int8"):
        engine = vecton.Engine(model("bert-embed-mean"), compute=compute)
        assert engine.info.compute == compute and 0.99 < engine.info.compute_cosine < 1
        assert engine.info.weight_bytes < exact.info.weight_bytes
        for one, other in zip(exact.embed(texts), engine.embed(texts)):
            assert one.tolist() != other.tolist() and one @ other > 0.99


def test_unknown_options_and_models():
    with pytest.raises(TypeError, match="modle_len"):
        vecton.Engine(model("bert-embed-mean"), modle_len=3)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        vecton.Engine("/nowhere")
    with pytest.raises(ValueError, match="dtype"):
        vecton.Engine(model("bert-embed-mean"), dtype="int3")
    with pytest.raises(ValueError, match="compute"):
        vecton.Engine(model("bert-embed-mean"), compute="int3")
    with pytest.raises(TypeError, match="threads must be an integer"):
        vecton.Engine(model("bert-embed-mean"), threads="2")


def test_streams_are_in_order_and_bounded(embedder):
    asked = 0

    def texts():
        nonlocal asked
        for i in range(100):
            asked += 1
            yield f"text {i}"

    stream = embedder.stream(texts(), batch=10)
    start, rows = next(stream)
    assert (start, len(rows)) == (0, 10) and asked <= 30
    rest = list(stream)
    assert [s for s, _ in rest] == list(range(10, 100, 10))
    assert np.array_equal(np.concatenate([rows, *(r for _, r in rest)]), embedder.embed([f"text {i}" for i in range(100)]))


def test_progress_counts_every_text(embedder):
    class Bar:
        def __init__(self, total, desc):
            self.total, self.n, self.closed = total, 0, False
            bars.append(self)

        def update(self, n):
            self.n += n

        def close(self):
            self.closed = True

    bars = []
    embedder.embed([f"text {i}" for i in range(50)], progress=Bar)
    assert [(b.total, b.n, b.closed) for b in bars] == [(50, 50, True)]


def test_the_plain_bar_looks_like_tqdms():
    from vecton.progress import PlainBar

    plain = PlainBar(200, "Embedding")
    plain.n = 100
    assert plain.text(2.0) == "Embedding:  50%|██████████          | 100/200 [00:02<00:02, 50.0it/s]"


def test_inspect_and_families():
    info = vecton.inspect(model("bert-embed-mean"))
    assert info.embedding_size == 64 and info.tasks[0] == "embed"
    assert "BertModel" in vecton.families()["bert"]
    with pytest.raises(AttributeError, match="embedding_size"):
        info.embeding_size  # noqa: B018


def test_references_and_memory_stay(embedder):
    text = "a text that nobody else has"
    before = sys.getrefcount(text)
    for _ in range(200):
        vectors = embedder.embed([text])
    del vectors
    assert sys.getrefcount(text) <= before + 1
