"""Makes fixtures of encoder heads, and of layouts that the hub has and transformers does not write.

    python tests/golden/make/encoder_heads.py OUT
"""
import sys

import torch
import transformers as t
from encoder_fixture import Fixture, add_classes, add_masked, add_scores, add_token_classes, make_tokenizer, randomise

SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=400)
LABELS = dict(id2label={0: "negative", 1: "neutral", 2: "positive"}, label2id={"negative": 0, "neutral": 1, "positive": 2})
ROBERTA = ["<pad>", "<s>", "</s>", "<unk>", "<mask>"]
ADDS = {"classify": ("ForSequenceClassification", add_classes, LABELS), "token-classify": ("ForTokenClassification", add_token_classes, LABELS),
        "mlm": ("ForMaskedLM", add_masked, {})}


def heads(out, family, prefix, sizes, tasks, seed, config=None):
    for task in tasks:
        suffix, add, labels = ADDS[task]
        tokenizer = make_tokenizer()
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
        keys = sizes | labels | dict(vocab_size=len(tokenizer), pad_token_id=0)
        model = randomise(getattr(t, prefix + suffix)((config or getattr(t, prefix + "Config"))(**keys)), seed)
        fixture = Fixture(out, f"{family}-{task}", "", tokenizer)
        fixture.save_model(model)
        add(fixture, model)
        fixture.finish(prefix + suffix)
        seed += 1


def ntk_frequencies(theta, factor, dim):
    """The definition of GTE's own code."""
    frequencies = 1.0 / ((theta * factor) ** (torch.arange(0, dim, 2).float() / dim))
    return frequencies / factor ** (2 / dim)


def gte_hub(out):
    tokenizer = make_tokenizer(pair_type=1)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    config = t.GteConfig(**SIZES, vocab_size=len(tokenizer), pad_token_id=0, num_labels=1, type_vocab_size=1)
    model = randomise(t.GteForSequenceClassification(config), 31)
    model.gte.rotary_emb.inv_freq = ntk_frequencies(500.0, 4.0, 8)
    fixture = Fixture(out, "gte-hub-rerank", "config.json of gte-multilingual-reranker-base: model_type new, NTK scaling; the reference is GteModel with the "
                      "frequencies of that definition", tokenizer)
    keys = dict(architectures=["NewForSequenceClassification"], model_type="new", rope_parameters=..., rope_theta=500.0, rope_scaling={"factor": 4.0, "type": "ntk"},
                layer_norm_type="layer_norm", logn_attention_clip1=False, logn_attention_scale=False, pack_qkv=True, position_embedding_type="rope",
                unpad_inputs=False, use_memory_efficient_attention=False)
    fixture.save_model(model, keys)
    fixture.hidden_states_of_texts(model.gte)
    add_scores(fixture, model)
    fixture.finish("GteForSequenceClassification")


def jina_names(tensors):
    """XLM-RoBERTa's tensors under the names of Jina's implementation."""
    renamed = {}
    for name, tensor in tensors.items():
        for old, new in [("embeddings.LayerNorm", "emb_ln"), ("encoder.layer.", "encoder.layers."), ("attention.output.dense", "mixer.out_proj"),
                         ("attention.output.LayerNorm", "norm1"), ("intermediate.dense", "mlp.fc1"), ("output.dense", "mlp.fc2"), ("output.LayerNorm", "norm2")]:
            name = name.replace(old, new)
        renamed[name] = tensor
    for name in [n for n in renamed if ".attention.self.query." in n]:
        parts = [renamed.pop(name.replace("query", part)) for part in ("query", "key", "value")]
        renamed[name.replace("attention.self.query", "mixer.Wqkv")] = torch.cat(parts)
    return renamed


def jina_hub(out):
    tokenizer = make_tokenizer(special=ROBERTA, pair_type=0, first="<s>")
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    config = t.XLMRobertaConfig(**SIZES, vocab_size=len(tokenizer), pad_token_id=1, num_labels=1, type_vocab_size=1, layer_norm_eps=1e-5)
    model = randomise(t.XLMRobertaForSequenceClassification(config), 41)
    fixture = Fixture(out, "jina-hub-rerank", "jina-reranker-v2: XLM-RoBERTa with positions of a table under the names of Jina's implementation", tokenizer)
    keys = dict(emb_pooler=None, load_trained_adapters=False, lora_adaptations=None, lora_alpha=1, lora_dropout_p=0.0, lora_main_params_trainable=False, lora_rank=4,
                matryoshka_dimensions=None, position_embedding_type="absolute", truncate_dim=None, use_flash_attn=True, use_reentrant=False)
    fixture.save_model(model, keys, jina_names)
    fixture.hidden_states_of_texts(model.roberta)
    add_scores(fixture, model)
    fixture.finish("XLMRobertaForSequenceClassification")


def lfm2_attention(out):
    tokenizer = make_tokenizer()
    config = t.Lfm2Config(**SIZES, num_key_value_heads=2, layer_types=["full_attention"] * 2, block_auto_adjust_ff_dim=False, vocab_size=len(tokenizer))
    model = randomise(t.Lfm2Model(config), 51)
    fixture = Fixture(out, "lfm2-attention", "no layer of it is a convolution, whose settings config.json has none the less", tokenizer)
    fixture.save_model(model)
    fixture.hidden_states_of_texts(model)
    fixture.finish("Lfm2Model")


def main(out):
    every = ["classify", "token-classify", "mlm"]
    heads(out, "roberta", "Roberta", SIZES | dict(type_vocab_size=1), ["token-classify"], 1)
    heads(out, "camembert", "Camembert", SIZES | dict(type_vocab_size=1), ["mlm"], 3)
    heads(out, "distilbert", "DistilBert", dict(dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=400, activation="relu"), every[1:], 4)
    heads(out, "mpnet", "MPNet", SIZES, every, 7)
    heads(out, "electra", "Electra", SIZES | dict(embedding_size=24, hidden_act="gelu_new"), every[1:], 10)
    heads(out, "nomic-bert", "NomicBert", SIZES, every, 13)
    heads(out, "jina-v3", "JinaEmbeddingsV3", SIZES | dict(type_vocab_size=1), every, 16)
    heads(out, "gte", "Gte", SIZES, every, 19)
    heads(out, "eurobert", "EuroBert", SIZES | dict(num_key_value_heads=2, mlp_bias=True, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, mask_token_id=4,
                                                    hidden_act="gelu_python_tanh"), every[1:], 22)
    gte_hub(out)
    jina_hub(out)
    lfm2_attention(out)


if __name__ == "__main__":
    main(sys.argv[1])
