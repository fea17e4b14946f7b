"""Chat templates through `vecton tokenize` and transformers: the same prompts, and errors where it has errors.

    pip install transformers jinja2 && VECTON=build/release/vecton python tests/python/chat_template_differential_test.py

Templates are those of tests/chat/templates, one a line, and random ones made of the same parts.
"""
import copy
import json
import os
import pathlib
import random
import subprocess
import unittest
import warnings

try:
    from transformers.utils import chat_template_utils
except ImportError:
    chat_template_utils = None

from reference import PROGRAM as VECTON, ROOT

TEMPLATES = ROOT / "tests/chat/templates"
COUNT = int(os.environ.get("VECTON_DIFFERENTIAL_TEMPLATES", "2000"))
MODEL = next(iter(sorted((ROOT / "tests/golden").glob("tok-gpt2/model"))), None)

VARIABLES = json.loads((TEMPLATES / "variables.json").read_text("utf8"))
MESSAGES = VARIABLES.pop("messages")
# What Vecton refuses, or prints otherwise, on purpose (docs/CHAT_TEMPLATES.md).
REFUSED = ("more than 127 bits", "complex numbers", "is not supported", "is no character", "more than 1000 digits")

ATOMS = """n f s e l d t z u users nested neg html multi x messages 0 1 2 -1 3.5 'a' 'Hello' '' [] {} none true false (1,2) [1,2,3]
 ['b','A','c'] {'a':1} range(4) '42' 1e3 d.a users[0] messages[0] [none,1,'x'] 'é' keyed""".split()
FILTERS = """abs batch(2) capitalize center(8) count d('q') default('q',true) dictsort e escape first float format(1) forceescape
 groupby('age') indent indent(2,true) int int(5) join join(',') last length list lower items map('upper') map(attribute='name')
 map('length') map('string') min max reject('none') reject rejectattr('age') replace('a','b') replace('l','',1) reverse round round(1)
 round(1,'floor') safe select select('string') select('number') selectattr('age','gt',26) selectattr('name') slice(2) sort
 sort(reverse=true) sort(attribute='age') string striptags sum sum(attribute='age') title tojson tojson(indent=2)
 tojson(sort_keys=true) trim trim('H') truncate(5) unique upper urlencode wordcount xmlattr filesizeformat""".split()
PARTS = """.upper() .lower() .title() .strip() .split() .split(',') .split('l',1) .splitlines() .replace('l','L') .startswith('H')
 .endswith(('a','d')) .find('l') .count('l') .join(['x','y']) .items() .keys() .values() .get('a') .index(1) .format(1,2) .isdigit()
 .isupper() .center(9,'*') .zfill(4) .partition('l') .swapcase() .name .role .a .b .0 [0] [-1] ['a'] ['name'] [n] .append(1) .pop()
 .copy() .zzz""".split()
SLICES = "[1:] [:-1] [::-1] [::2] [1:3] [-2:]".split()
TESTS = """defined undefined none string number integer float boolean true false odd even mapping sequence iterable lower upper callable
 escaped eq(1) ne('a') gt(2) lt(5) in([1,'a']) divisibleby(2) sameas(none) equalto('Hello')""".split()
OPERATORS = "+ - * / // % ** ~ == != < > <= >= and or in".split() + ["not in"]
NAMES = ["a", "b", "n", "q", "i"]
TAGS = ["a", " ", "\n", "  ", "\t", "\n\n", "{% if n %}", "{%- if n %}", "{% if n -%}", "{%+ if n %}", "{{ n }}", "{{- n }}",
        "{{ n -}}", "{# c #}", "{#- c #}", "{# c -#}", "{#+ c #}", "{# c +#}", "{% raw %}", "{%- raw %}", "{% raw -%}",
        "{% set x = 1 %}", "{% for i in [1,2] %}", "{% for i in [1,2] -%}", "\r\n", "\u00a0", "{{ '\n' }}", "b", "\u2028", "\x0b"]


def expression(r, depth):
    if depth <= 0 or r.random() < 0.15:
        return r.choice(ATOMS)
    part = lambda: expression(r, depth - 1)
    return r.choice([
        lambda: part() + "|" + r.choice(FILTERS),
        lambda: part() + "|" + r.choice(FILTERS),
        lambda: "(" + part() + ")" + r.choice(PARTS),
        lambda: r.choice(["s", "l", "u", "users", "multi", "messages"]) + r.choice(SLICES),
        lambda: part() + " " + r.choice(OPERATORS) + " " + part(),
        lambda: part() + " " + r.choice(OPERATORS) + " " + part(),
        lambda: part() + " is " + r.choice(["", "not "]) + r.choice(TESTS),
        lambda: r.choice(["not ", "-"]) + part(),
        lambda: part() + " if " + part() + r.choice(["", " else " + part()]),
        lambda: "(" + part() + ")",
        lambda: "[" + ", ".join(part() for _ in range(r.randrange(3))) + "]",
        lambda: "{" + ", ".join(r.choice(["'a'", "1", "none"]) + ": " + part() for _ in range(r.randrange(3))) + "}",
    ])()


def statements(r, depth):
    e = lambda: expression(r, r.randrange(3))
    name = lambda: r.choice(NAMES)
    body = lambda: statements(r, depth - 1) if depth > 0 else "{{ " + name() + " }}"
    return "".join(r.choice([
        lambda: "{{ " + name() + " }}",
        lambda: "{{ " + e() + " }}",
        lambda: f"{{% set {name()} = {r.choice([e(), name() + ' ~ 1'])} %}}",
        lambda: f"{{% if {e()} %}}{body()}{r.choice(['', '{% else %}' + body()])}{{% endif %}}",
        lambda: f"{{% for {name()} in {r.choice(['l', 's', 'd', 'nested', e()])}{r.choice(['', ' if ' + name()])} %}}{body()}"
                f"{r.choice(['', '{% if ' + name() + ' %}{% break %}{% endif %}', '{{ loop.index }}{{ loop.last }}'])}"
                f"{r.choice(['', '{% else %}' + body()])}{{% endfor %}}",
        lambda: f"{{% macro m({r.choice(['', 'a', 'a, b=1', 'a=n', 'q, i=q'])}) %}}{body()}{{% endmacro %}}{{{{ m({r.choice(['', '1', 'a=5'])}) }}}}",
        lambda: f"{{% set {name()} %}}{body()}{{% endset %}}",
        lambda: f"{{% filter {r.choice(['upper', 'trim', 'indent'])} %}}{body()}{{% endfilter %}}",
        lambda: f"{{% with {name()} = {e()} %}}{body()}{{% endwith %}}",
        lambda: "{% generation %}" + body() + "{% endgeneration %}",
        lambda: r.choice([" ", "\n", "t"]),
    ])() for _ in range(r.randrange(1, 4)))


def whitespace(r):
    parts, ends = [], []
    for _ in range(r.randrange(2, 12)):
        if ends and r.random() < 0.3:
            parts.append(r.choice(["{% ", "{%- ", "{%+ "]) + ends.pop() + r.choice([" %}", " -%}", " +%}"]))
            continue
        parts.append(r.choice(TAGS))
        for word in ("raw", "if", "for"):
            if f" {word} " in parts[-1]:
                ends.append("end" + word)
    return "".join(parts + ["{% " + end + " %}" for end in reversed(ends)])


def reference(template):
    try:
        compiled = chat_template_utils._cached_compile_jinja_template(template)
        return compiled.render(messages=copy.deepcopy(MESSAGES), tools=None, documents=None, add_generation_prompt=False,
                               **copy.deepcopy(VARIABLES))
    except Exception:
        return None


def comparable(prompt):
    """Addresses of Python's objects differ from run to run; lone surrogates are no text."""
    return " at 0x" not in prompt.lower() and "object" not in prompt.lower() \
        and not any(0xD800 <= ord(c) <= 0xDFFF for c in prompt)


def ask(templates):
    """The prompts, up to the first template that has none; and what was said about it."""
    lines = "".join(json.dumps({"messages": MESSAGES, "chat_template": t, "chat_template_kwargs": VARIABLES}) + "\n" for t in templates)
    answer = subprocess.run([VECTON, "tokenize", str(MODEL), "--json"], input=lines.encode(), capture_output=True)
    return [json.loads(line)["prompt"] for line in answer.stdout.decode().split("\n") if line], answer.stderr.decode()


@unittest.skipIf(chat_template_utils is None, "transformers is not installed")
@unittest.skipUnless(VECTON and pathlib.Path(VECTON).exists(), "no program vecton: build it, or set VECTON")
@unittest.skipIf(MODEL is None, "no tokenizer in tests/golden")
class ChatTemplateDifferentialTest(unittest.TestCase):
    def compare(self, templates):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = [(t, reference(t)) for t in templates]
        fine = [(t, w) for t, w in wanted if w is not None and comparable(w)]
        at = 0
        while at < len(fine):
            prompts, error = ask([t for t, _ in fine[at:]])
            for (t, w), prompt in zip(fine[at:], prompts):
                self.assertEqual(prompt, w, repr(t))
            at += len(prompts)
            if at < len(fine):
                self.assertTrue(any(word in error for word in REFUSED), f"{fine[at]!r}\n{error}")
                at += 1
        wrong = [t for t, w in wanted if w is None]
        for t in random.Random(1).sample(wrong, min(len(wrong), 50)):
            prompts, error = ask([t])
            self.assertEqual(prompts, [], repr(t))
            self.assertIn("chat template", error)

    def test_expressions(self):
        lines = (TEMPLATES / "expressions.txt").read_text("utf8").split("\n")
        self.compare(["{{ " + line + " }}" for line in lines if line])

    def test_statements(self):
        self.compare([line for line in (TEMPLATES / "statements.txt").read_text("utf8").split("\n") if line])

    def test_random_expressions(self):
        r = random.Random("expressions")
        self.compare(["{{ " + expression(r, r.randrange(1, 5)) + " }}" for _ in range(COUNT)])

    def test_random_statements(self):
        r = random.Random("statements")
        self.compare([statements(r, r.randrange(4)) for _ in range(COUNT)])

    def test_whitespace(self):
        r = random.Random("whitespace")
        self.compare([whitespace(r) for _ in range(COUNT)])


if __name__ == "__main__":
    unittest.main()
