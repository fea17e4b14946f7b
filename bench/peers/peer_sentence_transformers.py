#!/usr/bin/env python3
"""sentence-transformers over torch: the reference implementation."""
from peer import main


def load(options):
    import torch
    from sentence_transformers import SentenceTransformer
    torch.set_num_threads(options.threads)
    model = SentenceTransformer(options.model, device="cpu")
    return lambda texts: model.encode(texts, batch_size=32, show_progress_bar=False)


main(__doc__, ["sentence-transformers", "torch", "transformers"], load)
