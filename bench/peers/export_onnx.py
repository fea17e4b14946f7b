#!/usr/bin/env python3
"""export_onnx.py MODEL FILE.onnx: the network of a checkpoint, without pooling, as ONNX Runtime and OpenVINO read it."""
import sys

import torch
from transformers import AutoModel


class Network(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def main():
    model, file = sys.argv[1:]
    network = Network(AutoModel.from_pretrained(model, dtype=torch.float32)).eval()
    ids = torch.randint(1000, 2000, (2, 16))
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=512)}
    torch.onnx.export(network, (ids, torch.ones_like(ids)), file, input_names=["input_ids", "attention_mask"],
                      output_names=["last_hidden_state"], dynamic_shapes={"input_ids": sizes, "attention_mask": sizes},
                      external_data=False, dynamo=True)


main()
