"""Random texts through `vecton tag` and transformers' token classification pipeline: the same entities.

    pip install torch transformers && VECTON=build/dev/vecton python tests/python/entities_differential_test.py

The model is a small random one, with the tokenizers of the fixtures: WordPiece, byte-level BPE, SentencePiece.
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest
import warnings

try:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForTokenClassification, pipeline
except ImportError:
    torch = None

from reference import PROGRAM, ROOT

COUNT = int(os.environ.get("VECTON_DIFFERENTIAL_ENTITIES", "20"))
TOKENIZERS = """tok-bert-uncased tok-bert-cased tok-minilm-real tok-mpnet tok-roberta tok-roberta-prefix-space tok-gpt2 tok-xlmr-wssplit
 tok-albert-unigram tok-spm-deberta-v2 tok-wordlevel-whitespace""".split()
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-A-B", "PER", "S-ORG", "I-O"]
WORDS = """Hi, can you book a flight? Dr. O'Neil's don't co-operate 3.14 naïve Zoë e\u0301te\u0301 İstanbul 中文字符 カタカナ 한국어 👍🏽 👨‍👩‍👧 𝔘𝔫𝔦
 ﷺ ½ … — “quoted” (brackets) [UNK] <unk> [MASK] ##ing \u200b \u00ad #tag @name e-mail: a@b.c WORLD Straße the of in""".split(" ")
SPACES = [" ", " ", " ", "  ", "\t", "\n", "\u00a0", "\u3000", ""]


def text(r):
    return "".join(r.choice(WORDS) + r.choice(SPACES) for _ in range(r.randrange(1, 10)))


def random_model(tokenizer_folder, folder):
    shutil.copytree(tokenizer_folder, folder)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(vocab_size=max(len(tokenizer), max(tokenizer.get_vocab().values()) + 1), hidden_size=32, num_hidden_layers=1,
                        num_attention_heads=2, intermediate_size=32, max_position_embeddings=512, num_labels=len(LABELS),
                        id2label=dict(enumerate(LABELS)), label2id={label: i for i, label in enumerate(LABELS)}, initializer_range=0.5)
    model = BertForTokenClassification(config).eval()
    model.save_pretrained(folder)
    return pipeline("token-classification", model=model, tokenizer=tokenizer)


@unittest.skipIf(torch is None, "torch and the transformers package are not installed")
@unittest.skipUnless(PROGRAM, "no program vecton: build it, or set VECTON")
class EntitiesDifferentialTest(unittest.TestCase):
    def test_entities(self):
        warnings.filterwarnings("ignore")
        for name in TOKENIZERS:
            with self.subTest(name), tempfile.TemporaryDirectory() as temporary:
                folder = pathlib.Path(temporary) / "model"
                reference = random_model(ROOT / f"tests/golden/{name}/model", folder)
                r = random.Random(name)
                texts = [text(r) for _ in range(COUNT)]
                for aggregation in ("none", "simple", "first", "average", "max"):
                    self.compare(folder, reference, texts, aggregation)

    def compare(self, folder, reference, texts, aggregation):
        lines = "".join(json.dumps({"text": t}) + "\n" for t in texts)
        answer = subprocess.run([PROGRAM, "tag", str(folder), "--input", "-", "--input-format", "jsonl", "--aggregation", aggregation, "--json"], input=lines.encode(),
                                capture_output=True, check=False)
        self.assertEqual(answer.returncode, 0, answer.stderr.decode())
        got = [json.loads(line) for line in answer.stdout.decode().splitlines()]
        self.assertEqual(len(got), len(texts))
        for t, line in zip(texts, got, strict=True):
            want = reference(t, aggregation_strategy=aggregation)
            found = [(e["label"], e["start"], e["end"]) for e in line["entities"]]
            self.assertEqual(found, [(e.get("entity_group", e.get("entity")), e["start"], e["end"]) for e in want], (aggregation, t))
            for entity, expected in zip(line["entities"], want, strict=True):
                self.assertAlmostEqual(entity["score"], float(expected["score"]), delta=1e-3, msg=t)


if __name__ == "__main__":
    unittest.main()
