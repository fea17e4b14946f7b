"""mlx.core for scripts that finish an embedding's work with it."""
from vecton.mlx_embeddings.mx import *  # noqa: F403
from vecton.mlx_embeddings.mx import __getattr__  # noqa: F401
