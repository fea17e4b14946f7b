"""Makes the tok-settings-* fixtures: a tokenizer.json beside a tokenizer_config.json that says otherwise, and what transformers gives.

    pip install transformers==5.24.0 sentencepiece tiktoken
    python tests/golden/make/tokenizer_settings.py OUT

The tokenizer.json is that of another fixture; the settings are SETTINGS'.
"""
import json
import pathlib
import shutil
import sys

from tokenizer_files import cases
from transformers import AutoTokenizer

GOLDEN = pathlib.Path(__file__).resolve().parents[1]
SETTINGS = {
    "tok-settings-bert-cased": ("tok-bert-uncased", {"do_lower_case": False, "tokenize_chinese_chars": False}),
    "tok-settings-bert-uncased": ("tok-bert-cased", {"do_lower_case": True, "strip_accents": False}),
    "tok-settings-roberta-prefix": ("tok-roberta", {"add_prefix_space": True}),
    "tok-settings-xlmr-never": ("tok-xlmr-wssplit", {"add_prefix_space": False}),
    "tok-settings-llama-never": ("tok-mistral", {"add_prefix_space": False}),
}


def make(out, name):
    source, settings = SETTINGS[name]
    model = pathlib.Path(out) / name / "model"
    model.mkdir(parents=True, exist_ok=True)
    shutil.copy(GOLDEN / source / "model/tokenizer.json", model)
    config = json.loads((GOLDEN / source / "model/tokenizer_config.json").read_text("utf8"))
    (model / "tokenizer_config.json").write_text(json.dumps({**config, **settings}, indent=1), "utf8")
    tokenizer = AutoTokenizer.from_pretrained(model)
    document = {"source": f"transformers 5.24.0 AutoTokenizer ({type(tokenizer).__name__}) on the folder", "cases": cases(tokenizer)}
    (model.parent / "cases.json").write_text(json.dumps(document, indent=0), "utf8")


if __name__ == "__main__":
    for fixture in SETTINGS:
        make(sys.argv[1], fixture)
