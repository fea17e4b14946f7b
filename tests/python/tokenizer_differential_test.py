"""Random nasty texts and pairs through Vecton and the Hugging Face tokenizers package: the same ids, types, masks, offsets and texts.

    pip install tokenizers
    cmake --build --preset dev --target tokenizer_lines
    VECTON_DIFFERENTIAL_TEXTS=100000 python tests/python/tokenizer_differential_test.py

Folders without tokenizer.json are compared with transformers, where that is installed (ids, types and masks).
"""
import importlib.util
import json
import os
import pathlib
import random
import subprocess
import unittest

try:
    from tokenizers import Tokenizer
except ImportError:
    Tokenizer = None

from reference import ROOT, program

LINES = program("TOKENIZER_LINES", "bench", "tokenizers", "tokenizer_lines")
COUNT = int(os.environ.get("VECTON_DIFFERENTIAL_TEXTS", "2000"))
FOLDERS = os.environ.get("VECTON_DIFFERENTIAL_FOLDERS", str(ROOT / "tests/golden/tok-*/model"))
BATCH = 5000
WORDS = """I'm WE'VE it'S don't 'ſ hello WORLD camelCase naïve Straße ﬁ İstanbul ΣΊΣΥΦΟΣ Привет שָׁלוֹם हिन्दी ภาษาไทย 中文字符 カタカナ 한국어
 각 e\u0301 ﺷ ﷺ Ⅳ ½ ｆｕｌｌ 👍🏽 👨‍👩‍👧 🇩🇪 3.14 1,000 a.b@c </s> <s> [MASK] <|endoftext|> <0x0A> ##ing ▁the""".split()
SPACES = " \t\n\r\x0b\x85\xa0\u2003\u2028\u3000"


def character(r):
    while True:
        c = r.randrange(*r.choice([(0x20, 0x250), (0x250, 0x3200), (0x3200, 0x10000), (0x10000, 0x20000)]))
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def text(r, tokens):
    parts = []
    for _ in range(r.randrange(1, 12)):
        parts.append(r.choice([
            lambda: r.choice(WORDS),
            lambda: r.choice(SPACES) * r.randrange(1, 4),
            lambda: "".join(character(r) for _ in range(r.randrange(1, 5))),
            lambda: r.choice("aeoEO中が") + "".join(r.choice("\u0301\u0323\u0345\u093e\u05bc\u3099") for _ in range(2)),
            lambda: "".join(r.choice("0123٣४²Ⅷ!'-_/.,«€") for _ in range(r.randrange(1, 6))),
            lambda: r.choice(tokens),
        ])())
        parts.append(r.choice(["", " "]))
    return "".join(parts)


def inputs(r, tokens, count):
    """Texts, and every fourth a pair of them."""
    return [(text(r, tokens), text(r, tokens)) if i % 4 == 0 else (text(r, tokens),) for i in range(count)]


def vecton(folder, rows, lengths=None):
    asked = [dict(zip(("text", "pair"), row)) for row in rows]
    for line, length in zip(asked, lengths or []):
        if length is not None:
            line["max_length"] = length
    lines = "".join(json.dumps(line) + "\n" for line in asked).encode()
    answer = subprocess.run([LINES, str(folder)], input=lines, capture_output=True, check=True)
    return [json.loads(line) for line in answer.stdout.decode().split("\n") if line]


def decoder(folder, reference):
    """What ids are read by: CLIP's class has a decoder of its own, whatever is in the file. None where transformers is not installed."""
    settings = folder / "tokenizer_config.json"
    named = json.loads(settings.read_text()).get("tokenizer_class", "") if settings.exists() else ""
    if not named.startswith("CLIPTokenizer"):
        return reference
    try:
        from transformers import AutoTokenizer
    except ImportError:
        return None
    return AutoTokenizer.from_pretrained(folder).backend_tokenizer


@unittest.skipIf(Tokenizer is None, "the tokenizers package is not installed")
@unittest.skipUnless(LINES and pathlib.Path(LINES).exists(), "no program tokenizer_lines: build it, or set TOKENIZER_LINES")
class TokenizerDifferentialTest(unittest.TestCase):
    def folders(self, with_json):
        """Those that tokenizer.json alone speaks for, or the others: without one, or with settings that stand above it."""
        path = pathlib.Path(FOLDERS)
        found = sorted(pathlib.Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        return [f for f in found if with_json == ((f / "tokenizer.json").exists() and not f.parent.name.startswith("tok-settings-"))]

    def test_tokenizer_json(self):
        for folder in self.folders(True):
            with self.subTest(folder.parent.name):
                reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
                reference.no_truncation()
                reference.no_padding()
                self.decoder = decoder(folder, reference)
                r, tokens = random.Random(folder.parent.name), sorted(reference.get_vocab())
                for done in range(0, COUNT, BATCH):
                    rows = inputs(r, tokens, min(BATCH, COUNT - done))
                    wanted = reference.encode_batch([row if len(row) > 1 else row[0] for row in rows])
                    for row, got, want in zip(rows, vecton(folder, rows), wanted, strict=True):
                        self.compare(row, got, want)

    def compare(self, row, got, want):
        self.assertEqual(got["ids"], want.ids, row)
        self.assertEqual(got["types"], want.type_ids, row)
        self.assertEqual(got["special"], want.special_tokens_mask, row)
        self.assertEqual([tuple(o) for o in got["char_offsets"]], want.offsets, row)
        if self.decoder:
            self.assertEqual(got["text"], self.decoder.decode(want.ids, skip_special_tokens=False), row)
        for sequence, (begin, end), (first, last) in zip(got["sequences"], got["offsets"], got["char_offsets"]):
            if sequence >= 0:
                self.assertEqual((begin, end), tuple(len(row[sequence][:c].encode()) for c in (first, last)), row)

    def test_other_files(self):
        try:
            from transformers import AutoTokenizer
        except ImportError:
            self.skipTest("the transformers package is not installed")
        for folder in self.folders(False):
            with self.subTest(folder.parent.name):
                if folder.parent.name == "tok-tiktoken" and not importlib.util.find_spec("tiktoken"):
                    self.skipTest("the tiktoken package is not installed, by which transformers reads this file")
                reference = AutoTokenizer.from_pretrained(folder)
                r, tokens = random.Random(folder.parent.name), sorted(reference.get_vocab())
                for done in range(0, COUNT, BATCH):
                    rows = inputs(r, tokens, min(BATCH, COUNT - done))
                    for row, got in zip(rows, vecton(folder, rows), strict=True):
                        want = reference(*row, return_token_type_ids=True, return_special_tokens_mask=True)
                        self.assertEqual(got["ids"], want["input_ids"], row)
                        self.assertEqual(got["types"], want["token_type_ids"], row)
                        self.assertEqual(got["special"], want["special_tokens_mask"], row)


if __name__ == "__main__":
    unittest.main()
