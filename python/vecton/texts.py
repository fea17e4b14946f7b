"""What may stand for texts: one, or many in whatever holds them."""
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _is_integer(value: Any) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or type(value).__module__ == "numpy" and hasattr(value, "__index__") and value.ndim == 0)


def as_list(inputs: Any, what: str = "texts") -> tuple[list[Any], bool]:
    """The inputs as a list, and whether it was one input that is not in a list.

    One input is a str, a list of token ids, a picture or a dict with one. Many are a list, tuple, generator, array, pandas Series
    or Arrow array.
    """
    if isinstance(inputs, str):
        return [inputs], True
    if inputs is None or isinstance(inputs, (bytes, bytearray)):
        raise TypeError(f"{what} must be a str or a list of them, found {type(inputs).__name__}")
    if not isinstance(inputs, (list, tuple)):
        from vecton.pictures import is_picture

        if isinstance(inputs, dict) or is_picture(inputs):
            return [inputs], True
    if not isinstance(inputs, list):
        if hasattr(inputs, "to_pylist"):  # Arrow
            inputs = inputs.to_pylist()
        elif len(getattr(inputs, "shape", ())) == 4:  # pictures of one size
            inputs = list(inputs)
        elif hasattr(inputs, "tolist"):  # numpy, pandas
            inputs = inputs.tolist()
            if not isinstance(inputs, list):
                return [inputs], True
        else:
            try:
                inputs = list(inputs)
            except TypeError:
                raise TypeError(f"{what} must be a str or a list of them, found {type(inputs).__name__}") from None
    if inputs and _is_integer(inputs[0]):
        return [inputs], True
    return inputs, False


def check_count(count: int | None, what: str) -> None:
    """Refuses a negative number, by which a slice would leave out the last."""
    if count is not None and count < 0:
        from vecton.errors import InvalidArgument

        raise InvalidArgument(f"{what} must be 0 or more, or None for all; found {count}")


def char_spans(text: str, begin: Any, end: Any) -> Any:
    """Spans in bytes of a text as spans in its characters, [tokens, 2]."""
    import numpy as np

    spans = np.stack([begin, end], axis=1)
    if text.isascii():
        return spans
    sizes = [len(c.encode("utf-8", "replace") if c < "\ud800" or c > "\udfff" else "\ufffd".encode()) for c in text]
    ends = np.concatenate([[0], np.cumsum(sizes)])
    return np.searchsorted(ends, spans)
