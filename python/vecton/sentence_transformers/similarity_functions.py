"""sentence_transformers.similarity_functions: where scripts import it from."""
from __future__ import annotations

from vecton.sentence_transformers.util import SimilarityFunction

__all__ = ["SimilarityFunction"]
