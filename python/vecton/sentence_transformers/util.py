"""sentence_transformers.util: the functions that scripts call on vectors."""
from __future__ import annotations

import enum
from typing import Any

import numpy as np

from vecton.array import as_array, as_tensor
from vecton.compare import compare, compare_pairwise, unit
from vecton.late_interaction import max_sim, stacked
from vecton.sentence_transformers.common import logger
from vecton.texts import check_count


class SimilarityFunction(enum.Enum):
    COSINE = "cosine"
    DOT_PRODUCT = "dot"
    DOT = "dot"
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"
    MAXSIM = "maxsim"
    MEANMAXSIM = "meanmaxsim"


def _of(function: str) -> Any:
    return lambda a, b: as_tensor(compare(a, b, function).astype(np.float32, copy=False))


def _pairs_of(function: str) -> Any:
    return lambda a, b: as_tensor(compare_pairwise(a, b, function).astype(np.float32, copy=False))


cos_sim, dot_score, euclidean_sim, manhattan_sim = map(_of, ("cosine", "dot", "euclidean", "manhattan"))
pairwise_cos_sim, pairwise_dot_score, pairwise_euclidean_sim, pairwise_manhattan_sim = map(
    _pairs_of, ("cosine", "dot", "euclidean", "manhattan"))


def _token_rows(embeddings: Any, mask: Any) -> list[np.ndarray]:
    """The tokens' vectors of each text: of a list, or of an array [texts, tokens, dimension], in which rows of zeros fill up."""
    many = [embeddings] if getattr(embeddings, "ndim", 3) == 2 else list(embeddings)
    rows = [np.asarray(one, np.float32) for one in many]
    if mask is not None:
        marks = [mask] if getattr(mask, "ndim", 2) == 1 else list(mask)
        return [one[np.asarray(keep, bool)[:len(one)]] for one, keep in zip(rows, marks)]
    if getattr(embeddings, "ndim", 0) == 3:
        return [one[one.any(axis=-1)] for one in rows]
    return rows


def _late(queries: list[np.ndarray], documents: list[np.ndarray], mean: bool) -> np.ndarray:
    scores = np.full((len(queries), len(documents)), -1e4, np.float32)  # below every document that has tokens
    some = [i for i, document in enumerate(documents) if len(document)]
    if some:
        rows, offsets = stacked([documents[i] for i in some])
        for query, own in zip(queries, scores):
            own[some] = max_sim(query, rows, offsets) / (max(1, len(query)) if mean else 1)
    return scores


def maxsim(a: Any, b: Any, a_mask: Any = None, b_mask: Any = None, chunk_elements: int | None = None, length_normalize: bool = False,
           device: Any = None) -> Any:
    """The late interaction of each text of a with each of b, [a, b]. `length_normalize` divides by the tokens of a. No products are
    kept, so that `chunk_elements` has no effect; nor has `device`."""
    first, second = _token_rows(a, a_mask), _token_rows(b, b_mask)
    return as_tensor(_late(first, second, length_normalize))


def maxsim_pairwise(a: Any, b: Any, a_mask: Any = None, b_mask: Any = None, chunk_elements: int | None = None,
                    length_normalize: bool = False, device: Any = None) -> Any:
    """The late interaction of each text of a with the same one of b."""
    first, second = _token_rows(a, a_mask), _token_rows(b, b_mask)
    if len(first) != len(second):
        raise ValueError(f"maxsim_pairwise() takes as many of the one as of the other, found {len(first)} and {len(second)}")
    pairs = [_late([query], [document], length_normalize)[0, 0] for query, document in zip(first, second)]
    return as_tensor(np.array(pairs, np.float32))


def mean_maxsim(a: Any, b: Any, a_mask: Any = None, b_mask: Any = None, chunk_elements: int | None = None, length_normalize: bool = True,
                device: Any = None) -> Any:
    return maxsim(a, b, a_mask, b_mask, chunk_elements, length_normalize, device)


def mean_maxsim_pairwise(a: Any, b: Any, a_mask: Any = None, b_mask: Any = None, chunk_elements: int | None = None,
                         length_normalize: bool = True, device: Any = None) -> Any:
    return maxsim_pairwise(a, b, a_mask, b_mask, chunk_elements, length_normalize, device)


def select_max_active_dims(embeddings: Any, max_active_dims: int | None) -> Any:
    """The values of largest size of each row; the others 0."""
    if max_active_dims is None:
        return embeddings
    if max_active_dims <= 0:
        raise ValueError(f"max_active_dims must be a positive integer, got {max_active_dims}.")
    rows = np.asarray(embeddings, np.float32)
    keep = np.argsort(-np.abs(rows), axis=-1, kind="stable")[..., :max_active_dims]
    found = np.zeros_like(rows)
    np.put_along_axis(found, keep, np.take_along_axis(rows, keep, -1), -1)
    return as_tensor(found)


def batch_to_device(batch: Any, target_device: Any) -> Any:
    """The batch itself: everything is computed on the processor."""
    return batch


def __getattr__(name: str) -> Any:
    if name == "mine_hard_negatives":
        raise AttributeError("sentence_transformers.util.mine_hard_negatives makes data for training, which Vecton does not do; the real "
                             "package's takes Vecton's models as well")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def normalize_embeddings(embeddings: Any) -> Any:
    return as_tensor(unit(np.asarray(embeddings, np.float32)))


def truncate_embeddings(embeddings: Any, truncate_dim: int | None) -> Any:
    """The first values of each vector, not normalised again."""
    return embeddings[..., :truncate_dim]


pytorch_cos_sim = cos_sim  # its older name


def semantic_search(query_embeddings: Any, corpus_embeddings: Any, query_chunk_size: int = 100, corpus_chunk_size: int = 500000,
                    top_k: int = 10, score_function: Any = cos_sim) -> list[list[dict[str, Any]]]:
    """For each query the top_k rows of the corpus, as corpus_id and score."""
    check_count(top_k, "top_k")
    queries = np.atleast_2d(np.asarray(query_embeddings, np.float32))
    corpus = np.asarray(corpus_embeddings, np.float32)
    found = []
    for start in range(0, len(queries), query_chunk_size):
        scores = np.asarray(score_function(queries[start:start + query_chunk_size], corpus))
        for row in scores:
            best = np.argsort(-row, kind="stable")[:top_k]
            found.append([{"corpus_id": int(i), "score": float(row[i])} for i in best])
    return found


def paraphrase_mining(model: Any, sentences: list[str], show_progress_bar: bool = False, batch_size: int = 32, query_chunk_size: int = 5000,
                      corpus_chunk_size: int = 100000, max_pairs: int = 500000, top_k: int = 100, score_function: Any = cos_sim,
                      truncate_dim: int | None = None, prompt_name: str | None = None, prompt: str | None = None) -> list[list[float | int]]:
    """The likest pairs of texts, as [score, index, index], best first."""
    embeddings = model.encode(sentences, show_progress_bar=show_progress_bar, batch_size=batch_size, truncate_dim=truncate_dim,
                              prompt_name=prompt_name, prompt=prompt)
    return paraphrase_mining_embeddings(embeddings, query_chunk_size, corpus_chunk_size, max_pairs, top_k, score_function)


def paraphrase_mining_embeddings(embeddings: Any, query_chunk_size: int = 5000, corpus_chunk_size: int = 100000, max_pairs: int = 500000,
                                 top_k: int = 100, score_function: Any = cos_sim) -> list[list[float | int]]:
    """Of each vector the top_k likest others, and of all these pairs the max_pairs likest. `corpus_chunk_size` has no effect: a query
    chunk is compared with all."""
    rows = np.asarray(embeddings, np.float32)
    found: dict[tuple[int, int], float] = {}
    for start in range(0, len(rows), query_chunk_size):
        scores = np.asarray(score_function(rows[start:start + query_chunk_size], rows))
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top_k + 1]
        for i, columns in enumerate(best, start):
            for j in map(int, columns):
                if i != j:
                    found.setdefault((min(i, j), max(i, j)), float(scores[i - start, j]))
    pairs = sorted(([score, i, j] for (i, j), score in found.items()), key=lambda pair: -pair[0])
    return pairs[:max_pairs]


def community_detection(embeddings: Any, threshold: float = 0.75, min_community_size: int = 10, batch_size: int = 1024,
                        show_progress_bar: bool = False) -> list[list[int]]:
    """Groups of vectors whose cosine with the group's first, its centre, is at least the threshold, largest first; none is in two."""
    rows = unit(np.atleast_2d(np.asarray(embeddings, np.float32)))
    groups = []
    for start in range(0, len(rows), batch_size):
        scores = rows[start:start + batch_size] @ rows.T
        for centre, row in enumerate(scores, start):
            near = np.flatnonzero(row >= threshold)
            if len(near) >= min_community_size:
                groups.append((centre, near[np.argsort(-row[near], kind="stable")].tolist()))
    taken: set[int] = set()
    found = []
    for centre, group in sorted(groups, key=lambda group: len(group[1]), reverse=True):
        if centre in taken:
            continue
        left = [i for i in group if i not in taken]
        if len(left) >= min_community_size:
            found.append([centre, *(i for i in left if i != centre)])
            taken.update(found[-1])
    return sorted(found, key=len, reverse=True)


def _ranges(embeddings: np.ndarray, precision: str, calibration: Any) -> np.ndarray:
    """The least and the largest value of each dimension, [2, dimension]."""
    if calibration is None:
        if embeddings.ndim == 1 or len(embeddings) == 1:
            raise ValueError(f"precision: {precision} takes its ranges from the embeddings, and there is one only; pass `ranges` or "
                             "`calibration_embeddings`")
        if len(embeddings) < 100:
            logger.warning(f"Computing {precision} quantization buckets based on {len(embeddings)} embeddings. {precision} quantization is "
                           "more stable with `ranges` calculated from more `embeddings` or a `calibration_embeddings`")
        calibration = embeddings
    known = np.asarray(calibration)
    return np.stack([known.min(axis=0), known.max(axis=0)])


def quantize_embeddings(embeddings: Any, precision: str, ranges: Any = None, calibration_embeddings: Any = None) -> Any:
    """Embeddings as float32, int8, uint8, binary or ubinary. int8 and uint8 are the 256 steps from the least to the largest value that
    a dimension has in `ranges`, in the calibration embeddings or else in the embeddings; what lies outside is cut. A list of
    matrices, as late interaction has them, gives a list, all in the same steps."""
    if precision not in ("float32", "int8", "uint8", "binary", "ubinary"):
        raise ValueError(f"Precision {precision!r} is not supported: float32, int8, uint8, binary and ubinary are")
    if isinstance(embeddings, list):
        if not embeddings:
            return []
        many = [np.asarray(one) for one in embeddings]
        if many[0].ndim == 2:
            if ranges is None and precision in ("int8", "uint8") and any(len(one) for one in many):
                ranges = _ranges(np.concatenate(many), precision, calibration_embeddings)
            return [quantize_embeddings(one, precision, ranges, calibration_embeddings) for one in many]
    rows = np.asarray(embeddings)
    if rows.dtype in (np.int8, np.uint8):
        raise ValueError(f"embeddings: floats are quantized, these are {rows.dtype} and have been already")
    if precision == "float32":
        return as_array(rows.astype(np.float32))
    if precision in ("binary", "ubinary"):
        bits = np.packbits(rows > 0, axis=-1)
        return as_array((bits.astype(np.int16) - 128).astype(np.int8) if precision == "binary" else bits)
    if rows.ndim == 2 and len(rows) == 0:  # has no ranges, and needs none
        return as_array(rows.astype(precision))
    if ranges is None:
        ranges = _ranges(rows, precision, calibration_embeddings)
    low, high = np.asarray(ranges).astype(np.float32)
    steps = (high - low) / 255
    steps[steps == 0] = 1
    codes = np.clip(np.floor((rows - low) / steps), 0, 255)
    return as_array((codes - 128).astype(np.int8) if precision == "int8" else codes.astype(np.uint8))
