"""vllm.SamplingParams."""
from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import Any

from vecton.vllm.exceptions import VLLMValidationError

LEAST_TEMPERATURE = 0.01


@dataclass
class StructuredOutputsParams:
    """What the answer has to be: exactly one of json, regex, choice, grammar, json_object and structural_tag."""

    json: Any = None
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = None
    json_object: bool | None = None
    disable_any_whitespace: bool = False
    disable_additional_properties: bool = False
    whitespace_pattern: str | None = None
    structural_tag: str | None = None

    def __post_init__(self) -> None:
        kinds = (self.json, self.regex, self.choice, self.grammar, self.json_object or None, self.structural_tag)
        count = sum(value is not None for value in kinds)
        if count != 1:
            raise ValueError("You must use exactly one kind of structured outputs constraint (json, regex, choice, grammar, json_object, "
                             f"structural_tag); found {count}")

    def fields(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in (None, False)}


GuidedDecodingParams = StructuredOutputsParams  # its name before 0.11


@dataclass
class SamplingParams:
    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    detokenize: bool = True
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    include_stop_str_in_output: bool = False
    structured_outputs: StructuredOutputsParams | dict[str, Any] | None = None
    logit_bias: dict[int, float] | None = None
    allowed_token_ids: list[int] | None = None
    bad_words: list[str] | None = None
    extra_args: dict[str, Any] | None = None
    output_kind: Any = None  # of vLLM's own loops; LLM gives whole answers
    best_of: int | None = None  # of vLLM before 0.7: so many are written, the n likeliest per token are given

    def __post_init__(self) -> None:
        if self.seed == -1:
            self.seed = None
        self.stop = [] if self.stop is None else [self.stop] if isinstance(self.stop, str) else list(self.stop)
        self.stop_token_ids = list(self.stop_token_ids or [])
        self.bad_words = list(self.bad_words or [])
        if isinstance(self.structured_outputs, dict):
            self.structured_outputs = StructuredOutputsParams(**self.structured_outputs)
        if self.logprobs is True:
            self.logprobs = 1
        if self.prompt_logprobs is True:
            self.prompt_logprobs = 1
        self._check()
        if 0 < self.temperature < LEAST_TEMPERATURE:
            self.temperature = LEAST_TEMPERATURE
        if self.temperature == 0:  # the likeliest token: there is nothing to choose from
            self.top_p, self.top_k, self.min_p = 1.0, 0, 0.0

    def _check(self) -> None:
        checks = [
            ("n", self.n >= 1, "must be at least 1"),
            ("presence_penalty", -2 <= self.presence_penalty <= 2, "must be in [-2, 2]"),
            ("frequency_penalty", -2 <= self.frequency_penalty <= 2, "must be in [-2, 2]"),
            ("repetition_penalty", self.repetition_penalty > 0, "must be greater than zero"),
            ("temperature", 0 <= self.temperature <= 2, "must be in [0, 2]"),
            ("top_p", 0 < self.top_p <= 1, "must be in (0, 1]"),
            ("top_k", self.top_k >= -1, "must be 0 (disable), or at least 1"),
            ("min_p", 0 <= self.min_p <= 1, "must be in [0, 1]"),
            ("max_tokens", self.max_tokens is None or self.max_tokens >= 1, "must be at least 1"),
            ("min_tokens", self.min_tokens >= 0, "must be greater than or equal to 0"),
            ("min_tokens", self.max_tokens is None or self.min_tokens <= self.max_tokens, f"must be at most max_tokens={self.max_tokens}"),
            ("logprobs", self.logprobs is None or self.logprobs >= -1, "must be non-negative or -1"),
            ("prompt_logprobs", self.prompt_logprobs is None or self.prompt_logprobs >= -1, "must be non-negative or -1"),
            ("stop", all(self.stop or []), "cannot contain an empty string"),
            ("stop", self.detokenize or not self.stop, "needs detokenize=True"),
            ("best_of", self.best_of is None or self.best_of >= self.n, f"must be at least n={self.n}"),
            ("best_of", self.temperature > 0 or self.best_of in (None, 1), "must be 1 when using greedy sampling"),
            ("n", self.temperature > 0 or self.n == 1, "must be 1 when using greedy sampling"),
            ("extra_args", not self.extra_args, "has no effect here and is refused"),
        ]
        for name, holds, what in checks:
            if not holds:
                value = getattr(self, name)
                raise VLLMValidationError(f"{name} {what}, got {value}.", parameter=name, value=value)

    @property
    def chooses(self) -> bool:
        """Whether more are written than are given."""
        return self.best_of is not None and self.best_of > self.n

    def clone(self) -> SamplingParams:
        return copy.deepcopy(self)

    def fields(self) -> dict[str, Any]:
        """The fields of a request. All of them: what vLLM's class has by default stands above generation_config.json."""
        structure = self.structured_outputs.fields() if isinstance(self.structured_outputs, StructuredOutputsParams) else None
        names = ("n", "presence_penalty", "frequency_penalty", "repetition_penalty", "temperature", "top_p", "top_k", "min_p", "seed", "stop",
                 "stop_token_ids", "ignore_eos", "max_tokens", "min_tokens", "logprobs", "prompt_logprobs", "skip_special_tokens",
                 "spaces_between_special_tokens", "include_stop_str_in_output", "logit_bias", "allowed_token_ids", "bad_words")
        chosen = {"n": self.best_of, "logprobs": self.logprobs or 0} if self.chooses else {}
        return {**{name: getattr(self, name) for name in names}, **chosen, "structured_output": structure}


class BeamSearchParams:
    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("beam search is not done; SamplingParams(n=...) gives several completions")
