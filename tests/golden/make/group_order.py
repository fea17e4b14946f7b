"""ct-llama-actorder and gptq-llama-actorder, of a small Llama: groups of columns in an order of their own (act-order), with the hidden states, logits
and greedy tokens of transformers in float32 on w[i, j] = scale[i, g_idx[j]] * (code[i, j] - zero[i, g_idx[j]]), computed here.

    python tests/golden/make/group_order.py tests/golden [NAME...]     (torch 2.15, transformers 5.24, compressed-tensors 0.20.1 for its packing)

The order of a layer is a random one, as that of calibrated activations is to the columns. The model is small_llama.py's.
"""
import sys

import torch
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from safetensors.torch import save_file
from small_llama import CONFIG, begin, golden, random_model, record, stored, write

SOURCE = "transformers 5.24.0, torch 2.15.0, float32, eager"
GROUP = 32


def quantise(weight, bits, symmetric, dtype, seed):
    """Codes, scales and zeros by row and group, the groups of columns, and what they stand for."""
    rows, columns = weight.shape
    order = torch.empty(columns, dtype=torch.int64)
    order[torch.randperm(columns, generator=torch.Generator().manual_seed(seed))] = torch.arange(columns) // GROUP
    parts = torch.stack([weight[:, order == g] for g in range(columns // GROUP)], 1)
    least, most, top = parts.amin(2).clamp(max=0), parts.amax(2).clamp(min=0), 2**bits - 1
    if symmetric:
        scale = (torch.maximum(-least, most) * 2 / top).to(dtype)
        zero = torch.full_like(least, 2 ** (bits - 1)).int()
    else:
        scale = ((most - least) / top).to(dtype)
        zero = (-least / scale.float()).round().clamp(0, top).int()
    step, middle = scale.float()[:, order], zero[:, order]
    codes = ((weight / step).round() + middle).clamp(0, top).int()
    return codes, scale, zero, order.int(), step * (codes - middle).float()


def compressed_tensors(weight, seed, bits, symmetric):
    codes, scale, zero, order, exact = quantise(weight, bits, symmetric, torch.bfloat16, seed)
    half = 2 ** (bits - 1)
    parts = {"weight_packed": pack_to_int32((codes - half).to(torch.int8), bits), "weight_scale": scale, "weight_g_idx": order,
             "weight_shape": torch.tensor(weight.shape)}
    if not symmetric:
        parts["weight_zero_point"] = pack_to_int32((zero - half).to(torch.int8), bits, packed_dim=0)
    return parts, exact


def packed(codes, dim):
    """Eight codes of 4 bits in a word, the first one low."""
    words = codes.to(torch.int64).unflatten(dim, (-1, 8)).transpose(dim + 1, -1)
    return (words << torch.arange(0, 32, 4)).sum(-1).to(torch.int32)


def gptq(weight, seed):
    codes, scale, zero, order, exact = quantise(weight, 4, False, torch.float16, seed)
    zero = zero.clamp(min=1)  # stored as zero - 1
    exact = scale.float()[:, order] * (codes - zero[:, order]).float()
    return {"qweight": packed(codes.T, 0), "qzeros": packed(zero.T - 1, 1), "scales": scale.T, "g_idx": order}, exact


def make(name, seed, quantised, settings, notes):
    folder, model, tensors, exact = begin(name), random_model(seed), {}, {}
    for key, weight in stored(model).items():
        if not key.endswith("_proj.weight"):
            tensors[key] = weight.bfloat16()
            continue
        parts, exact[key] = quantised(key, weight, 100 * seed + len(exact))
        tensors.update({key.removesuffix("weight") + part: tensor.contiguous() for part, tensor in parts.items()})
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    write(folder / "config.json", {**CONFIG, "quantization_config": settings})
    assert model.load_state_dict(exact, strict=False).unexpected_keys == []
    record(name, model, SOURCE, notes)


def scheme(target, bits, symmetric):
    return {"targets": [target], "input_activations": None, "output_activations": None,
            "weights": {"actorder": "group", "dynamic": False, "group_size": GROUP, "num_bits": bits, "strategy": "group", "symmetric": symmetric,
                        "type": "int"}}


FIXTURES = {
    "ct-llama-actorder": lambda name: make(
        name, 61, lambda key, weight, seed: compressed_tensors(weight, seed, *((8, True) if "self_attn" in key else (4, False))),
        {"quant_method": "compressed-tensors", "format": "pack-quantized", "quantization_status": "compressed", "ignore": ["lm_head"],
         "config_groups": {"group_0": scheme("re:.*self_attn.*", 8, True), "group_1": scheme("Linear", 4, False)}},
        "pack-quantized with actorder group: 8 bits, and 4 bits with zero points, whose groups of columns weight_g_idx has"),
    "gptq-llama-actorder": lambda name: make(
        name, 62, lambda key, weight, seed: gptq(weight, seed),
        {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": True, "sym": False, "true_sequential": True},
        "GPTQ with desc_act: groups of columns that g_idx has"),
}

for name in sys.argv[2:] or FIXTURES:
    FIXTURES[name](name)
    print(name, sum(file.stat().st_size for file in (golden / name).rglob("*") if file.is_file()) // 1000, "kB")
