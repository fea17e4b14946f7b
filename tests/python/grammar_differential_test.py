"""JSON schemas, expressions and grammars through `grammar_lines`: exactly the documents that jsonschema, re, xgrammar and llguidance take.

    pip install jsonschema llguidance xgrammar
    cmake --build --preset dev --target grammar_lines && python tests/python/grammar_differential_test.py

Schemas are random; documents are made to satisfy them, then changed at random places, and jsonschema says which are valid. Others are written in random
tokens that the masks allow: all of them have to be valid, and none may come to where nothing can follow.
"""
import copy
import json
import os
import pathlib
import random
import re
import subprocess
import unittest

try:
    import jsonschema
except ImportError:
    jsonschema = None
try:
    import llguidance
except ImportError:
    llguidance = None
try:
    import xgrammar
    import xgrammar.testing
except ImportError:
    xgrammar = None

from reference import ROOT, program

LINES = program("GRAMMAR_LINES", "bench", "grammar", "grammar_lines")
COUNT = int(os.environ.get("VECTON_DIFFERENTIAL_SCHEMAS", "2000"))
SEED = int(os.environ.get("VECTON_DIFFERENTIAL_SEED", "1"))
TOKENIZERS = ["tok-qwen2", "tok-gpt2", "tok-llama3", "tok-gemma", "tok-phi3", "tok-tekken"]

NAMES = ["a", "b", "name", "id", "é", "x-1", "x-y", "na", "a b", 'q"', "back\\", "kind", "items", "type", "\n", "日本", "😀"]
WORDS = ["", "a", "abc", "hello world", "é", "日本語", "😀", 'say "hi"', "back\\slash", "tab\t", "new\nline", "x" * 40, "A1", "12", "foo-bar", "/", "\u007f"]
# A pattern, texts that match and texts that do not.
PATTERNS = [("^[a-z]+$", ["abc", "x"], ["", "A", "a1"]), ("[0-9]", ["a1", "1"], ["a", ""]), ("^a|b$", ["a", "xb", "ax"], ["xa", "bx"]),
            ("^(foo|bar)+$", ["foo", "foobar"], ["fo", ""]), (r"^\d{3}-\d{4}$", ["123-4567"], ["123-456"]), ("^.{2,4}$", ["ab", "日本", "😀😀"], ["a", "abcde"]),
            ("^[^a-c]*$", ["xyz", "", 'q"q'], ["b"]), (r"^\S+$", ["x", "é"], ["a b", ""]), ("a.c", ["abc", "xa-cx"], ["ac", "a\nc"]),
            (r"^(?=.*[A-Z])(?=.*\d).{3,}$", ["aA1", "1xA"], ["aA", "aa1"]), (r"^(?!foo)\w+$", ["bar", "fo"], ["foo", "foobar"]),
            (r'^"[^"\\]*"$', ['"x"', '""'], ['"', "x"]), (r"^\\?$", ["", "\\"], ["x"]), ("^(a?){3}$", ["", "aa"], ["aaaa"]), (r"^[\w.+-]+@[\w-]+\.[a-z]{2,}$", ["a.b@c.de"], ["a@b", "@c.de"])]


def has_pattern(validator, pattern, instance, schema):
    """As ECMA-262 reads it: \\w is ASCII, $ the end."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance, re.ASCII):
        yield jsonschema.ValidationError("no match")


Validator = jsonschema and jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": has_pattern})


def text(r):
    return r.choice(WORDS) if r.random() < 0.8 else "".join(chr(r.choice([r.randrange(32, 127), r.randrange(0xA1, 0x2FF), r.randrange(0x4E00, 0x4F00)])) for _ in range(r.randrange(6)))


def scalar(r):
    return r.choice([lambda: r.choice([True, False]), lambda: None, lambda: r.randrange(-20, 20), lambda: r.randrange(-300, 300) / 4 + 0.125, lambda: text(r)])()


def any_value(r, depth=2):
    if depth == 0 or r.random() < 0.6:
        return scalar(r)
    if r.random() < 0.5:
        return [any_value(r, depth - 1) for _ in range(r.randrange(3))]
    return {n: any_value(r, depth - 1) for n in r.sample(NAMES, r.randrange(3))}


class Schemas:
    """Random schemas, and values that are meant to satisfy them."""

    def __init__(self, r):
        self.r, self.definitions = r, {}

    def schema(self, depth):
        r = self.r
        kinds = [self.string, self.integer, self.number, self.enumeration, self.simple, self.string, self.integer]
        if depth > 0:
            kinds += [self.object, self.object, self.object, self.array, self.array, self.any_of, self.all_of, self.one_of, self.reference, self.conditional, self.negative]
        made = r.choice(kinds)(depth)
        if r.random() < 0.05 and isinstance(made, dict):
            made = {**made, "description": "any", "x-mine": {"type": "nothing"}, "title": "T", "examples": [1]}
        return made

    def simple(self, depth):
        return self.r.choice([{"type": "boolean"}, {"type": "null"}, True, {}, {"type": ["string", "null"]}, {"type": ["integer", "boolean", "null"]}, {"type": "object"}, {"type": "array"}])

    def string(self, depth):
        r, s = self.r, {"type": "string"}
        kind = r.random()
        if kind < 0.3:
            s["minLength"] = r.randrange(4)
        if 0.2 < kind < 0.5:
            s["maxLength"] = s.get("minLength", 0) + r.randrange(6)
        if kind > 0.7:
            s["pattern"] = r.choice(PATTERNS)[0]
        if kind > 0.9:
            s["maxLength"] = r.randrange(3, 8)
        return s

    def integer(self, depth):
        return self.bounds({"type": "integer"}, lambda: self.r.choice([0, 1, -1, 9, 10, 99, 100, 255, self.r.randrange(-1000, 1000)]), [2, 3, 5, 10])

    def number(self, depth):
        return self.bounds({"type": "number"}, lambda: self.r.choice([0, 1, -1, 0.5, -0.25, 10, 99.5, 0.125, self.r.randrange(-1000, 1000) / 8]), [0.5, 0.25, 2])

    def bounds(self, s, value, divisors):
        r = self.r
        if r.random() < 0.5:
            s[r.choice(["minimum", "exclusiveMinimum"])] = value()
        if r.random() < 0.5:
            low = s.get("minimum", s.get("exclusiveMinimum", value()))
            s[r.choice(["maximum", "exclusiveMaximum"])] = low + abs(value()) if r.random() < 0.9 else value()
        if r.random() < 0.15:
            s["multipleOf"] = r.choice(divisors)
        return s

    def enumeration(self, depth):
        r = self.r
        values = [any_value(r, 1) for _ in range(r.randrange(1, 5))]
        s = {"const": values[0]} if r.random() < 0.3 else {"enum": values}
        if r.random() < 0.2:
            s["type"] = r.choice(["string", "integer", ["string", "number", "null"]])
        return s

    def object(self, depth):
        r = self.r
        s = {"type": "object"} if r.random() < 0.9 else {}
        names = r.sample(NAMES, r.randrange(5))
        if names or r.random() < 0.5:
            s["properties"] = {n: self.schema(depth - 1) for n in names}
        if names and r.random() < 0.7:
            s["required"] = r.sample(names, r.randrange(len(names) + 1)) + (["other"] if r.random() < 0.1 else [])
        if r.random() < 0.6:
            s["additionalProperties"] = r.choice([False, False, True, self.schema(0)])
        if r.random() < 0.15:
            s["patternProperties"] = {p: self.schema(0) for p in r.sample(["^x-", "a", "^id$", "[0-9]$"], r.randrange(1, 3))}
        if r.random() < 0.1:
            s["minProperties"] = r.randrange(4)
        if r.random() < 0.1:
            s["maxProperties"] = r.randrange(1, 5)
        if r.random() < 0.08:
            s["propertyNames"] = r.choice([{"pattern": "^[a-z -]+$"}, {"maxLength": 3}, {"enum": NAMES[:6]}])
        if len(names) > 1 and r.random() < 0.1:
            s["dependentRequired"] = {names[0]: [names[1]]}
        return s

    def array(self, depth):
        r, s = self.r, {"type": "array"}
        if r.random() < 0.8:
            s["items"] = self.schema(depth - 1) if r.random() < 0.95 else False
        if r.random() < 0.3:
            s["uniqueItems"] = True
            if r.random() < 0.5:  # few values, that repeat
                s["items"] = self.few(depth - 1)
        if r.random() < 0.25:
            s["prefixItems"] = [self.schema(depth - 1) for _ in range(r.randrange(1, 3))]
        if r.random() < 0.1:
            s["contains"] = self.few(0)
        if r.random() < 0.3:
            s["minItems"] = r.randrange(3)
        if r.random() < 0.3:
            s["maxItems"] = s.get("minItems", 0) + r.randrange(3)
        return s

    def few(self, depth):
        r = self.r
        kinds = [{"enum": r.sample(["a", "ab", "b", "é", "", "a\nb", 1, 12, 1.5, None, True], r.randrange(1, 5))}, {"type": "boolean"}, {"type": "integer", "minimum": 7, "maximum": r.randrange(7, 13)},
                 {"type": "string", "maxLength": 1}, {"type": "number", "minimum": 0.5, "maximum": 0.5}, {"type": ["boolean", "null"]}]
        if depth > 0:
            kinds += [{"type": "array", "uniqueItems": r.random() < 0.5, "items": self.few(depth - 1), "maxItems": 2},
                      {"type": "object", "properties": {"a": self.few(depth - 1), "b": self.few(depth - 1)}, "required": r.choice([["a"], ["a", "b"]]), "additionalProperties": r.choice([False, {"const": 1}])},
                      {"anyOf": [self.few(depth - 1), self.few(depth - 1)]}]
        return r.choice(kinds)

    def any_of(self, depth):
        s = {"anyOf": [self.schema(depth - 1) for _ in range(self.r.randrange(1, 4))]}
        if self.r.random() < 0.2:
            s["type"] = self.r.choice(["string", "object", ["integer", "array"]])
        return s

    def one_of(self, depth):
        r = self.r
        if r.random() < 0.4:
            return {"oneOf": [self.schema(depth - 1) for _ in range(r.randrange(1, 4))]}
        return {"oneOf": [{"type": "object", "properties": {"kind": {"const": k}, "v": self.schema(depth - 1)}, "required": ["kind"]} for k in "xyz"[:r.randrange(2, 4)]]}

    def all_of(self, depth):
        r = self.r
        first = self.object(depth)
        second = r.choice([lambda: self.object(depth), lambda: {"required": list(first.get("properties", {}))[:1]}, lambda: self.schema(0)])()
        return {"allOf": [first, second]} if r.random() < 0.5 else {**first, "allOf": [second]}

    def conditional(self, depth):
        s = {"type": "object", "properties": {"kind": {"enum": ["p", "q"]}, "v": self.schema(0), "w": {"type": "integer"}}}
        s["if"] = self.r.choice([{"properties": {"kind": {"const": "p"}}, "required": ["kind"]}, {"required": ["v"]}, {"properties": {"w": {"minimum": 3}}}])
        s["then"] = {"required": ["w"]}
        if self.r.random() < 0.5:
            s["else"] = {"properties": {"v": {"type": "boolean"}}}
        return s

    def negative(self, depth):
        r = self.r
        return r.choice([{"not": {"type": "string"}}, {"type": "string", "not": {"enum": ["a", "abc"]}}, {"type": "string", "not": {"pattern": "^a"}}, {"type": "integer", "not": {"const": 3}},
                         {"type": "object", "not": {"required": ["a"]}}, {"type": "number", "not": {"minimum": 2}}, {"not": {"anyOf": [{"type": "object"}, {"type": "array"}]}},
                         {"type": "number", "not": {"type": "integer"}}, {"type": "number", "not": {"multipleOf": r.choice([2, 0.5])}},
                         {"type": "array", "not": self.array(depth)}, {"type": "object", "not": self.object(depth)}, {"type": "array", "items": self.few(0), "not": self.array(depth)},
                         {**self.object(depth), "not": self.object(depth)}, {"not": self.one_of(depth)}, {"not": self.conditional(depth)}])

    def reference(self, depth):
        name = self.r.choice(["d1", "d2"])
        if name not in self.definitions:
            self.definitions[name] = True  # while it is made, it may refer to itself
            inner = {"type": "object", "properties": {"v": self.schema(0), "next": {"$ref": "#/$defs/" + name}}} if self.r.random() < 0.5 else self.schema(depth - 1)
            self.definitions[name] = inner
        return {"$ref": "#/$defs/" + name}

    def value(self, s, depth=4):
        """In the order of properties that Vecton writes: the schema's, then others."""
        r = self.r
        if s is True or s == {} or not isinstance(s, dict) or depth == 0:
            return any_value(r, 1)
        if "$ref" in s:
            return self.value(self.definitions[s["$ref"].split("/")[-1]], depth - 1)
        if "const" in s:
            return copy.deepcopy(s["const"])
        if "enum" in s:
            return copy.deepcopy(r.choice(s["enum"]))
        for keyword in ("anyOf", "oneOf"):
            if keyword in s:
                return self.value(r.choice(s[keyword]), depth)
        if "allOf" in s:
            parts = [{k: v for k, v in s.items() if k != "allOf"}, *s["allOf"]]
            values = [self.value(p, depth) for p in parts if isinstance(p, dict) and p]
            if values and all(isinstance(v, dict) for v in values):
                # Names in the order of the schemas, each with what the first says.
                merged = {}
                names = [n for p in parts if isinstance(p, dict) for n in p.get("properties", {})]
                for n in dict.fromkeys(names + [n for v in values for n in v]):
                    for v in values:
                        if n in v:
                            merged[n] = v[n]
                            break
                return merged
            return r.choice(values or [1])
        kind = s.get("type", "object" if "properties" in s else None)
        kind = r.choice(kind) if isinstance(kind, list) else kind
        if kind == "string":
            for pattern, good, _ in PATTERNS:
                if s.get("pattern") == pattern:
                    return r.choice(good)
            made = text(r)
            made += "x" * (s.get("minLength", 0) - len(made))
            return made[:s.get("maxLength", len(made))]
        if kind in ("integer", "number"):
            low = s.get("minimum", s.get("exclusiveMinimum", s.get("maximum", s.get("exclusiveMaximum", 0)) - 10))
            high = s.get("maximum", s.get("exclusiveMaximum", low + 20))
            if kind == "number" and r.random() < 0.5:
                made = r.choice([low, high, (low + high) / 2, low + 0.125])
            else:
                made = r.choice([low, high, r.randint(min(int(low), int(high)), max(int(low), int(high)))])
            return int(made) if kind == "integer" or float(made).is_integer() else made
        if kind == "array":
            size = r.randrange(s.get("minItems", 0), s.get("maxItems", s.get("minItems", 0) + 3) + 1)
            prefix = s.get("prefixItems", [])
            if s.get("uniqueItems") and r.random() < 0.6:
                made = []
                for i in range(3 * size):
                    item = self.value(prefix[len(made)] if len(made) < len(prefix) else s.get("items", True), depth - 1)
                    if all(not jsonschema._utils.equal(item, m) for m in made) and len(made) < size:
                        made.append(item)
                return made
            return [self.value(prefix[i] if i < len(prefix) else s.get("items", True), depth - 1) for i in range(size)]
        if kind == "object":
            properties = s.get("properties", {})
            required = s.get("required", [])
            made = {n: self.value(p, depth - 1) for n, p in properties.items() if n in required or r.random() < 0.6}
            for n in required:
                if n not in made:
                    made[n] = any_value(r, 1)
            others = s.get("additionalProperties", True)
            if others is not False and r.random() < 0.4:
                for n in r.sample(["zz", "x-9", "é2", 'w"'], r.randrange(1, 3)):
                    made.setdefault(n, self.value(others, depth - 1))
            return made
        return {"boolean": r.choice([True, False]), "null": None}.get(kind, any_value(r, 1)) if kind else any_value(r, 1)


def changed(r, value):
    """The value with one place of it otherwise; names keep their order, new ones come last."""
    value = copy.deepcopy(value)
    if isinstance(value, dict) and value and r.random() < 0.8:
        name = r.choice(list(value))
        what = r.random()
        if what < 0.3:
            del value[name]
        elif what < 0.85:
            value[name] = changed(r, value[name])
        else:
            value["zzz"] = scalar(r)
        return value
    if isinstance(value, list) and value and r.random() < 0.8:
        i = r.randrange(len(value))
        what = r.random()
        if what < 0.3:
            del value[i]
        elif what < 0.7:
            value[i] = changed(r, value[i])
        else:
            value.insert(i, scalar(r))
        return value
    if isinstance(value, dict):
        return {**value, "zzz": scalar(r)} if r.random() < 0.7 else any_value(r)
    if isinstance(value, str) and r.random() < 0.7:
        return r.choice([value + "a", value[1:], value.upper(), value * 3, r.choice([w for p in PATTERNS for w in p[1] + p[2]])])
    if isinstance(value, (int, float)) and not isinstance(value, bool) and r.random() < 0.7:
        return r.choice([value + 1, -value if value else 1, value * 10, value + 0.125 if isinstance(value, float) else value - 1])
    return any_value(r)


def plain(value):
    """Numbers as JSON of Vecton has them: no integers with a fraction, no exponents."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def in_order(schema, value, definitions, depth=0):
    """Whether names stand in the order in which all schemas that speak of the value name them."""
    if depth > 12 or not isinstance(schema, dict):
        return True
    parts = [schema.get("allOf", []), schema.get("anyOf", []), schema.get("oneOf", []), [schema.get(k) for k in ("then", "else", "if", "not") if k in schema]]
    if "$ref" in schema:
        parts.append([definitions[schema["$ref"].split("/")[-1]]])
    if not all(in_order(p, value, definitions, depth + 1) for part in parts for p in part):
        return False
    if isinstance(value, dict):
        named = list(schema.get("properties", {}))
        named += [n for n in schema.get("required", []) if n not in named]
        known = [n for n in value if n in named]
        if known != [n for n in named if n in value] or list(value)[:len(known)] != known:
            return False
        return all(in_order(p, value[n], definitions, depth + 1) for n, p in schema.get("properties", {}).items() if n in value) and all(
            in_order(schema.get("additionalProperties"), v, definitions, depth + 1) for v in value.values())
    if isinstance(value, list):
        prefix = schema.get("prefixItems", [])
        return all(in_order(prefix[i] if i < len(prefix) else schema.get("items"), v, definitions, depth + 1) for i, v in enumerate(value))
    return True


class Tags:
    """Random structural tags, and texts that are meant to be of them."""

    def __init__(self, r):
        self.r = r

    def content(self):
        return self.r.choice([{"type": "json_schema", "json_schema": {"type": "boolean"}}, {"type": "regex", "pattern": "[0-9]+"}, {"type": "any_text"},
                              {"type": "const_string", "value": "x<y"}])

    def tags(self):
        names = self.r.sample("abc", self.r.randrange(1, 4))
        return [{"type": "tag", "begin": f"<f={n}>", "content": self.content(), "end": self.r.choice(["</f>", ["</f>", "</g>"]])} for n in names]

    def format(self, depth=2):
        r = self.r
        kind = r.choice(["tag", "triggered_tags", "triggered_tags", "tags_with_separator"] + ["sequence", "or", "optional", "plus", "star", "repeat"] * (depth > 0))
        flags = {"at_least_one": r.random() < 0.4, "stop_after_first": r.random() < 0.4}
        if kind == "triggered_tags":
            return {"type": kind, "triggers": ["<f="], "tags": self.tags(), **flags}
        if kind == "tags_with_separator":
            return {"type": kind, "separator": ",", "tags": self.tags(), **flags}
        if kind in ("sequence", "or"):
            return {"type": kind, "elements": [self.format(depth - 1) for _ in range(r.randrange(1, 3))]}
        if kind == "tag":
            return self.tags()[0]
        return {"type": kind, "content": self.tags()[0], **({"min": 1, "max": 2} if kind == "repeat" else {})}

    def text(self):
        """Of pieces that tags have."""
        pieces = ["<f=a>", "<f=b>", "<f=c>", "</f>", "</g>", "true", "12", "x<y", ",", "z", "<f", "<"]
        whole = [f"<f={n}>{inside}{end}" for n in "abc" for inside in ("true", "12", "x<y", "any") for end in ("</f>", "</g>")]
        return "".join(self.r.choice(whole if self.r.random() < 0.7 else pieces) for _ in range(self.r.randrange(5)))


def written(r, value):
    return json.dumps(value, **r.choice([{}, {"separators": (",", ":")}, {"indent": 2}, {"indent": 4}, {"ensure_ascii": False}, {"indent": "\t"}]))


def repeats_a_name(text):
    repeated = []
    json.loads(text, object_pairs_hook=lambda pairs: repeated.append(len(dict(pairs)) < len(pairs)))
    return any(repeated)


def ask(lines, tokenizer=TOKENIZERS[0]):
    folder = ROOT / "tests/golden" / tokenizer / "model"
    done = subprocess.run([LINES, folder], input="".join(json.dumps(line) + "\n" for line in lines).encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]


@unittest.skipUnless(LINES and pathlib.Path(LINES).exists(), "no program grammar_lines: build it, or set GRAMMAR_LINES")
@unittest.skipIf(jsonschema is None, "the jsonschema package is not installed")
class GrammarDifferentialTest(unittest.TestCase):
    def cases(self, seed, count):
        for i in range(count):
            r = random.Random(f"{seed} {i}")
            schemas = Schemas(r)
            schema = schemas.schema(r.randrange(1, 4))
            if schemas.definitions:
                schema = {**schema, "$defs": schemas.definitions} if isinstance(schema, dict) else schema
            try:
                validator = Validator(schema)
                values = []
                for _ in range(6):
                    value = schemas.value(schema)
                    values += [value, changed(r, value), changed(r, changed(r, value))]
                values = [plain(v) for v in values]
                valid = [validator.is_valid(v) for v in values]
            except RecursionError:  # it refers to itself without end
                continue
            texts = [written(r, v) for v in values]
            yield schema, values, valid, texts, [in_order(schema, v, schemas.definitions) for v in values]

    def test_schemas(self):
        taken = refused = valid_count = invalid_count = written_count = 0
        for t, tokenizer in enumerate(TOKENIZERS):
            cases = list(self.cases(f"{SEED} {tokenizer}", COUNT // len(TOKENIZERS) + 1))
            answers = ask([{"json": schema, "texts": texts, "write": 3} for schema, _, _, texts, _ in cases], tokenizer)
            for (schema, _, valid, texts, order), answer in zip(cases, answers, strict=True):
                shown = json.dumps(schema)
                if "error" in answer:
                    if "no text satisfies it" in answer["error"]:
                        self.assertFalse(any(v and o for v, o in zip(valid, order, strict=True)), (shown, texts, valid))
                        continue
                    self.assertEqual(answer["code"], "unsupported", (shown, answer))
                    refused += 1
                    continue
                taken += 1
                for text, good, ordered, got in zip(texts, valid, order, answer["taken"], strict=True):
                    valid_count += good
                    invalid_count += not good
                    if got:
                        self.assertTrue(good, ("an invalid document was taken", shown, text))
                    elif ordered:
                        self.assertFalse(good, ("a valid document was not taken", shown, text))
                for text in answer["written"]:
                    # Numbers are more than a float of Python has, and names that the schema does not know may come twice.
                    if re.search(r"\d[\d.]{15}|\d[eE]", text) or repeats_a_name(text):
                        continue
                    written_count += 1
                    self.assertTrue(Validator(schema).is_valid(json.loads(text)), ("an invalid document was written", shown, text))
        print(f"\n{taken} schemas taken, {refused} refused; {valid_count} valid and {invalid_count} invalid documents, {written_count} written")
        self.assertGreater(taken, 0.9 * (taken + refused))
        self.assertGreater(min(valid_count, invalid_count), 2 * taken)

    def test_expressions(self):
        """Whole matches, as Python's re has them."""
        pieces = ["a", "b", "[ab]", "[^a]", ".", r"\d", r"\w", r"\s", "(a|b)", "(?:ab)", "é", "a?", "b*", "(ab)+", "a{2}", "[a-c]{1,3}", "x|y", "", r"\.", "(a|bc|)*", "[^\\n]", "(?=ab)", "(?!b)",
                  r"\b", r"b\B", "(?<!a)", "(?<=[b1])", "((?!b).)*", "(a(?!c)|[bc])+", r"(?:\w\b.?){1,2}", "(?=a(?!b))", "(?:^a|b)+", "(c|x$)*"]
        r = random.Random(SEED)
        lines, wants = [], []
        for _ in range(COUNT // 4):
            pattern = "".join(r.choice(pieces) for _ in range(r.randrange(1, 6)))
            texts = ["".join(r.choice(["a", "b", "c", "é", "1", " ", ".", "x", "ab"]) for _ in range(r.randrange(5))) for _ in range(12)]
            lines.append({"regex": pattern, "texts": texts})
            wants.append([re.fullmatch(pattern, t, re.ASCII) is not None for t in texts])
        refused = 0
        for line, want, answer in zip(lines, wants, ask(lines), strict=True):
            if "no text satisfies it" in answer.get("error", ""):
                self.assertFalse(any(want), line)
            elif answer.get("code") == "unsupported" or "too complex" in answer.get("error", ""):
                refused += 1
            else:
                self.assertEqual(answer.get("taken"), want, (line, answer))
        self.assertLess(refused, len(lines) / 20)

    def test_formats(self):
        table = {
            "date": (["2024-02-29", "1999-12-31"], ["2023-02-29", "2024-13-01", "2024-1-1", "2024-04-31"]),
            "time": (["10:00:00Z", "23:59:59.123+02:00"], ["24:00:00Z", "10:00:00", "10:60:00Z"]),
            "date-time": (["2024-02-29T10:00:00Z", "2024-01-01t00:00:00.5-01:30"], ["2024-02-30T10:00:00Z", "2024-01-01"]),
            "duration": (["P1D", "PT1H30M", "P2W", "P1Y2M3DT4H5M6S"], ["P", "PT", "1D", "P1H"]),
            "email": (["a@b.co", "x.y+z@d-e.org"], ["a", "@b.co", "a@", "a@b..c", "a b@c.de"]),
            "hostname": (["a.b-c.de", "localhost"], ["-a.de", "a..b", "a_b", ""]),
            "ipv4": (["1.2.3.4", "255.255.255.255"], ["256.1.1.1", "1.2.3", "01.2.3.4"]),
            "ipv6": (["::1", "1:2:3:4:5:6:7:8", "fe80::1:2", "::", "1::", "::ffff:1.2.3.4"], ["1:2", ":::", "1:2:3:4:5:6:7:8:9", "g::"]),
            "uuid": (["123e4567-e89b-12d3-a456-426614174000"], ["123e4567-e89b-12d3-a456-42661417400", "x"]),
            "uri": (["http://a.b/c?d=e#f", "mailto:a@b.c", "https://[::1]:80/"], ["a", "http://a b", "//x"]),
            "uri-reference": (["/a/b", "a?b", "http://x", "#y", ""], ["a b", "http://[x"]),
            "json-pointer": (["", "/a/0", "/~0~1"], ["a", "/~2"])}
        lines = [{"json": {"type": "string", "format": f}, "texts": [json.dumps(t) for t in good + bad]} for f, (good, bad) in table.items()]
        for (name, (good, bad)), answer in zip(table.items(), ask(lines), strict=True):
            self.assertEqual(answer.get("taken"), [True] * len(good) + [False] * len(bad), (name, answer))

    @unittest.skipIf(llguidance is None, "the llguidance package is not installed")
    def test_llguidance_takes_the_same(self):
        """Of schemas that both take, the same documents. llguidance takes no \\u of characters that need none."""
        from llguidance import LLMatcher, LLTokenizer
        tokenizer = LLTokenizer("byte")
        level = {"log_level": 0}  # what it refuses is no news
        cases = [(schema, values, valid, [json.dumps(v, ensure_ascii=False) for v in values], order)
                 for schema, values, valid, _, order in self.cases(f"{SEED} llguidance", COUNT // 10)]
        compared = same = theirs_refused = ours_refused = 0
        for (schema, _, valid, texts, _), answer in zip(cases, ask([{"json": c[0], "texts": c[3]} for c in cases]), strict=True):
            grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema))
            refused = LLMatcher.validate_grammar(grammar, tokenizer) != ""
            theirs_refused += refused
            ours_refused += answer.get("code") == "unsupported"
            if refused or "error" in answer:
                continue
            for text, good, got in zip(texts, valid, answer["taken"], strict=True):
                matcher = LLMatcher(tokenizer, grammar, **level)
                theirs = matcher.consume_tokens(list(text.encode())) and matcher.is_accepting()
                compared += 1
                same += theirs == got
                if theirs and good:
                    self.assertTrue(got, (json.dumps(schema), text))
        print(f"\nllguidance: {same} of {compared} documents the same; refused {theirs_refused} schemas, Vecton {ours_refused}")
        self.assertGreater(same, 0.97 * compared)
        self.assertLessEqual(ours_refused, theirs_refused)

    @unittest.skipIf(xgrammar is None, "the xgrammar package is not installed")
    def test_xgrammar_takes_the_same_structural_tags(self):
        lines = []
        for i in range(COUNT // 10):
            tags = Tags(random.Random(f"{SEED} tags {i}"))
            tag = theirs = {"type": "structural_tag", "format": tags.format()}
            if i % 4 == 0:  # the older form, which vLLM writes as the newer one for xgrammar
                structures = [{"begin": t["begin"], "schema": {"type": "boolean"}, "end": "</f>"} for t in tags.tags()]
                tag = {"type": "structural_tag", "structures": structures, "triggers": ["<f="]}
                same = [{"type": "tag", "begin": t["begin"], "content": {"type": "json_schema", "json_schema": t["schema"]}, "end": t["end"]} for t in structures]
                theirs = {"type": "structural_tag", "format": {"type": "triggered_tags", "triggers": ["<f="], "tags": same}}
            lines.append({"tag": tag, "theirs": theirs, "texts": [tags.text() for _ in range(40)]})
        taken = 0
        for line, answer in zip(lines, ask(lines), strict=True):
            theirs = xgrammar.Grammar.from_structural_tag(json.dumps(line["theirs"]))
            want = [xgrammar.testing._is_grammar_accept_string(theirs, text) for text in line["texts"]]
            self.assertEqual(answer.get("taken"), want, (json.dumps(line["tag"]), line["texts"], answer))
            taken += sum(want)
        self.assertGreater(taken, 2 * len(lines))


if __name__ == "__main__":
    unittest.main()
