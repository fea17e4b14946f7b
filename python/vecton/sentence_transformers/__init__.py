"""sentence-transformers' classes on Vecton: the same calls, the same shapes, its own engine underneath."""
from __future__ import annotations

from vecton.sentence_transformers import util
from vecton.sentence_transformers.cross_encoder import CrossEncoder
from vecton.sentence_transformers.multi_vector import MultiVectorEncoder
from vecton.sentence_transformers.sparse import SparseEncoder
from vecton.sentence_transformers.transformer import SentenceTransformer
from vecton.sentence_transformers.util import SimilarityFunction

__version__ = "6.2.0"  # whose behaviour this is

__all__ = ["CrossEncoder", "MultiVectorEncoder", "SentenceTransformer", "SimilarityFunction", "SparseEncoder", "util"]
