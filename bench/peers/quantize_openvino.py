#!/usr/bin/env python3
"""quantize_openvino.py MODEL FILE.onnx TEXTS.jsonl: FILE.int8.xml, OpenVINO's int8 of FILE.onnx, calibrated on 300 of the texts."""
import pathlib
import sys

import nncf
import numpy as np
import openvino
from checkpoint import folder_of
from peer import read_texts
from tokenizers import Tokenizer


def main():
    model, file, texts = sys.argv[1], pathlib.Path(sys.argv[2]), read_texts(sys.argv[3])
    tokenizer = Tokenizer.from_file(str(folder_of(model) / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.no_padding()

    def inputs_of(text):
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}

    quantized = nncf.quantize(openvino.Core().read_model(file), nncf.Dataset(texts, inputs_of), subset_size=300,
                              model_type=nncf.ModelType.TRANSFORMER)
    openvino.save_model(quantized, file.with_suffix(".int8.xml"), compress_to_fp16=False)


main()
