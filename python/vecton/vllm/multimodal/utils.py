"""vllm.multimodal.utils: pictures from addresses, and to data: URIs. They need Pillow."""
from __future__ import annotations

import base64
import io
from typing import Any


def fetch_image(image_url: str, image_io_kwargs: dict[str, Any] | None = None) -> Any:
    """The PIL image, in RGB, of a data:, file:, http: or https: URL."""
    import urllib.request

    from PIL import Image

    if image_io_kwargs:
        raise ValueError(f"image_io_kwargs: {', '.join(map(repr, image_io_kwargs))} is not taken")
    if not image_url.startswith(("data:", "file:", "http:", "https:")):
        raise ValueError(f"fetch_image takes a data:, file:, http: or https: URL, found {image_url[:60]!r}")
    with urllib.request.urlopen(image_url, timeout=10) as answer:
        return Image.open(io.BytesIO(answer.read())).convert("RGB")


def encode_image_base64(image: Any, image_mode: str = "RGB", format: str = "PNG") -> str:  # noqa: A002
    """The bytes of a file of a PIL image, in base64."""
    buffer = io.BytesIO()
    image.convert(image_mode).save(buffer, format)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def encode_image_url(image: Any, image_mode: str = "RGB", format: str = "PNG") -> str:  # noqa: A002
    """A PIL image as a data: URI."""
    return f"data:image/{format.lower()};base64,{encode_image_base64(image, image_mode, format)}"
