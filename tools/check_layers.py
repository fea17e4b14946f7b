#!/usr/bin/env python3
"""Fails when a folder of src/ includes one that it must not (data goes down the list once and comes up once), or when a header
declares what does not lie in its folder's namespace."""
import pathlib
import re
import sys

# Each folder may include itself, base and the public headers, and these.
MAY_INCLUDE = {
    "base": [],
    "tensor": [],
    "ops": ["tensor"],
    "backend/host": ["tensor"],
    "backend/ref": ["backend/host", "ops", "tensor"],
    "backend/cpu": ["backend/host", "ops", "tensor"],
    "backend/mlx": ["backend/host", "ops", "tensor"],
    "backend": ["backend/ref", "backend/cpu", "backend/mlx", "ops", "tensor"],  # the registry alone names all members
    "quantise": ["backend/cpu", "tensor"],  # of backend/cpu: for which instruction sets kernels are compiled
    "gguf": [],
    "checkpoint": ["quantise", "ops", "tensor", "gguf"],
    "convert": ["models", "checkpoint", "tokenizer", "quantise", "gguf", "backend/host", "tensor"],
    "grammar": [],
    "tokenizer": ["gguf"],
    "chat": ["gguf"],
    "media": ["tensor", "checkpoint", "backend/cpu"],  # of backend/cpu: for which instruction sets kernels are compiled
    "nn": ["ops", "tensor", "checkpoint"],
    "models": ["nn", "ops", "tensor", "checkpoint"],
    "heads": ["ops", "tensor", "checkpoint"],
    "generation": ["grammar", "tokenizer", "checkpoint"],
    "engine": ["convert", "models", "heads", "generation", "media", "tokenizer", "chat", "checkpoint", "gguf", "backend", "ops",
               "tensor"],
    "parsers": [],
    "server": ["parsers"],  # what these two lack in include/vecton is a missing interface
    "cli": ["parsers"],
}
# Single headers that a folder may include beside these: what the program has and the library's users do not.
MAY_INCLUDE_HEADERS = {
    "server": ["backend/machine.h", "engine/best_of.h", "engine/prompts.h",
               "backend/cpu/isa.h", "backend/cpu/targets.h"],  # for which instruction sets kernels are compiled
    "cli": ["backend/machine.h", "convert/convert.h", "engine/best_of.h", "engine/sources.h", "media/decode.h", "media/picture.h", "media/resample.h",
            "media/source.h", "server/server.h"],
    "python": ["backend/machine.h", "engine/best_of.h", "parsers/answer_parser.h", "parsers/call_id.h", "parsers/content_beginning.h", "parsers/forced_calls.h",
               "parsers/markers.h"],
}
# A folder's namespace has its name; these have others beside it.
MORE_NAMESPACES = {"backend": ["cpu", "host"], "checkpoint": ["hub"], "base": ["utf8", "unicode"]}
NAMESPACE = re.compile(r"^namespace vecton((?:::\w+)*) \{\n(.*?)^\}  // namespace vecton\1$", re.M | re.S)
# What may stand in another namespace: names that are only announced, and other names of the same thing.
ANNOUNCED = re.compile(r"\s*(//.*|(class|struct) \w+;.*|using [\w:]+;.*|namespace \w+ = [\w:]+;.*|template <.*|)")
ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def folder_of(path):
    return next((f for f in sorted(MAY_INCLUDE, key=len, reverse=True) if path.startswith(f + "/")), None)


def strange_namespaces(path, text):
    folder = path.split("/")[0]
    known = [folder, "testing", *MORE_NAMESPACES.get(folder, [])]
    for name, block in NAMESPACE.findall(text):
        parts = name.split("::")[1:]
        if parts and any(parts[0] == k or parts[0].startswith("testing_") for k in known):
            continue
        if not name and re.match(r"\s*(class|struct) \w+::\w+ ", block):
            continue  # a part of a public class
        if not all(ANNOUNCED.fullmatch(line) for line in block.splitlines()):
            yield f"src/{path}: declares in vecton{name}; this folder's namespace is vecton::{folder}"


def main():
    wrong = []
    for file in sorted((ROOT / "src").rglob("*.[hc]*")):
        if file.suffix == ".h":
            wrong += strange_namespaces(file.relative_to(ROOT / "src").as_posix(), file.read_text())
        if file.suffix not in (".h", ".cpp", ".cc") or file.name.endswith("_test.cpp"):
            continue
        path = file.relative_to(ROOT / "src").as_posix()
        folder = folder_of(path)
        if folder is None:
            wrong.append(f"src/{path}: a folder that tools/check_layers.py does not know")
            continue
        allowed = {folder, "base", *MAY_INCLUDE[folder]}
        for target in INCLUDE.findall(file.read_text()):
            if target.startswith("vecton/"):
                continue
            if folder_of(target) not in allowed and target not in MAY_INCLUDE_HEADERS.get(folder, []):
                wrong.append(f"src/{path}: {folder} must not include {target}")
        if path.startswith("models/") and re.search(r"\bDType\b|\bThreadPool\b|\bTokenizer\b|\bTask\b", file.read_text()):
            wrong.append(f"src/{path}: a family knows no dtype, thread, tokenizer or task")
    own = ROOT / "python" / "src"
    for file in sorted(own.glob("*.[hc]*")):
        for target in INCLUDE.findall(file.read_text()):
            if target in MAY_INCLUDE_HEADERS["python"] or target.startswith("vecton/"):
                continue
            if not (own / target).exists():
                wrong.append(f"python/src/{file.name}: the Python module must not include {target}")
    print("\n".join(wrong) if wrong else "layers: fine")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
