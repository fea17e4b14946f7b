"""modelopt-*, of a small Llama: what NVIDIA's ModelOpt writes, with the hidden states, logits and greedy tokens of transformers in float32 on the
weights that the codes and scales stand for, dequantised here in float32.

    python tests/golden/make/modelopt.py tests/golden [NAME...]     (torch 2.15, transformers 5.24)

FP8: w = weight * weight_scale. NVFP4: w = e2m1(weight) * (weight_scale * weight_scale_2), the low half of a byte first, where weight_scale_2 is the
largest weight over 6 * 448. The scales of activations and of the cache are there and change nothing. The model is small_llama.py's.
"""
import sys

import torch
from safetensors.torch import save_file
from small_llama import CONFIG, begin, golden, random_model, record, stored, write

SOURCE = "transformers 5.24.0, torch 2.15.0, float32, eager"
E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])
KEPT = {"dynamic": False, "num_bits": 8, "type": "float"}  # a cache of E4M3


def fp8(weight, dim=None):
    scale = (weight.abs().amax() if dim is None else weight.abs().amax(dim)) / 448
    wide = scale if dim is None else scale.unsqueeze(dim)
    codes = (weight / wide).to(torch.float8_e4m3fn)
    return {"weight": codes, "weight_scale": scale}, codes.float() * wide


def nvfp4(weight):
    rows, columns = weight.shape
    groups = weight.reshape(rows, columns // 16, 16)
    whole = weight.abs().amax() / (6 * 448)
    scale = (groups.abs().amax(2) / 6 / whole).to(torch.float8_e4m3fn)
    step = (scale.float() * whole).unsqueeze(2)
    size = (groups.abs() / step).unsqueeze(3).sub(E2M1).abs().argmin(3)
    exact = torch.where(groups < 0, -E2M1[size], E2M1[size]) * step
    codes = (size + 8 * (groups < 0)).to(torch.uint8).reshape(rows, columns)
    packed = codes[:, 0::2] | codes[:, 1::2] << 4
    return {"weight": packed, "weight_scale": scale, "weight_scale_2": whole}, exact.reshape(rows, columns)


def make(name, seed, how, settings, own_file, notes):
    """`how(module)` quantises; None leaves the module dense."""
    folder, model, tensors, exact = begin(name), random_model(seed), {}, {}
    for key, weight in stored(model).items():
        quantise = how(key.removesuffix(".weight")) if key.endswith("_proj.weight") else None
        if quantise is None:
            tensors[key] = weight.bfloat16()
            continue
        parts, exact[key] = quantise(weight)
        module = key.removesuffix("weight")
        tensors.update({module + part: tensor.contiguous() for part, tensor in parts.items()})
        tensors[module + "input_scale"] = torch.tensor(0.01 * len(exact))
        for letter in "kv":
            if module.endswith(f".{letter}_proj."):
                tensors[f"{module}{letter}_scale"] = torch.tensor(0.02 * len(exact))
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    if own_file:
        write(folder / "config.json", CONFIG)
        write(folder / "hf_quant_config.json", {"producer": {"name": "modelopt", "version": "0.23.0"}, "quantization": settings})
    else:
        write(folder / "config.json", {**CONFIG, "quantization_config": {**settings, "producer": {"name": "modelopt", "version": "0.37.0"},
                                                                         "quant_method": "modelopt"}})
    assert model.load_state_dict(exact, strict=False).unexpected_keys == []
    record(name, model, SOURCE, notes)


def in_two_ways(module):
    return nvfp4 if ".mlp." in module else fp8


def layers(how):
    names = {key.removesuffix(".weight") for key in stored(random_model(0)) if key.endswith("_proj.weight")}
    return {name: {"quant_algo": "NVFP4", "group_size": 16} if how(name) is nvfp4 else {"quant_algo": "FP8"} for name in sorted(names)}


FIXTURES = {
    "modelopt-llama-fp8": lambda name: make(
        name, 41, lambda module: fp8,
        {"config_groups": {"group_0": {"input_activations": KEPT, "weights": KEPT, "targets": ["Linear"]}}, "ignore": ["lm_head"],
         "quant_algo": "FP8", "kv_cache_scheme": KEPT}, False, "FP8 by config.json: a scale per tensor, a cache of E4M3"),
    "modelopt-llama-nvfp4": lambda name: make(
        name, 44, lambda module: None if module.startswith("model.layers.1.self_attn.") else nvfp4,
        {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16, "exclude_modules": ["lm_head", "model.layers.1.self_attn*"]}, True,
        "NVFP4 by hf_quant_config.json: scales of 16 in E4M3, which a scale per tensor multiplies; the second layer's attention is dense"),
    "modelopt-llama-mixed": lambda name: make(
        name, 43, in_two_ways, {"quant_algo": "MIXED_PRECISION", "kv_cache_quant_algo": None, "exclude_modules": ["lm_head"],
                                "quantized_layers": layers(in_two_ways)}, True, "MIXED_PRECISION: attention in FP8, the rest in NVFP4"),
}

for name in sys.argv[2:] or FIXTURES:
    FIXTURES[name](name)
    print(name, sum(file.stat().st_size for file in (golden / name).rglob("*") if file.is_file()) // 1000, "kB")
