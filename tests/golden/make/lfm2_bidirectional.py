"""Makes the fixture colbert-lfm2-bidirectional: the weights and texts of colbert-lfm2 in a model whose tokens see both ways and whose convolutions are centred
(LFM2.5-ColBERT, class Lfm2BidirectionalModel). Computed here in torch, as the transformers that fixtures are made with has no such class; what is shared with the causal model is compared with what
transformers has given of that.

    python tests/golden/make/lfm2_bidirectional.py
"""
import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as f

GOLDEN = pathlib.Path(__file__).resolve().parent.parent
SOURCE, NAME = GOLDEN / "colbert-lfm2", "colbert-lfm2-bidirectional"


def rms_norm(x, weight, eps):
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def rotate(x, angles):
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], -1)
    return x * angles.cos() + turned * angles.sin()


def attention(config, w, at, x, attended, causal):
    """[tokens, hidden]: every token sees all that are attended to, or those up to itself."""
    tokens, heads, kv = x.shape[0], config["num_attention_heads"], config["num_key_value_heads"]
    size = config["hidden_size"] // heads
    frequencies = config["rope_parameters"]["rope_theta"] ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.arange(tokens, dtype=torch.float32)[:, None] * torch.cat([frequencies, frequencies])
    eps = config["norm_eps"]
    q = rotate(rms_norm((x @ w[at + "q_proj.weight"].T).view(tokens, heads, size).transpose(0, 1), w[at + "q_layernorm.weight"], eps), angles)
    k = rotate(rms_norm((x @ w[at + "k_proj.weight"].T).view(tokens, kv, size).transpose(0, 1), w[at + "k_layernorm.weight"], eps), angles)
    v = (x @ w[at + "v_proj.weight"].T).view(tokens, kv, size).transpose(0, 1)
    k, v = (each.repeat_interleave(heads // kv, 0) for each in (k, v))
    scores = q @ k.transpose(1, 2) / size**0.5
    seen = attended[None].expand(tokens, tokens)
    scores = scores.masked_fill(~(seen.tril() if causal else seen), float("-inf"))
    return (scores.softmax(-1) @ v).transpose(0, 1).reshape(tokens, -1) @ w[at + "out_proj.weight"].T


def convolution(w, at, x, causal):
    """As far ahead as back, or back alone."""
    b, c, v = (x @ w[at + "in_proj.weight"].T).chunk(3, -1)
    taps = w[at + "conv.weight"]
    padding = taps.shape[-1] - 1 if causal else taps.shape[-1] // 2
    mixed = f.conv1d((b * v).T[None], taps, padding=padding, groups=taps.shape[0])[0].T
    return (c * mixed[: x.shape[0]]) @ w[at + "out_proj.weight"].T


def hidden_states(config, w, ids, mask=None, causal=False):
    x = w["embed_tokens.weight"][torch.tensor(ids)]
    attended = torch.tensor(mask if mask else [1] * len(ids)).bool()
    for i, kind in enumerate(config["layer_types"]):
        at = f"layers.{i}."
        h = rms_norm(x, w[at + "operator_norm.weight"], config["norm_eps"])
        if kind == "full_attention":
            x = x + attention(config, w, at + "self_attn.", h, attended, causal)
        else:  # before a causal one transformers makes zero what is not attended to
            x = x + convolution(w, at + "conv.", h * attended[:, None] if causal else h, causal)
        h = rms_norm(x, w[at + "ffn_norm.weight"], config["norm_eps"])
        mlp = at + "feed_forward."
        x = x + (f.silu(h @ w[mlp + "w1.weight"].T) * (h @ w[mlp + "w3.weight"].T)) @ w[mlp + "w2.weight"].T
    return rms_norm(x, w["embedding_norm.weight"], config["norm_eps"])


def main():
    out = GOLDEN / NAME
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(SOURCE / "model", out / "model")
    config = json.loads((out / "model" / "config.json").read_text())
    config["architectures"] = ["Lfm2BidirectionalModel"]
    config["model_type"] = "lfm2_bidirectional"
    config["conv_zero_padding"] = False
    (out / "model" / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    weights = {name: tensor.float() for name, tensor in load_file(out / "model" / "model.safetensors").items()}
    dense = load_file(out / "model" / "1_Dense" / "model.safetensors")["linear.weight"].float()
    cases = json.loads((SOURCE / "cases.json").read_text())
    cases["source"] = "torch, float32: make/lfm2_bidirectional.py"
    cases["notes"] = "LFM2.5-ColBERT's layout: weights of colbert-lfm2. Positions of the fill are not attended to; before convolutions nothing is made zero (conv_zero_padding false)."
    given = load_file(SOURCE / "expected.safetensors")
    made, vectors, texts = {}, {}, {}
    for case in cases["cases"]:
        if case["task"] == "score":
            continue
        of = weights, case["input"]["input_ids"], case["input"].get("attention_mask")
        states = hidden_states(config, *of)
        # The same arithmetic, causal, is what transformers has given of colbert-lfm2.
        causal = hidden_states(config, *of, causal=True)
        if case["task"] == "token_embed":
            causal = f.normalize(causal @ dense.T, dim=-1)[case["expect"]["kept"]]
        name = next(expect["tensor"] for expect in case["expect"].values() if isinstance(expect, dict))
        assert (causal - given[name]).abs().max() < 1e-4, case["id"]
        assert (states[0] - hidden_states(config, *of, causal=True)[0]).abs().max() > 1e-3 or len(of[1]) == 1, case["id"]
        if case["task"] == "token_embed":
            vectors[case["id"]] = f.normalize(states @ dense.T, dim=-1)[case["expect"]["kept"]]
            texts[case["input"]["text"], case["params"]["role"]] = case["id"]
            made[case["expect"]["embeddings"]["tensor"]] = vectors[case["id"]]
        else:
            made[case["expect"]["hidden_states"]["tensor"]] = states
    for case in cases["cases"]:
        if case["task"] != "score":
            continue
        query = vectors[texts[case["input"]["query"], "query"]]
        documents = case["input"].get("documents") or [case["input"]["document"]]
        scores = torch.stack([(query @ vectors[texts[each, "document"]].T).amax(-1).sum() for each in documents])
        if "scores" in case["expect"]:
            made[case["expect"]["scores"]["tensor"]] = scores
        else:
            case["expect"]["score"] = scores[0].item()
    (out / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in sorted(made.items())}, out / "expected.safetensors")


if __name__ == "__main__":
    main()
