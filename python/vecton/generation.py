"""Text that a model writes: what is asked for, completions, and streams of them."""
from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing import TypedDict

    class Sampling(TypedDict, total=False):
        """vLLM's names. What is left out is the checkpoint's generation_config.json's, then vLLM's default."""

        max_tokens: int | None
        min_tokens: int
        temperature: float | None
        top_k: int | None
        top_p: float | None
        min_p: float | None
        repetition_penalty: float | None
        presence_penalty: float | None
        frequency_penalty: float | None
        logit_bias: dict[int, float] | None
        bad_words: list[str] | None
        allowed_token_ids: list[int] | None
        stop: str | list[str] | None
        stop_token_ids: list[int] | None
        include_stop_str_in_output: bool
        ignore_eos: bool
        seed: int | None
        n: int
        logprobs: int | None
        prompt_logprobs: int | None
        skip_special_tokens: bool | None
        spaces_between_special_tokens: bool
        structured_output: dict[str, Any] | None  # one of json, json_object, regex, choice, grammar
        cache_salt: str | None
        priority: int


class TokenLogprob(NamedTuple):
    """A token, and how likely it is to the model itself, before temperature and penalties. `rank` 1: none is likelier."""

    id: int
    logprob: float
    rank: int
    text: str
    bytes: bytes


class TokenLogprobs(NamedTuple):
    token: TokenLogprob
    top: list[TokenLogprob]  # the likeliest, best first


@dataclass
class Completion:
    index: int
    text: str
    token_ids: list[int]
    finish_reason: str  # stop, length or abort
    stop_reason: int | str | None = None  # the token or text that ended it; None: the model's own end
    logprobs: list[TokenLogprobs] = field(default_factory=list)
    cumulative_logprob: float = 0.0

    def __str__(self) -> str:
        return self.text


@dataclass
class Generation:
    """What was written after one prompt. str() is the text of the first completion."""

    completions: list[Completion]
    prompt_token_ids: list[int] = field(repr=False)
    prompt_logprobs: list[TokenLogprobs] = field(default_factory=list, repr=False)  # of every token of the prompt but the first
    cached_tokens: int = 0
    time_to_first_token: float = 0.0  # seconds, from the submit on
    generation_time: float = 0.0  # from there on

    @property
    def text(self) -> str:
        return self.completions[0].text

    @property
    def token_ids(self) -> list[int]:
        return self.completions[0].token_ids

    @property
    def finish_reason(self) -> str:
        return self.completions[0].finish_reason

    def __str__(self) -> str:
        return self.text


@dataclass
class Delta:
    """What a step has added to a completion. str() is its text."""

    request: int  # of the prompts
    index: int  # of its completions
    text: str
    token_ids: list[int]
    finish_reason: str | None
    stop_reason: int | str | None
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    logprobs: list[TokenLogprobs] = field(default_factory=list)

    def __str__(self) -> str:
        return self.text


def _logprobs(tokens: list[Any]) -> list[TokenLogprobs]:
    return [TokenLogprobs(TokenLogprob(*token), [TokenLogprob(*one) for one in top]) for token, top in tokens]


def to_generation(fields: dict[str, Any]) -> Generation:
    completions = [Completion(**{**completion, "logprobs": _logprobs(completion["logprobs"])}) for completion in fields.pop("completions")]
    return Generation(completions, **{**fields, "prompt_logprobs": _logprobs(fields["prompt_logprobs"])})


def to_delta(fields: dict[str, Any]) -> Delta:
    return Delta(**{**fields, "logprobs": _logprobs(fields["logprobs"])})


def request_fields(sampling: dict[str, Any]) -> dict[str, Any]:
    """Sampling as the core takes it: a schema is a text."""
    structure = sampling.get("structured_output")
    if isinstance(structure, dict) and structure.get("json") is not None and not isinstance(structure["json"], str):
        sampling = {**sampling, "structured_output": {**structure, "json": json.dumps(structure["json"])}}
    return sampling


class Stream(Iterator[Delta]):
    """Deltas as they come. Dropping it, or close(), gives the requests up; after the last delta `generations` has all of it."""

    def __init__(self, core: Any, engine: Any) -> None:
        self._core = core
        self._engine = engine  # lives as long as the stream
        self._waiting: deque[Delta] = deque()
        self._ended = False

    def __next__(self) -> Delta:
        while not self._waiting:
            if self._ended:
                raise StopIteration
            self._take(self._core.take(True))
        return self._waiting.popleft()

    def _take(self, deltas: list[Any] | None) -> None:
        if deltas is None:
            self._ended = True
            self._core.results().raise_first()
        else:
            self._waiting.extend(map(to_delta, deltas))

    @property
    def generations(self) -> list[Generation]:
        """Of every prompt, once the stream has ended."""
        results = self._core.results()
        return [to_generation(results.generation(i)) for i in range(len(results))]

    def read(self) -> str:
        """The rest of the first completion of the first prompt, waited for."""
        return "".join(delta.text for delta in self if (delta.request, delta.index) == (0, 0))

    def close(self) -> None:
        if not self._ended:
            self._ended = True
            self._waiting.clear()
            self._core.cancel()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_ended", True):
            self._core.cancel()


class AsyncStream:
    """The same for `async for`. Requests are handed over when the first delta is asked for."""

    def __init__(self, start: Callable[[], Any], engine: Any) -> None:
        self._start, self._engine = start, engine
        self._stream: Stream | None = None

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> Delta:
        if self._stream is None:
            self._stream = Stream(await asyncio.get_running_loop().run_in_executor(None, self._start), self._engine)
        stream = self._stream
        try:
            while not stream._waiting and not stream._ended:
                deltas = stream._core.take(False)
                if deltas == []:
                    await _readable(stream._core.fileno())
                else:
                    stream._take(deltas)
        except asyncio.CancelledError:
            stream.close()
            raise
        if not stream._waiting:
            raise StopAsyncIteration
        return stream._waiting.popleft()

    @property
    def generations(self) -> list[Generation]:
        if self._stream is None:
            raise ValueError("the stream has not begun")
        return self._stream.generations

    async def aclose(self) -> None:
        if self._stream is not None:
            self._stream.close()

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, tell)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
