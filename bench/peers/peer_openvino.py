#!/usr/bin/env python3
"""OpenVINO, over the checkpoint's openvino/openvino_model.xml or onnx/model.onnx, or --graph FILE (see export_onnx.py)."""
from checkpoint import embedder, graph_of
from peer import main


def load(options):
    import numpy as np
    import openvino
    settings = {"INFERENCE_NUM_THREADS": options.threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(graph_of(options, "openvino/openvino_model.xml", "onnx/model.onnx"), "CPU", settings)
    request, names = model.create_infer_request(), {i.get_any_name() for i in model.inputs}

    def network(ids, mask):
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return request.infer({name: given[name] for name in names})[model.output(0)]

    return embedder(options.model, network)


main(__doc__, ["openvino", "tokenizers"], load)
