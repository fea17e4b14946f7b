#!/usr/bin/env python3
"""export_onnx.py MODEL FILE.onnx: the network of a BERT checkpoint, without pooling, as ONNX Runtime and OpenVINO read it best.

Three files: FILE.onnx, the plain graph (for OpenVINO, which fuses by itself); FILE.fused.onnx, of ONNX Runtime's own fused
operators (Attention, SkipLayerNormalization, BiasGelu, EmbedLayerNormalization), which its graph optimizer makes only of an
eager export; FILE.int8.onnx, the fused graph with ONNX Runtime's dynamic quantisation (int8 weights per channel).
"""
import pathlib
import sys

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from transformers import AutoModel

INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
OUTPUT = "last_hidden_state"


class Network(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state


def main():
    name, file = sys.argv[1], pathlib.Path(sys.argv[2])
    model = AutoModel.from_pretrained(name, dtype=torch.float32, attn_implementation="eager")
    ids = torch.randint(1000, 2000, (2, 16))
    torch.onnx.export(Network(model).eval(), (ids, torch.ones_like(ids), torch.zeros_like(ids)), str(file), input_names=INPUTS, output_names=[OUTPUT],
                      dynamic_axes={axis: {0: "batch", 1: "length"} for axis in [*INPUTS, OUTPUT]}, opset_version=17, dynamo=False)
    fused = optimizer.optimize_model(str(file), model_type="bert", num_heads=model.config.num_attention_heads, hidden_size=model.config.hidden_size,
                                     opt_level=0, use_gpu=False)
    counts = fused.get_fused_operator_statistics()
    layers = model.config.num_hidden_layers
    if counts["Attention"] != layers:
        sys.exit(f"ONNX Runtime fused {counts['Attention']} of {layers} attentions: {counts}")
    fused.save_model_to_file(str(file.with_suffix(".fused.onnx")))
    quantize_dynamic(file.with_suffix(".fused.onnx"), file.with_suffix(".int8.onnx"), weight_type=QuantType.QInt8, per_channel=True,
                     extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})


main()
