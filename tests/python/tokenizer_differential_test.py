"""Random nasty texts through `vecton tokenize` and the Hugging Face tokenizers package: the same ids.

    pip install tokenizers && VECTON=build/release/vecton python tests/python/tokenizer_differential_test.py
"""
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTON = os.environ.get("VECTON", str(ROOT / "build/release/vecton"))
COUNT = int(os.environ.get("VECTON_DIFFERENTIAL_TEXTS", "2000"))
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


@unittest.skipIf(Tokenizer is None, "the tokenizers package is not installed")
@unittest.skipUnless(pathlib.Path(VECTON).exists(), f"no program at {VECTON}: set VECTON")
class TokenizerDifferentialTest(unittest.TestCase):
    def test_ids(self):
        for folder in sorted((ROOT / "tests/golden").glob("tok-*/model")):
            with self.subTest(folder.parent.name):
                reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
                reference.no_truncation()
                reference.no_padding()
                r, tokens = random.Random(folder.parent.name), sorted(reference.get_vocab())
                texts = [text(r, tokens) for _ in range(COUNT)]
                lines = "".join(json.dumps({"text": t}) + "\n" for t in texts).encode()
                answer = subprocess.run([VECTON, "tokenize", str(folder), "--json"], input=lines, capture_output=True, check=True)
                got = [json.loads(line)["input_ids"] for line in answer.stdout.decode().split("\n") if line.strip()]
                for t, ids, want in zip(texts, got, reference.encode_batch(texts), strict=True):
                    self.assertEqual(ids, want.ids, repr(t))


if __name__ == "__main__":
    unittest.main()
