#!/usr/bin/env python3
"""ONNX Runtime, every graph optimisation on, over the checkpoint's onnx/model.onnx or --graph FILE (see export_onnx.py)."""
from checkpoint import embedder, graph_of
from peer import main


def load(options):
    import numpy as np
    import onnxruntime as ort
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(graph_of(options, "onnx/model.onnx"), settings, providers=["CPUExecutionProvider"])
    names = {i.name for i in session.get_inputs()}

    def network(ids, mask):
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return session.run(None, {name: given[name] for name in names})[0]

    return embedder(options.model, network)


main(__doc__, ["onnxruntime", "tokenizers"], load)
