#!/usr/bin/env python3
"""Writes unicode_tables.inc: what every code point is to a tokenizer.json pipeline.

    pip install tokenizers && python make_unicode_tables.py > unicode_tables.inc && clang-format -i unicode_tables.inc

Published ids come from several Unicode versions at once (letters of one, normal forms of an older one), so the
tables are read off the reference library code point by code point instead of from one version's data files.
"""
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
ALL = "".join(map(chr, CODE_POINTS))
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn".split()
HANGUL = range(0xAC00, 0xAC00 + 11172)


def matching(pre_tokenizer):
    """The code points that a splitting pre-tokenizer removes."""
    kept = {ord(c) for piece, _ in pre_tokenizer.pre_tokenize_str(ALL) for c in piece}
    return set(CODE_POINTS) - kept


def changes(normalizer):
    return {c: r for c in CODE_POINTS if (r := normalizer.normalize_str(chr(c))) != chr(c)}


def bert(**flags):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **flags})


def combining_classes(nfd):
    """Non-zero classes, proven by the order in which the reference sorts each mark against one mark of every class."""
    marks = {}
    for c in CODE_POINTS:
        if unicodedata.combining(chr(c)):
            marks.setdefault(unicodedata.combining(chr(c)), c)
    form = normalizers.NFD().normalize_str
    classes = {}
    for c in CODE_POINTS:
        k = unicodedata.combining(chr(c))
        if not k or c in nfd:
            continue
        before = [m for m, x in marks.items() if x != c and form(chr(c) + chr(x)) == chr(x) + chr(c)]
        after = [m for m, x in marks.items() if x != c and form(chr(x) + chr(c)) == chr(c) + chr(x)]
        if before or after:  # else unknown to the reference: class 0
            assert all(m < k for m in before) and all(m > k for m in after), hex(c)
            classes[c] = k
    return classes


def composition_pairs(nfd, nfc):
    whole = {text: c for c, text in nfd.items() if c not in nfc}
    pairs = {}
    for c, text in nfd.items():
        if c not in HANGUL and c not in nfc:
            first = text[:-1] if len(text) == 2 else chr(whole[text[:-1]])
            pairs[ord(first), ord(text[-1])] = c
    return pairs


def rows(numbers, per_line=24):
    numbers = list(numbers)
    return ",\n".join(",".join(map(str, numbers[i:i + per_line])) for i in range(0, len(numbers), per_line))


def mapping_table(name, mapping, pool):
    lines = []
    for c, text in sorted(mapping.items()):
        at = pool.find(text)
        if at < 0:
            at = len(pool)
            pool += text
        lines.append(f"{{0x{c:x},{at},{len(text)}}}")
    print(f"constexpr Mapping {name}[] = {{\n" + ",\n".join(",".join(lines[i:i + 6]) for i in range(0, len(lines), 6)) + "};\n")
    return pool


def newer_characters(category):
    """Ranges that Unicode 14 does not have: what the oldest PCRE2 in use must be told."""
    assert unicodedata.unidata_version.startswith("14."), "run with Python 3.11"
    ranges = []
    for c in CODE_POINTS:
        if CATEGORIES[category[c]] != unicodedata.category(chr(c)):
            if ranges and ranges[-1][1] == c - 1 and ranges[-1][2] == category[c]:
                ranges[-1][1] = c
            else:
                ranges.append([c, c, category[c]])
    return ranges


def graphemes():
    """What joins the character before it to one grapheme, and what joins the one behind it.

    The reference looks short graphemes up whole in a Precompiled map. A map with the one key "a" shows where they end.
    """
    units = [0] * 1024
    units[0] = 256 << 10                            # the root's children start at 256
    units[256 ^ 0x61] = 0x61 | 1 << 8 | 512 << 10   # "a": a leaf, at 512 from here
    blob = b"".join(u.to_bytes(4, "little") for u in [4 * len(units)] + units) + b"X\0"
    change = normalizers.Precompiled(blob).normalize_str
    previous = [c for c in CODE_POINTS if change("a" + chr(c)) == "X"]
    following = [c for c in CODE_POINTS if c != 0x61 and change(chr(c) + "a\u0301").endswith("X\u0301")]
    return previous, following


def ranges_of(code_points):
    ranges = []
    for c in code_points:
        if ranges and ranges[-1][1] == c - 1:
            ranges[-1][1] = c
        else:
            ranges.append([c, c])
    return ranges


def range_table(name, code_points):
    cells = [f"{{0x{a:x},0x{b:x}}}" for a, b in ranges_of(code_points)]
    print(f"constexpr Range {name}[] = {{\n" + ",\n".join(",".join(cells[i:i + 8]) for i in range(0, len(cells), 8)) + "};\n")


def main():
    category = [CATEGORIES.index("Cs")] * 0x110000
    for i, name in enumerate(CATEGORIES):
        if name != "Cs":
            for c in matching(pre_tokenizers.Split(Regex(r"\p{%s}" % name), "removed")):
                category[c] = i
    nfd, nfkd, nfc = (changes(getattr(normalizers, n)()) for n in ("NFD", "NFKD", "NFC"))
    lower = {c: r for c, r in changes(normalizers.Lowercase()).items() if len(r) == 1}  # U+0130 is in the code
    classes, pairs = combining_classes(nfd), composition_pairs(nfd, nfc)
    seconds = {second for _, second in pairs} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    clean, strip = bert(clean_text=True), bert(strip_accents=True)
    digits, words = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Whitespace()
    flags = [  # bit 5 onward, as in unicode.h
        matching(pre_tokenizers.Split(Regex(r"\s"), "removed")),
        {c for c in CODE_POINTS if clean.normalize_str("a" + chr(c) + "b") == "ab"},
        matching(pre_tokenizers.Punctuation("removed")),
        {c for c in CODE_POINTS if c not in nfd and strip.normalize_str("a" + chr(c)) == "a"},
        {c for c in CODE_POINTS if normalizers.StripAccents().normalize_str("a" + chr(c)) == "a"},
        {c for c in CODE_POINTS if len(digits.pre_tokenize_str("a" + chr(c))) == 2},
        {c for c in CODE_POINTS if [len(p) for p, _ in words.pre_tokenize_str("a" + chr(c))] == [2]},
        set(lower) | {0x130},
        set(classes) | set(nfc) | seconds,
        set(classes) | set(nfd),
        set(classes) | set(nfkd),
    ]
    properties = category[:]
    for bit, members in enumerate(flags):
        for c in members:
            properties[c] |= 1 << (5 + bit)
    blocks, index = {}, []
    for start in range(0, 0x110000, 128):
        index.append(blocks.setdefault(tuple(properties[start:start + 128]), len(blocks)))
    print("// Written by make_unicode_tables.py; not edited by hand.\n// clang-format off\n")
    print(f"constexpr uint16_t kBlockOf[] = {{\n{rows(index)}}};\n")
    print(f"constexpr uint16_t kBlocks[][128] = {{\n" + ",\n".join(f"{{{rows(b)}}}" for b in blocks) + "};\n")
    classes = sorted(classes.items())
    print("constexpr CombiningClass kCombiningClasses[] = {\n"
          + ",\n".join(",".join(f"{{0x{c:x},{k}}}" for c, k in classes[i:i + 8]) for i in range(0, len(classes), 8)) + "};\n")
    pairs = sorted(pairs.items())
    print("constexpr Composition kCompositions[] = {\n"
          + ",\n".join(",".join(f"{{0x{a:x},0x{b:x},0x{c:x}}}" for (a, b), c in pairs[i:i + 6]) for i in range(0, len(pairs), 6)) + "};\n")
    previous, following = graphemes()
    range_table("kJoinsPrevious", previous)
    range_table("kJoinsNext", following)
    newer = [f"{{0x{a:x},0x{b:x},{k}}}" for a, b, k in newer_characters(category)]
    print("constexpr CategoryRange kNewer[] = {\n" + ",\n".join(",".join(newer[i:i + 6]) for i in range(0, len(newer), 6)) + "};\n")
    lower = sorted((c, ord(r)) for c, r in lower.items())
    print("constexpr Lowercase kLowercase[] = {\n"
          + ",\n".join(",".join(f"{{0x{c:x},0x{r:x}}}" for c, r in lower[i:i + 8]) for i in range(0, len(lower), 8)) + "};\n")
    pool = mapping_table("kCanonical", {c: t for c, t in nfd.items() if c not in HANGUL}, "")
    pool = mapping_table("kCompatibility", {c: t for c, t in nfkd.items() if c not in HANGUL and nfd.get(c) != t}, pool)
    print(f"constexpr char32_t kMappingPool[] = {{\n{rows(f'0x{ord(c):x}' for c in pool)}}};")


main()
