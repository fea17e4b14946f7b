"""Makes tests/cli/pipelines.json: what transformers' token classification and fill-mask pipelines give for fixtures of this repository.

    pip install torch transformers==5.24.0
    python tests/golden/make/pipelines.py tests/cli/pipelines.json
"""
import json
import pathlib
import sys
import warnings

from transformers import pipeline

GOLDEN = pathlib.Path(__file__).resolve().parents[1]
TAGGERS = ["bert-token-classify", "roberta-token-classify", "distilbert-token-classify", "deberta-v2-token-classify"]
TEXTS = ["Hi, can you book me a flight? The World", "é Paris and London", "don't co-operate: 3.14, “quoted” 👍🏽 中文 (x)"]
TARGETS = {"bert-mlm": ["Capital", "paris france", "zzqq"], "modernbert-mlm": ["capital", " capital", "Paris France"],
           "deberta-v2-mlm": ["capital", "the", "Paris France"]}


def entities():
    for model in TAGGERS:
        tagger = pipeline("token-classification", model=str(GOLDEN / model / "model"))
        for aggregation in ("none", "simple", "first", "average", "max"):
            for text in TEXTS:
                found = [{"label": e.get("entity_group", e.get("entity")), "score": float(e["score"]), "start": e["start"], "end": e["end"]}
                         for e in tagger(text, aggregation_strategy=aggregation)]
                yield {"model": model, "aggregation": aggregation, "text": text, "entities": found}


def fillings():
    for model, targets in TARGETS.items():
        filler = pipeline("fill-mask", model=str(GOLDEN / model / "model"))
        text = f"the {filler.tokenizer.mask_token} of France"
        yield {"model": model, "text": text, "targets": targets,
               "fillings": [{"token": f["token"], "score": f["score"]} for f in filler(text, targets=targets)]}


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    document = {"source": "transformers 5.24.0 pipelines, float32", "entities": list(entities()), "fillings": list(fillings())}
    pathlib.Path(sys.argv[1]).write_text(json.dumps(document, ensure_ascii=False, indent=0), "utf8")
