"""Labels that a model was not trained for: the server's answers, from Python."""
import asyncio
import base64

import numpy as np
import pytest

import vecton
from conftest import GOLDEN, engine, model
from vecton.asgi import App

TEXTS, LABELS = ["a text", "another text"], ["good", "bad", "neither"]
NAMES = {"id2label": {"0": "contradiction", "1": "neutral", "2": "entailment"}}
PICTURES = [GOLDEN / "images" / name for name in ("photo.jpg", "gray.png")]


def served(name, body, **options):
    """What the server says to it."""
    app = App(model(name), threads=1, **options)
    try:
        status, answer = asyncio.run(app.ask("/zero_shot_classification", body))
    finally:
        app.stop()
    assert status == 200, answer
    return answer


def same(found, labels, scores):
    assert [one["label"] for one in found] == labels
    assert [one["score"] for one in found] == pytest.approx(scores, rel=1e-6)


@pytest.mark.parametrize("how", [{}, {"multi_label": True}, {"hypothesis_template": "It is {}!"}])
def test_texts(how):
    inference = vecton.Engine(model("st-cross-3"), hf_overrides=NAMES, threads=1)
    want = served("st-cross-3", {"inputs": TEXTS, "candidate_labels": LABELS, **how}, hf_overrides=NAMES)
    found = inference.zero_shot(TEXTS, LABELS, **how)
    for one, answer in zip(found, want, strict=True):
        same(one, answer["labels"], answer["scores"])
    assert inference.zero_shot(TEXTS[0], "good, bad,neither", **how) == found[0]
    assert asyncio.run(inference.azero_shot(TEXTS, LABELS, **how)) == found
    assert inference.submit("zero_shot", TEXTS, LABELS, **how).result() == found
    if not how:
        assert sum(one["score"] for one in found[0]) == pytest.approx(1)


def test_an_entailment_that_comes_first():
    labels = {"id2label": {"0": "ENTAILMENT", "1": "neutral", "2": "contradiction"}}
    inference = vecton.Engine(model("st-cross-3"), hf_overrides=labels, threads=1)
    ((one,),) = inference.zero_shot(TEXTS[:1], ["good"])
    logits = inference.classify(TEXTS[:1], ["This example is good."], raw=True)[0]
    assert one["score"] == pytest.approx(1 / (1 + np.exp(logits[2] - logits[0])), rel=1e-6)


@pytest.mark.parametrize("name", ["siglip", "clip"])
def test_pictures(name):
    want = served(name, {"inputs": [base64.b64encode(path.read_bytes()).decode() for path in PICTURES], "candidate_labels": LABELS})
    found = engine(name).zero_shot(PICTURES, LABELS, truncate=True)
    for one, answer in zip(found, want, strict=True):
        same(one, [row["label"] for row in answer], [row["score"] for row in answer])
    assert engine(name).zero_shot(PICTURES[0], LABELS, truncate=True) == found[0]
    with pytest.raises(ValueError, match="multi_label"):
        engine(name).zero_shot(PICTURES, LABELS, multi_label=True)


def test_what_is_refused():
    with pytest.raises(ValueError, match="entailment"):
        engine("bert-classify-softmax").zero_shot("a", LABELS)
    inference = vecton.Engine(model("st-cross-3"), hf_overrides=NAMES, threads=1)
    for labels, how, words in (([], {}, "candidate_labels"), (LABELS, {"hypothesis_template": "no place"}, "hypothesis_template"),
                               ([1], {}, "candidate_labels")):
        with pytest.raises(ValueError, match=words):
            inference.zero_shot("a", labels, **how)
