"""vecton.sentence_transformers: shapes, settings and errors of sentence-transformers 6.2, on fixtures."""
import json
import logging

import numpy as np
import pytest

import vecton
from conftest import GOLDEN, engine, model
from vecton.sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer, SparseEncoder, util

TEXTS = ["a text", "another", "a third text"]


@pytest.fixture(scope="module")
def encoder():
    return SentenceTransformer(model("bert-embed-mean"))


def test_shapes(encoder):
    assert encoder.encode("a").shape == (64,) and encoder.encode(TEXTS).shape == (3, 64)
    assert encoder.encode([]).shape == (0,)
    assert encoder.encode(tuple(TEXTS)).shape == encoder.encode(np.array(TEXTS)).shape == (3, 64)
    assert isinstance(encoder.encode(TEXTS, convert_to_numpy=False), list)
    assert encoder.encode(TEXTS, convert_to_tensor=True).shape == (3, 64)
    tokens = encoder.encode(TEXTS, output_value="token_embeddings")
    assert [len(rows) for rows in tokens] == [len(encoder.tokenizer.encode(text)) for text in TEXTS]
    everything = encoder.encode("a", output_value=None)
    assert set(everything) == {"sentence_embedding", "token_embeddings"}


def test_values_are_the_engines(encoder):
    assert np.array_equal(encoder.encode(TEXTS), engine("bert-embed-mean").embed(TEXTS))
    assert np.array_equal(encoder.encode(sentences=TEXTS), encoder.encode(inputs=TEXTS))
    assert np.allclose(np.linalg.norm(encoder.encode(TEXTS, normalize_embeddings=True), axis=1), 1, atol=1e-6)


def test_long_texts_are_cut(encoder):
    assert encoder.encode("a " * 500).shape == (64,)
    before = encoder.max_seq_length
    encoder.max_seq_length = 5
    assert np.array_equal(encoder.encode("a b c d e f"), encoder.encode("a b c"))
    encoder.max_seq_length = before
    assert not np.array_equal(encoder.encode("a b c d e f"), encoder.encode("a b c"))


def test_dimensions_are_cut_and_not_normalised_again(encoder):
    whole = encoder.encode(TEXTS)
    assert np.array_equal(encoder.encode(TEXTS, truncate_dim=8), whole[:, :8])
    with encoder.truncate_sentence_embeddings(8):
        assert encoder.encode("a").shape == (8,) and encoder.get_embedding_dimension() == 8
    assert encoder.get_sentence_embedding_dimension() == 64
    assert np.allclose(np.linalg.norm(encoder.encode(TEXTS, truncate_dim=8, normalize_embeddings=True), axis=1), 1, atol=1e-6)


def test_prompts(caplog):
    prompts = SentenceTransformer(model("bert-embed-mean"), prompts={"query": "q: ", "passage": "p: "})
    assert np.array_equal(prompts.encode_query("a"), prompts.encode("q: a"))
    assert np.array_equal(prompts.encode_document("a"), prompts.encode("p: a"))
    assert np.array_equal(prompts.encode("a", prompt="x "), prompts.encode("x a"))
    with pytest.raises(ValueError, match=r"Prompt name 'x' not found in the configured prompts dictionary with keys \['query', 'document', 'passage'\]"):
        prompts.encode("a", prompt_name="x")
    with caplog.at_level(logging.WARNING):
        assert np.array_equal(prompts.encode("a", prompt="x ", prompt_name="query"), prompts.encode("x a"))
    assert "prompt_name is ignored" in caplog.text
    with pytest.raises(ValueError, match="Default prompt name"):
        SentenceTransformer(model("bert-embed-mean"), default_prompt_name="x")


def test_arguments_that_are_wrong(encoder):
    with pytest.raises(ValueError, match="batchsize"):
        encoder.encode(TEXTS, batchsize=3)
    with pytest.raises(ValueError, match="batch_size"):
        encoder.encode(TEXTS, batch_size=0)
    with pytest.raises(ValueError, match="Precision"):
        encoder.encode(TEXTS, precision="int4")
    with pytest.raises(ValueError, match="output_value"):
        encoder.encode(TEXTS, output_value="vectors")
    with pytest.raises(TypeError):
        SentenceTransformer(model("bert-embed-mean"), devise="cpu")
    with pytest.raises(NotImplementedError):
        encoder.save_pretrained("x")
    with pytest.warns(UserWarning, match="processor"):
        assert encoder.to("cuda") is encoder


@pytest.mark.parametrize("precision, kind, width", [("int8", np.int8, 64), ("uint8", np.uint8, 64), ("binary", np.int8, 8), ("ubinary", np.uint8, 8)])
def test_precisions(encoder, precision, kind, width):
    rows = encoder.encode(TEXTS, precision=precision)
    assert rows.dtype == kind and rows.shape == (3, width)
    if precision == "ubinary":
        assert np.array_equal(np.unpackbits(rows, axis=1), encoder.encode(TEXTS) > 0)


def test_quantization_is_the_originals():
    rows = np.array([[-1.5, 0.25, 0.5, 3], [0.1, -0.3, 0.5, -2], [0.999, 2, 0.5, 0]], np.float32)
    ranges = np.array([[-1] * 4, [1] * 4])
    # What sentence-transformers 6.2 gives: values between two steps are the lower one, those outside the ranges are cut.
    own = [[0, 60, 0, 254], [163, 0, 0, 0], [255, 255, 0, 102]]
    for how, codes in (({}, own), ({"ranges": ranges}, [[0, 159, 191, 255], [140, 89, 191, 0], [254, 255, 191, 127]]),
                       ({"calibration_embeddings": rows / 2}, [[0, 88, 0, 255], [173, 0, 0, 0], [255, 255, 0, 102]])):
        found = util.quantize_embeddings(rows, "uint8", **how)
        assert found.dtype == np.uint8 and found.tolist() == codes, how
        found = util.quantize_embeddings(rows, "int8", **how)
        assert found.dtype == np.int8 and found.tolist() == (np.array(codes) - 128).tolist(), how
    assert [matrix.tolist() for matrix in util.quantize_embeddings([rows[:2], rows[2:]], "uint8")] == [own[:2], own[2:]]
    assert util.quantize_embeddings([], "int8") == [] and util.quantize_embeddings(rows[:0], "int8").shape == (0, 4)
    with pytest.raises(ValueError, match="ranges"):
        util.quantize_embeddings(rows[0], "int8")
    with pytest.raises(ValueError, match="int8"):
        util.quantize_embeddings(rows.astype(np.int8), "binary")
    with pytest.raises(ValueError, match="int4"):
        util.quantize_embeddings(rows, "int4")


def test_similarity(encoder):
    rows = encoder.encode(TEXTS)
    matrix = np.asarray(encoder.similarity(rows, rows))
    assert matrix.shape == (3, 3) and np.allclose(np.diag(matrix), 1, atol=1e-5)
    assert np.allclose(encoder.similarity_pairwise(rows, rows), 1, atol=1e-5)
    encoder.similarity_fn_name = util.SimilarityFunction.DOT_PRODUCT
    assert np.allclose(encoder.similarity(rows, rows), rows @ rows.T, atol=1e-4)
    encoder.similarity_fn_name = None
    assert np.allclose(util.cos_sim(rows, rows), matrix)
    assert np.allclose(util.euclidean_sim(rows, rows), -np.linalg.norm(rows[:, None] - rows[None], axis=-1), atol=2e-2)
    assert util.semantic_search(rows[:1], rows, top_k=2)[0][0]["corpus_id"] == 0
    with pytest.raises(ValueError, match="top_k must be 0 or more"):
        util.semantic_search(rows[:1], rows, top_k=-1)


def test_pools_of_processes(encoder):
    pool = encoder.start_multi_process_pool()
    assert np.array_equal(encoder.encode_multi_process(TEXTS, pool), encoder.encode(TEXTS))
    SentenceTransformer.stop_multi_process_pool(pool)
    assert np.array_equal(encoder.encode(TEXTS, pool=pool), encoder.encode(TEXTS))


def test_tensors_where_torch_is(encoder):
    torch = pytest.importorskip("torch")
    rows = encoder.encode(TEXTS, convert_to_tensor=True)
    assert isinstance(rows, torch.Tensor) and rows.dtype == torch.float32
    assert torch.equal(rows, torch.from_numpy(np.array(encoder.encode(TEXTS))))
    assert isinstance(encoder.similarity(rows, rows), torch.Tensor)


def test_cross_encoders():
    cross = CrossEncoder(model("bert-rerank-sigmoid"))
    own = engine("bert-rerank-sigmoid")
    pairs = [("q", text) for text in TEXTS]
    assert np.array_equal(cross.predict(pairs), own.score("q", TEXTS))
    assert cross.predict(("q", TEXTS[0])).shape == () and cross.predict(list(pairs[0])) == cross.predict(pairs)[0]
    assert np.array_equal(cross.predict(pairs, activation_fn="Identity"), own.score("q", TEXTS, raw=True))
    ranked = cross.rank("q", TEXTS, return_documents=True)
    assert [row["corpus_id"] for row in ranked] == [index for index, _ in own.rank("q", TEXTS)]
    assert ranked[0]["text"] == TEXTS[ranked[0]["corpus_id"]] and len(cross.rank("q", TEXTS, top_k=1)) == 1
    with pytest.raises(ValueError, match="activation_fn"):
        cross.predict(pairs, activation_fn="Swish")


def test_cross_encoders_of_several_labels():
    several = CrossEncoder(model("st-cross-3"))
    rows = several.predict([("a", "b")])
    assert rows.shape == (1, 3) and not np.allclose(rows.sum(1), 1)
    assert np.allclose(several.predict([("a", "b")], apply_softmax=True).sum(1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="num_labels=1"):
        several.rank("q", TEXTS)
    with pytest.raises(ValueError, match="no pairs"):
        CrossEncoder(model("bert-embed-mean"))


def test_cross_encoders_apply_the_checkpoints_activation():
    pairs = [("cats are", "dogs bark")]

    def opened(name, **overrides):
        return CrossEncoder(model(name), engine=vecton.Engine(model(name), threads=2, hf_overrides=overrides))

    # What sentence-transformers 6.2 gives. Without a name in the files one label has a sigmoid, several have nothing.
    softmax = CrossEncoder(model("st-cross-3-softmax"))
    assert np.allclose(softmax.predict(pairs), [[0.30336, 0.15764, 0.53900]], atol=1e-5)
    assert np.allclose(softmax.predict(pairs, apply_softmax=True), [[0.31948, 0.27616, 0.40437]], atol=1e-5)
    named = {"activation_fn": "torch.nn.modules.activation.Sigmoid"}
    for sigmoid in (opened("bert-classify-softmax", sentence_transformers=named),
                    opened("bert-classify-softmax", sbert_ce_default_activation_function=named["activation_fn"])):
        assert np.allclose(sigmoid.predict(pairs), [[0.09853, 0.52596, 0.68614, 0.59806, 0.29461]], atol=1e-5)
        assert np.allclose(sigmoid.predict(pairs, activation_fn="Identity")[0, 0], -2.21368, atol=1e-5)
    logits = [[-2.21368, 0.10395, 0.78213, 0.39739, -0.87312]]
    assert np.allclose(CrossEncoder(model("bert-classify-softmax")).predict(pairs), logits, atol=1e-5)
    assert np.allclose(CrossEncoder(model("bert-classify-multilabel")).predict(pairs)[0, 0], 2.97335, atol=1e-5)
    one = CrossEncoder(model("bert-rerank-sigmoid"))
    for how in ({}, {"apply_softmax": True}):
        assert np.allclose(one.predict(pairs, **how), 0.86642, atol=1e-5)
    assert one.predict(pairs, activation_fn="Softmax") == [1]
    regression = opened("bert-rerank-sigmoid", problem_type="regression", sentence_transformers=None)
    assert regression.engine.info.activation == "identity" and np.allclose(regression.predict(pairs), 0.86642, atol=1e-5)


def test_sparse_encoders():
    sparse = SparseEncoder(model("splade-bert"))
    rows = np.asarray(sparse.encode(TEXTS, convert_to_sparse_tensor=False))
    assert rows.shape == (3, sparse.get_embedding_dimension())
    assert np.array_equal(rows, engine("splade-bert").embed_sparse(TEXTS).toarray())
    few = np.asarray(sparse.encode(TEXTS, convert_to_sparse_tensor=False, max_active_dims=5))
    assert ((few != 0).sum(1) == 5).all() and few.max() == rows.max()
    words = sparse.decode(rows, top_k=3)
    with pytest.raises(ValueError, match="top_k must be a positive integer, got -1"):
        sparse.decode(rows, top_k=-1)
    assert len(words) == 3 and words[0][0][1] == pytest.approx(rows[0].max())
    assert np.allclose(sparse.similarity(rows, rows), rows @ rows.T, rtol=1e-4)
    assert 0 < sparse.sparsity(rows)["sparsity_ratio"] < 1


def test_multi_vector_encoders():
    late = MultiVectorEncoder(model("colbert-bert"))
    queries, documents = late.encode_query(["q"]), late.encode_document(TEXTS)
    assert [rows.ndim for rows in documents] == [2, 2, 2]
    expected = engine("colbert-bert").score("q", TEXTS)
    assert np.allclose(late.similarity(queries, documents), expected, atol=1e-4)
    with pytest.raises(ValueError, match="convert_to_tensor"):
        late.encode(TEXTS, convert_to_tensor=True)


def test_multi_vector_encoders_as_the_original_takes_them():
    late = MultiVectorEncoder(model("colbert-bert"))
    queries, documents = late.encode_query(["q", "another"]), late.encode_document(TEXTS, batch_size=2, device="cpu", pool=None)
    same = late.encode(TEXTS, task="document", convert_to_numpy=True, normalize_embeddings=True)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(documents, same))
    assert set(late.encode_query("q", output_value=None)) == {"token_embeddings"}
    scores = np.asarray(late.similarity(queries, documents))
    late.similarity_fn_name = util.SimilarityFunction.MEANMAXSIM
    assert np.allclose(late.similarity(queries, documents), scores / np.array([[len(q)] for q in queries]), rtol=1e-6)
    assert np.allclose(late.similarity_pairwise(queries, documents[:2]), np.diag(scores[:, :2]) / [len(q) for q in queries], rtol=1e-6)
    padded = np.zeros((3, max(map(len, documents)) + 2, documents[0].shape[1]), np.float32)
    for rows, filled in zip(documents, padded):
        filled[:len(rows)] = rows
    assert np.allclose(util.maxsim(queries, padded), scores)
    for how, words in (({"task": "passage"}, "task"), ({"token_pooling": object()}, "token_pooling"), ({"output_value": "x"}, "output_value")):
        with pytest.raises(ValueError, match=words):
            late.encode(TEXTS, **how)
    with pytest.raises(ValueError, match="similarity_fn_name"):
        MultiVectorEncoder(model("colbert-bert"), similarity_fn_name="cosine")


def test_what_the_original_has_besides(encoder):
    assert encoder.get_backend() == "torch" and encoder.is_singular_input("a") and not encoder.is_singular_input(["a"])
    assert encoder.evaluate(lambda model, output_path: (model is encoder, output_path)) == (True, None)
    assert not hasattr(encoder, "fit")
    with pytest.raises(AttributeError, match="does not train"):
        encoder.fit()
    with pytest.raises(AttributeError, match="'endcode'"):
        encoder.endcode()
    with pytest.raises(ValueError, match="backend"):
        SentenceTransformer(model("bert-embed-mean"), backend="jax")
    with pytest.raises(ValueError, match="model_name_or_path"):
        SentenceTransformer()
    assert np.array_equal(encoder.encode_query(TEXTS, None, None, 8), encoder.encode(TEXTS))
    cross = CrossEncoder(model("bert-rerank-sigmoid"), keep_in_fp32_modules=["classifier"])
    assert np.array_equal(cross.predict([("q", text) for text in TEXTS], device="cpu", pool=None, chunk_size=3), cross.predict([("q", text) for text in TEXTS]))
    assert cross.rank("q", TEXTS, 2, True, None, None, 8, False) == cross.rank("q", TEXTS, top_k=2, return_documents=True)
    sparse = SparseEncoder(model("splade-bert"))
    rows = np.asarray(sparse.encode(TEXTS, convert_to_sparse_tensor=False))
    shared = sparse.intersection(rows[0], rows)
    assert np.allclose(np.asarray(shared.to_dense() if getattr(shared, "is_sparse", False) else shared), np.maximum(rows[0] * rows, 0))
    assert (np.asarray(util.select_max_active_dims(rows, 4)) != 0).sum(axis=1).tolist() == [4, 4, 4]


# The parameters of sentence-transformers' methods; ours may have more behind them.
METHODS = {
    SentenceTransformer: {
        "encode": "inputs prompt_name prompt batch_size show_progress_bar output_value precision convert_to_numpy convert_to_tensor device "
                  "normalize_embeddings truncate_dim pool chunk_size"},
    CrossEncoder: {
        "predict": "inputs prompt_name prompt batch_size show_progress_bar activation_fn apply_softmax convert_to_numpy convert_to_tensor device "
                   "pool chunk_size",
        "rank": "query documents top_k return_documents prompt_name prompt batch_size show_progress_bar activation_fn device pool chunk_size"},
    SparseEncoder: {
        "encode": "inputs prompt_name prompt batch_size show_progress_bar convert_to_tensor convert_to_sparse_tensor save_to_cpu device "
                  "max_active_dims pool chunk_size"},
    MultiVectorEncoder: {
        "encode": "inputs prompt_name prompt batch_size show_progress_bar output_value convert_to_numpy device normalize_embeddings pool chunk_size "
                  "token_pooling task"},
}


@pytest.mark.parametrize("kind, method", [(kind, method) for kind in METHODS for method in METHODS[kind]])
def test_parameters_stand_where_the_originals_stand(kind, method):
    import inspect

    names = METHODS[kind][method].split()
    assert list(inspect.signature(getattr(kind, method)).parameters)[1:len(names) + 1] == names
    try:
        import sentence_transformers
    except ImportError:
        return
    if not sentence_transformers.__file__.startswith(str(GOLDEN.parents[1])):  # not the stand-in
        real = getattr(getattr(sentence_transformers, kind.__name__), method)
        assert [name for name in inspect.signature(real).parameters if name != "kwargs"][1:] == names


def test_pylate():
    from vecton.pylate import models, rank, scores

    colbert = models.ColBERT(model("colbert-bert"))
    queries, documents = colbert.encode(["q"]), colbert.encode(TEXTS, is_query=False)
    assert isinstance(documents, list) and documents[0].dtype == np.float32
    assert np.allclose(scores.colbert_scores(queries, documents), engine("colbert-bert").score("q", TEXTS)[None], atol=1e-4)
    (ranked,) = rank.rerank([["x", "y", "z"]], queries, [documents])
    assert [row["id"] for row in ranked] == ["xyz"[index] for index, _ in engine("colbert-bert").rank("q", TEXTS)]
    assert len({len(rows) for rows in colbert.encode(TEXTS, is_query=False, padding=True)}) == 1


def test_mining_and_communities():
    encoder = SentenceTransformer(model("bert-embed-mean"))
    sentences = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    # What sentence-transformers 6.2 gives.
    assert [(round(score, 4), i, j) for score, i, j in util.paraphrase_mining(encoder, sentences)] == [
        (0.9225, 1, 2), (0.9221, 0, 2), (0.9074, 0, 1)]
    many = encoder.encode([f"{words} {i}" for i in range(6) for words in ("cat", "dog", "the weather is nice", "he drove")])
    groups = util.community_detection(many, threshold=0.9, min_community_size=3)
    assert groups[0] == [16, 12, 20, 4, 8, 0, 15, 21, 9, 13, 3, 11, 1, 5, 14, 23, 19, 17]
    assert [sorted(group) for group in groups[1:]] == [[2, 6, 10, 18, 22]]
    assert util.truncate_embeddings(many, 4).shape == (24, 4)


def test_communities_have_their_centre_first():
    angles = np.radians([0, 10, 21, 33, 46, 60, 75, 91, 92])
    fan = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    # What sentence-transformers 6.2 gives: 2 and 4 are near enough to make groups, and are in one already.
    near = float(np.cos(np.radians(14)))
    assert util.community_detection(fan, near, min_community_size=1) == [[1, 0, 2], [3, 4], [7, 8], [5], [6]]
    assert util.community_detection(fan, near, min_community_size=3, batch_size=2) == [[1, 0, 2], [4, 3, 5]]
    assert util.community_detection(fan[0], min_community_size=1) == [[0]]


def test_what_there_is_of_prompts_and_of_nothing():
    encoder = SentenceTransformer(model("bert-embed-mean"))
    assert encoder.prompts == {"query": "", "document": ""}
    cross = CrossEncoder(model("bert-rerank-sigmoid"))
    assert cross.predict([]).shape == (0,)
    assert json.dumps(cross.rank("a query", TEXTS, top_k=1))  # scores are Python's floats
    from vecton.sentence_transformers.quantization import quantize_embeddings
    from vecton.sentence_transformers.similarity_functions import SimilarityFunction

    assert quantize_embeddings(np.ones((2, 16), np.float32), "ubinary").shape == (2, 2) and SimilarityFunction("maxsim").name == "MAXSIM"
