"""python -m mlx_embeddings: vectors of texts as one JSON object."""
from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    from vecton.mlx_embeddings import embed_text, embed_vision_language, list_model_families, load, resolve_model_reference

    parser = argparse.ArgumentParser("mlx_embeddings", description="Embeds texts, and pictures with texts")
    parser.add_argument("--model")
    parser.add_argument("--text", action="append", default=[])
    parser.add_argument("--image", action="append", default=[])
    parser.add_argument("--trust-remote-code", action="store_true", help="taken; no code is ever run")
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--output", choices=["summary", "json"], default="summary")
    parser.add_argument("--list-families", action="store_true")
    given = parser.parse_args(arguments)
    if given.list_families:
        print(json.dumps(list_model_families(), indent=2))
        return
    if not given.model:
        parser.error("--model is required")
    if not given.text and not given.image:
        parser.error("--text or --image is required")
    import numpy as np

    try:
        model, processor = load(given.model, trust_remote_code=given.trust_remote_code)
        if given.image:
            texts = given.text or [""]
            if len(texts) not in (1, len(given.image)):
                raise ValueError(f"--text: one text, or one for each of {len(given.image)} images, found {len(texts)}")
            texts = texts * len(given.image) if len(texts) == 1 else texts
            made = embed_vision_language(model, processor, [{"text": text, "image": image} for text, image in zip(texts, given.image)])
        else:
            made = embed_text(model, processor, given.text, max_length=given.max_length)
        vectors = np.asarray(made)
    except (ValueError, OSError) as error:
        sys.exit(f"mlx_embeddings: {error}")
    answer = {"model": given.model, "resolved_model": resolve_model_reference(given.model), "shape": list(vectors.shape),
              "dtype": str(vectors.dtype), "fingerprint": hashlib.sha256(vectors.astype(np.float32).tobytes()).hexdigest()[:16]}
    if given.output == "json":
        answer["embeddings"] = vectors.tolist()
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
