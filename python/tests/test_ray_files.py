"""The tasks of embed_files, without a cluster: whole files or none, through errors, kills and two at once."""
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import vecton
from conftest import PATIENCE, engine, model

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
from vecton.ray.embedder import Embedder  # noqa: E402
from vecton.ray.files import check_manifest, embed_file, plan, revision_of, sweep  # noqa: E402
from vecton.ray.processor import ProcessorConfig, Stage  # noqa: E402
from vecton.ray.service import message_of  # noqa: E402

MODEL = model("bert-embed-mean")


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "in.parquet"
    parquet.write_table(pyarrow.table({"id": list(range(300)), "text": [f"text number {i}" for i in range(300)]}), file)
    return str(file)


def test_a_file_has_the_engines_bits(source, tmp_path):
    target = str(tmp_path / "out.parquet")
    assert embed_file(source, target, MODEL, batch_size=100) == 300
    table = parquet.read_table(target)
    assert table.column("id").to_pylist() == list(range(300))
    rows = np.array(table.column("embedding").to_pylist(), np.float32)
    assert np.array_equal(rows, engine("bert-embed-mean").embed(table.column("text")))
    assert embed_file(source, target, MODEL) == -1, "what is there is not made again"


def test_columns_that_are_kept(source, tmp_path):
    embed_file(source, str(tmp_path / "a.parquet"), MODEL, keep=["id"])
    assert parquet.read_table(tmp_path / "a.parquet").column_names == ["id", "embedding"]
    with pytest.raises(ValueError, match="no column 'body'; it has id, text"):
        embed_file(source, str(tmp_path / "b.parquet"), MODEL, column="body")


def test_an_error_leaves_nothing(tmp_path):
    parquet.write_table(pyarrow.table({"text": ["a", None]}), tmp_path / "in.parquet")
    with pytest.raises(TypeError, match=r"input\[1\]"):
        embed_file(str(tmp_path / "in.parquet"), str(tmp_path / "out" "put.parquet"), MODEL)
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


def test_a_file_without_rows(tmp_path):
    parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), tmp_path / "in.parquet")
    assert embed_file(str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), MODEL) == 0
    assert parquet.read_table(tmp_path / "out.parquet").num_rows == 0


def test_killed_in_the_middle_and_run_again(tmp_path):
    parquet.write_table(pyarrow.table({"text": [f"a text of several words {i}" for i in range(60000)]}), tmp_path / "in.parquet")
    code = "import sys; from vecton.ray.files import embed_file; embed_file(*sys.argv[1:], batch_size=100)"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), MODEL])
    until = time.monotonic() + PATIENCE
    while not list(tmp_path.glob(".out*.tmp")) and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out.parquet").exists() and list(tmp_path.glob(".out*.tmp"))
    parquet.write_table(parquet.read_table(tmp_path / "in.parquet").slice(0, 500), tmp_path / "in.parquet")
    assert embed_file(str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), MODEL) == 500
    for file in tmp_path.glob(".*.tmp"):
        os.utime(file, (0, 0))
    sweep(str(tmp_path))
    assert not list(tmp_path.glob(".*.tmp"))


def test_two_at_once_write_the_same_bytes(source, tmp_path):
    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    for name in ("one", "two"):
        embed_file(source, str(tmp_path / name / "out.parquet"), MODEL)
    assert (tmp_path / "one/out.parquet").read_bytes() == (tmp_path / "two/out.parquet").read_bytes()


def test_plans_and_manifests(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.parquet").touch()
    assert plan(str(tmp_path / "a"), "out") == plan([str(tmp_path / "a" / "*.parquet")], "out")
    with pytest.raises(ValueError, match="several inputs are called x.parquet"):
        plan([str(tmp_path / "a"), str(tmp_path / "b")], "out")
    check_manifest(str(tmp_path), {"model": "m", "column": "text"})
    check_manifest(str(tmp_path), {"model": "m", "column": "text"})
    with pytest.raises(ValueError, match="was made with model = 'm', now it is 'n'"):
        check_manifest(str(tmp_path), {"model": "n", "column": "text"})


def test_embedders_of_tables():
    table = pyarrow.table({"text": ["a", "b"]})
    found = Embedder(MODEL)(table)
    assert np.array_equal(np.array(found.column("embedding").to_pylist(), np.float32), engine("bert-embed-mean").embed(["a", "b"]))
    some = Embedder(MODEL, on_error="null")(pyarrow.table({"text": ["a", None]}))
    assert some.column("embedding").to_pylist()[1] is None and "NoneType" in some.column("__inference_error__").to_pylist()[1]
    with pytest.raises(ValueError, match="on_error"):
        Embedder(MODEL, on_error="ignore")


def test_a_manifest_is_whole_when_it_is_there(tmp_path):
    """Drivers that start at once: none of them reads half of it, and nothing but it stays."""
    import threading

    failures = []

    def start():
        try:
            check_manifest(str(tmp_path), {"model": "m", "column": "text"})
        except ValueError as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and [file.name for file in tmp_path.iterdir()] == ["_vecton.json"]


def batch_of(**columns):
    return {name: np.array(values, object) for name, values in columns.items()}


def test_stages_of_processors():
    stage = Stage(ProcessorConfig(MODEL, engine_kwargs={"max_model_len": 16}))
    found = stage(batch_of(prompt=["a", "b"], n=[1, 2], pooling_params=[{}, {"use_activation": True}]))
    assert list(found) == ["prompt", "n", "embeddings", "prompt_token_ids", "num_input_tokens"]
    assert np.array_equal(found["embeddings"], engine("bert-embed-mean").embed(["a", "b"]))
    ids = found["prompt_token_ids"][0]
    assert np.array_equal(stage(batch_of(tokenized_prompt=[ids, ids]))["embeddings"][0], found["embeddings"][0])
    cut = stage(batch_of(prompt=["a " * 50, "b"], tokenization_kwargs=[{"truncate_prompt_tokens": 5}, None]))
    assert cut["num_input_tokens"].tolist() == [5, len(found["prompt_token_ids"][1])]
    with pytest.raises(ValueError, match="maximum|at most|tokens"):
        stage(batch_of(prompt=["a " * 50]))
    with pytest.raises(ValueError, match="needs the column 'prompt'"):
        stage(batch_of(text=["a"]))
    with pytest.raises(ValueError, match="task_type must be"):
        ProcessorConfig(MODEL, task_type="draw")


def test_stages_that_generate():
    writer = engine("gen-llama3")
    stage = Stage(ProcessorConfig(model("gen-llama3"), task_type="generate"))
    greedy = {"temperature": 0, "max_tokens": 4}
    found = stage(batch_of(prompt=["a", "b"], sampling_params=[greedy, greedy]))
    expected = writer.generate(["a", "b"], **greedy)
    assert found["generated_text"] == [generation.text for generation in expected]
    assert found["num_generated_tokens"].tolist() == [len(generation.token_ids) for generation in expected]
    talk = [{"role": "user", "content": "Why?"}]
    messages = np.empty(1, object)
    messages[0] = talk
    chat = stage({"messages": messages, "sampling_params": np.array([greedy], object)})
    assert chat["generated_text"] == [writer.chat(talk, **greedy).text] and "messages" not in chat


def test_rows_in_error_do_not_stop_others():
    stage = Stage(ProcessorConfig(MODEL, engine_kwargs={"max_model_len": 16}, should_continue_on_error=True))
    found = stage(batch_of(prompt=["a", "a " * 50, "b"]))
    assert [bool(error) for error in found["__inference_error__"]] == [False, True, False]
    assert found["embeddings"][1] is None
    assert np.array_equal(np.stack(found["embeddings"][::2]), engine("bert-embed-mean").embed(["a", "b"]))


def test_what_a_refusal_says():
    assert message_of({"error": {"message": "why"}}) == "why" == message_of({"error": "why", "error_type": "x"}) == message_of("why")


def test_an_embedder_does_other_tasks():
    table = pyarrow.table({"text": ["a", "b c"], "query": ["q", "r"]})
    labels = Embedder(model("bert-classify-softmax"), task="classify", output="labels", engine={"threads": 1})(table)
    assert np.array_equal(np.array(labels.column("labels").to_pylist(), np.float32), engine("bert-classify-softmax").classify(["a", "b c"]))
    scores = Embedder(model("bert-rerank-sigmoid"), task="score", output="score", engine={"threads": 1})(table)
    assert np.array_equal(np.array(scores.column("score"), np.float32), engine("bert-rerank-sigmoid").score_pairs([("q", "a"), ("r", "b c")]))
    tokens = Embedder(model("colbert-bert"), task="token_embed", output="tokens", engine={"threads": 1})(table).column("tokens").to_pylist()
    for found, own in zip(tokens, engine("colbert-bert").embed_tokens(["a", "b c"]), strict=True):
        assert np.array_equal(np.array(found, np.float32), own)
    odd = pyarrow.table({"text": ["a", None]})
    nulls = Embedder(model("bert-embed-mean"), on_error="null", engine={"threads": 1})(odd)
    assert nulls.column("embedding").to_pylist()[1] is None and nulls.column("__inference_error__").to_pylist()[0] is None
    with pytest.raises(ValueError, match="task must be"):
        Embedder(model("bert-embed-mean"), task="rank")


def copy_of(name, folder):
    import shutil

    shutil.copytree(model(name), folder)
    return str(folder)


def test_a_file_says_what_made_it(source, tmp_path):
    import json

    own, target = copy_of("bert-embed-mean", tmp_path / "model"), str(tmp_path / "out.parquet")
    embed_file(source, target, own, keep=["id"], engine={"threads": 1, "token": "secret", "max_model_len": 64})
    said = json.loads(parquet.read_metadata(target).metadata[b"vecton"])
    assert said == {"model": own, "revision": revision_of(own), "column": "text", "output_column": "embedding", "keep": ["id"],
                    "engine": {"max_model_len": 64}, "vecton": vecton.__version__}
    again = {"keep": ["id"], "engine": {"threads": 2, "max_model_len": 64}}
    assert embed_file(source, target, own, **again) == -1
    with pytest.raises(ValueError, match=r"was made with keep = \['id'\], now it is None: take another folder, or overwrite=True"):
        embed_file(source, target, own, engine={"max_model_len": 64})
    weights = tmp_path / "model" / "model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    with pytest.raises(ValueError, match="was made with revision = "):
        embed_file(source, target, own, **again)
    with pytest.raises(ValueError, match=f"has the revision {revision_of(own)} on .*, where it should be another"):
        embed_file(source, str(tmp_path / "other.parquet"), own, revision="another")
    parquet.write_table(pyarrow.table({"a": [1]}), target)
    with pytest.raises(ValueError, match="is there and was not made by embed_files"):
        embed_file(source, target, own, **again)


def test_a_revision_is_a_commit_or_a_hash(tmp_path):
    snapshot = tmp_path / "models--a--b" / "snapshots" / "0123abc"
    snapshot.mkdir(parents=True)
    assert revision_of(snapshot) == "0123abc"
    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    for folder in ("one", "two"):
        (tmp_path / folder / "config.json").write_text("{}")
    assert revision_of(tmp_path / "one") == revision_of(tmp_path / "two")
    (tmp_path / "two" / "config.json").rename(tmp_path / "two" / "other.json")
    assert revision_of(tmp_path / "one") != revision_of(tmp_path / "two")
    assert revision_of(tmp_path / "one" / "config.json") == revision_of(tmp_path / "one")


def test_memory_does_not_grow_with_a_row_group(tmp_path):
    """A row group of 100 MB, read by pages and written by batches."""
    rows, words = 1500, "word " * 14000
    parquet.write_table(pyarrow.table({"text": ["a text"] * rows, "body": [f"{i} {words}" for i in range(rows)]}), tmp_path / "in.parquet",
                        row_group_size=rows, compression="none", use_dictionary=False)
    assert (tmp_path / "in.parquet").stat().st_size > 100e6
    code = """
import resource, sys
from vecton.ray.files import embed_file
source, target, model, few = sys.argv[1:]
embed_file(few, few + ".out", model, batch_size=16, engine={"threads": 1})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = embed_file(source, target, model, batch_size=16, engine={"threads": 1})
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
    few = tmp_path / "few.parquet"
    parquet.write_table(parquet.read_table(tmp_path / "in.parquet").slice(0, 64), few)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), MODEL, str(few)],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    written, grown = done.stdout.split()
    assert int(written) == rows and float(grown) < 50, done.stdout
    assert parquet.read_metadata(tmp_path / "out.parquet").num_row_groups > 1
