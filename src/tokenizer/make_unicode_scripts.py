#!/usr/bin/env python3
"""Writes unicode_scripts.inc: which code points the UnicodeScripts pre-tokenizer keeps together.

    pip install tokenizers && python make_unicode_scripts.py > unicode_scripts.inc

Read off the reference library, like src/base/unicode_tables.inc: script numbers only tell scripts apart.
"""
from tokenizers import pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
split = pre_tokenizers.UnicodeScripts().pre_tokenize_str

representatives, ranges, last = [], [], -1
for c in CODE_POINTS:
    if not split(chr(c)):
        continue  # no script
    guesses = [last] * (last >= 0) + list(range(len(representatives)))
    script = next((s for s in guesses if len(split(chr(representatives[s]) + chr(c))) == 1), None)
    if script is None:
        script = len(representatives)
        representatives.append(c)
    if ranges and ranges[-1][1] == c - 1 and ranges[-1][2] == script:
        ranges[-1][1] = c
    else:
        ranges.append([c, c, script])
    last = script
print("// Written by make_unicode_scripts.py; not edited by hand.\n// clang-format off\n")
rows = [f"{{0x{a:x},0x{b:x},{s + 1}}}" for a, b, s in ranges]
print("constexpr ScriptRange kScripts[] = {\n" + ",\n".join(",".join(rows[i:i + 6]) for i in range(0, len(rows), 6)) + "};")
