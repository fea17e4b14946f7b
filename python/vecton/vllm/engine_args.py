"""EngineArgs: vLLM's arguments, what each means here, and which are refused by name."""
from __future__ import annotations

import argparse
import json
import logging
from dataclasses import fields, make_dataclass
from typing import Any

logger = logging.getLogger("vecton.vllm")

# Taken as engine options, some under another name.
HONOURED = {
    "runner": "auto", "convert": "auto", "tokenizer": None, "tokenizer_mode": "auto", "skip_tokenizer_init": False,
    "trust_remote_code": False, "dtype": "auto", "quantization": None, "revision": None, "tokenizer_revision": None,
    "chat_template": None, "seed": 0, "hf_token": None, "hf_overrides": None, "pooler_config": None, "max_model_len": None,
    "max_num_batched_tokens": None, "enable_prefix_caching": None, "kv_cache_memory_bytes": None, "download_dir": None,
    "served_model_name": None, "load_format": "auto", "max_num_seqs": None, "generation_config": "auto",
    "override_generation_config": None, "max_logprobs": 20, "speculative_config": None, "kv_cache_dtype": "auto", "limit_mm_per_prompt": None,
    "allowed_local_media_path": "",
}
# Of GPUs, processes and logs: taken, and said once to have no effect.
NO_EFFECT = (
    "gpu_memory_utilization", "enforce_eager", "cpu_offload_gb", "offload_group_size", "offload_num_in_group",
    "offload_prefetch_step", "offload_params", "disable_custom_all_reduce", "compilation_config", "attention_config",
    "profiler_config", "tensor_parallel_size", "pipeline_parallel_size", "renderer_num_workers", "block_size",
    "swap_space", "async_scheduling", "disable_log_stats", "use_tqdm_on_load",
    "allowed_media_domains", "enable_return_routed_experts", "return_sampling_mask", "max_seq_len_to_capture",
    "enable_chunked_prefill", "distributed_executor_backend",
    "disable_log_requests", "structured_outputs_config", "device", "config_format", "code_revision", "disable_sliding_window",
    "max_parallel_loading_workers", "ray_workers_use_nsight",
    "scheduling_policy", "hf_config_path", "mm_processor_cache_gb", "model_impl", "scheduler_cls",
)
# Refused unless they have the default.
REFUSED = {
    "enable_lora": False, "enable_prompt_embeds": False, "spec_method": None, "spec_model": None,
    "spec_tokens": None, "kv_transfer_config": None, "worker_cls": "auto", "data_parallel_size": 1, "logits_processors": None,
    "quantization_config": None, "worker_extension_cls": "", "mm_processor_kwargs": None, "media_io_kwargs": None,
}


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
            if value is not None and value != {} and value != REFUSED[name]:
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
        "limit_images": _limit_images(args["limit_mm_per_prompt"]), "token": args["hf_token"] if isinstance(args["hf_token"], str) else None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _limit_images(limits: Any) -> int | None:
    """How many pictures a prompt may have: {"image": 4}, or {"image": {"count": 4}}."""
    if limits is not None and not isinstance(limits, dict):
        raise ValueError(f"limit_mm_per_prompt must be a dict, found {type(limits).__name__}")
    limit = (limits or {}).get("image")
    if isinstance(limit, dict):
        limit = limit.get("count")
    return None if limit is None else int(limit)


def _dtype(value: Any) -> str:
    name = str(value).removeprefix("torch.")
    return {"half": "float16", "float": "float32"}.get(name, name)
