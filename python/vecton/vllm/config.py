"""vllm.config: PoolerConfig and StructuredOutputsConfig."""
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

TASKS = ("embed", "classify", "token_embed", "token_classify", "plugin", "embed&token_classify")


@dataclass
class PoolerConfig:
    """How a pooling model pools."""

    task: str | None = None
    pooling_type: str | None = None
    seq_pooling_type: str | None = None
    tok_pooling_type: str | None = None
    use_activation: bool | None = None
    enable_flash_late_interaction: bool = True
    dimensions: int | None = None
    enable_chunked_processing: bool = False
    max_embed_len: int | None = None
    logit_mean: float | None = None
    logit_sigma: float | None = None
    step_tag_id: int | None = None
    returned_token_ids: list[int] | None = None
    normalize: Any = None

    def __post_init__(self) -> None:
        if self.normalize is not None:
            raise ValueError("`normalize` was removed; use `use_activation`")
        if self.task in ("score", "encode"):
            raise ValueError(f"pooling task {self.task!r} was removed; use one of {', '.join(TASKS)}")
        if self.task is not None and self.task not in TASKS:
            raise ValueError(f"task must be one of {', '.join(TASKS)}, found {self.task!r}")
        if self.pooling_type is not None and (self.seq_pooling_type or self.tok_pooling_type):
            raise ValueError("set `pooling_type`, or `seq_pooling_type` and `tok_pooling_type`, not both")
        if self.logit_sigma == 0:
            raise ValueError("logit_sigma must not be 0")

    def engine_options(self) -> dict[str, Any]:
        """The settings as EngineOptions' pooler_config has them."""
        for name in ("logit_mean", "logit_sigma"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: Vecton takes the checkpoint's logits as they are")
        kind = self.pooling_type or self.seq_pooling_type or self.tok_pooling_type
        names = ("use_activation", "dimensions", "max_embed_len", "step_tag_id", "returned_token_ids")
        options = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if kind is not None:
            options["pooling_type"] = kind
        if self.enable_chunked_processing:
            options["enable_chunked_processing"] = True
        return options


BACKENDS = ("auto", "xgrammar", "guidance", "outlines", "lm-format-enforcer")


@dataclass
class StructuredOutputsConfig:
    """What holds of all structured outputs of an engine. There is one backend, which does what any of vLLM's is asked for."""

    backend: str = "auto"
    disable_fallback: bool = False
    disable_any_whitespace: bool = False
    disable_additional_properties: bool = False
    reasoning_parser: str = ""  # the chat template shows how thinking stands in answers
    reasoning_parser_plugin: str = ""
    enable_in_reasoning: bool = False

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ValueError(f"structured_outputs_config: backend must be one of {', '.join(BACKENDS)}, found {self.backend!r}")
        if self.reasoning_parser_plugin:
            raise ValueError("structured_outputs_config: reasoning_parser_plugin is not supported; the chat template shows how thinking stands in answers")
        if self.enable_in_reasoning:
            raise ValueError("structured_outputs_config: enable_in_reasoning is not supported: what is asked of an answer begins after its thinking")

    def fields(self) -> dict[str, Any]:
        """What a request's structure has of it."""
        names = ("disable_any_whitespace", "disable_additional_properties")
        return {name: True for name in names if getattr(self, name)}


Config = TypeVar("Config", PoolerConfig, StructuredOutputsConfig)


def to_config(kind: type[Config], value: Config | dict[str, Any] | None, argument: str) -> Config:
    """An argument of LLM's that is a config, or its fields."""
    if isinstance(value, kind):
        return value
    if value is None:
        return kind()
    if not isinstance(value, dict):
        raise ValueError(f"{argument} must be a {kind.__name__} or a dict, found {type(value).__name__}")
    known = {field.name for field in fields(kind)}
    unknown = [name for name in value if name not in known]
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    return kind(**value)
