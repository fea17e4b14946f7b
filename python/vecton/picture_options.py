"""Options of pictures that vLLM has under other names, as the engine has them."""
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

KINDS = ("image", "video", "audio", "vision_chunk")


def _object(given: Any, name: str) -> Mapping[str, Any]:
    """A dict, or one as JSON."""
    value = given
    if isinstance(given, str):
        try:
            value = json.loads(given)
        except ValueError:
            pass
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a dict, found {given!r}")
    return value


def image_limit(limits: Any) -> int | None:
    """How many pictures an input may have: {"image": 4}, or {"image": {"count": 4}}. Of other kinds none are read, whatever their
    limit."""
    found = None
    for kind, limit in _object(limits, "limit_mm_per_prompt").items():
        count = limit.get("count") if isinstance(limit, Mapping) else limit
        wrong = kind not in KINDS or not (count is None and isinstance(limit, Mapping) or type(count) is int and count >= 0)
        if wrong:
            raise ValueError(f"limit_mm_per_prompt: expected numbers by kind ({', '.join(KINDS)}), found {kind!r}: {limit!r}")
        if kind == "image":
            found = count
    return found


def check_media_io(settings: Any) -> None:
    """Settings of vLLM's decoders: those of pictures are refused, the others are of what is not read."""
    if _object(settings, "media_io_kwargs").get("image"):
        raise ValueError("media_io_kwargs: settings of \"image\" are not taken: pictures are decoded to RGB without their transparency")


def take_picture_options(options: dict[str, Any]) -> None:
    """Turns limit_mm_per_prompt and media_io_kwargs into what the core has for them."""
    if "media_io_kwargs" in options:
        check_media_io(options.pop("media_io_kwargs"))
    if "limit_mm_per_prompt" in options:
        limit = image_limit(options.pop("limit_mm_per_prompt"))
        if limit is not None and options.setdefault("limit_images", limit) != limit:
            raise ValueError(f"limit_images={options['limit_images']} and limit_mm_per_prompt's {limit} are the same setting")
    domains = options.get("allowed_media_domains")
    if domains is not None:
        if isinstance(domains, str):
            raise TypeError(f"allowed_media_domains must be a list of hosts, found the text {domains!r}")
        options["allowed_media_domains"] = list(domains)
