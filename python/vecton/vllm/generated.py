"""vllm.outputs of requests that generate."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vecton.generation import Completion, Generation, TokenLogprobs


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list[int]
    cumulative_logprob: float | None
    logprobs: list[dict[int, Logprob]] | None
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    lora_request: Any = None

    def finished(self) -> bool:
        return self.finish_reason is not None


@dataclass
class RequestOutput:
    request_id: str
    prompt: str | None
    prompt_token_ids: list[int] | None
    prompt_logprobs: list[dict[int, Logprob] | None] | None
    outputs: list[CompletionOutput]
    finished: bool = True
    metrics: Any = None
    lora_request: Any = None
    encoder_prompt: str | None = None
    encoder_prompt_token_ids: list[int] | None = None
    num_cached_tokens: int | None = None
    kv_transfer_params: dict[str, Any] | None = field(default=None, repr=False)


def logprobs_of(token: TokenLogprobs, texts: bool) -> dict[int, Logprob]:
    """The likeliest tokens and, first, the one that is there."""
    return {one.id: Logprob(one.logprob, one.rank, one.text if texts else None) for one in (token.token, *token.top)}


@dataclass(frozen=True)
class Ends:
    """The tokenizer's end, which is no stop_reason in vLLM, and the engine's first, which is none here."""

    tokenizers: int | None
    engines: int | None

    def stop_reason(self, completion: Completion) -> int | str | None:
        reason = completion.stop_reason
        if reason is None and completion.finish_reason == "stop" and completion.token_ids[-1:] == [self.engines]:
            reason = self.engines
        return None if reason == self.tokenizers else reason


def completion_output(completion: Completion, with_logprobs: bool, texts: bool, ends: Ends) -> CompletionOutput:
    logprobs = [logprobs_of(token, texts) for token in completion.logprobs] if with_logprobs else None
    return CompletionOutput(completion.index, completion.text if texts else "", completion.token_ids,
                            completion.cumulative_logprob if with_logprobs else None, logprobs, completion.finish_reason,
                            ends.stop_reason(completion))


def request_output(request_id: str, prompt: str | None, generation: Generation, params: Any, texts: bool, ends: Ends) -> RequestOutput:
    """`texts`: whether tokens become texts."""
    of_prompt: list[dict[int, Logprob] | None] | None = None
    if params.prompt_logprobs is not None:
        of_prompt = [None, *(logprobs_of(token, texts) for token in generation.prompt_logprobs)]
    outputs = [completion_output(completion, params.logprobs is not None, texts, ends) for completion in generation.completions]
    return RequestOutput(request_id, prompt, generation.prompt_token_ids, of_prompt, outputs, num_cached_tokens=generation.cached_tokens)
