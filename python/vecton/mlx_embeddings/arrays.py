"""Arrays as mlx has them: mlx's own where it is installed, else numpy's through `mx`."""
from __future__ import annotations

import importlib.util
from typing import Any

from vecton.array import Array


def real_mx() -> Any:
    """mlx.core, or None where it is not installed. The stand-in under its name does not count."""
    import sys

    found = sys.modules.get("mlx.core")
    if found is not None:
        return found if not found.__name__.startswith("vecton.") else None
    try:
        spec = importlib.util.find_spec("mlx.core")
    except (ImportError, ValueError):
        return None
    if spec is None or type(spec.loader).__module__ == "vecton.run":
        return None
    try:
        import mlx.core
    except ImportError:  # installed without a backend
        return None
    return mlx.core


def to_mx(values: Any) -> Any:
    mx = real_mx()
    return values.view(Array) if mx is None else mx.array(values)


def to_numpy(values: Any) -> Any:
    import numpy as np

    return np.asarray(values)
