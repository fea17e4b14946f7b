"""EngineArgs: vLLM's arguments, what each means here, and which are refused by name."""
from __future__ import annotations

import argparse
import json
import logging
from dataclasses import fields, make_dataclass
from typing import Any

from vecton.picture_options import image_limit
from vecton.vllm.arguments import HONOURED, NO_EFFECT, REFUSED

logger = logging.getLogger("vecton.vllm")

TEXTS = ("model", "revision", "tokenizer_revision", "code_revision", "served_model_name")  # also where they look like numbers


def _value(text: str) -> Any:
    """An option's value: JSON where it is an object, a list or a number, else a text."""
    if text[:1] in "{[" or text.lstrip("-").replace(".", "", 1).isdigit():
        try:
            return json.loads(text)
        except ValueError:
            pass
    return text


def add_cli_args(parser: Any) -> Any:
    """Options of a parser, --max-model-len and so on, for `LLM(**vars(parser.parse_args()))`."""
    for field in fields(EngineArgs):
        if field.name.startswith("_"):
            continue
        option = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            parser.add_argument(option, default=field.default, action=argparse.BooleanOptionalAction)
        else:
            parser.add_argument(option, default=field.default, type=str if field.name in TEXTS else _value)
    return parser


# vLLM's dataclass: `LLM(**vars(EngineArgs(model=...)))`, or asdict() of it.
EngineArgs: Any = make_dataclass(
    "EngineArgs", [("model", str, ""), *((name, Any, value) for name, value in {**HONOURED, **dict.fromkeys(NO_EFFECT), **REFUSED}.items())],
    namespace={"add_cli_args": staticmethod(add_cli_args), "__module__": __name__})


class Config:
    """config.json as attributes, for hf_overrides that are functions and for model_config.hf_config."""

    def __init__(self, values: dict[str, Any]) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __getattr__(self, name: str) -> Any:
        values = object.__getattribute__(self, "_values")
        if name not in values:
            raise AttributeError(f"the model's config.json has no {name!r}")
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._values[name] = value

    def update(self, values: dict[str, Any]) -> None:
        self._values.update(values)

    def to_dict(self) -> dict[str, Any]:
        return dict(self._values)

    def __repr__(self) -> str:
        return f"Config({self._values!r})"


_said: set[str] = set()


def engine_options(given: dict[str, Any], read_config: Any) -> dict[str, Any]:
    """The options of an Engine for LLM's arguments. `read_config` gives config.json, for overrides that are functions."""
    for name, value in given.items():
        if name in REFUSED:
            if value is not None and value != {} and value != [] and value != REFUSED[name]:
                raise ValueError(f"{name}={value!r} is not supported by Vecton; leave it at {REFUSED[name]!r}")
        elif name in NO_EFFECT:
            if value not in (None, False) and name not in _said:
                _said.add(name)
                logger.info("%s has no effect in Vecton", name)
        elif name not in HONOURED:
            raise TypeError(f"EngineArgs.__init__() got an unexpected keyword argument {name!r}")
    args = {**HONOURED, **given}
    if args["runner"] not in ("auto", "generate", "pooling"):
        raise ValueError(f"runner={args['runner']!r} is not supported; \"auto\", \"generate\" and \"pooling\" are")
    if args["load_format"] not in ("auto", "safetensors", "pt", "hf", "fastsafetensors"):
        raise ValueError(f"load_format={args['load_format']!r} is not supported; auto, safetensors and pt are")
    if args["tokenizer_mode"] not in ("auto", "hf", "slow", "mistral"):
        raise ValueError(f"tokenizer_mode={args['tokenizer_mode']!r} is not supported")
    if args["tokenizer_revision"] not in (None, args["revision"]):
        raise ValueError("tokenizer_revision must be the model's revision")
    overrides = args["hf_overrides"]
    if callable(overrides):
        before = read_config()
        after = overrides(Config(before))
        after = after.to_dict() if hasattr(after, "to_dict") else dict(after)
        overrides = {name: value for name, value in after.items() if before.get(name, ...) != value}
    options = {
        "runner": args["runner"], "convert": args["convert"], "revision": args["revision"],
        "dtype": _dtype(args["dtype"]), "max_model_len": args["max_model_len"], "hf_overrides": overrides or None,
        "max_batch_tokens": args["max_num_batched_tokens"], "enable_prefix_caching": args["enable_prefix_caching"],
        "cache_bytes": args["kv_cache_memory_bytes"], "cache": args["download_dir"], "tokenizer": args["tokenizer"],
        "quantization": args["quantization"], "max_num_seqs": args["max_num_seqs"], "generation_config": args["generation_config"],
        "override_generation_config": args["override_generation_config"] or None,
        "speculative_config": args["speculative_config"] or None, "kv_cache_dtype": args["kv_cache_dtype"], "max_logprobs": args["max_logprobs"],
        "limit_images": image_limit(args["limit_mm_per_prompt"] or {}), "allowed_media_domains": args["allowed_media_domains"],
        "media_io_kwargs": args["media_io_kwargs"], "mm_processor_kwargs": args["mm_processor_kwargs"] or None,
        "token": args["hf_token"] if isinstance(args["hf_token"], str) else None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _dtype(value: Any) -> str:
    name = str(value).removeprefix("torch.")
    return {"half": "float16", "float": "float32"}.get(name, name)
