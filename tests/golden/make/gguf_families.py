"""Fixtures of architectures as GGUF files: the checkpoints of other fixtures, written with the gguf package's own names of
tensors, and their expected hidden states. Where GGUF has no key for a setting (query_pre_attn_scalar), the weights of queries
are scaled by it, so that the numbers stay the reference's.

    python tests/golden/make/gguf_families.py      (packages: gguf, safetensors, torch, numpy)
"""
import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

GOLDEN = pathlib.Path(__file__).resolve().parent.parent
ARCH = gguf.MODEL_ARCH
ROBERTA = ("roberta", "xlm-roberta", "camembert")


def permuted(weight, heads):
    """Rows of a head so that neighbours turn together."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def first(config, *keys):
    return next((config[key] for key in keys if config.get(key) is not None), None)


def rope_of(config, kind=""):
    parameters = config.get("rope_parameters") or {}
    return parameters.get(kind) or parameters


def windows(writer, config):
    writer.add_sliding_window(config["sliding_window"])
    if config.get("attn_logit_softcapping"):
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
    if config.get("final_logit_softcapping"):
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])


def gemma3(writer, config):
    windows(writer, config)
    pattern = config.get("sliding_window_pattern") or config["layer_types"].index("full_attention") + 1
    writer.add_uint32(f"{writer.arch}.attention.sliding_window_pattern", pattern)
    if config.get("rope_scaling"):
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(config["rope_scaling"]["factor"])


def llama3(writer, config):
    """Divisors of the frequencies, which the file has instead of the scaling's numbers."""
    scaling, size = config["rope_scaling"], config["head_dim"]
    original, low, high = (scaling[key] for key in ("original_max_position_embeddings", "low_freq_factor", "high_freq_factor"))
    divisors = []
    for frequency in 1 / config["rope_theta"] ** (torch.arange(0, size, 2).float() / size):
        length = 2 * np.pi / float(frequency)
        smooth = (original / length - low) / (high - low)
        between = 1 / ((1 - smooth) / scaling["factor"] + smooth)
        divisors.append(1 if length < original / high else scaling["factor"] if length > original / low else between)
    writer.add_tensor("rope_freqs.weight", np.array(divisors, np.float32))


def modern_bert(writer, config):
    writer.add_sliding_window(config["local_attention"])
    writer.add_rope_freq_base(config.get("global_rope_theta") or rope_of(config, "full_attention")["rope_theta"])
    local = config.get("local_rope_theta") or rope_of(config, "sliding_attention")["rope_theta"]
    writer.add_float32("modern-bert.rope.freq_base_swa", local)
    writer.add_uint32("modern-bert.attention.sliding_window_pattern", config.get("global_attn_every_n_layers") or 3)


def rotary_base(writer, config):
    writer.add_rope_freq_base(config.get("rotary_emb_base") or rope_of(config).get("rope_theta") or 10000)


def lfm2(writer, config):
    types = config.get("layer_types") or ["full_attention"] * config["num_hidden_layers"]
    if config.get("full_attn_idxs") is not None:
        types = ["full_attention" if i in config["full_attn_idxs"] else "conv" for i in range(config["num_hidden_layers"])]
    writer.add_head_count_kv([config["num_key_value_heads"] if kind == "full_attention" else 0 for kind in types])
    writer.add_shortconv_l_cache(config.get("conv_L_cache", 3))


def mlp_width(config):
    if config["model_type"] != "lfm2":
        return first(config, "intermediate_size", "n_inner")
    width = first(config, "block_ff_dim", "intermediate_size")
    if config.get("block_auto_adjust_ff_dim", True):
        block = config.get("block_multiple_of", 256)
        width = (int(config.get("block_ffn_dim_multiplier", 1.0) * int(2 * width / 3)) + block - 1) // block * block
    return width


def causality(writer, config):
    writer.add_causal_attention(config.get("is_causal", True))


FIXTURES = (
    # fixture, names, encoder, what its architecture adds
    ("nomic-bert-hubconfig", ARCH.NOMIC_BERT, True, rotary_base),
    ("modernbert-lengths", ARCH.MODERN_BERT, True, modern_bert),
    ("xlm-roberta-embed", ARCH.BERT, True, lambda writer, config: writer.add_pad_token_id(config["pad_token_id"])),
    ("jina-embeddings-v3-base", ARCH.JINA_BERT_V3, True, rotary_base),
    ("gen-gemma2", ARCH.GEMMA2, False, windows),
    ("gen-gemma3", ARCH.GEMMA3, False, gemma3),
    ("emb-gemma", ARCH.GEMMA_EMBEDDING, False, gemma3),
    ("gen-lfm2", ARCH.LFM2, False, lfm2),
    ("gen-llama3", ARCH.LLAMA, False, llama3),
    ("gen-mistral-sliding", ARCH.LLAMA, False, windows),
    ("emb-gte-qwen2", ARCH.QWEN2, False, causality),
)
HEADS = ("lm_head", "pooler", "cls.", "position_ids", "head.", "decoder.", "linear.")


def settings(writer, config, encoder):
    writer.add_block_count(first(config, "num_hidden_layers", "n_layer"))
    writer.add_embedding_length(first(config, "hidden_size", "n_embd"))
    writer.add_head_count(first(config, "num_attention_heads", "n_head"))
    writer.add_context_length(first(config, "max_position_embeddings", "n_positions"))
    writer.add_feed_forward_length(mlp_width(config))
    if encoder:
        writer.add_layer_norm_eps(first(config, "layer_norm_eps", "layer_norm_epsilon", "norm_eps") or 1e-5)
        return
    writer.add_layer_norm_rms_eps(first(config, "rms_norm_eps", "norm_eps"))
    if writer.arch != "lfm2":
        writer.add_head_count_kv(config["num_key_value_heads"])
    if config.get("head_dim"):
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])
    base = config.get("rope_theta") or rope_of(config).get("rope_theta")
    if base:
        writer.add_rope_freq_base(base)


def tokens(writer, config):
    """Any tokenizer: the cases have token ids."""
    size = config["vocab_size"]
    writer.add_token_list(["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + [f"\u2581w{i}" for i in range(size - 4)])
    roberta = writer.arch == "bert"
    writer.add_tokenizer_model("t5" if roberta else "bert")
    if roberta:
        writer.add_token_scores([0.0] * size)
        writer.add_unk_token_id(1)


def changed(name, weight, config, arch):
    if arch == "llama" and ".q_proj" in name:
        weight = permuted(weight, config["num_attention_heads"])
    if arch == "llama" and ".k_proj" in name:
        weight = permuted(weight, config["num_key_value_heads"])
    if arch.startswith("gemma") and name.endswith("norm.weight"):
        weight = weight + 1
    if config.get("query_pre_attn_scalar") and (".q_proj" in name if arch == "gemma2" else "q_norm" in name):
        weight = weight * np.float32((config["head_dim"] / config["query_pre_attn_scalar"]) ** 0.5)
    if "conv.conv" in name:
        weight = weight.squeeze(1)
    if "position_embeddings" in name and config["model_type"] in ROBERTA:
        weight = weight[config["pad_token_id"] + 1:]
    return np.ascontiguousarray(weight)


def tensors(writer, names, config, file):
    with safe_open(file, "pt") as stored:
        for name in stored.keys():
            if any(name.startswith(head) for head in HEADS) or "pooler" in name or "position_ids" in name:
                continue
            spellings = [name, "model." + name] + [name.removeprefix(part) for part in ("bert.", "model.", "roberta.", "nomic_bert.")]
            found = [names.get_name(spelling, try_suffixes=(".weight", ".bias")) for spelling in spellings]
            known = next((each for each in found if each), None)
            if not known:
                raise SystemExit(f"{file}: {name} has no name in {writer.arch}")
            writer.add_tensor(known, changed(name, stored.get_tensor(name).float().numpy(), config, writer.arch))


def make(fixture, arch, encoder, more):
    source, target = GOLDEN / fixture, GOLDEN / f"gguf-{fixture}"
    shutil.rmtree(target, ignore_errors=True)
    (target / "model").mkdir(parents=True)
    config = json.loads((source / "model/config.json").read_text())
    cases = json.loads((source / "cases.json").read_text())
    cases["cases"] = [case for case in cases["cases"] if case["task"] == "hidden_states"][:6]
    cases["notes"] = f"the checkpoint of {fixture} as a GGUF file of float32, and its hidden states"
    (target / "cases.json").write_text(json.dumps(cases))
    text = json.dumps(cases)
    with safe_open(source / "expected.safetensors", "pt") as expected:
        save_file({name: expected.get_tensor(name) for name in expected.keys() if f'"{name}"' in text}, target / "expected.safetensors")
    writer = gguf.GGUFWriter(target / "model/model.gguf", gguf.MODEL_ARCH_NAMES[arch])
    settings(writer, config, encoder)
    more(writer, config)
    tokens(writer, config)
    names = gguf.get_tensor_name_map(arch, first(config, "num_hidden_layers", "n_layer"))
    for file in sorted((source / "model").glob("*.safetensors")):
        tensors(writer, names, config, file)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    for row in FIXTURES:
        make(*row)
