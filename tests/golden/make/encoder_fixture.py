"""What the scripts of encoder fixtures share: a small tokenizer, random parameters, cases and files. Not run by itself.

    pip install torch transformers==5.23.0 sentence-transformers==6.2.0 tokenizers safetensors
"""
import json
import pathlib

import tokenizers
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

torch.set_num_threads(1)

SENTENCES = """The quick brown fox jumps over the lazy dog. Paris is the capital of France, and its largest city.
Embedding models turn sentences into vectors; rerankers score pairs of query and document.
Zażółć gęślą jaźń. Ünïcödé naïve café. Straße, Größe. Привет, мир! 今日は世界。 我们正在测试分词器。
Tokenizers cut texts into pieces, and the pieces have numbers such as 2024, 1999, 42 and 7.
What is the capital of France? Who wrote it, and when? How do I reset my password?""".split("\n")
TEXTS = {"one": "a", "short": "What is the capital of France?", "accents": "Le café naïve: über die Straße, 東京!",
         "long": " ".join(SENTENCES[:2]), "longer": " ".join(SENTENCES)}
PAIRS = [("What is the capital of France?", "Paris is the capital of France and its largest city."), ("password", "Click here."), ("a", "b " * 30)]
SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]


def make_tokenizer(size=220, special=SPECIAL, pair_type=1, first=None):
    """A Unigram tokenizer as DeBERTa's. `special`: padding, start, end, unknown, mask, with ids 0 to 4, but for `first` that comes before them."""
    pad, cls, sep, unk, mask = special
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(SENTENCES * 2, trainers.UnigramTrainer(vocab_size=size, special_tokens=sorted(special, key=lambda x: x != first), unk_token=unk, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}", pair=f"{cls} $A {sep} $B:{pair_type} {sep}:{pair_type}",
        special_tokens=[(t, tokenizer.token_to_id(t)) for t in (cls, sep)])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=pad, cls_token=cls, sep_token=sep, unk_token=unk, mask_token=mask)


def randomise(model, seed):
    """Every parameter random, norms and biases too, so that each of them moves the output."""
    generator = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        noise = torch.randn(p.shape, generator=generator)
        if p.ndim == 1:
            is_norm = name.endswith("weight")
            p.data = 1 + 0.2 * noise if is_norm else 0.2 * noise
        elif "embeddings" in name or "bias" in name:
            p.data = 0.7 * noise
        else:
            p.data = noise * 1.2 / (p[0].numel() ** 0.5)
    return model.eval()


class Fixture:
    """A folder `out`/`name`: model/, cases.json, expected.safetensors."""

    def __init__(self, out, name, notes, tokenizer):
        self.folder = pathlib.Path(out) / name
        self.model_folder = self.folder / "model"
        self.model_folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer, self.notes, self.cases, self.tensors = tokenizer, notes, [], {}

    def save_model(self, model, config_keys=None, rename=None):
        """`config_keys` replace those of config.json (None removes one), `rename` maps names of tensors."""
        model.save_pretrained(self.model_folder)
        self.tokenizer.save_pretrained(self.model_folder)
        file = self.model_folder / "config.json"
        config = json.loads(file.read_text())
        for key, value in (config_keys or {}).items():
            config.pop(key, None)
            if value is not ...:
                config[key] = value
        file.write_text(json.dumps(config, indent=1) + "\n")
        if rename:
            weights = self.model_folder / "model.safetensors"
            save_file(rename(load_file(weights)), weights, metadata={"format": "pt"})
        for unused in self.model_folder.glob("*.md"):
            unused.unlink()

    def add(self, name, task, inputs, params, expect, tolerance=1e-4):
        kept = {}
        for what, value in expect.items():
            if isinstance(value, torch.Tensor):
                key = f"{name}.{what}"
                self.tensors[key] = value.detach().to(torch.float32).contiguous()
                value = {"tensor": key}
            kept[what] = value
        self.cases.append({"id": name, "task": task, "input": inputs, "params": params, "expect": kept, "tolerance": tolerance})

    def hidden_states(self, name, backbone, ids, text=None):
        with torch.no_grad():
            rows = backbone(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).last_hidden_state[0]
        self.add(name, "hidden_states", ({"text": text} if text else {}) | {"input_ids": ids}, {}, {"hidden_states": rows})

    def hidden_states_of_texts(self, backbone):
        for name, text in TEXTS.items():
            self.hidden_states("hs-" + name, backbone, self.tokenizer(text)["input_ids"], text)

    def finish(self, source):
        save_file(self.tensors, self.folder / "expected.safetensors")
        # The roles of vectors are apart: no request of a public interface names them, so that who asks a server for the cases can't ask for these.
        has_role = lambda case: case["task"] in ("embed", "sparse_embed") and "role" in case["params"]
        lists = {"cases": [c for c in self.cases if not has_role(c)], "role_cases": [c for c in self.cases if has_role(c)]}
        lines = lambda cases: "[\n" + ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases) + "\n]" if cases else "[]"
        body = ", ".join(json.dumps(name) + ": " + lines(cases) for name, cases in lists.items() if cases or name == "cases")
        head = json.dumps({"source": f"transformers {transformers.__version__}, torch {torch.__version__}, float32; {source}", "notes": self.notes}, ensure_ascii=False)
        (self.folder / "cases.json").write_text(head[:-1] + ", " + body + "}\n")
        print(self.folder.name, sum(f.stat().st_size for f in self.folder.rglob("*") if f.is_file()) // 1024, "KiB")


def run(model, encoded):
    """Logits of one input, without padding."""
    with torch.no_grad():
        return model(**{k: torch.tensor([v]) for k, v in encoded.items()}).logits[0]


def add_scores(fixture, model):
    for i, (query, document) in enumerate(PAIRS):
        encoded = dict(fixture.tokenizer(query, document))
        logits = run(model, encoded)
        fixture.add(f"score{i}", "score", {"query": query, "document": document, "input_ids": encoded["input_ids"]}, {"activation": "sigmoid"},
                    {"score": torch.sigmoid(logits)[0].item(), "logits": logits})


def add_classes(fixture, model):
    for name, text in TEXTS.items():
        encoded = dict(fixture.tokenizer(text))
        logits = run(model, encoded)
        fixture.add("cls-" + name, "classify", {"text": text, "input_ids": encoded["input_ids"]}, {"function": "softmax"},
                    {"probabilities": torch.softmax(logits, -1), "logits": logits, "label": model.config.id2label[int(logits.argmax())]})


def add_token_classes(fixture, model):
    for name, text in TEXTS.items():
        encoded = dict(fixture.tokenizer(text))
        logits = run(model, encoded)
        fixture.add("tok-" + name, "token_classify", {"text": text, "input_ids": encoded["input_ids"]}, {},
                    {"logits": logits, "probabilities": torch.softmax(logits, -1), "labels": [model.config.id2label[int(i)] for i in logits.argmax(-1)]})


def add_masked(fixture, model, tolerance=2e-4):
    for i, text in enumerate(["What is the capital of [MASK]?", "a", TEXTS["accents"]]):
        encoded = dict(fixture.tokenizer(text))
        mask = fixture.tokenizer.mask_token_id
        fixture.add(f"mlm{i}", "mlm", {"text": text, "input_ids": encoded["input_ids"]},
                    {"mask_positions": [j for j, t in enumerate(encoded["input_ids"]) if t == mask]}, {"logits": run(model, encoded)}, tolerance)
