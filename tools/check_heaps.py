#!/usr/bin/env python3
"""check_heaps.py [ROOT]: fails when two files of a folder give one name of an unnamed namespace two meanings, because the release
build compiles the files of a folder in heaps (VECTON_UNITY), where the second is an error or, worse, hides the first.

Heaps are made from the files in order, so that any two may meet. Functions may share a name where their parameters differ, and
an alias may be repeated. Files with kernels stand alone (their HWY_NAMESPACE). For the same reason nothing in an unnamed namespace
has the name of a type that headers declare around it or a file brings there by a using-declaration.
"""
import collections
import pathlib
import re
import sys

from check_odr import NAMESPACE, NOT_CODE, TYPE, definitions

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
TEMPLATE = re.compile(r"\btemplate\s*<(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*>")
ALIAS = re.compile(r"\busing\s+(\w+)\s*=\s*(.*)", re.S)
FUNCTION = re.compile(r"([A-Za-z_]\w*)\s*\(")
VARIABLE = re.compile(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*=")
LAST_NAME = re.compile(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*$")


def parameters_of(text):
    """The types of a list that begins after its parenthesis."""
    depth, parts = 0, [""]
    for c in text:
        if c in "([{<":
            depth += 1
        elif c in ")]}>":
            if depth == 0:
                break
            depth -= 1
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return ", ".join(re.sub(r"(?<=[\s&*>])[a-z]\w*$", "", part.strip()).strip() for part in parts)


def names_of(head, opens):
    """(name, meaning) of a declaration; equal meanings may stand side by side."""
    head = re.sub(r"\[\[.*?\]\]", " ", TEMPLATE.sub(" ", head)).strip()
    alias, kind = ALIAS.search(head), TYPE.search(head)
    if alias:
        return [(alias.group(1), " ".join(alias.group(2).split()))]
    if kind and "(" not in head[kind.start():]:
        return [(kind.group(1), None)] if opens else []
    if not head or head.startswith(("using ", "namespace ", "static_assert", "friend ", "extern ", "return")):
        return []
    before = head.split("=", 1)[0]
    function = FUNCTION.search(before)
    if function and function.group(1) not in ("alignas", "decltype"):
        return [(f"{function.group(1)}({parameters_of(before[function.end():])})", None)]
    depths = re.sub(r"<(?:[^<>]|<[^<>]*>)*>", " ", head)
    return [(name, None) for name in (VARIABLE if "=" in depths else LAST_NAME).findall(depths)]


def hidden_names(text):
    """(full name, meaning, offset) of what a file defines in unnamed namespaces, and of its aliases elsewhere."""
    code = NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), text)
    scopes, depth, start = [], 0, 0
    for found in re.finditer(r"[{};]", code):
        head, mark = code[start:found.start()], found.group(0)
        if mark == "{" and depth == 0:
            namespace = NAMESPACE.search(head)
            if namespace:
                scopes.append(namespace.group(2) or "")
                start = found.end()
                continue
        hidden = "" in scopes or ALIAS.match(head.strip())
        if depth == 0 and hidden and "HWY_NAMESPACE" not in "::".join(scopes) and mark != "}":
            for name, meaning in names_of(head, mark == "{"):
                yield "::".join([*(scope for scope in scopes if scope), name]), meaning, start + len(head) - len(head.lstrip())
        if mark == "{":
            depth += 1
        elif mark == "}":
            if depth:
                depth -= 1
            elif scopes:
                scopes.pop()
        start = found.end()


def seen_types():
    """simple name -> namespaces in which such a type is seen."""
    types = collections.defaultdict(set)
    for file in (file for folder in ("include", "src") for file in (ROOT / folder).rglob("*.*") if file.suffix in (".h", ".cpp")):
        text = file.read_text("utf8")
        for name, _ in definitions(text) if file.suffix == ".h" else []:
            types[name.rpartition("::")[2]].add(name.rpartition("::")[0])
        space = re.search(r"^namespace ([\w:]+) \{", text, re.M)
        brought = r"^using [\w:]+::(\w+);" if file.suffix == ".cpp" else r"^using (?:[\w:]+::(?=\w+;))?(\w+)(?:;| =)"
        for name in re.findall(brought, text, re.M):
            types[name].add(space.group(1) if space else "")
    return types


def main():
    wrong = count = 0
    types = seen_types()
    for folder in sorted({file.parent for file in (ROOT / "src").rglob("*.cpp")}):
        places = collections.defaultdict(dict)
        for file in sorted(folder.glob("*.cpp")):
            if file.name.endswith("_test.cpp"):
                continue
            text = file.read_text("utf8")
            for name, meaning, offset in hidden_names(text):
                space, _, simple = name.rpartition("::")
                around = {"::".join(space.split("::")[:n + 1]) for n in range(len(space.split("::")))}
                hidden = sorted(around & types.get(simple, set()))
                if hidden:
                    wrong += 1
                    print(f"{name} of {file.relative_to(ROOT)} hides {hidden[-1]}::{simple}")
                places[name].setdefault(file, (meaning, f"{file.relative_to(ROOT)}:{text.count(chr(10), 0, offset) + 1}"))
        count += len(places)
        for name, found in sorted(places.items()):
            meanings = [meaning for meaning, _ in found.values()]
            if len(found) > 1 and (None in meanings or len(set(meanings)) > 1):
                wrong += 1
                print(f"{name} is defined in {' and '.join(place for _, place in found.values())}")
    print(f"one meaning of each of {count} names in unnamed namespaces" if not wrong else
          f"{wrong} names of unnamed namespaces have several meanings where they are seen")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
