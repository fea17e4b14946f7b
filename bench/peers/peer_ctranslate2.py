#!/usr/bin/env python3
"""CTranslate2, over --graph FOLDER, which ct2-transformers-converter wrote."""
from checkpoint import embedder, graph_of
from peer import main, setting_of


def load(options):
    import ctranslate2
    import numpy as np
    encoder = ctranslate2.Encoder(graph_of(options), device="cpu", compute_type=setting_of(options, {"float32": "float32", "int8": "int8"}), inter_threads=1,
                                  intra_threads=options.threads)

    def network(ids, mask):
        lengths = mask.sum(1)
        return np.array(encoder.forward_batch([row[:n].tolist() for row, n in zip(ids, lengths)]).last_hidden_state)

    return embedder(options.model, network)


main(__doc__, ["ctranslate2", "tokenizers"], load)
