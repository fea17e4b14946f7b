"""PyLate's models, rank and scores on Vecton. Its indexes and retrievers are its own, and take these arrays."""
from vecton.pylate import models, rank, scores

__all__ = ["models", "rank", "scores"]
