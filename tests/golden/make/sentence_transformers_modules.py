"""Makes fixtures of what sentence-transformers saves, with the version that is installed: every kind of model and module that the version has.

    python tests/golden/make/sentence_transformers_modules.py OUT [NAME...]

OUT gets a folder per kind, st-NAME; with names, only those. The fixtures of tests/golden are of version 6.2; folders of other versions are compared
with VECTON_GOLDEN_DIR=OUT (tests/golden/fixture.cpp). A kind that a version can't make is left out with a line that says why.
"""
import importlib
import json
import pathlib
import shutil
import sys
import tempfile

import sentence_transformers
import torch
import transformers as t
from encoder_fixture import Fixture, make_tokenizer, randomise
from sentence_transformers import CrossEncoder, SentenceTransformer

HERE = pathlib.Path(__file__).resolve().parent.parent
VERSION = tuple(int(x) for x in sentence_transformers.__version__.split(".")[:2])
TEXTS = ["What is the capital of France?", "Paris, the city; it's in the north!"]
PAIRS = [("What is the capital of France?", "Paris is the capital of France and its largest city."), ("password", "Click here.")]
SIZE = 16
KINDS = {}


def kind(function):
    KINDS[function.__name__.replace("_", "-")] = function
    return function


def find(name):
    """A module's class, wherever the version keeps it."""
    for package in ("models", "base.modules", "sentence_transformer.modules", "sparse_encoder.models", "sparse_encoder.modules", "cross_encoder.modules", "multi_vector_encoder.modules"):
        try:
            return getattr(importlib.import_module("sentence_transformers." + package), name)
        except (ImportError, AttributeError):
            continue
    raise LookupError(f"there is no {name}")


class Bases:
    """Checkpoints of transformers that the kinds are built on."""

    def __init__(self, folder):
        self.folder, self.tokenizer = pathlib.Path(folder), make_tokenizer(pair_type=0)  # types of pairs depend on the version of transformers
        self.tokenizer.model_max_length = 64

    def bert(self, of, seed=1, **settings):
        path = self.folder / f"{of.__name__}-{seed}-{settings.get('num_labels', 0)}"
        if not path.exists():
            config = t.BertConfig(vocab_size=len(self.tokenizer), hidden_size=SIZE, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, max_position_embeddings=64,
                                  **settings)
            randomise(of(config), seed).save_pretrained(path)
            self.tokenizer.save_pretrained(path)
        return str(path)

    def qwen(self, template=None):
        """The reranker of tests/golden in float32, with fewer numbers and another template."""
        path = self.folder / f"qwen-{hash(template) % 10000}"
        if not path.exists():
            tokenizer = t.AutoTokenizer.from_pretrained(HERE / "rerank-qwen3" / "model")
            config = t.Qwen3Config(vocab_size=400, hidden_size=SIZE, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=8, intermediate_size=24,
                                   max_position_embeddings=512, tie_word_embeddings=True)
            randomise(t.Qwen3ForCausalLM(config), 5).save_pretrained(path)
            if template:
                tokenizer.chat_template = template
            tokenizer.save_pretrained(path)
        return str(path)


def transformer(path, **kwargs):
    return find("Transformer")(path, **kwargs)


def module(name, seed=3, *args, **kwargs):
    made = find(name)(*args, **kwargs)
    return randomise(made, seed) if list(made.parameters()) else made


def save(model, fixture):
    shutil.rmtree(fixture.model_folder)
    model.save_pretrained(str(fixture.model_folder), create_model_card=False) if not isinstance(model, CrossEncoder) else model.save_pretrained(str(fixture.model_folder))
    for file in fixture.model_folder.rglob("README.md"):
        file.unlink()


def vector(x):
    return torch.as_tensor(x).detach().float().cpu()


ROLES = {"query": "encode_query", "document": "encode_document"}


def encode(model, text, role, **kwargs):
    if role and hasattr(model, ROLES[role]):
        return model.__getattribute__(ROLES[role])(text, **kwargs)
    if role in (model.prompts or {}):
        return model.encode(text, prompt_name=role, **kwargs)
    if not role:
        return model.encode([text], **kwargs)[0]
    if any(type(part).__name__ == "Asym" for part in model):
        return model.encode([{role: text}], **kwargs)[0]
    return model.encode(text, prompt="", **kwargs)  # what versions with roles make of these files


def dense(fixture, modules, roles=(None,), dot=False, **settings):
    """A SentenceTransformer of some modules: its vectors as it gives them, and the similarity of two."""
    save(SentenceTransformer(modules=modules, device="cpu", **settings), fixture)
    model = SentenceTransformer(str(fixture.model_folder), device="cpu")
    for role in roles:
        for i, text in enumerate(TEXTS):
            fixture.add(f"{role or 'text'}{i}", "embed", {"text": text}, {"role": role} if role else {}, {"embedding": vector(encode(model, text, role))})
    if roles == (None,) and not settings.get("prompts"):
        score = model.similarity(model.encode(TEXTS[:1]), model.encode(TEXTS[1:]))
        fixture.add("similarity", "score", {"query": TEXTS[0], "document": TEXTS[1]}, {}, {"score": float(score[0, 0])})


def cross(fixture, path, **settings):
    model = CrossEncoder(path, device="cpu", **settings) if isinstance(path, str) else CrossEncoder(modules=path, device="cpu", **settings)
    save(model, fixture)
    model = CrossEncoder(str(fixture.model_folder), device="cpu")
    labels = getattr(model, "num_labels", None) or model.config.num_labels
    identity = {"activation_fn" if VERSION >= (4, 0) else "activation_fct": torch.nn.Identity()}
    values = [vector(model.predict([pair])[0]) for pair in PAIRS]  # first: before version 5.4 another activation stays
    for i, (query, document) in enumerate(PAIRS):
        value, logits = values[i], vector(model.predict([(query, document)], **identity)[0])
        if labels == 1:
            fixture.add(f"score{i}", "score", {"query": query, "document": document}, {}, {"score": float(value), "logits": logits.reshape(1)})
        else:
            fixture.add(f"classes{i}", "classify", {"text": query, "pair": document}, {}, {"probabilities": value, "logits": logits})


# Models of one vector.
def dense_kind(name, *specification, **settings):
    """Modules after the pooling, as (class, keywords)."""
    def make(fixture, bases):
        modules = [transformer(bases.bert(t.BertModel)), find("Pooling")(SIZE, pooling_mode="mean")]
        modules += [module(of, 7 + i, **keywords) for i, (of, keywords) in enumerate(specification)]
        dense(fixture, modules, **settings)
    KINDS[name] = make


ACTIVATIONS = ["CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity", "LeakyReLU", "LogSigmoid", "Mish", "PReLU", "ReLU", "ReLU6", "RReLU", "SELU",
               "SiLU", "Sigmoid", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink"]
for activation in [*ACTIVATIONS, "Softmax", "LogSoftmax", "Softmin"]:
    dense_kind("dense-" + activation.lower(), ("Dense", dict(in_features=SIZE, out_features=8, activation_function=getattr(torch.nn, activation)())))
dense_kind("plain", ("Normalize", {}))
dense_kind("layer-norm", ("LayerNorm", dict(dimension=SIZE)), ("Normalize", {}))
dense_kind("normalize-dense", ("Normalize", {}), ("Dense", dict(in_features=SIZE, out_features=8)))
dense_kind("long-pipeline", ("Dense", dict(in_features=SIZE, out_features=12)), ("Dropout", dict(dropout=0.3)), ("LayerNorm", dict(dimension=12)), ("Normalize", {}),
           ("Dense", dict(in_features=12, out_features=8, bias=False)), ("Normalize", {}))
dense_kind("truncated", ("Normalize", {}), truncate_dim=6)
for similarity in ("dot", "euclidean", "manhattan"):
    dense_kind("similarity-" + similarity, ("Dense", dict(in_features=SIZE, out_features=8)), similarity_fn_name=similarity)
dense_kind("prompts", ("Normalize", {}), prompts={"query": "query: ", "document": "passage: "}, default_prompt_name="document", roles=(None, "query"))


dense_kind("query-prompt", prompts={"query": "query: "}, default_prompt_name="query", roles=(None, "query", "document"))
dense_kind("default-prompt", prompts={"clustering": "group: "}, default_prompt_name="clustering", roles=(None, "query", "document"))
dense_kind("truncated-not", truncate_dim=60)


def layers_kind(name, outputs):
    """WeightedLayerPooling, which does nothing where the transformer does not hand on its layers."""
    def make(fixture, bases):
        pooling = module("WeightedLayerPooling", 11, SIZE, num_hidden_layers=2, layer_start=1)
        pooling.layer_weights.data = torch.tensor([0.3, 1.7])
        first = transformer(bases.bert(t.BertModel))
        first.auto_model.config.output_hidden_states = outputs
        dense(fixture, [first, pooling, find("Pooling")(SIZE, pooling_mode="cls")])
    KINDS[name] = make


layers_kind("layers", True)
layers_kind("layers-none", False)


@kind
def role_lengths(fixture, bases):
    if VERSION < (6, 0):
        raise LookupError("no lengths of roles")
    dense(fixture, [transformer(bases.bert(t.BertModel), query_length=6, document_length=4), find("Pooling")(SIZE)], roles=(None, "query", "document"))


@kind
def role_lengths_beyond(fixture, bases):
    if VERSION < (6, 0):
        raise LookupError("no lengths of roles")
    first = transformer(bases.bert(t.BertModel), max_seq_length=5, query_length=9, document_length=60)
    dense(fixture, [first, find("Pooling")(SIZE)], roles=(None, "query", "document"))


@kind
def residual(fixture, bases):
    if VERSION < (6, 0):
        raise LookupError("Dense has no residual")
    modules = [transformer(bases.bert(t.BertModel)), find("Pooling")(SIZE), module("Dense", 8, SIZE, 8, use_residual=True), module("Dense", 9, 8, 8, use_residual=True)]
    dense(fixture, modules)


@kind
def token_modules(fixture, bases):
    if VERSION < (6, 0):
        raise LookupError("no modules of tokens")
    modules = [transformer(bases.bert(t.BertModel)), module("Dense", 8, SIZE, 8, module_input_name="token_embeddings"), find("Normalize")(module_input_name="token_embeddings"),
               find("Pooling")(8)]
    dense(fixture, modules)


@kind
def lower_case(fixture, bases):
    dense(fixture, [transformer(bases.bert(t.BertModel), do_lower_case=True, max_seq_length=12), find("Pooling")(SIZE)])


@kind
def static(fixture, bases):
    embedding = find("StaticEmbedding")(bases.tokenizer.backend_tokenizer, embedding_weights=torch.randn(len(bases.tokenizer), SIZE, generator=torch.Generator().manual_seed(2)).numpy())
    dense(fixture, [embedding, module("Dense", 8, SIZE, 8), find("Normalize")()])


@kind
def static_empty(fixture, bases):
    """Texts without tokens, whose zero vector the modules read."""
    embedding = find("StaticEmbedding")(bases.tokenizer.backend_tokenizer, embedding_weights=torch.randn(len(bases.tokenizer), SIZE, generator=torch.Generator().manual_seed(2)).numpy())
    dense(fixture, [embedding, module("Dense", 8, SIZE, 8), module("LayerNorm", 9, 8), find("Normalize")()])
    model = SentenceTransformer(str(fixture.model_folder), device="cpu")
    for i, text in enumerate(["", "  ", "\n"]):
        fixture.add(f"empty{i}", "embed", {"text": text}, {}, {"embedding": vector(encode(model, text, None))})


@kind
def messages(fixture, bases):
    if VERSION < (5, 4):
        raise LookupError("no messages")
    template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    dense(fixture, [transformer(bases.qwen(template)), find("Pooling")(SIZE, pooling_mode="lasttoken"), find("Normalize")()], roles=(None, "query"), prompts={"query": "Find it."})


def router(query, document):
    try:
        return find("Router").for_query_document(query_modules=query, document_modules=document)
    except LookupError:
        return find("Asym")({"query": query, "document": document})


@kind
def router_dense(fixture, bases):
    modules = [transformer(bases.bert(t.BertModel)), find("Pooling")(SIZE), router([module("Dense", 8, SIZE, 8)], [module("Dense", 9, SIZE, 8)]), find("Normalize")()]
    dense(fixture, modules, roles=("query", "document"))


@kind
def router_encoders(fixture, bases):
    modules = [router([transformer(bases.bert(t.BertModel)), find("Pooling")(SIZE)], [transformer(bases.bert(t.BertModel, 2)), find("Pooling")(SIZE, pooling_mode="cls")]), find("Normalize")()]
    dense(fixture, modules, roles=("query", "document") if VERSION < (5, 0) else (None, "query", "document"))


@kind
def router_static(fixture, bases):
    weights = torch.randn(len(bases.tokenizer), SIZE, generator=torch.Generator().manual_seed(2)).numpy()
    embedding = find("StaticEmbedding")(bases.tokenizer.backend_tokenizer, embedding_weights=weights)
    modules = [router([embedding], [transformer(bases.bert(t.BertModel)), find("Pooling")(SIZE)]), find("Normalize")()]
    dense(fixture, modules, roles=("query", "document"))


# Cross-encoders.
def cross_kind(name, labels, activation):
    def make(fixture, bases):
        path = bases.bert(t.BertForSequenceClassification, num_labels=labels)
        keyword = "activation_fn" if VERSION >= (4, 0) else "default_activation_function"
        cross(fixture, path, **({keyword: getattr(torch.nn, activation)()} if activation else {}))
    KINDS[name] = make


for labels in (1, 3):
    cross_kind(f"cross-{labels}", labels, None)
    for activation in [*ACTIVATIONS, "Softmax", "LogSoftmax", "Softmin"]:
        cross_kind(f"cross-{labels}-{activation.lower()}", labels, activation)


@kind
def cross_prompt(fixture, bases):
    if VERSION < (5, 4):
        raise LookupError("cross-encoders have no prompts")
    cross(fixture, bases.bert(t.BertForSequenceClassification, num_labels=1), prompts={"find": "the city: "}, default_prompt_name="find")


@kind
def cross_pooled(fixture, bases):
    if VERSION < (5, 4):
        raise LookupError("cross-encoders have no modules")
    modules = [transformer(bases.bert(t.BertModel)), find("Pooling")(SIZE, pooling_mode="cls"), module("Dense", 8, SIZE, 8, activation_function=torch.nn.GELU()),
               module("Dense", 9, 8, 3, activation_function=torch.nn.Identity(), module_output_name="scores")]
    cross(fixture, modules)


RERANK = """{%- set q = messages | selectattr("role", "eq", "query") | map(attribute="content") | first -%}
{%- set d = messages | selectattr("role", "eq", "document") | map(attribute="content") | first -%}
{%- set s = messages | selectattr("role", "eq", "system") | map(attribute="content") | list -%}
<|im_start|>{{ s[0] if s else "Is it in there?" }}
{{ q }}
{{ d }}<|im_end|>
<|im_start|>"""


def logit_kind(name, template, false_token=257, **settings):
    def make(fixture, bases):
        if VERSION < (5, 4):
            raise LookupError("no LogitScore")
        cross(fixture, [transformer(bases.qwen(template), transformer_task="text-generation"), find("LogitScore")(true_token_id=258, false_token_id=false_token)], **settings)
    KINDS[name] = make


logit_kind("logit-score", RERANK)
logit_kind("logit-score-one", RERANK, None, activation_fn=torch.nn.Identity())
logit_kind("logit-score-prompt", RERANK, prompts={"web": "Does it answer?"}, default_prompt_name="web")


# Sparse encoders.
def sparse(fixture, modules, roles=(None,), **settings):
    from sentence_transformers import SparseEncoder
    save(SparseEncoder(modules=modules, device="cpu", **settings), fixture)
    model = SparseEncoder(str(fixture.model_folder), device="cpu")
    for role in roles:
        for i, text in enumerate(TEXTS):
            row = encode(model, text, role, convert_to_sparse_tensor=False)
            fixture.add(f"{role or 'text'}{i}", "sparse_embed", {"text": text}, {"role": role} if role else {}, {"dense": vector(row)})


def masked_lm(bases):
    path = bases.bert(t.BertForMaskedLM)
    return find("MLMTransformer")(path) if VERSION < (5, 4) else transformer(path, transformer_task="fill-mask")


def splade_kind(name, pooling, **settings):
    KINDS[name] = lambda fixture, bases: sparse(fixture, [masked_lm(bases), find("SpladePooling")(**pooling)], **settings)


splade_kind("splade", dict(pooling_strategy="max"))
splade_kind("splade-sum", dict(pooling_strategy="sum", activation_function="log1p_relu"))
splade_kind("splade-most", dict(pooling_strategy="max"), max_active_dims=9)
splade_kind("splade-cosine", dict(pooling_strategy="max"), similarity_fn_name="cosine")


@kind
def splade_router(fixture, bases):
    weight = torch.rand(len(bases.tokenizer), generator=torch.Generator().manual_seed(4)) * 3 - 0.5
    query = find("SparseStaticEmbedding")(tokenizer=bases.tokenizer, weight=weight, frozen=True)
    sparse(fixture, [router([query], [masked_lm(bases), find("SpladePooling")()])], roles=(None, "query", "document"))


# Late interaction.
def late(fixture, modules, **settings):
    from sentence_transformers import MultiVectorEncoder
    save(MultiVectorEncoder(modules=modules, device="cpu", **settings), fixture)
    model = MultiVectorEncoder(str(fixture.model_folder), device="cpu")
    for role in (None, "query", "document"):
        for i, text in enumerate(TEXTS):
            fixture.add(f"{role or 'text'}{i}", "token_embed", {"text": text}, {"role": role} if role else {}, {"embeddings": vector(encode(model, text, role))})
    score = model.similarity(model.encode_query(TEXTS[:1]), model.encode_document(TEXTS[1:]))
    fixture.add("similarity", "score", {"query": TEXTS[0], "document": TEXTS[1]}, {}, {"score": float(score[0][0])}, 2e-4)


def late_kind(name, transformer_settings, mask, last=True, **settings):
    def make(fixture, bases):
        if VERSION < (6, 0):
            raise LookupError("no late interaction")
        modules = [transformer(bases.bert(t.BertModel), **transformer_settings), module("Dense", 8, SIZE, 8, bias=False, activation_function=torch.nn.Identity(),
                                                                                       module_input_name="token_embeddings"), find("MultiVectorMask")(**mask)]
        late(fixture, modules + ([find("Normalize")(module_input_name="token_embeddings")] if last else []), **settings)
    KINDS[name] = make


late_kind("late", {}, {})
late_kind("late-fixed", dict(query_expansion=dict(strategy="fixed", length=24)), dict(skiplist_words=["▁the", ";", ","]), prompts={"query": "[MASK] ", "document": "it: "})
late_kind("late-min", dict(query_expansion=dict(strategy="min", length=20, attend=True, token="[SEP]")), dict(skiplist_words=["▁the", ","], skiplist_tasks=["query", "document"]))
late_kind("late-beyond", dict(max_seq_length=6, query_expansion=dict(strategy="min", length=20), query_length=22, document_length=12), {})
late_kind("late-only", {}, dict(keep_only_token_ids=[5, 6, 7, 8, 9, 10, 20, 21, 22, 23]), last=False, similarity_fn_name="meanmaxsim")


def main(out, names):
    with tempfile.TemporaryDirectory() as folder:
        bases = Bases(folder)
        for name in names or KINDS:
            fixture = Fixture(out, "st-" + name, name, bases.tokenizer)
            try:
                KINDS[name](fixture, bases)
            except (LookupError, ImportError) as e:
                shutil.rmtree(fixture.folder)
                print(f"{name}: left out: {e}")
                continue
            except Exception as e:
                shutil.rmtree(fixture.folder)
                print(f"{name}: FAILED: {type(e).__name__}: {str(e)[:200]}")
                continue
            fixture.finish(f"sentence-transformers {sentence_transformers.__version__}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
