"""ct-* and fp8-*, of a small Llama: what vLLM's llm-compressor writes, and AutoFP8 and FBGEMM, with the hidden states, logits and greedy tokens of transformers in float32 on the
weights that the package compressed-tensors makes of the codes, its scales widened to float32 first.

    python tests/golden/make/llm_compressor.py tests/golden [NAME...]     (compressed-tensors 0.20.1, torch, transformers 5.24)

Scales come from the least and the largest weight, as the observer `minmax` has them. The model is small_llama.py's.
"""
import sys

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.compressors.base import compress_module, decompress_module
from compressed_tensors.compressors.format import infer_model_format
from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8
from compressed_tensors.quantization import QuantizationConfig, QuantizationStatus, apply_quantization_config
from compressed_tensors.quantization.lifecycle.forward import dequantize
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam
from safetensors.torch import save_file
from small_llama import CONFIG, begin, golden, random_model, record, stored, write

SOURCE = "compressed-tensors 0.20.1, transformers 5.24.0, torch 2.15.0, float32, eager"
DYNAMIC = {"dynamic": True, "num_bits": 8, "strategy": "token", "symmetric": True, "type": "float"}
STATIC = {"dynamic": False, "num_bits": 8, "strategy": "tensor", "symmetric": True, "type": "float"}


def fp8(activations, **weights):
    return {"weights": {"num_bits": 8, "type": "float", "symmetric": True, "dynamic": False, **weights}, "input_activations": activations}


def packed(**weights):
    return {"weights": {"type": "int", "dynamic": False, **weights}, "input_activations": None}


def small(group_size, num_bits=4, **weights):
    scale_dtype = "torch.float8_e4m3fn" if group_size == 16 else "torch.uint8"
    return {"weights": {"num_bits": num_bits, "type": "float", "symmetric": True, "dynamic": False, "group_size": group_size,
                        "strategy": "tensor_group" if group_size == 16 else "group", "scale_dtype": scale_dtype, **weights},
            "input_activations": {"num_bits": 4, "type": "float", "symmetric": True, "dynamic": "local", "group_size": 16,
                                  "strategy": "tensor_group"} if group_size == 16 else None}


def by_block(weight, args, reduce):
    """The least or largest weights, in the shape of the scales."""
    rows, columns = weight.shape
    if args.strategy == "tensor":
        return reduce(weight).reshape(1)
    if args.strategy == "channel":
        return reduce(weight, dim=1, keepdim=True)
    if args.strategy == "block":
        height, width = args.block_structure
        return torch.stack([torch.stack([reduce(part) for part in line.split(width, 1)]) for line in weight.split(height, 0)])
    return reduce(weight.reshape(rows, columns // args.group_size, args.group_size), dim=2)


def calibrate(module, seed):
    scheme, weight = module.quantization_scheme, module.weight.data
    least, most = by_block(weight, scheme.weights, torch.amin), by_block(weight, scheme.weights, torch.amax)
    whole = generate_gparam(weight.amin(), weight.amax()) if scheme.weights.strategy == "tensor_group" else None
    if whole is not None:
        module.weight_global_scale.data = whole.float().reshape(1)
    scale, zero = calculate_qparams(least, most, scheme.weights, global_scale=whole)
    module.weight_scale.data = scale.to(module.weight_scale.dtype).reshape(module.weight_scale.shape)
    if not scheme.weights.symmetric:
        module.weight_zero_point.data = zero.reshape(module.weight_zero_point.shape)
    for name in ("input_scale", "input_global_scale"):
        if hasattr(module, name):
            getattr(module, name).data.fill_(0.01 * seed)


def exact_weight(module):
    """What the codes stand for, in float32."""
    args = module.quantization_scheme.weights
    if args.type == "float" and args.num_bits == 4:
        rows, columns = module.weight_packed.shape
        codes = unpack_fp4_from_uint8(module.weight_packed.data, rows, columns * 2, torch.float32)
        scale = module.weight_scale.data
        scale = torch.exp2(scale.float() - 127) if scale.dtype == torch.uint8 else scale.float()
        return dequantize(codes, scale, args=args, global_scale=getattr(module, "weight_global_scale", None), dtype=torch.float32)
    compressor = BaseCompressor.get_value_from_registry(module.quantization_scheme.format)
    state = {name: tensor.data for name, tensor in [*module.named_parameters(), *module.named_buffers()]}
    if state["weight_scale"].dtype != torch.uint8:
        state["weight_scale"] = state["weight_scale"].float()
    return compressor.decompress(state, module.quantization_scheme)["weight"].float()


def make(name, seed, groups, notes):
    folder = begin(name)
    model = random_model(seed).to(torch.bfloat16)
    groups = {f"group_{i}": {"targets": ["Linear"], **group} for i, group in enumerate(groups)}
    apply_quantization_config(model, QuantizationConfig(config_groups=groups, quantization_status="frozen", ignore=["lm_head"]))
    linears = {key: module for key, module in model.named_modules() if hasattr(module, "quantization_scheme")}
    for i, module in enumerate(linears.values()):
        calibrate(module, i + 1)
    form = infer_model_format(model)
    for module in linears.values():
        compress_module(module)
        module.quantization_status = QuantizationStatus.COMPRESSED
    save_file(stored(model), folder / "model.safetensors", {"format": "pt"})
    said = QuantizationConfig.from_pretrained(model, format=[form.value]).model_dump(mode="json")
    write(folder / "config.json", {**CONFIG, "quantization_config": {**said, "sparsity_config": {}, "transform_config": {}, "version": "0.20.1"}})
    exact = {key + ".weight": exact_weight(module) for key, module in linears.items()}
    dense = random_model(seed)
    assert dense.load_state_dict(exact, strict=False).unexpected_keys == []
    record(name, dense, SOURCE, notes)


def make_fp8(name, seed, config, dim, notes):
    """One scale for each row or, without `dim`, each matrix, as float32."""
    folder, model, tensors, exact = begin(name), random_model(seed), {}, {}
    for key, weight in stored(model).items():
        tensors[key] = weight.bfloat16()
        if not key.endswith("_proj.weight"):
            continue
        scale = (weight.abs().amax() if dim is None else weight.abs().amax(dim, keepdim=True)) / 448
        tensors[key] = (weight / scale).to(torch.float8_e4m3fn)
        tensors[key + "_scale"] = scale
        if config.get("activation_scheme") == "static":
            tensors[key.replace("weight", "input_scale")] = torch.tensor(0.03)
        exact[key] = tensors[key].float() * scale
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    write(folder / "config.json", {**CONFIG, "quantization_config": config})
    model.load_state_dict(exact, strict=False)
    record(name, model, SOURCE, notes)


FIXTURES = {
    "fp8-llama-static": lambda name: make_fp8(name, 27, {"quant_method": "fp8", "activation_scheme": "static", "ignored_layers": ["lm_head"]},
                                              None, "AutoFP8: a scale per tensor, without dimensions"),
    "fp8-llama-fbgemm": lambda name: make_fp8(name, 28, {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0,
                                                         "modules_to_not_convert": ["lm_head"]}, 1, "FBGEMM: a scale per row"),
    "ct-llama-fp8-dynamic": lambda name: make(name, 1, [fp8(DYNAMIC, strategy="channel")], "float-quantized: E4M3 with a scale per channel"),
    "ct-llama-fp8-static": lambda name: make(name, 2, [fp8(STATIC, strategy="tensor")], "float-quantized: E4M3 and activations with a scale per tensor"),
    "ct-llama-fp8-block": lambda name: make(name, 13, [fp8({**DYNAMIC, "strategy": "group", "group_size": 128}, strategy="block",
                                                          block_structure=[128, 128])], "float-quantized: E4M3 in blocks of 128 x 128, partial ones"),
    "ct-llama-w4a16-asym": lambda name: make(name, 4, [packed(num_bits=4, symmetric=False, strategy="group", group_size=32, actorder="weight")],
                                             "pack-quantized: 4 bits with zero points, in groups of 32"),
    "ct-llama-w8a16-asym": lambda name: make(name, 5, [packed(num_bits=8, symmetric=False, strategy="channel")],
                                             "pack-quantized: 8 bits with a zero point per channel"),
    "ct-llama-w8a16": lambda name: make(name, 6, [packed(num_bits=8, symmetric=True, strategy="group", group_size=16)],
                                        "pack-quantized: 8 bits in groups of 16"),
    "ct-llama-nvfp4": lambda name: make(name, 8, [small(16)], "nvfp4-pack-quantized: E2M1, E4M3 as scales of 16, a scale per tensor that divides"),
    "ct-llama-mx": lambda name: make(name, 9, [{"targets": ["re:.*self_attn"], **small(32, 8)}, small(32)],
                                     "mxfp8-quantized and mxfp4-pack-quantized: E4M3 and E2M1, E8M0 as scales of 32"),
    "ct-llama-mixed": lambda name: make(name, 7, [{"targets": ["re:.*self_attn.*"], **packed(num_bits=8, symmetric=True, strategy="channel")},
                                                  {"targets": ["re:.*mlp.down_proj", "model.layers.1.mlp.up_proj"], **fp8(DYNAMIC, strategy="channel")},
                                                  packed(num_bits=3, symmetric=False, strategy="group", group_size=32)],
                                        "mixed-precision: groups with expressions, a name and Linear as their targets"),
}

for name in sys.argv[2:] or FIXTURES:
    FIXTURES[name](name)
    print(name, sum(file.stat().st_size for file in (golden / name).rglob("*") if file.is_file()) // 1000, "kB")
