"""pylate.rank: documents by late interaction."""
from __future__ import annotations

from typing import Any

import numpy as np

from vecton.late_interaction import max_sim


def rerank(documents_ids: list[list[Any]], queries_embeddings: Any, documents_embeddings: Any, device: Any = None) -> list[list[dict[str, Any]]]:
    """For each query its documents as id and score, best first."""
    found = []
    for ids, query, documents in zip(documents_ids, queries_embeddings, documents_embeddings):
        scores = max_sim(query, documents)
        found.append([{"id": ids[i], "score": float(scores[i])} for i in np.argsort(-scores, kind="stable")])
    return found
