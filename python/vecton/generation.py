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
        repetition_context_size: int | None  # the last tokens that it looks at; all
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
class ToolCall:
    """A function that the model asks for. `arguments` is JSON as the model wrote it; parsed() reads it."""

    id: str
    name: str
    arguments: str

    def parsed(self) -> Any:
        return json.loads(self.arguments)


@dataclass
class ToolCallDelta:
    """More of a call's arguments; `id` and `name` come with its first piece."""

    index: int
    arguments: str = ""
    id: str | None = None
    name: str | None = None


@dataclass
class Completion:
    """`text` is all that was written; of an answer of chat() `reasoning`, `content` and `tool_calls` are its parts."""

    index: int
    text: str
    token_ids: list[int]
    finish_reason: str  # stop, length or abort
    stop_reason: int | str | None = None  # the token or text that ended it; None: the model's own end
    logprobs: list[TokenLogprobs] = field(default_factory=list)
    cumulative_logprob: float = 0.0
    reasoning: str = ""
    content: str | None = None  # None is replaced by the text
    tool_calls: list[ToolCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.content is None:
            self.content = self.text

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
    def content(self) -> str:
        return self.completions[0].content or ""

    @property
    def reasoning(self) -> str:
        return self.completions[0].reasoning

    @property
    def tool_calls(self) -> list[ToolCall]:
        return self.completions[0].tool_calls

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
    reasoning: str = ""
    content: str | None = None  # None is replaced by the text
    tool_calls: list[ToolCallDelta] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.content is None:
            self.content = self.text

    def __str__(self) -> str:
        return self.text


def _logprobs(tokens: list[Any]) -> list[TokenLogprobs]:
    return [TokenLogprobs(TokenLogprob(*token), [TokenLogprob(*one) for one in top]) for token, top in tokens]


class Reading:
    """One completion of a conversation, told apart as it comes. `format` is the core's AnswerFormat."""

    def __init__(self, format: Any, completion: int) -> None:
        self._format, self._completion, self._reader = format, completion, format.reader()

    def feed(self, text: str, ends: bool) -> dict[str, Any]:
        """The fields of a Delta that `text` makes."""
        plain, events = self._reader.feed(text)
        if ends:
            rest, more = self._reader.finish()
            plain, events = plain + rest, events + more
        said = {"reasoning": "", "content": ""}
        calls: list[ToolCallDelta] = []
        for kind, piece, call in events:
            if kind in said:
                said[kind] += piece
            elif call and not self._format.parallel:
                continue
            elif kind == "call":
                calls.append(ToolCallDelta(call, "", self._format.call_id(self._completion, call), piece))
            else:
                if not calls or calls[-1].index != call:
                    calls.append(ToolCallDelta(call))
                calls[-1].arguments += piece
        return {"text": plain, **said, "tool_calls": calls}


def _read(completion: dict[str, Any], format: Any) -> dict[str, Any]:
    """A completion with its parts."""
    parts = Reading(format, completion["index"]).feed(completion["text"], True)
    calls = [ToolCall(call.id or "", call.name or "", call.arguments) for call in parts["tool_calls"]]
    return {**completion, **parts, "tool_calls": calls}


def to_generation(fields: dict[str, Any], format: Any = None) -> Generation:
    """`format`: the core's AnswerFormat of the conversation, where its answer has parts."""
    completions = []
    for completion in fields.pop("completions"):
        completion["logprobs"] = _logprobs(completion["logprobs"])
        completions.append(Completion(**(_read(completion, format) if format else completion)))
    return Generation(completions, **{**fields, "prompt_logprobs": _logprobs(fields["prompt_logprobs"])})


def to_delta(fields: dict[str, Any], reading: Reading | None = None) -> Delta:
    parts = reading.feed(fields["text"], fields["finish_reason"] is not None) if reading else {}
    return Delta(**{**fields, **parts, "logprobs": _logprobs(fields["logprobs"])})


def request_fields(sampling: dict[str, Any]) -> dict[str, Any]:
    """Sampling as the core takes it: a schema is a text."""
    structure = sampling.get("structured_output")
    if isinstance(structure, dict) and structure.get("json") is not None and not isinstance(structure["json"], str):
        sampling = {**sampling, "structured_output": {**structure, "json": json.dumps(structure["json"])}}
    return sampling


class Stream(Iterator[Delta]):
    """Deltas as they come. Dropping it, or close(), gives the requests up; after the last delta `generations` has all of it."""

    def __init__(self, core: Any, engine: Any, formats: list[Any] | None = None) -> None:
        self._core = core
        self._engine = engine  # lives as long as the stream
        self._formats = formats  # of each conversation, None where its answer has no parts
        self._readings: dict[tuple[int, int], Reading] = {}
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
            self._waiting.extend(to_delta(fields, self._reading(fields)) for fields in deltas)

    def _format(self, request: int) -> Any:
        return self._formats[request] if self._formats else None

    def _reading(self, fields: dict[str, Any]) -> Reading | None:
        key = fields["request"], fields["index"]
        format = self._format(key[0])
        if format is not None and key not in self._readings:
            self._readings[key] = Reading(format, key[1])
        return self._readings.get(key)

    @property
    def generations(self) -> list[Generation]:
        """Of every prompt, once the stream has ended."""
        results = self._core.results()
        return [to_generation(results.generation(i), self._format(i)) for i in range(len(results))]

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

    def __init__(self, start: Callable[[], Any], engine: Any, formats: list[Any] | None = None) -> None:
        self._start, self._engine, self._formats = start, engine, formats
        self._stream: Stream | None = None

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> Delta:
        if self._stream is None:
            self._stream = Stream(await asyncio.get_running_loop().run_in_executor(None, self._start), self._engine, self._formats)
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
