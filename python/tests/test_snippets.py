"""Scripts as the pages of vLLM and mlx-embeddings have them, run unedited under aliases; the hub's models are fixtures."""
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import vecton
from conftest import GOLDEN, PATIENCE, engine, model

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = {
    "mlx-community/Qwen3-Embedding-0.6B-8bit": "mlx-qwen3-embed-8bit",
    "mku64/Qwen3-Reranker-0.6B-mlx-8Bit": "mlx-qwen3-reranker-4bit",
    "answerdotai/answerai-colbert-small-v1": "colbert-bert",
    "mlx-community/all-MiniLM-L6-v2-4bit": "mlx-bert-affine4",
    "mlx-community/answerdotai-ModernBERT-base-4bit": "modernbert-mlm",
    "NousResearch/Minos-v1": "modernbert-classify-cls",
    "Qwen/Qwen3-Embedding-0.6B": "emb-qwen3",
}
REVISION = "ba80418a47fa1c4368a6c2287b0e449904063576"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub cache whose snapshots are fixtures."""
    cache = tmp_path_factory.mktemp("hub")
    for name, fixture in FIXTURES.items():
        folder = cache / ("models--" + name.replace("/", "--"))
        (folder / "refs").mkdir(parents=True)
        (folder / "snapshots").mkdir()
        (folder / "refs" / "main").write_text(REVISION)
        (folder / "snapshots" / REVISION).symlink_to(model(fixture))
    return cache


def run(hub, *arguments, status=0):
    done = subprocess.run([sys.executable, "-m", "vecton.run", "--as", "vllm,mlx_embeddings", *map(str, arguments)], capture_output=True,
                          text=True, timeout=PATIENCE, env={**os.environ, "HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1"})
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def snippet(hub, name):
    return run(hub, HERE / "snippets" / f"{name}.py")


def test_vllm_embeds(hub):
    assert snippet(hub, "vllm_embed") == f"2 {vecton.inspect(model('mlx-qwen3-embed-8bit'), convert='embed').embedding_size}\n"


def test_vllm_reranks(hub):
    with vecton.Engine(model("mlx-qwen3-reranker-4bit"), max_model_len=512, hf_overrides={
            "architectures": ["Qwen3ForSequenceClassification"], "classifier_from_token": ["no", "yes"],
            "is_original_qwen3_reranker": True}) as own:
        expected = own.score("What is the capital of China?", "The capital of China is Beijing.")
    assert float(snippet(hub, "vllm_rerank")) == pytest.approx(expected, abs=1e-7)


def test_vllm_embeds_tokens_and_scores_by_them(hub):
    assert re.match(r"Data: (Array|tensor)\(\[\[", snippet(hub, "vllm_token_embed"))
    expected = engine("colbert-bert").score("What is the capital of France?", "The capital of Brazil is Brasilia.")
    assert float(snippet(hub, "vllm_late_interaction").removeprefix("Score: ")) == pytest.approx(expected, abs=1e-6)


def test_mlx_embeds(hub):
    assert snippet(hub, "mlx_embed") == "(1, 64) (1, 64)\n"


def test_mlx_compares(hub):
    pytest.importorskip("sklearn")
    lines = snippet(hub, "mlx_similarity").splitlines()
    vectors = engine("mlx-bert-affine4").embed(["I like grapes", "I like fruits"], normalize=True)
    assert len(lines) == 3 and float(lines[0].split(": ")[1]) == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-4)


def test_mlx_fills_masks(hub):
    (best,) = engine("modernbert-mlm").fill_mask("The capital of France is [MASK].", top_k=1)
    token = engine("modernbert-mlm").tokenizer.decode(best[0]["token"])
    assert snippet(hub, "mlx_fill_mask") == f"Predicted token: {token}\n"
    assert snippet(hub, "mlx_fill_mask_batch").startswith(f"Predicted token: [{token!r}, ")


def test_mlx_classifies(hub):
    classifier = engine("modernbert-classify-cls")
    expected = classifier.classify("<|user|> What is it? <|assistant|> I can't say.")
    rows = [line.rsplit(": ", 1) for line in snippet(hub, "mlx_classify").splitlines()]
    assert [name for name, _ in rows] == classifier.labels
    assert [float(value) for _, value in rows] == pytest.approx(expected.tolist(), abs=6e-4)


def test_mlx_embeds_with_qwen3(hub):
    assert snippet(hub, "mlx_qwen3") == f"(2, {engine('emb-qwen3').info.embedding_size})\nfloat32\n"


def test_mlx_command(hub):
    families = json.loads(run(hub, "-m", "mlx_embeddings", "--list-families"))
    assert families["qwen3-vl-embedding"]["default_model"] == "Qwen/Qwen3-VL-Embedding-2B"
    answer = json.loads(run(hub, "-m", "mlx_embeddings", "--model", "qwen3", "--text", "cats on a couch", "--output", "json"))
    assert answer["resolved_model"] == "Qwen/Qwen3-Embedding-0.6B" and answer["shape"] == list(np.shape(answer["embeddings"]))
    assert len(answer["fingerprint"]) == 16
    refusal = run(hub, "-m", "mlx_embeddings", "--model", "qwen3", "--image", "a.jpg", status=1)
    assert "does not support vision-language embedding" in refusal


@pytest.mark.parametrize("options, quantization", [
    ([], None), (["--quantize"], {"group_size": 64, "bits": 4, "mode": "affine"}),
    (["--quantize", "--q-mode", "mxfp4"], {"group_size": 32, "bits": 4, "mode": "mxfp4"}),
    (["--quantize", "--q-mode", "mxfp8"], {"group_size": 32, "bits": 8, "mode": "mxfp8"})])
def test_mlx_converts(hub, tmp_path, options, quantization):
    run(hub, "-m", "mlx_embeddings.convert", "--hf-path", model("bert-embed-mean"), "--mlx-path", tmp_path / "out", *options)
    written = json.loads((tmp_path / "out" / "config.json").read_text()).get("quantization")
    assert quantization is None and written is None or {name: written[name] for name in quantization} == quantization
    assert vecton.inspect(tmp_path / "out").embedding_size == 64


def test_mlx_refuses_sizes_that_a_mode_cannot_have(hub, tmp_path):
    error = run(hub, "-m", "mlx_embeddings.convert", "--hf-path", model("bert-embed-mean"), "--mlx-path", tmp_path / "out", "--quantize",
                "--q-mode", "nvfp4", "--q-group-size", "32", "--q-bits", "6", status=1)
    assert "nvfp4" in error and not (tmp_path / "out").exists()


def test_the_models_of_the_pages_are_fixtures():
    assert all((GOLDEN / fixture / "model").exists() for fixture in FIXTURES.values())
