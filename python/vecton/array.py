"""Array: a numpy array that also answers to what people call on tensors."""
from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np


class Array(np.ndarray):
    """An ndarray with the tensor methods that scripts for torch or mlx call on their results. They share its memory."""

    if TYPE_CHECKING:  # numpy's own types say ndarray

        def __getitem__(self, key: Any, /) -> Any: ...

        def astype(self, dtype: Any, *args: Any, **how: Any) -> Any: ...

    def cpu(self) -> Array:
        return self

    def detach(self) -> Array:
        return self

    def numpy(self) -> np.ndarray:
        return self.view(np.ndarray)

    def float(self) -> Array:
        return self.astype(np.float32, copy=False)

    def dim(self) -> int:
        return self.ndim

    def to(self, *args: Any, **kwargs: Any) -> Array:
        """The array itself: it lies in the processor's memory. Another device is an error."""
        for where in (*args, *kwargs.values()):
            name = str(where)
            if name.startswith(("cuda", "mps", "xpu", "npu")):
                raise ValueError(f"the array lies in the processor's memory and can't go to {name}: call .torch() for a tensor first")
        return self

    def torch(self) -> Any:
        """A torch tensor of the same memory."""
        import torch

        return torch.from_numpy(self.view(np.ndarray))


class Similarity(Array):
    """Similarities of texts: in a notebook a heat map."""

    rows: list[str] | None = None
    columns: list[str] | None = None

    def __array_finalize__(self, source: Any) -> None:
        if source is not None and getattr(source, "shape", None) == self.shape:
            self.rows, self.columns = getattr(source, "rows", None), getattr(source, "columns", None)

    def _repr_html_(self) -> str:
        from vecton.notebook import heat_map

        return heat_map(self)


def as_array(values: np.ndarray) -> Array:
    return values.view(Array)


def as_tensor(values: np.ndarray) -> Any:
    """A torch tensor of the same memory where the program has imported torch, else an Array."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "from_numpy"):
        return torch.from_numpy(values.view(np.ndarray))
    return values.view(Array)
