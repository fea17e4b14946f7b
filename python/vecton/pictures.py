"""Pictures as Python has them, and inputs that have some."""
from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from typing import Any

from vecton import _core

FIELDS = ("text", "image")


def is_picture(value: Any) -> bool:
    """A PIL image, an array of levels, or the path of a file. A str is a text; {"image": ...} says what else is a picture."""
    return isinstance(value, os.PathLike) or _is_pil(value) or _is_levels(value)


def has_pictures(value: Any) -> bool:
    """Whether an input has some. Quick of a text, of which there are many."""
    if isinstance(value, (str, list)):
        return False
    return isinstance(value, _core.Prompt) or isinstance(value, Mapping) and value.get("image") is not None or is_picture(value)


def name_of(value: Any) -> str:
    """An input in a few words, for whoever looks at it."""
    if isinstance(value, Mapping):
        return " ".join(name_of(part) for part in (value.get("text"), value.get("image")) if part is not None)
    if isinstance(value, (str, os.PathLike)):
        return os.path.basename(os.fsdecode(value)) if is_picture(value) else str(value)
    return "image" if is_picture(value) else str(value) if not isinstance(value, (list, tuple)) else f"{len(value)} images"


def prompt_of(value: Any, where: str) -> Any:
    """The core's Prompt of an input with pictures: one of them, or {"text": ..., "image": one or a list}. None of anything else."""
    if is_picture(value):
        return _core.Prompt("", [picture(value, where)])
    if not isinstance(value, Mapping):
        return None
    unknown = [str(name) for name in value if name not in FIELDS]
    if unknown or not value:
        raise ValueError(f"{where}: an input with a picture is {{\"text\": ..., \"image\": ...}}, found "
                         f"{', '.join(map(repr, unknown)) or 'an empty dict'}")
    text = value.get("text")
    if text is not None and not isinstance(text, str):
        raise TypeError(f"{where}: text must be a str, found {type(text).__name__}")
    return _core.Prompt(text or "", pictures(value.get("image"), f"{where}: image"))


def pictures(value: Any, where: str) -> list[str | bytes]:
    """None, a picture or a list of them, as the core takes them."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [picture(one, f"{where}[{i}]") for i, one in enumerate(value)]
    return [picture(value, where)]


def picture(value: Any, where: str) -> str | bytes:
    """A picture as the core takes it: a path, data: URI or address as text, or the bytes of a file."""
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if _is_pil(value):
        return _of_pil(value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _of_levels(value, where)
    if hasattr(value, "read"):
        data = bytes(value.read())
        if not data:
            raise ValueError(f"{where}: the file has nothing left to read")
        return data
    raise TypeError(f"{where}: a picture is a path, the bytes of a file, a data: URI, a PIL image or an array of uint8 [height, width, 3], "
                    f"found {type(value).__name__}")


def _is_pil(value: Any) -> bool:
    return any(kind.__module__ == "PIL.Image" for kind in type(value).__mro__)


def _is_levels(value: Any) -> bool:
    return len(getattr(value, "shape", ())) == 3 and hasattr(value, "dtype")


def _bitmap(rows: bytes, width: int, height: int) -> bytes:
    """A BMP file of rows of blue, green and red, each filled up to four bytes; a height below 0: the first row is the top one."""
    return (struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54)
            + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 0, 0, 0, 0) + rows)


def _of_pil(image: Any) -> bytes:
    """As it is shown: whoever opened it has turned it, or not."""
    width, height = image.size
    return _bitmap(image.convert("RGB").tobytes("raw", "BGR", (3 * width + 3) // 4 * 4, -1), width, height)


def _of_levels(values: Any, where: str) -> bytes:
    import numpy as np

    levels = np.asarray(values)
    if levels.dtype != np.uint8:
        raise TypeError(f"{where}: an array has levels of uint8 (0 to 255), found {levels.dtype}")
    if levels.ndim == 3 and levels.shape[2] != 3 and levels.shape[0] == 3:  # as torch has them
        levels = levels.transpose(1, 2, 0)
    if levels.ndim != 3 or levels.shape[2] != 3 or 0 in levels.shape:
        raise ValueError(f"{where}: an array has the shape [height, width, 3], found {list(levels.shape)}")
    height, width, _ = levels.shape
    rows = np.zeros((height, (3 * width + 3) // 4 * 4), np.uint8)
    rows[:, :3 * width] = levels[:, :, ::-1].reshape(height, 3 * width)
    return _bitmap(rows.tobytes(), width, -height)
