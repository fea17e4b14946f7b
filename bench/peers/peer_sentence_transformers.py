#!/usr/bin/env python3
"""sentence-transformers over torch: the reference implementation."""
from peer import main, setting_of


def load(options):
    import torch
    from sentence_transformers import SentenceTransformer
    torch.set_num_threads(options.threads)
    dtype = setting_of(options, {"float32": torch.float32, "bfloat16": torch.bfloat16})
    model = SentenceTransformer(options.model, device="cpu", model_kwargs={"dtype": dtype})
    return lambda texts: model.encode(texts, batch_size=32, show_progress_bar=False, convert_to_tensor=True).float().numpy()


main(__doc__, ["sentence-transformers", "torch", "transformers"], load)
