#!/usr/bin/env python3
"""Writes unicode_tables.inc: what every code point is to a method of Python's str.

    python make_unicode_tables.py > unicode_tables.inc

The answers are read off the methods themselves, so that templates see what they see in Python.
"""
import unicodedata

BLOCK = 128
FLAGS = ["Alpha", "Decimal", "Digit", "Numeric", "Space", "Printable", "Lower", "Upper", "Title", "Cased", "Ignorable", "Start",
         "Continue"]


def flags(c):
    x = chr(c)
    cased = (x + "A").title().endswith("a")
    ends = (x + "\u03a3").lower().endswith("\u03c2") if cased else ("A" + x + "\u03a3").lower().endswith("\u03c2")
    held = [x.isalpha(), x.isdecimal(), x.isdigit(), x.isnumeric(), x.isspace(), x.isprintable(), x.islower(), x.isupper(),
            unicodedata.category(x) == "Lt", cased, ends != cased, x.isidentifier(), ("a" + x).isidentifier()]
    return sum(1 << i for i, holds in enumerate(held) if holds)


def simple(c, text):
    return ord(text) - c if len(text) == 1 else 0


def rows(values, width=24):
    return "".join(",".join(map(str, values[i : i + width])) + ",\n" for i in range(0, len(values), width))


def sequences(name, items):
    body = "".join(f"{{0x{c:X}, \"{''.join(f'{chr(92)}x{b:02x}' for b in text.encode())}\"}},\n" for c, text in items)
    return f"constexpr Special {name}[] = {{\n{body}}};\n\n"


def main():
    records, index, blocks, block_of = [], {}, [], []
    upper, lower, title, fold = [], [], [], []
    for start in range(0, 0x110000, BLOCK):
        block = []
        for c in range(start, start + BLOCK):
            if 0xD800 <= c <= 0xDFFF:
                record = (0, 0, 0, 0)
            else:
                x = chr(c)
                record = (flags(c), simple(c, x.upper()), simple(c, x.lower()), simple(c, x.title()))
                for table, text in ((upper, x.upper()), (lower, x.lower()), (title, x.title())):
                    if len(text) > 1:
                        table.append((c, text))
                if x.casefold() != x.lower():
                    fold.append((c, x.casefold()))
            if record not in index:
                index[record] = len(records)
                records.append(record)
            block.append(index[record])
        if block not in blocks:
            blocks.append(block)
        block_of.append(blocks.index(block))
    print("// Written by make_unicode_tables.py; not edited by hand.\n// clang-format off\n")
    print(f"constexpr uint32_t kBlock = {BLOCK};")
    for i, name in enumerate(FLAGS):
        print(f"constexpr uint16_t k{name} = {1 << i};")
    print("\nconstexpr Record kRecords[] = {\n" + "".join(f"{{{', '.join(map(str, r))}}},\n" for r in records) + "};\n")
    print("constexpr uint16_t kBlockOf[] = {\n" + rows(block_of) + "};\n")
    print("constexpr uint16_t kRecordOf[] = {\n" + rows([r for block in blocks for r in block]) + "};\n")
    print(sequences("kUpperSpecial", upper) + sequences("kLowerSpecial", lower) + sequences("kTitleSpecial", title)
          + sequences("kFoldSpecial", fold), end="")


if __name__ == "__main__":
    main()
