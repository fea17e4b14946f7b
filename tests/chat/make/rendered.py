"""Renders the templates of tests/chat/templates as transformers does and writes tests/chat/rendered/*.json for template_table_test.

    pip install transformers jinja2 && python tests/chat/make/rendered.py

A line of NAME.txt is an expression where NAME begins with "expression", else a template. In NAME.jinja templates of several lines
stand between lines of "=====". A file's own variables are those of templates/NAME.json, if there is one, else variables.json.
"""
import copy
import json
import pathlib
import re
import warnings

from transformers.utils import chat_template_utils

TESTS = pathlib.Path(__file__).resolve().parents[1]
# Python's objects print where they live in memory, and the same text cannot come twice; lone surrogates are no UTF-8.
CHANGING = re.compile(r" at 0x|\bobject\b|[\ud800-\udfff]", re.I)


def templates(file):
    text = file.read_text("utf8")
    if file.suffix == ".jinja":
        return text.removesuffix("\n").split("\n=====\n")
    lines = [line for line in text.split("\n") if line]
    return ["{{ " + line + " }}" for line in lines] if file.stem.startswith("expression") else lines


def render(template, given):
    given = copy.deepcopy(given)
    given = {"messages": [], "tools": None, "documents": None, "add_generation_prompt": False, **given}
    try:
        return {"prompt": chat_template_utils._cached_compile_jinja_template(template).render(**given)}
    except Exception as error:
        return {"error": str(error)}


def main():
    warnings.simplefilter("ignore")
    for file in sorted((TESTS / "templates").iterdir()):
        if file.suffix == ".json":
            continue
        own = file.with_suffix(".json")
        given = json.loads((own if own.exists() else TESTS / "templates/variables.json").read_text("utf8"))
        cases = [{"template": t, **render(t, given)} for t in templates(file)]
        cases = [{"template": c["template"], "changing": True} if CHANGING.search(c.get("prompt", "")) else c for c in cases]
        lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
        (TESTS / "rendered" / (file.stem + ".json")).write_text("[\n" + lines + "\n]\n", "utf8")


if __name__ == "__main__":
    main()
