"""pylate.scores."""
from __future__ import annotations

from typing import Any

import numpy as np

from vecton.array import as_tensor
from vecton.late_interaction import max_sim


def colbert_scores(queries_embeddings: Any, documents_embeddings: Any) -> Any:
    """MaxSim of each query with each document, [queries, documents]."""
    return as_tensor(np.array([max_sim(q, documents_embeddings) for q in queries_embeddings]))


def colbert_scores_pairwise(queries_embeddings: Any, documents_embeddings: Any) -> Any:
    return as_tensor(np.array([max_sim(q, [d])[0] for q, d in zip(queries_embeddings, documents_embeddings)]))
