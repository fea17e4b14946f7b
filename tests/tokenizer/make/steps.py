"""Runs normalizers, pre-tokenizers and decoders of the tokenizers package over texts and writes tests/tokenizer/steps.json.

    pip install tokenizers && python tests/tokenizer/make/steps.py
"""
import json
import pathlib

from tokenizers import Tokenizer

TEXTS = [
    "", " ", "a", "Hello, World!", "  two  spaces  ", "\ttabs\tand\nlines\r\n", "don't can't we'll I'M they'd", "x=1+2*3; y[0]",
    "Ünïcödé ÅÄÖ ñ", "e\u0301 a\u030a o\u0308", "ﬁ ﬀ ① ½ Ⅻ ™", "中文 字符abc", "한국어 텍스트", "日本語テキスト。カタカナ", "עברית עם נִקּוּד",
    "العَرَبِيَّة", "हिन्दी क्षेत्र", "ไทยภาษา", "Straße GROẞ İstanbul ΑΎΡΙΟ ς", "🚀 👩‍👩‍👧 🇩🇪", "a\u200bb\ufeffc\u00adz", "a\u00a0b\u2003c\u3000d",
    "\u2028line\u2029para", "\x00\x01control\x7f", "\ufffd�", "12345 1,234.5 ٣٤٥ ②", "under_score-hyphen/slash", "«quotes» “smart” ‘single’",
    "▁under▁▁score", "ĠGPT Ċ", "##piece [MASK] <s>", "aaaaabbbbb", "MiXeD CaSe iPhone", "http://a.b/c?d=e&f", "a.b.c...", "!?!?", "𝔘𝔫𝔦 𝟙𝟚",
    "ǅ ǆ Ǆ", "Å K Ω", "\u1e9b\u0323", "ᄒ\u1161\u11ab", "x\u0327\u0301",
]
NORMALIZERS = [
    {"type": "NFC"}, {"type": "NFD"}, {"type": "NFKC"}, {"type": "NFKD"}, {"type": "Lowercase"}, {"type": "StripAccents"}, {"type": "Nmt"},
    {"type": "ByteLevel"},
    *({"type": "Strip", "strip_left": left, "strip_right": right} for left in (False, True) for right in (False, True)),
    {"type": "Prepend", "prepend": "▁"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    {"type": "Replace", "pattern": {"String": "aa"}, "content": "a"},
    {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
    {"type": "Replace", "pattern": {"Regex": "[0-9]"}, "content": "#"},
    {"type": "Replace", "pattern": {"Regex": "(?i)[aeiou]"}, "content": ""},
    *({"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": accents, "lowercase": lower}
      for clean, chinese, accents, lower in [(True, True, None, True), (False, True, None, True), (True, False, None, True),
                                             (True, True, True, False), (True, True, False, True), (True, True, None, False)]),
    {"type": "Sequence", "normalizers": []},
    {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}]},
    {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Prepend", "prepend": "▁"},
                                         {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
]
SPLITS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PRE_TOKENIZERS = [
    {"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"}, {"type": "UnicodeScripts"},
    *({"type": "Punctuation", "behavior": behavior} for behavior in SPLITS),
    *({"type": "Digits", "individual_digits": each} for each in (False, True)),
    *({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}
      for prefix in (False, True) for regex in (False, True)),
    *({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}
      for scheme in ("always", "never", "first") for split in (False, True)),
    {"type": "CharDelimiterSplit", "delimiter": "a"},
    *({"type": "Split", "pattern": {"String": " "}, "behavior": behavior, "invert": invert}
      for behavior in SPLITS for invert in (False, True)),
    *({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
      for regex in (GPT2, LLAMA3, r"\d{1,3}(?=(?:\d{3})*\b)", r"[A-Z][a-z]+|.")),
    {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"}]},
    {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True},
                                           {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
]
TOKENS = [
    [], ["a"], ["a", "b"], ["un", "##do", "it"], ["##a", "##b"], ["Ġa", "b", "Ġc"], ["Ã", "©", "Ġ"], ["Ã"], ["▁a", "▁b", "c"], ["▁", "▁▁x"],
    ["<0xC3>", "<0xA9>"], ["<0xC3>", "x"], ["<0xE4>", "<0xB8>", "<0xAD>", "!"], ["a</w>", "b", "c</w>"], ["h", "h", "<pad>", "h", "|", "o"],
    ["it", "'", "s", ",", "ok", "."], ["do", "n't", "we", "'re"], ["中", "文"], ["🚀"], ["", "x", ""], ["__a__", "_b"], ["<0x41>", "<0xzz>"],
]
DECODERS = [
    {"type": "WordPiece", "prefix": "##", "cleanup": True}, {"type": "WordPiece", "prefix": "##", "cleanup": False},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    *({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True} for scheme in ("always", "never", "first")),
    {"type": "BPEDecoder", "suffix": "</w>"}, {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True},
    {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": False},
    {"type": "Strip", "content": "_", "start": 1, "stop": 1}, {"type": "Strip", "content": "_", "start": 2, "stop": 0},
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
                                      {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
]


def tokenizer(part, config):
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
             "post_processor": None, "decoder": None,
             "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
    return Tokenizer.from_str(json.dumps({**whole, part: config}))


def runs(part, configs, inputs, run):
    """Cases in which the reference itself breaks (Strip of an empty token) are left out."""
    tests = []
    for config in configs:
        cases = []
        for given in inputs:
            try:
                cases.append([given, run(tokenizer(part, config), given)])
            except BaseException as error:
                if type(error).__name__ != "PanicException":
                    raise
        tests.append({"config": config, "cases": cases})
    return tests


def words(tokenizer, text):
    return [[word, *span] for word, span in tokenizer.pre_tokenizer.pre_tokenize_str(text)]


def main():
    steps = {"normalizers": runs("normalizer", NORMALIZERS, TEXTS, lambda t, text: t.normalizer.normalize_str(text)),
             "pre_tokenizers": runs("pre_tokenizer", PRE_TOKENIZERS, TEXTS, words),
             "decoders": runs("decoder", DECODERS, TOKENS, lambda t, tokens: t.decoder.decode(tokens))}
    lines = []
    for name, tests in steps.items():
        rows = ",\n".join(json.dumps(test, ensure_ascii=False) for test in tests)
        lines.append(f"{json.dumps(name)}: [\n{rows}\n]")
    file = pathlib.Path(__file__).resolve().parents[1] / "steps.json"
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf8")


if __name__ == "__main__":
    main()
