"""How tokens are chosen. mlx-lm's samplers are functions over logits; here they say what the engine does itself."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sampler:
    fields: dict[str, Any] = field(default_factory=dict)


def make_sampler(temp: float = 0.0, top_p: float = 0.0, min_p: float = 0.0, min_tokens_to_keep: int = 1, top_k: int = 0,
                 xtc_probability: float = 0.0, xtc_threshold: float = 0.0, xtc_special_tokens: Any = None, *,
                 seed: int | None = None) -> Sampler:
    """`seed` is not mlx-lm's, whose generator is seeded by mlx itself."""
    if xtc_probability:
        raise ValueError("xtc_probability is not supported; temp, top_p, min_p and top_k are")
    if min_tokens_to_keep != 1:
        raise ValueError("min_tokens_to_keep: one token is kept")
    return Sampler({"temperature": temp, "top_p": top_p if 0 < top_p < 1 else 1.0, "min_p": min_p, "top_k": top_k, "seed": seed})


def make_logits_processors(logit_bias: dict[int, float] | None = None, repetition_penalty: float | None = None,
                           repetition_context_size: int | None = 20) -> list[Sampler]:
    """The penalty is of the last repetition_context_size tokens of prompt and answer; 0 and None: of all."""
    fields: dict[str, Any] = {"logit_bias": logit_bias, "repetition_penalty": repetition_penalty}
    if repetition_penalty:
        fields["repetition_context_size"] = repetition_context_size
    return [Sampler({name: value for name, value in fields.items() if value})]
