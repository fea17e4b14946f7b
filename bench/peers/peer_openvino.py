#!/usr/bin/env python3
"""OpenVINO, over --graph FILE.onnx (see export_onnx.py); int8 over its neighbour FILE.int8.xml (see quantize_openvino.py)."""
from checkpoint import embedder, graph_beside
from peer import main, setting_of


def load(options):
    import numpy as np
    import openvino
    graph, hint = setting_of(options, {"float32": (".onnx", "f32"), "bfloat16": (".onnx", "bf16"), "int8": (".int8.xml", "f32")})
    settings = {"INFERENCE_NUM_THREADS": options.threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": hint}
    model = openvino.Core().compile_model(graph_beside(options, graph), "CPU", settings)
    request, names = model.create_infer_request(), {i.get_any_name() for i in model.inputs}

    def network(ids, mask):
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return request.infer({name: given[name] for name in names})[model.output(0)]

    return embedder(options.model, network)


main(__doc__, ["openvino", "tokenizers"], load)
