"""Settings of tokenizer_config.json beside a tokenizer.json, by class: the same ids as transformers' AutoTokenizer.

    pip install transformers
    cmake --build --preset dev --target tokenizer_lines
    python tests/python/tokenizer_settings_differential_test.py

Every combination of the flags that a class has, over a tokenizer.json that the class wrote with others.
"""
import itertools
import json
import os
import pathlib
import random
import shutil
import tempfile
import unittest

try:
    from transformers import AutoTokenizer
except ImportError:
    AutoTokenizer = None

from reference import ROOT
from tokenizer_differential_test import LINES, inputs, vecton

COUNT = int(os.environ.get("VECTON_DIFFERENTIAL_SETTINGS", "24"))
BERT = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")
# Class: the fixture that its vocabulary comes from, and the flags that it reads.
CLASSES = {
    "BertTokenizer": ("tok-bert-cased", BERT),
    "BertTokenizerFast": ("tok-bert-uncased", BERT),
    "DistilBertTokenizer": ("tok-minilm-real", BERT),
    "ElectraTokenizerFast": ("tok-bert-uncased", BERT),
    "MPNetTokenizer": ("tok-mpnet", BERT),
    "RobertaTokenizer": ("tok-roberta", ("add_prefix_space", "trim_offsets")),
    "GPT2Tokenizer": ("tok-gpt2", ("add_prefix_space",)),
    "Qwen2Tokenizer": ("tok-qwen2", ("add_prefix_space",)),
    "XLMRobertaTokenizer": ("tok-xlmr-wssplit", ("add_prefix_space",)),
    "LlamaTokenizer": ("tok-mistral", ("add_prefix_space", "legacy")),
    "GemmaTokenizer": ("tok-gemma", ("add_prefix_space",)),
    "T5Tokenizer": ("tok-spm-t5", ("add_prefix_space", "legacy")),
    "AlbertTokenizer": ("tok-spm-albert", ("do_lower_case", "keep_accents", "add_prefix_space")),
    "DebertaV2Tokenizer": ("tok-spm-deberta-v2", ("do_lower_case", "split_by_punct", "add_prefix_space")),
    "PreTrainedTokenizerFast": ("tok-bert-cased", BERT),
}
# Of every class: settings that change what is made of the tokens around and in the text, or nothing.
OTHERS = [
    {"add_bos_token": True}, {"add_eos_token": True}, {"add_bos_token": False, "add_eos_token": False}, {"split_special_tokens": True},
    {"truncation_side": "left"}, {"padding_side": "left"}, {"clean_up_tokenization_spaces": True}, {"model_max_length": 7},
    {"additional_special_tokens": ["<new>", "WORLD"]}, {"extra_special_tokens": ["<new>"]},
]
FILES = ("tokenizer.json", "tokenizer_config.json", "config.json", "special_tokens_map.json", "added_tokens.json")


def read(file):
    return json.loads(file.read_text("utf8"))


def write(file, value):
    file.write_text(json.dumps(value), "utf8")


@unittest.skipIf(AutoTokenizer is None, "the transformers package is not installed")
@unittest.skipUnless(LINES and pathlib.Path(LINES).exists(), "no program tokenizer_lines: build it, or set TOKENIZER_LINES")
class TokenizerSettingsDifferentialTest(unittest.TestCase):
    compared = 0

    @classmethod
    def tearDownClass(cls):
        print(f"{cls.compared} texts compared", flush=True)

    def base(self, name, fixture, folder, written):
        """A folder as the class writes it, with the flags `written`."""
        source = folder / "source"
        shutil.copytree(ROOT / f"tests/golden/{fixture}/model", source)
        config = source / "tokenizer_config.json"
        settings = read(config) if config.exists() else {}
        write(config, {**settings, "tokenizer_class": name, **written})
        AutoTokenizer.from_pretrained(source).save_pretrained(folder / "base")
        shutil.rmtree(source)
        return folder / "base"

    def compare(self, folder, label):
        reference = AutoTokenizer.from_pretrained(folder)
        r = random.Random(label)
        rows = inputs(r, sorted(reference.get_vocab()), COUNT)
        lengths = [None if i % 3 else r.randrange(4, 12) for i in range(len(rows))]
        for row, length, got in zip(rows, lengths, vecton(folder, rows, lengths), strict=True):
            options = {} if length is None else {"truncation": "longest_first", "max_length": length}
            want = reference(*row, return_token_type_ids=True, return_special_tokens_mask=True, return_offsets_mapping=True, **options)
            for key, name in (("ids", "input_ids"), ("types", "token_type_ids"), ("special", "special_tokens_mask")):
                self.assertEqual(got[key], want[name], (label, row, length))
            self.assertEqual([tuple(o) for o in got["char_offsets"]], want["offset_mapping"], (label, row))
            self.assertEqual(got["text"], reference.decode(want["input_ids"]), (label, row))
            type(self).compared += 1

    def test_flags(self):
        for name, (fixture, flags) in CLASSES.items():
            choices = list(itertools.product((None, True, False), repeat=len(flags)))
            for written in ({}, dict.fromkeys(flags, True), dict.fromkeys(flags, False)):
                with tempfile.TemporaryDirectory() as temporary:
                    base = self.base(name, fixture, pathlib.Path(temporary), written)
                    settings = {k: v for k, v in read(base / "tokenizer_config.json").items() if k not in flags}
                    for choice in choices:
                        given = {flag: value for flag, value in zip(flags, choice) if value is not None}
                        with self.subTest(name, written=written, given=given):
                            write(base / "tokenizer_config.json", {**settings, "tokenizer_class": name, **given})
                            self.compare(base, f"{name} {written} {given}")

    def test_other_settings(self):
        for name, (fixture, _) in CLASSES.items():
            with tempfile.TemporaryDirectory() as temporary:
                base = self.base(name, fixture, pathlib.Path(temporary), {})
                settings = read(base / "tokenizer_config.json")
                for given in OTHERS:
                    with self.subTest(name, given=given):
                        write(base / "tokenizer_config.json", {**settings, **given})
                        self.compare(base, f"{name} {given}")

    def test_tokens_around_texts(self):
        """What the class puts around texts stands above the file's template, with the tokens that the settings name."""
        custom = {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "Q", "type_id": 1}}],
                  "pair": [{"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "Q", "type_id": 1}}, {"Sequence": {"id": "A", "type_id": 0}}],
                  "special_tokens": {"Q": {"id": "Q", "ids": [7], "tokens": ["Q"]}}}
        classes = {name: fixture for name, (fixture, _) in CLASSES.items()}
        classes |= {"CamembertTokenizer": "tok-xlmr-wssplit", "BigBirdTokenizer": "tok-xlmr-wssplit", "CLIPTokenizer": "tok-clip",
                    "GPTNeoXTokenizer": "tok-gpt2", "XLNetTokenizer": "tok-spm-albert",
                    "FunnelTokenizer": "tok-bert-uncased", "DebertaTokenizer": "tok-roberta"}
        for name, fixture in classes.items():
            with tempfile.TemporaryDirectory() as temporary:
                base = self.base(name, fixture, pathlib.Path(temporary), {})
                document, settings = read(base / "tokenizer.json"), read(base / "tokenizer_config.json")
                vocabulary = document["model"]["vocab"]
                plain = [t for t in (vocabulary if isinstance(vocabulary, dict) else [p[0] for p in vocabulary]) if t.strip() and not t.startswith(("<", "[", "\u2581"))]
                named = dict(zip(("cls_token", "sep_token", "bos_token", "eos_token"), random.Random(name).sample(plain, 4), strict=True))
                for processor in (document["post_processor"], custom, None):
                    for given in ({}, named, {"cls_token": named["cls_token"]}, {"eos_token": named["eos_token"], "add_bos_token": True}):
                        with self.subTest(name, processor=processor, given=given):
                            write(base / "tokenizer.json", {**document, "post_processor": processor})
                            write(base / "tokenizer_config.json", {**settings, **given, "tokenizer_class": name})
                            self.compare(base, f"{name} {given}")

    def test_no_tokenizer_config(self):
        """The class of the model's type, with its defaults."""
        for model_type, fixture in (("bert", "tok-bert-cased"), ("roberta", "tok-roberta"), ("mpnet", "tok-mpnet"), ("gpt2", "tok-gpt2"),
                                    ("xlm-roberta", "tok-xlmr-wssplit"), ("modernbert", "tok-modernbert"), ("distilbert", "tok-bert-cased")):
            with self.subTest(model_type), tempfile.TemporaryDirectory() as temporary:
                folder = pathlib.Path(temporary)
                shutil.copy(ROOT / f"tests/golden/{fixture}/model/tokenizer.json", folder)
                write(folder / "config.json", {"model_type": model_type})
                self.compare(folder, model_type)

    def test_class_against_model_type(self):
        """Which of the two classes counts."""
        for model_type, name, fixture in (
                ("bert", "RobertaTokenizer", "tok-roberta"), ("modernbert", "BertTokenizer", "tok-bert-cased"),
                ("qwen2", "PreTrainedTokenizerFast", "tok-qwen2"), ("mistral", "LlamaTokenizer", "tok-llama2-legacy"),
                ("phi3", "LlamaTokenizer", "tok-phi3"), ("bert", "PreTrainedTokenizerFast", "tok-bert-cased"),
                ("new", "BertTokenizer", "tok-bert-cased"), ("roberta", "Nonsense", "tok-roberta"), ("llama", "LlamaTokenizer", "tok-llama3")):
            with self.subTest(f"{model_type} {name}"), tempfile.TemporaryDirectory() as temporary:
                folder = pathlib.Path(temporary)
                shutil.copy(ROOT / f"tests/golden/{fixture}/model/tokenizer.json", folder)
                write(folder / "config.json", {"model_type": model_type})
                write(folder / "tokenizer_config.json", {"tokenizer_class": name, "add_prefix_space": True, "do_lower_case": True})
                self.compare(folder, f"{model_type} {name}")

    def test_sides_of_the_file(self):
        with tempfile.TemporaryDirectory() as temporary:
            base = self.base("BertTokenizer", "tok-bert-cased", pathlib.Path(temporary), {})
            document = read(base / "tokenizer.json")
            document["truncation"] = {"direction": "Left", "max_length": 9, "strategy": "LongestFirst", "stride": 0}
            write(base / "tokenizer.json", document)
            self.compare(base, "the file's truncation")


if __name__ == "__main__":
    unittest.main()
