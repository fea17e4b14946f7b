"""vllm.PoolingParams."""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

# What each task may set.
VALID = {
    "embed": ("dimensions", "use_activation"),
    "classify": ("use_activation",),
    "score": ("use_activation",),
    "token_embed": ("dimensions", "use_activation"),
    "token_classify": ("use_activation",),
}
PARAMETERS = ("dimensions", "use_activation", "step_tag_id", "returned_token_ids", "late_chunking_params")


@dataclass
class PoolingParams:
    use_activation: bool | None = None
    dimensions: int | None = None
    step_tag_id: int | None = None
    returned_token_ids: list[int] | None = None
    task: str | None = None
    late_chunking_params: Any = None
    extra_kwargs: dict[str, Any] | None = field(default=None)

    def clone(self) -> PoolingParams:
        return replace(self, extra_kwargs=dict(self.extra_kwargs) if self.extra_kwargs is not None else None)

    def verify(self, task: str) -> None:
        """Raises ValueError for what the task does not have."""
        if self.task is not None and self.task != task:
            raise ValueError(f"You cannot overwrite self.task={self.task!r} with task={task!r}!")
        valid = VALID[task]
        wrong = [name for name in PARAMETERS if getattr(self, name) is not None and name not in valid]
        if wrong:
            raise ValueError(f"Task {task!r} only supports {list(valid)} parameters, does not support {wrong}")
        for name in self.extra_kwargs or {}:
            if name != "chat_template_kwargs":
                raise ValueError(f"extra_kwargs: {name!r} is not taken")
