"""vllm.config: PoolerConfig."""
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

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


def to_pooler_config(value: PoolerConfig | dict[str, Any] | None) -> PoolerConfig:
    if isinstance(value, PoolerConfig):
        return value
    if value is None:
        return PoolerConfig()
    if not isinstance(value, dict):
        raise ValueError(f"pooler_config must be a PoolerConfig or a dict, found {type(value).__name__}")
    known = {field.name for field in fields(PoolerConfig)}
    unknown = [name for name in value if name not in known]
    if unknown:
        raise ValueError(f"PoolerConfig has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    return PoolerConfig(**value)
