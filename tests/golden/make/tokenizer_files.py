"""Makes the tok-* fixtures of folders without tokenizer.json: small vocabularies of each format, and what transformers gives.

    pip install transformers==5.23.0 tokenizers==0.23.3 sentencepiece tiktoken
    python tests/golden/make/tokenizer_files.py OUT [NAME ...]

Without names all formats are made, also those that are not kept as fixtures; KEPT lists those that are.
"""
import base64
import io
import json
import pathlib
import random
import sys

import sentencepiece
import tokenizers
from tokenizers import models, pre_tokenizers, trainers
from transformers import AutoTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

KEPT = ["tok-spm-bpe", "tok-spm-unigram", "tok-spm-t5", "tok-spm-albert", "tok-spm-deberta-v2", "tok-vocab-txt", "tok-gpt2-files", "tok-clip-files",
        "tok-qwen2-files", "tok-roberta-files", "tok-tekken", "tok-tiktoken"]
SENTENCES = """The quick brown fox jumps over the lazy dog. Paris is the capital of France, and its largest city.
Don't say it's over; we're here, they've gone, I'll stay: 1,234.56 apples cost $7.89 (about €7).
Zażółć gęślą jaźń. Ünïcödé naïve café. Straße, Größe. El niño está aquí. Привет, мир! Как дела сегодня?
今日は世界。機械学習のモデルを訓練する。 我们正在测试分词器。 안녕하세요 세계. हिन्दी में लिखा हुआ. ภาษาไทย
def encode(text: str) -> list[int]: return [ord(c) for c in text]  # comment
for (int i = 0; i < 10; ++i) { sum += values[i] * 2; }
Embedding models turn sentences into vectors; rerankers score pairs of query and document.
Tokenizers cut texts into pieces, and the pieces have numbers. Numbers such as 2024, 1999, 42 and 7 are common.
HELLO WORLD! Hello World! hello world! hElLo. ALL CAPS and lower case and Title Case words.
visit https://example.org/path?query=1&b=2 or write to someone@example.com :-) 👍🏽 🇩🇪 👨‍👩‍👧""".split("\n")
TEXTS = ["", " ", "  two  spaces  ", "\n\n new lines\r\n\ttabs", "Hello, world!", "HELLO wörld", "don't WE'VE it's", "a", "▁mark ▁▁ marks", "1234567 3.14 ٣٤ Ⅷ",
         "é e\u0301 ﬁ ﷺ ｆｕｌｌ Å", "中文字符 カタカナ 한국어 각", "हिन्दी ภาษาไทย שָׁלוֹם", "👍🏽 👨‍👩‍👧 🇩🇪 \U0001f600", "<s> </s> <unk> <pad> <mask> [CLS] [SEP] [MASK] [UNK] <|endoftext|>",
         "a<mask> b [MASK]c", "<extra_id_0> and <extra_id_99>", "``quoted'' \"text\"", "x" * 150, " ".join(["word"] * 30), "\u200b zero \ufeff width \u00ad", "\x00\x01 control \x7f",
         "tab\there", "İstanbul ΣΊΣΥΦΟΣ ſ", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "\u3000ideographic\u00a0space", "user_symbol inside user_symbolic <ctrl> text"] + SENTENCES
PAIRS = [("What is the capital of France?", SENTENCES[0]), ("query", "a document. 中文"), ("one", " two")]


def train_sentencepiece(kind, size, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(SENTENCES * 3), model_writer=model, model_type=kind, vocab_size=size, hard_vocab_limit=False,
                                             minloglevel=2, num_threads=1, **options)
    return model.getvalue()


def small_charsmap():
    """A character map of a few rules, where the trainers' own have a quarter of a megabyte."""
    path = pathlib.Path("/tmp/tokenizer_files_rules.tsv")
    rules = {"\u212b": "\u00c5", "ﬁ": "fi", "ｆ": "f", "ｕ": "u", "ｌ": "l", "\u3000": " ", "\u00a0": " ", "\t": " ", "\n": " ", "\r": " ", "\u200b": "", "\ufeff": "", "e\u0301": "é"}
    path.write_text("".join(" ".join(f"{ord(c):X}" for c in k) + "\t" + " ".join(f"{ord(c):X}" for c in v) + "\n" for k, v in rules.items()))
    return str(path)


def wordpiece(special, lowercase):
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False))
    vocab = tokenizer.get_vocab()
    return "".join(token + "\n" for token in sorted(vocab, key=vocab.get))


def byte_pairs(special, size=450, suffix=None):
    with_suffix = {"end_of_word_suffix": suffix} if suffix else {}
    tokenizer = tokenizers.Tokenizer(models.BPE(**with_suffix))
    steps = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    if suffix:
        tokenizer.normalizer = tokenizers.normalizers.Lowercase()
        steps = [pre_tokenizers.WhitespaceSplit()] + steps
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False,
                                                                 **with_suffix))
    model = json.loads(tokenizer.to_str())["model"]
    if suffix:  # CLIP has each byte at the end of a word too
        for c in sorted(alphabet):
            model["vocab"].setdefault(c + suffix, len(model["vocab"]))
    return model["vocab"], "#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in model["merges"])


def ranks(size=420):
    """Byte strings in the order of their ranks, as tiktoken learns them."""
    to_byte = {c: b for b, c in bytes_to_unicode().items()}
    vocab, _ = byte_pairs([], size)
    tokens = [bytes(to_byte[c] for c in t) for t in sorted(vocab, key=vocab.get)]
    return [bytes([b]) for b in range(256)] + [t for t in tokens if len(t) > 1]


def files(name):
    """{file: content} of a folder; str and bytes as they are, others as JSON."""
    def config(cls, **more):
        return {"tokenizer_config.json": {"tokenizer_class": cls, **more}}

    bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    roberta = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    mask = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False, "normalized": True, "single_word": False}

    def pairs(special, **options):
        vocab, merges = byte_pairs(special, **options)
        return {"vocab.json": vocab, "merges.txt": merges}

    llama = dict(kind="bpe", size=600, byte_fallback=True, character_coverage=0.99, split_digits=True, remove_extra_whitespaces=False)
    xlmr = dict(kind="unigram", size=350, character_coverage=0.995)
    albert = dict(kind="unigram", size=350, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, pad_piece="<pad>", unk_piece="<unk>")

    def spm_with(options, **more):
        control = more.pop("control_symbols", [])
        options = {**options, **more}
        return train_sentencepiece(options.pop("kind"), options.pop("size"), normalization_rule_tsv=small_charsmap(), user_defined_symbols=["user_symbol"],
                                   control_symbols=["<ctrl>", *control], **options)

    table = {
        "tok-vocab-txt": lambda: {"vocab.txt": wordpiece(bert, False), **config("BertTokenizer", do_lower_case=False, model_max_length=128)},
        "tok-vocab-txt-uncased": lambda: {"vocab.txt": wordpiece(bert, True), **config("DistilBertTokenizer", strip_accents=False, tokenize_chinese_chars=False)},
        "tok-vocab-txt-bare": lambda: {"vocab.txt": wordpiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]"], True), "config.json": {"model_type": "bert"}},
        "tok-mpnet-files": lambda: {"vocab.txt": wordpiece(["<s>", "<pad>", "</s>", "[UNK]", "<mask>"], True), **config("MPNetTokenizer")},
        "tok-funnel-files": lambda: {"vocab.txt": wordpiece(["<pad>", "<unk>", "<cls>", "<sep>", "<mask>", "[UNK]"], True), **config("FunnelTokenizer")},
        "tok-gpt2-files": lambda: {**pairs(["<|endoftext|>"]), **config("GPT2Tokenizer", add_bos_token=True, model_max_length=64)},
        "tok-gpt2-files-plain": lambda: {**pairs(["<|endoftext|>"]), **config("GPT2Tokenizer", add_prefix_space=True)},
        "tok-roberta-files": lambda: {**pairs(roberta), **config("RobertaTokenizer", mask_token=mask, add_prefix_space=False)},
        "tok-roberta-files-prefix": lambda: {**pairs(roberta), **config("RobertaTokenizerFast", add_prefix_space=True, trim_offsets=False)},
        "tok-clip-files": lambda: {**pairs(["<|startoftext|>", "<|endoftext|>"], size=700, suffix="</w>"), **config("CLIPTokenizer", model_max_length=77)},
        "tok-qwen2-files": lambda: {**pairs(["<|endoftext|>"]), **config("Qwen2Tokenizer", additional_special_tokens=["<|im_start|>", "<|im_end|>"],
                                    eos_token="<|im_end|>", pad_token="<|endoftext|>", bos_token=None,
                                    added_tokens_decoder={"452": {"content": "<|im_end|>", "special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False},
                                                          "451": {"content": "<tool>", "special": False, "lstrip": False, "rstrip": False, "normalized": True, "single_word": False},
                                                          "450": {"content": "<|im_start|>", "special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}})},
        "tok-deberta-files": lambda: {**pairs(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]), **config("DebertaTokenizer")},
        "tok-gpt-neox-files": lambda: {**pairs(["<|endoftext|>", "<|padding|>"]), **config("GPTNeoXTokenizer", add_eos_token=True)},
        "tok-cohere-files": lambda: {**pairs(["<PAD>", "<UNK>", "<CLS>", "<SEP>", "<MASK_TOKEN>", "<BOS_TOKEN>"]), **config("CohereTokenizer", add_bos_token=True)},
        "tok-openai-gpt-files": lambda: {**pairs(["<unk>"], size=700, suffix="</w>"), **config("OpenAIGPTTokenizer")},
        "tok-herbert-files": lambda: {**pairs(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], size=700, suffix="</w>"), **config("HerbertTokenizer")},
        "tok-spm-bpe": lambda: {"tokenizer.model": spm_with(llama), **config("LlamaTokenizer", add_bos_token=True, add_eos_token=False, legacy=False, pad_token="</s>")},
        "tok-spm-bpe-legacy": lambda: {"tokenizer.model": spm_with(llama), **config("LlamaTokenizer", add_eos_token=True, legacy=True)},
        "tok-spm-code-llama": lambda: {"tokenizer.model": spm_with(llama), **config("CodeLlamaTokenizer")},
        "tok-spm-gemma": lambda: {"tokenizer.model": spm_with(llama, pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", unk_piece="<unk>"),
                                  **config("GemmaTokenizer", add_bos_token=True)},
        "tok-spm-unigram": lambda: {"sentencepiece.bpe.model": spm_with(xlmr), **config("XLMRobertaTokenizer", mask_token=mask, model_max_length=100)},
        "tok-spm-unigram-bare": lambda: {"sentencepiece.bpe.model": spm_with(xlmr), "config.json": {"model_type": "xlm-roberta"}},
        "tok-spm-camembert": lambda: {"sentencepiece.bpe.model": spm_with(xlmr), **config("CamembertTokenizer")},
        "tok-spm-t5": lambda: {"spiece.model": spm_with(xlmr, pad_id=0, eos_id=1, unk_id=2, bos_id=-1), **config("T5Tokenizer", extra_ids=100)},
        "tok-spm-albert": lambda: {"spiece.model": spm_with(albert, control_symbols=["[CLS]", "[SEP]", "[MASK]"]), **config("AlbertTokenizer")},
        "tok-spm-albert-keep": lambda: {"spiece.model": spm_with(albert, control_symbols=["[CLS]", "[SEP]", "[MASK]"]), **config("AlbertTokenizer", do_lower_case=False, keep_accents=True)},
        "tok-spm-big-bird": lambda: {"spiece.model": spm_with(albert, unk_id=100, bos_id=2, eos_id=1, control_symbols=["[CLS]", "[SEP]", "[MASK]"]), **config("BigBirdTokenizer")},
        "tok-spm-deberta-v2": lambda: {"spm.model": spm_with(xlmr, pad_id=0, pad_piece="[PAD]", bos_id=1, bos_piece="[CLS]", eos_id=2, eos_piece="[SEP]", unk_id=3, unk_piece="[UNK]"),
                                       "added_tokens.json": {"[MASK]": 351}, **config("DebertaV2Tokenizer", split_by_punct=True)},
        "tok-spm-xlnet": lambda: {"spiece.model": spm_with(xlmr, control_symbols=["<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]), **config("XLNetTokenizer")},
        "tok-spm-barthez": lambda: {"sentencepiece.bpe.model": spm_with(xlmr, bos_id=0, pad_id=1, eos_id=2, unk_id=3), **config("BarthezTokenizer")},
        "tok-tekken": lambda: {"tekken.json": tekken(), **config("PreTrainedTokenizerFast", bos_token="<s>", eos_token="</s>")},
        "tok-tiktoken": lambda: {"tokenizer.model": b"".join(base64.b64encode(t) + b" %d\n" % i for i, t in enumerate(ranks())),
                                 **config("PreTrainedTokenizerFast", bos_token="<|begin_of_text|>", eos_token="<|end_of_text|>", add_bos_token=True,
                                          added_tokens_decoder={str(len(ranks()) + i): {"content": t, "special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
                                                                for i, t in {0: "<|begin_of_text|>", 1: "<|end_of_text|>", 4: "<|eot_id|>"}.items()})},
    }
    return sorted(table) if name is None else table[name]()


def tekken():
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
    tokens = ranks()
    return {"config": {"pattern": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
                       "num_vocab_tokens": len(tokens), "default_vocab_size": len(tokens) + 10 - 3, "default_num_special_tokens": 10, "version": "v7"},
            "vocab": [{"rank": i, "token_bytes": base64.b64encode(t).decode(), "token_str": t.decode("utf8", "ignore") or None} for i, t in enumerate(tokens)],
            "special_tokens": [{"rank": i, "token_str": t, "is_control": True} for i, t in enumerate(special)]}


def cases(tokenizer):
    r, out = random.Random(7), []
    for i, text in enumerate(TEXTS):
        ids, plain = tokenizer(text)["input_ids"], tokenizer(text, add_special_tokens=False)["input_ids"]
        expect = {"input_ids": ids}
        if plain != ids:
            expect["input_ids_no_special"] = plain
        out.append({"id": f"t{i}", "task": "tokenize", "input": {"text": text}, "params": {"add_special_tokens": True}, "expect": expect})
    for i, (text, pair) in enumerate(PAIRS):
        both = tokenizer(text, pair, return_token_type_ids=True)
        out.append({"id": f"p{i}", "task": "tokenize", "input": {"text": text, "pair": pair}, "params": {"add_special_tokens": True},
                    "expect": {"input_ids": both["input_ids"], "token_type_ids": both["token_type_ids"]}})
    size = len(tokenizer)
    for i in range(30):
        ids = tokenizer(r.choice(TEXTS))["input_ids"] if i % 2 else [r.randrange(size) for _ in range(r.randrange(1, 20))]
        out.append({"id": f"d{i}", "task": "decode", "input": {"ids": ids}, "params": {},
                    "expect": {"text": tokenizer.decode(ids), "text_skip_special": tokenizer.decode(ids, skip_special_tokens=True)}})
    return out


def make(out, name):
    folder = pathlib.Path(out) / name
    (folder / "model").mkdir(parents=True, exist_ok=True)
    for file, content in files(name).items():
        path = folder / "model" / file
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf8")
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    document = {"source": f"transformers 5.23.0 AutoTokenizer ({type(tokenizer).__name__}) on the folder", "cases": cases(tokenizer)}
    (folder / "cases.json").write_text(json.dumps(document, indent=0))


if __name__ == "__main__":
    for fixture in sys.argv[2:] or files(None):
        make(sys.argv[1], fixture)
