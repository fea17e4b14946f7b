#!/usr/bin/env python3
"""ONNX Runtime, every graph optimisation on, over --graph FILE.onnx: its fused and int8 neighbours (see export_onnx.py)."""
from checkpoint import embedder, graph_beside
from peer import main, setting_of


def load(options):
    import numpy as np
    import onnxruntime as ort
    graph = graph_beside(options, setting_of(options, {"float32": ".fused.onnx", "int8": ".int8.onnx"}))
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])
    names = {i.name for i in session.get_inputs()}

    def network(ids, mask):
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return session.run(None, {name: given[name] for name in names})[0]

    return embedder(options.model, network)


main(__doc__, ["onnxruntime", "tokenizers"], load)
