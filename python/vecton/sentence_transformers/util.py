"""sentence_transformers.util: the functions that scripts call on vectors."""
from __future__ import annotations

import enum
from typing import Any

import numpy as np

from vecton.array import as_array, as_tensor
from vecton.compare import compare, compare_pairwise, unit
from vecton.sentence_transformers.common import logger


class SimilarityFunction(enum.Enum):
    COSINE = "cosine"
    DOT_PRODUCT = "dot"
    DOT = "dot"
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"


def _of(function: str) -> Any:
    return lambda a, b: as_tensor(compare(a, b, function).astype(np.float32, copy=False))


def _pairs_of(function: str) -> Any:
    return lambda a, b: as_tensor(compare_pairwise(a, b, function).astype(np.float32, copy=False))


cos_sim, dot_score, euclidean_sim, manhattan_sim = map(_of, ("cosine", "dot", "euclidean", "manhattan"))
pairwise_cos_sim, pairwise_dot_score, pairwise_euclidean_sim, pairwise_manhattan_sim = map(
    _pairs_of, ("cosine", "dot", "euclidean", "manhattan"))


def normalize_embeddings(embeddings: Any) -> Any:
    return as_tensor(unit(np.asarray(embeddings, np.float32)))


def semantic_search(query_embeddings: Any, corpus_embeddings: Any, query_chunk_size: int = 100, corpus_chunk_size: int = 500000,
                    top_k: int = 10, score_function: Any = cos_sim) -> list[list[dict[str, Any]]]:
    """For each query the top_k rows of the corpus, as corpus_id and score."""
    queries = np.atleast_2d(np.asarray(query_embeddings, np.float32))
    corpus = np.asarray(corpus_embeddings, np.float32)
    found = []
    for start in range(0, len(queries), query_chunk_size):
        scores = np.asarray(score_function(queries[start:start + query_chunk_size], corpus))
        for row in scores:
            best = np.argsort(-row, kind="stable")[:top_k]
            found.append([{"corpus_id": int(i), "score": float(row[i])} for i in best])
    return found


def quantize_embeddings(embeddings: Any, precision: str, ranges: Any = None, calibration_embeddings: Any = None) -> Any:
    """Embeddings as float32, int8, uint8, binary or ubinary."""
    rows = np.asarray(embeddings, np.float32)
    if precision == "float32":
        return as_array(rows)
    if precision in ("int8", "uint8"):
        if ranges is None:
            known = rows if calibration_embeddings is None else np.asarray(calibration_embeddings, np.float32)
            if len(known) < 100:
                logger.warning(f"Computing int8 quantization buckets based on {len(known)} embeddings. int8 quantization is more stable "
                               "with `ranges` calculated from more `embeddings` or a `calibration_embeddings`")
            ranges = np.stack([known.min(axis=0), known.max(axis=0)])
        low, high = np.asarray(ranges, np.float32)
        steps = (high - low) / 255
        with np.errstate(invalid="ignore", divide="ignore"):
            codes = np.nan_to_num((rows - low) / steps)
        return as_array((codes - 128).astype(np.int8) if precision == "int8" else codes.astype(np.uint8))
    if precision in ("binary", "ubinary"):
        bits = np.packbits(rows > 0, axis=-1)
        return as_array((bits.astype(np.int16) - 128).astype(np.int8) if precision == "binary" else bits)
    raise ValueError(f"Precision {precision!r} is not supported: float32, int8, uint8, binary and ubinary are")
