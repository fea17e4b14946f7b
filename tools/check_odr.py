#!/usr/bin/env python3
"""check_odr.py [ROOT]: fails when two files define a type of the same full name, because the linker takes one of them for both
(the one-definition rule).

What a link with -flto -Wodr finds, without the link: types at namespace scope outside of anonymous namespaces, over all programs.
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
FOLDERS = ("include", "src", "python", "tests", "bench", "fuzz")
PROGRAMS = ("tests", "bench", "fuzz")  # each folder below is a program of its own
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|^[ \t]*#(?:\\\n|[^\n])*', re.S | re.M)
TYPE = re.compile(r"(?:^|[\s>])(?:class|struct|union|enum(?:\s+(?:class|struct))?)\s+(?:\[\[[^\]]*\]\]\s*)?(?:[A-Z_]+\s+)*([A-Za-z_][\w:]*)"
                  r"(?:\s+final)?\s*(?::(?!:)[^;]*)?$", re.S)
NAMESPACE = re.compile(r"(?:^|\s)(inline\s+)?namespace(?:\s+([\w:]+))?\s*$")


def definitions(text):
    """(full name, offset) of every type defined at namespace scope."""
    code = NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), text)
    scopes, depth, start = [], 0, 0  # names of the open namespaces; braces inside of them; where the statement starts
    for found in re.finditer(r"[{};]", code):
        head, mark = code[start:found.start()], found.group(0)
        start = found.end()
        if mark == "{":
            namespace = NAMESPACE.search(head) if depth == 0 else None
            if namespace:
                scopes.append(namespace.group(2) or "")
                continue
            kind = TYPE.search(head) if depth == 0 else None
            # `struct A f() {` defines a function, `template <> struct A<int> {` a type of another name.
            if kind and "" not in scopes and "(" not in head[kind.start():] and "HWY_NAMESPACE" not in "".join(scopes):
                yield "::".join([*scopes, kind.group(1)]), start
            depth += 1
        elif mark == "}":
            if depth:
                depth -= 1
            elif scopes:
                scopes.pop()


def program_of(path):
    return "/".join(path.parts[:2]) if path.parts[0] in PROGRAMS else ""


def main():
    places = collections.defaultdict(list)
    for file in sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.suffix in (".h", ".cpp", ".cc")):
        path, text = file.relative_to(ROOT), file.read_text("utf8")
        for name, offset in definitions(text):
            places[name].append((program_of(path), f"{path}:{text.count(chr(10), 0, offset) + 1}"))
    wrong = 0
    for name, found in sorted(places.items()):
        programs = [program for program, _ in found]
        together = [place for program, place in found if not program or programs.count(program) > 1 or "" in programs]
        if len(together) > 1:
            wrong += 1
            print(f"{name} is defined in {' and '.join(together)}")
    print(f"one definition of each of {len(places)} types" if not wrong else f"{wrong} types have several definitions")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
