#!/usr/bin/env python3
"""make_random_model.py minilm|bert-base|bert-base-reranker|modernbert-base|qwen3-0.6b|qwen3-0.6b-lm FOLDER [TOKENIZER.json]: a checkpoint of that size with random weights.

Speed does not depend on the values. Needs numpy. The tokenizer is a small one unless one is given (bench_model sends token ids, bench_rerank texts).
"""
import json
import pathlib
import shutil
import struct
import sys

import numpy as np

CONFIGS = {
    "minilm": dict(architectures=["BertModel"], model_type="bert", hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
                   intermediate_size=1536, vocab_size=30522, max_position_embeddings=512, type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12),
    "bert-base": dict(architectures=["BertModel"], model_type="bert", hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
                      intermediate_size=3072, vocab_size=30522, max_position_embeddings=512, type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12),
    "bert-base-reranker": dict(architectures=["BertForSequenceClassification"], model_type="bert", hidden_size=768, num_hidden_layers=12,
                               num_attention_heads=12, intermediate_size=3072, vocab_size=30522, max_position_embeddings=512, type_vocab_size=2,
                               hidden_act="gelu", layer_norm_eps=1e-12, id2label={"0": "LABEL_0"}, label2id={"LABEL_0": 0}),
    "modernbert-base": dict(architectures=["ModernBertModel"], model_type="modernbert", hidden_size=768, num_hidden_layers=22, num_attention_heads=12,
                            intermediate_size=1152, vocab_size=50368, max_position_embeddings=8192, hidden_activation="gelu", norm_eps=1e-5,
                            local_attention=128, global_attn_every_n_layers=3, global_rope_theta=160000.0, local_rope_theta=10000.0),
    "qwen3-0.6b": dict(architectures=["Qwen3Model"], model_type="qwen3", hidden_size=1024, num_hidden_layers=28, num_attention_heads=16,
                       num_key_value_heads=8, head_dim=128, intermediate_size=3072, vocab_size=151669, max_position_embeddings=32768,
                       hidden_act="silu", rms_norm_eps=1e-6, rope_theta=1000000.0, attention_bias=False),
}
CONFIGS["qwen3-0.6b-lm"] = {**CONFIGS["qwen3-0.6b"], "architectures": ["Qwen3ForCausalLM"], "tie_word_embeddings": True}


def bert_tensors(c):
    n = c["hidden_size"]
    if c["architectures"] != ["BertForSequenceClassification"]:
        yield from bert_encoder_tensors(c)
        return
    for name, shape in bert_encoder_tensors(c):
        yield "bert." + name, shape
    yield from linear("bert.pooler.dense", n, n)
    yield from linear("classifier", len(c["id2label"]), n)


def bert_encoder_tensors(c):
    n, i = c["hidden_size"], c["intermediate_size"]
    yield "embeddings.word_embeddings.weight", (c["vocab_size"], n)
    yield "embeddings.position_embeddings.weight", (c["max_position_embeddings"], n)
    yield "embeddings.token_type_embeddings.weight", (c["type_vocab_size"], n)
    yield from norm("embeddings.LayerNorm", n)
    for layer in range(c["num_hidden_layers"]):
        p = f"encoder.layer.{layer}."
        for name in ("query", "key", "value"):
            yield from linear(p + "attention.self." + name, n, n)
        yield from linear(p + "attention.output.dense", n, n)
        yield from norm(p + "attention.output.LayerNorm", n)
        yield from linear(p + "intermediate.dense", i, n)
        yield from linear(p + "output.dense", n, i)
        yield from norm(p + "output.LayerNorm", n)


def modernbert_tensors(c):
    n, i = c["hidden_size"], c["intermediate_size"]
    yield "embeddings.tok_embeddings.weight", (c["vocab_size"], n)
    yield "embeddings.norm.weight", (n,)
    for layer in range(c["num_hidden_layers"]):
        p = f"layers.{layer}."
        if layer > 0:
            yield p + "attn_norm.weight", (n,)
        yield p + "attn.Wqkv.weight", (3 * n, n)
        yield p + "attn.Wo.weight", (n, n)
        yield p + "mlp_norm.weight", (n,)
        yield p + "mlp.Wi.weight", (2 * i, n)
        yield p + "mlp.Wo.weight", (n, i)
    yield "final_norm.weight", (n,)


def qwen3_tensors(c):
    n, i, d = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    q, kv = c["num_attention_heads"] * d, c["num_key_value_heads"] * d
    yield "embed_tokens.weight", (c["vocab_size"], n)
    for layer in range(c["num_hidden_layers"]):
        p = f"layers.{layer}."
        for name, shape in (("q_proj", (q, n)), ("k_proj", (kv, n)), ("v_proj", (kv, n)), ("o_proj", (n, q))):
            yield f"{p}self_attn.{name}.weight", shape
        for name, shape in (("gate_proj", (i, n)), ("up_proj", (i, n)), ("down_proj", (n, i))):
            yield f"{p}mlp.{name}.weight", shape
        for name, size in (("self_attn.q_norm", d), ("self_attn.k_norm", d), ("input_layernorm", n), ("post_attention_layernorm", n)):
            yield f"{p}{name}.weight", (size,)
    yield "norm.weight", (n,)


def linear(name, n, k):
    yield name + ".weight", (n, k)
    yield name + ".bias", (n,)


def norm(name, n):
    yield name + ".weight", (n,)
    yield name + ".bias", (n,)


def random_bytes(rng, name, shape, bf16):
    values = rng.standard_normal(shape, dtype=np.float32) * (shape[-1] ** -0.5)
    if len(shape) == 1:
        values = values * 0.02 + (1 if name.endswith("weight") else 0)
    values = np.ascontiguousarray(values, np.float32)
    return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes() if bf16 else values.tobytes()


def main():
    kind, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    config, bf16 = CONFIGS[kind], kind.startswith("qwen3")
    folder.mkdir(parents=True, exist_ok=True)
    make = {"qwen3": qwen3_tensors, "modernbert": modernbert_tensors}.get(config["model_type"], bert_tensors)
    tensors = list(make(config))
    width, offset, header = 2 if bf16 else 4, 0, {}
    for name, shape in tensors:
        size = int(np.prod(shape)) * width
        header[name] = {"dtype": "BF16" if bf16 else "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(1)
    with open(folder / "model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors:
            f.write(random_bytes(rng, name, shape, bf16))
    (folder / "config.json").write_text(json.dumps({**config, "torch_dtype": "bfloat16" if bf16 else "float32"}, indent=1))
    (folder / "tokenizer_config.json").write_text("{}")
    if len(sys.argv) > 3:
        shutil.copy(sys.argv[3], folder / "tokenizer.json")
        return
    vocab = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3}
    if kind.endswith("-lm"):  # every token may be written
        vocab |= {f"t{i}": i for i in range(len(vocab), config["vocab_size"])}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab}}))


if __name__ == "__main__":
    main()
