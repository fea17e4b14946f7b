"""Expressions of tokenizer.json that PCRE2 spells otherwise: the same parts as the tokenizers package (Oniguruma) gives.

    pip install tokenizers
    cmake --build --preset dev --target tokenizer_lines && python tests/python/patterns_differential_test.py
"""
import json
import os
import pathlib
import random
import tempfile
import unittest

try:
    from tokenizers import Tokenizer
except ImportError:
    Tokenizer = None

from reference import ROOT
from tokenizer_differential_test import LINES, vecton

COUNT = int(os.environ.get("VECTON_DIFFERENTIAL_PATTERNS", "200"))
EXPRESSIONS = [
    r"\h+", r"\H+", r"[\h\s]+", r"[^\h]+", r"[\H]", r"[^\H]+", r"0x\h{2,4}|\w+", r"\X", r"\X{2}", r"(?:\X)+?\s", r"[a-z&&[^aeiou]]+", r"[a-z&&[^aeiou]&&[^xyz]]",
    r"[^a-z&&[^aeiou]]+", r"[\p{L}&&[^A-Z]]+|\s+", r"[\w&&\p{Lu}]+", r"[[a-c][x-z]]+", r"[^[a-c][x-z]]+", r"[a[b-d]\d]+", r"[\p{L}&&\p{Lu}]\p{Ll}*|.",
    r"[^\s\p{L}&&[^0-9]]+", r"[a&b]+", r"[\p{P}&&[^'_-]]|\w+(?:['_-]\w+)*", r"(?i:[a-f&&[^d]])+", r"(?<=[a-z&&[^x]])\d+", r"[[:digit:]&&[^1-4]]+", r"[^\S\n]+|[\S\n]",
    r"[a-z&&b-y&&c-x]+", r"[\d&&[^5]]{1,3}", r"\s*[\h&&[A-F]]+", r"[^\W\d_&&[^é]]+"]
PIECES = ["a", "e", "b", "x", "Z", "F", "0", "5", "9f", "0x1F", "_", "-", "'", "&", "&&", " ", "\n", "\t", ".", "é", "e\u0301", "\u0301", "ñ", "İ", "ß", "中文", "각", "한국", "🇩🇪",
          "👍🏽", "👨‍👩‍👧", "हिन्दी", "\r\n", "\u200d", "Ⅷ", "٣", "Σ", "ſ", "word", "Hello", "DEAD", "beef", "\u00a0", "ﬁ", "⌚\ufe0f", "👩\u200d", "🏽"]


@unittest.skipIf(Tokenizer is None, "the tokenizers package is not installed")
@unittest.skipUnless(LINES and pathlib.Path(LINES).exists(), "no program tokenizer_lines: build it, or set TOKENIZER_LINES")
class PatternsDifferentialTest(unittest.TestCase):
    def test_expressions(self):
        document = json.loads((ROOT / "tests/golden/tok-gpt2/model/tokenizer.json").read_text("utf8"))
        for expression in EXPRESSIONS:
            document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}
            with self.subTest(expression), tempfile.TemporaryDirectory() as folder:
                text = json.dumps(document)
                (pathlib.Path(folder) / "tokenizer.json").write_text(text, "utf8")
                reference = Tokenizer.from_str(text)
                r = random.Random(expression)
                rows = [("".join(r.choice(PIECES) for _ in range(r.randrange(1, 12))),) for _ in range(COUNT)]
                for (row,), got in zip(rows, vecton(folder, rows), strict=True):
                    want = [part for part, _ in reference.pre_tokenizer.pre_tokenize_str(row)]
                    self.assertEqual(got["ids"], reference.encode(row).ids, (expression, row, want))


if __name__ == "__main__":
    unittest.main()
