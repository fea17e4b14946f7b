"""Engine: one loaded model that answers requests, from any number of threads."""
from __future__ import annotations

import atexit
import os
import weakref

from vecton import _core
from vecton.errors import InvalidArgument
from vecton.progress import bar
from vecton.texts import as_list, char_spans, check_count

TYPE_CHECKING = False  # of typing, which takes longer to import than all of this package
if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from vecton.answers import SparseVectors, TokenVectors
    from typing_extensions import Unpack

    from vecton.array import Array, Similarity
    from vecton.generation import AsyncStream, Generation, Sampling, Stream
    from vecton.tokenizer import Tokenizer

CHUNK = 4096  # inputs that are handed over at once; of more, some chunks are on their way together
CHUNK_OF_PICTURES = 16  # of inputs with pictures, which are decoded when they are handed over
IN_FLIGHT = 3  # chunks
OF_PICTURES = ("allowed_media_domains", "limit_mm_per_prompt", "media_io_kwargs")

_open: weakref.WeakSet[Engine] = weakref.WeakSet()
_reopened: weakref.WeakValueDictionary[str, Engine] = weakref.WeakValueDictionary()


class Call:
    """What a method asks the core for, and what it makes of the answers."""

    def __init__(self, inputs: list[Any], like: Any, seconds: list[Any] | None, finish: Callable[[Any], Any], formats: list[Any] | None = None,
                 gather: Callable[[], Any] = list) -> None:
        self.inputs = inputs
        self.like = like  # a Request, or one for each input
        self.seconds = seconds
        self.finish = finish  # of parts: the answers to some of the inputs after those to others
        self.formats = formats  # of each conversation: how its answer is read
        self.gather = gather  # what takes the parts of many inputs, by append()

    def finished_by(self, finish: Callable[[Any], Any]) -> Call:
        return Call(self.inputs, self.like, self.seconds, finish, self.formats, self.gather)


class Rows:
    """A row for each of many inputs in one array, put there as soon as it is answered: the parts are not kept beside it."""

    def __init__(self, count: int, out: Any) -> None:
        self.count, self.values, self.filled = count, out, 0

    def append(self, part: Any) -> None:
        if self.values is None:
            import numpy as np

            self.values = np.empty((self.count, part.values(0).shape[1]), np.float32)
        part.copy_into(self.values, self.filled)
        self.filled += len(part)


class ModelInfo:
    """What a model is and how it is served, as resolved from its files and the options."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"ModelInfo has no field {name!r}; it has {', '.join(self.__dict__)}")

    def __repr__(self) -> str:
        return f"ModelInfo({self.name!r}, {self.architecture}, tasks={self.tasks})"

    def _repr_html_(self) -> str:
        from vecton.notebook import table

        return table(self.name, list(self.__dict__.items()))


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    import json  # here and below: not when vecton is imported

    return json.dumps(value)


def engine_options(model: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Options as the core takes them: objects of JSON as text."""
    options = {name: value for name, value in options.items() if value is not None}
    options["model"] = os.fspath(model)
    for name in ("pooler_config", "hf_overrides", "override_generation_config", "speculative_config", "mm_processor_kwargs"):
        if name in options:
            options[name] = _json_text(options[name])
    if any(name in options for name in OF_PICTURES):
        from vecton.picture_options import take_picture_options

        take_picture_options(options)
    return options


class Engine:
    """One loaded model.

    `model` is a folder, a GGUF file or a name on the model hub. The options are those of the program: revision, cache, token,
    offline, dtype, compute, quantization, runner, convert, pooler_config, hf_overrides, max_model_len, threads (0 = every core),
    backend, max_batch_tokens, max_queue_tokens, enable_prefix_caching, cache_bytes, kv_cache_dtype, tokenizer, default_prompt_name,
    default_prompt, dense_path, max_num_seqs, generation_config, override_generation_config, max_logprobs, speculative_config;
    and of pictures limit_images (or vLLM's limit_mm_per_prompt), allowed_local_media_path, allowed_media_domains,
    image_fetch_timeout, mm_processor_kwargs. `progress` is True for a bar of a download, or a function of (file, bytes, size,
    files done, files).
    """

    def __init__(self, model: str | os.PathLike[str], *, progress: bool | Callable[..., None] | None = None, **options: Any) -> None:
        self._options = engine_options(model, options)
        self._core = _core.Engine.open(self._options, _download_progress(progress))
        self.info = ModelInfo(self._core.info())
        self._plain = _core.Request(task="embed")
        self._tokenizer: Tokenizer | None = None
        _open.add(self)

    # The life of an engine.

    def close(self) -> None:
        """Stops: requests that wait end with Cancelled. What was answered stays valid."""
        self._core.close()

    @property
    def closed(self) -> bool:
        return self._core.closed

    def drain(self) -> None:
        """Takes no more requests and waits for those taken."""
        self._core.drain()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        import json

        return _reopen, (json.dumps(self._options, sort_keys=True),)

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"vecton.Engine({self.info.name!r}, {self.info.architecture}, tasks={self.info.tasks}{state})"

    # What it is.

    @property
    def tasks(self) -> list[str]:
        return self.info.tasks

    @property
    def labels(self) -> list[str]:
        return self.info.labels

    @property
    def tokenizer(self) -> Tokenizer:
        if self._tokenizer is None:
            from vecton.tokenizer import Tokenizer

            self._tokenizer = Tokenizer(self._core.tokenizer(), self.info.max_model_len, self._core.render)
        return self._tokenizer

    def stats(self) -> dict[str, int]:
        """Counters since the engine was opened, and what it holds now."""
        return self._core.stats()

    # Embeddings.

    def embed(self, texts: Any, *, role: str | None = None, prompt_name: str | None = None, prompt: str | None = None,
              dimensions: int | None = None, normalize: bool | None = None, truncate: bool | int | None = None,
              out: Any = None, progress: Any = None) -> Array:
        """A vector per text, [texts, dimension]; of one str its vector, [dimension]. Of models that read pictures a text may be one
        (a path as pathlib.Path, a PIL image, an array of uint8 [height, width, 3]), or {"text": ..., "image": one or a list}.

        `role` is "query" or "document"; `prompt_name` and `prompt` name or give the prompt; `dimensions` cuts Matryoshka
        vectors; `truncate` cuts long texts to so many tokens, True to the model's most. `out` takes the vectors: float32 in C order.
        """
        if (type(texts) is str and role is None and prompt_name is None and prompt is None and dimensions is None and normalize is None
                and truncate is None and out is None):
            return _array(self._core.run([texts], self._plain).vector(0))
        return self._run(self._embed(texts, role=role, prompt_name=prompt_name, prompt=prompt, dimensions=dimensions,
                                     normalize=normalize, truncate=truncate, out=out), "Embedding", progress)

    def _embed(self, texts: Any, *, out: Any = None, truncate: Any = None, **how: Any) -> Call:
        inputs, single = as_list(texts)
        _check_out(out, len(inputs))
        like = _core.Request(task="embed", truncate_to=_cut(truncate), **how)
        size = how.get("dimensions") or self.info.embedding_size

        def finish(parts: Any) -> Any:
            if isinstance(parts, Rows):
                return _array(parts.values)
            if single and out is None:
                parts[0].raise_first()
                return _array(parts[0].vector(0))
            return _array(_rows(parts, size, out))

        return Call(inputs, like, None, finish, gather=lambda: Rows(len(inputs), out))

    def embed_tokens(self, texts: Any, *, role: str | None = None, prompt_name: str | None = None, prompt: str | None = None,
                     normalize: bool | None = None, truncate: bool | int | None = None, progress: Any = None) -> TokenVectors:
        """A vector per token of every text."""
        return self._run(self._embed_tokens(texts, role=role, prompt_name=prompt_name, prompt=prompt, normalize=normalize,
                                            truncate=truncate), "Embedding", progress)

    def _embed_tokens(self, texts: Any, *, truncate: Any = None, **how: Any) -> Call:
        return self._per_token(texts, _core.Request(task="token_embed", truncate_to=_cut(truncate), **how))

    def _per_token(self, texts: Any, like: Any) -> Call:
        inputs, _ = as_list(texts)

        def finish(parts: list[Any]) -> Any:
            import numpy as np

            from vecton.answers import TokenVectors

            values = _rows(parts, self.info.embedding_size, None)
            sizes = [size for part in parts for size in part.sizes().tolist()]
            tokens = [part.tokens(i) for part in parts for i in range(len(part))]
            return TokenVectors(values, np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]), tokens, inputs)

        return Call(inputs, like, None, finish)

    def embed_sparse(self, texts: Any, *, role: str | None = None, truncate: bool | int | None = None,
                     progress: Any = None) -> SparseVectors:
        """The weights of tokens of every text."""
        return self._run(self._embed_sparse(texts, role=role, truncate=truncate), "Embedding", progress)

    def _embed_sparse(self, texts: Any, *, role: str | None = None, truncate: Any = None) -> Call:
        inputs, _ = as_list(texts)

        def finish(parts: list[Any]) -> Any:
            import numpy as np

            from vecton.answers import SparseVectors

            for part in parts:
                part.raise_first()
            ids = [part.ids(i) for part in parts for i in range(len(part))]
            values = [part.vector(i) for part in parts for i in range(len(part))]
            indptr = np.concatenate([[0], np.cumsum([len(row) for row in ids], dtype=np.int64)])
            empty: list[Any] = [np.zeros(0, np.int32)]
            return SparseVectors(np.concatenate(ids or empty), np.concatenate(values or [np.zeros(0, np.float32)]), indptr,
                                 self.info.vocab_size)

        return Call(inputs, _core.Request(task="sparse_embed", role=role, truncate_to=_cut(truncate)), None, finish)

    def late_chunks(self, parts: Sequence[str], *, truncate: bool | int | None = None, **how: Any) -> Array:
        """A vector for each part of one document, which the model reads as a whole."""
        like = _core.Request(task="embed", truncate_to=_cut(truncate), **how)
        return self._run(Call([""], like, [list(parts)], lambda results: _array(_rows(results, self.info.embedding_size, None))))

    def similarity(self, texts: Any, others: Any = None, **how: Any) -> Similarity:
        """How alike the texts are, or texts and others: [texts, others], as the model compares vectors. A heat map in notebooks."""
        import numpy as np

        from vecton.array import Similarity
        from vecton.compare import compare

        first, _ = as_list(texts)
        second = first if others is None else as_list(others)[0]
        a = self.embed(first, **how)
        b = a if others is None else self.embed(second, **how)
        matrix = np.asarray(compare(a, b, self.info.similarity)).view(Similarity)
        matrix.rows, matrix.columns = [_label(t) for t in first], [_label(t) for t in second]
        return matrix

    # Pairs.

    def score(self, query: str, documents: Any, *, instruction: str | None = None, raw: bool = False,
              truncate: bool | int | None = None, progress: Any = None) -> Any:
        """How well each document answers the query, in their order; of one str its score. `raw`: without the activation."""
        return self._run(self._score(query, documents, instruction=instruction, raw=raw, truncate=truncate), "Scoring", progress)

    def _score(self, query: str, documents: Any, **how: Any) -> Call:
        seconds, single = as_list(documents, "documents")
        call = self._score_pairs([(query, document) for document in seconds], **how)
        return call.finished_by(lambda parts: float(call.finish(parts)[0])) if single else call

    def score_pairs(self, pairs: Any, *, instruction: str | None = None, raw: bool = False,
                    truncate: bool | int | None = None, progress: Any = None) -> Array:
        """The score of each pair of a query and a document."""
        return self._run(self._score_pairs(pairs, instruction=instruction, raw=raw, truncate=truncate), "Scoring", progress)

    def _score_pairs(self, pairs: Any, *, instruction: str | None = None, raw: bool = False, truncate: Any = None) -> Call:
        pairs = list(pairs)
        like = _core.Request(task="score", instruction=instruction, use_activation=False if raw else None, truncate_to=_cut(truncate))
        return Call([query for query, _ in pairs], like, [document for _, document in pairs],
                    lambda parts: _array(_flat(parts, "scores")))

    def rank(self, query: str, documents: Any, top_k: int | None = None, *, instruction: str | None = None,
             truncate: bool | int | None = None) -> list[tuple[int, float]]:
        """Documents by how well they answer the query, as (index, score). Equal ones stay in their order."""
        return self._run(self._rank(query, documents, top_k, instruction=instruction, truncate=truncate))

    def _rank(self, query: str, documents: Any, top_k: int | None = None, **how: Any) -> Call:
        import numpy as np

        check_count(top_k, "top_k")
        call = self._score(query, as_list(documents, "documents")[0], **how)

        def finish(parts: list[Any]) -> list[tuple[int, float]]:
            scores, logits = _flat(parts, "scores"), _flat(parts, "logits")
            order = np.argsort(-logits, kind="stable")[:top_k]
            return [(int(i), float(scores[i])) for i in order]

        return call.finished_by(finish)

    def classify(self, texts: Any, pairs: Any = None, *, raw: bool = False, truncate: bool | int | None = None,
                 progress: Any = None) -> Array:
        """A number per label of every text (or pair), [texts, labels]; of one str [labels]. `raw`: without the activation."""
        return self._run(self._classify(texts, pairs, raw=raw, truncate=truncate), "Classifying", progress)

    def _classify(self, texts: Any, pairs: Any = None, *, raw: bool = False, truncate: Any = None) -> Call:
        inputs, single = as_list(texts)
        seconds = None if pairs is None else as_list(pairs, "pairs")[0]
        like = _core.Request(task="classify", use_activation=False if raw else None, truncate_to=_cut(truncate))

        def finish(parts: list[Any]) -> Any:
            values = _array(_rows(parts, len(self.info.labels), None))
            return values[0] if single else values

        return Call(inputs, like, seconds, finish)

    def zero_shot(self, inputs: Any, candidate_labels: str | Sequence[str], *, hypothesis_template: str | None = None,
                  multi_label: bool = False, truncate: bool | int | None = None, progress: Any = None) -> Any:
        """Which of labels, that it was not trained for, a model gives to each input: lists of {"label", "score"}, best first; to one
        input its list. Models of natural language inference read texts, those that compare images and texts read pictures.

        `hypothesis_template` has one {}, where the label goes ("This example is {}."; of images "This is a photo of {}.").
        `multi_label`: each label for itself, and not one of them.
        """
        return self._run(self._zero_shot(inputs, candidate_labels, hypothesis_template=hypothesis_template, multi_label=multi_label,
                                         truncate=truncate), "Classifying", progress)

    def _zero_shot(self, inputs: Any, candidate_labels: Any, *, hypothesis_template: str | None = None, multi_label: bool = False,
                   truncate: Any = None) -> Call:
        from vecton.zero_shot import plan

        return plan(self.info, inputs, candidate_labels, hypothesis_template, multi_label, _cut(truncate))

    # Tokens.

    def classify_tokens(self, texts: Any, *, raw: bool = False, truncate: bool | int | None = None, progress: Any = None) -> TokenVectors:
        """A number per label of every token."""
        return self._run(self._classify_tokens(texts, raw=raw, truncate=truncate), "Classifying", progress)

    def _classify_tokens(self, texts: Any, *, raw: bool = False, truncate: Any = None) -> Call:
        return self._per_token(texts, _core.Request(task="token_classify", use_activation=False if raw else None,
                                                    truncate_to=_cut(truncate)))

    def tag(self, texts: Any, aggregation: str = "simple", *, truncate: bool | int | None = None, progress: Any = None) -> Any:
        """The entities of every text: dictionaries of label, score, text, start and end (characters). Of one str its list."""
        return self._run(self._tag(texts, aggregation, truncate=truncate), "Tagging", progress)

    def _tag(self, texts: Any, aggregation: str = "simple", *, truncate: Any = None) -> Call:
        inputs, single = as_list(texts)
        like = _core.Request(task="token_classify", use_activation=True, truncate_to=_cut(truncate))

        def finish(parts: list[Any]) -> Any:
            found = []
            for text, (part, i) in zip(inputs, ((part, i) for part in parts for i in range(len(part)))):
                rows: Any = self._core.entities(part, i, text, aggregation)
                spans = char_spans(text, [row.pop("begin") for row in rows], [row.pop("end") for row in rows]) if rows else []
                found.append([{**row, "start": int(begin), "end": int(end)} for row, (begin, end) in zip(rows, spans)])
            return found[0] if single else found

        return Call(inputs, like, None, finish)

    def fill_mask(self, texts: Any, top_k: int = 5, targets: Sequence[str] | None = None, *, truncate: bool | int | None = None,
                  progress: Any = None) -> Any:
        """What may stand in place of the mask tokens: per text a list per mask of score, token, token_str and sequence."""
        return self._run(self._fill_mask(texts, top_k, targets, truncate=truncate), "Filling", progress)

    def _fill_mask(self, texts: Any, top_k: int = 5, targets: Sequence[str] | None = None, *, truncate: Any = None) -> Call:
        inputs, single = as_list(texts)
        like = _core.Request(task="fill_mask", top_k=top_k, targets=targets, truncate_to=_cut(truncate))

        def finish(parts: list[Any]) -> Any:
            found = [self._core.fillings(part, i) for part in parts for i in range(len(part))]
            return found[0] if single else found

        return Call(inputs, like, None, finish)

    # Text that the model writes.

    def generate(self, prompts: Any, *, progress: Any = None, truncate: bool | int | None = None,
                 add_special_tokens: bool | None = None, **sampling: Unpack[Sampling]) -> Any:
        """What the model writes after each prompt: a list of Generations; after one str its Generation.

        max_tokens, temperature, top_p, top_k, min_p, stop, seed, n, logprobs, structured_output={"json": schema}, ...: the names
        and meanings of vLLM's SamplingParams. What is left out is the checkpoint's.
        """
        return self._run(self._generate(prompts, truncate=truncate, add_special_tokens=add_special_tokens, **sampling), "Generating", progress)

    def _generate(self, prompts: Any, **how: Any) -> Call:
        inputs, single = as_list(prompts, "prompts")
        return self._written(inputs, single, how)

    def chat(self, messages: Any, *, tools: Any = None, tool_choice: Any = "auto", parallel_tool_calls: bool = True,
             tool_call_parser: str = "auto", reasoning_parser: str = "auto", documents: Any = None, chat_template: str | None = None,
             chat_template_kwargs: dict[str, Any] | None = None, add_generation_prompt: bool = True, continue_final_message: bool = False,
             progress: Any = None, **sampling: Unpack[Sampling]) -> Any:
        """The model's answer to a conversation, a list of {"role", "content"}; to a list of conversations a list.

        Of an answer `.reasoning`, `.content` and `.tool_calls` are told apart, in the format that the chat template shows, or that
        `tool_call_parser` and `reasoning_parser` name ("none": not at all). `tool_choice` is "auto", "none", "required" or the name
        of a tool, which must be called then.
        """
        return self._run(self._chat(messages, tools=tools, tool_choice=tool_choice, parallel_tool_calls=parallel_tool_calls,
                                    tool_call_parser=tool_call_parser, reasoning_parser=reasoning_parser, documents=documents,
                                    chat_template=chat_template, chat_template_kwargs=chat_template_kwargs,
                                    add_generation_prompt=add_generation_prompt, continue_final_message=continue_final_message, **sampling),
                         "Generating", progress)

    def _chat(self, messages: Any, *, tools: Any = None, tool_choice: Any = "auto", parallel_tool_calls: bool = True,
              tool_call_parser: str = "auto", reasoning_parser: str = "auto", documents: Any = None, chat_template: str | None = None,
              chat_template_kwargs: dict[str, Any] | None = None, add_generation_prompt: bool = True, continue_final_message: bool = False,
              **how: Any) -> Call:
        from vecton.messages import choice_of_tool, conversations, to_core

        talks, single = conversations(messages)
        inputs = [to_core(talk, tools=tools, documents=documents, chat_template=chat_template, chat_template_kwargs=chat_template_kwargs,
                          add_generation_prompt=add_generation_prompt, continue_final_message=continue_final_message) for talk in talks]
        self._need_images(inputs, "messages")
        choice = choice_of_tool(tool_choice)
        formats = [_core.AnswerFormat(self._core, one, parallel_tool_calls=parallel_tool_calls, tool_call_parser=tool_call_parser,
                                      reasoning_parser=reasoning_parser, **choice) for one in inputs]
        return self._written(inputs, single, how, formats)

    def _need_images(self, inputs: list[Any], what: str) -> None:
        if not self.info.images and any(isinstance(one, _core.Prompt) for one in inputs):
            raise InvalidArgument(f"{what}: {self.info.name} ({self.info.architecture}) reads text alone, found an image")

    def _written(self, inputs: list[Any], single: bool, how: dict[str, Any], formats: list[Any] | None = None) -> Call:
        from vecton.generation import request_fields, to_generation

        fields = request_fields(how)
        like = _core.Request(task="generate", truncate_to=_cut(fields.pop("truncate", None)), **fields)
        requests = like if formats is None else [one.request(like) for one in formats]
        read = [None] * len(inputs) if formats is None else [one if one.parts else None for one in formats]

        def finish(parts: list[Any]) -> Any:
            for part in parts:
                part.raise_first()
            answers = [part.generation(i) for part in parts for i in range(len(part))]
            found = [to_generation(answer, format) for answer, format in zip(answers, read)]
            return found[0] if single else found

        return Call(inputs, requests, None, finish, read)

    def stream_generate(self, prompts: Any, **how: Any) -> Stream:
        """generate() as it comes: an iterator of Deltas, each of a prompt (.request) and a completion of it (.index)."""
        from vecton.generation import Stream

        call = self._generate(prompts, **how)
        return Stream(self._core.stream(call.inputs, call.like), self, call.formats)

    def stream_chat(self, messages: Any, **how: Any) -> Stream:
        """chat() as it comes."""
        from vecton.generation import Stream

        call = self._chat(messages, **how)
        return Stream(self._core.stream(call.inputs, call.like), self, call.formats)

    def astream_generate(self, prompts: Any, **how: Any) -> AsyncStream:
        """generate() as it comes, for `async for`."""
        from vecton.generation import AsyncStream

        call = self._generate(prompts, **how)
        return AsyncStream(lambda: self._core.stream(call.inputs, call.like), self, call.formats)

    def astream_chat(self, messages: Any, **how: Any) -> AsyncStream:
        """chat() as it comes, for `async for`."""
        from vecton.generation import AsyncStream

        call = self._chat(messages, **how)
        return AsyncStream(lambda: self._core.stream(call.inputs, call.like), self, call.formats)

    async def agenerate(self, prompts: Any, **how: Any) -> Any:
        return await self._later("generate", (prompts,), how)

    async def achat(self, messages: Any, **how: Any) -> Any:
        return await self._later("chat", (messages,), how)

    def generation_defaults(self) -> dict[str, Any]:
        """What a request gets that says nothing itself: of generation_config.json and the options."""
        return self._core.generation_defaults()

    # The same, without waiting.

    def submit(self, method: str, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """A future of what a method gives: engine.submit("embed", texts). Raises QueueFull when there is no room."""
        from vecton.waiting import submit

        return submit(self._core, self._call(method, args, kwargs))

    def _call(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        if method not in METHODS:
            raise ValueError(f"there is no method {method!r} to submit; there are {', '.join(METHODS)}")
        return getattr(self, "_" + method)(*args, **kwargs)

    async def _later(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from vecton.waiting import run_async

        return await run_async(self._core, self._call(method, args, kwargs))

    async def aembed(self, texts: Any, **how: Any) -> Array:
        return await self._later("embed", (texts,), how)

    async def aembed_tokens(self, texts: Any, **how: Any) -> TokenVectors:
        return await self._later("embed_tokens", (texts,), how)

    async def aembed_sparse(self, texts: Any, **how: Any) -> SparseVectors:
        return await self._later("embed_sparse", (texts,), how)

    async def ascore(self, query: str, documents: Any, **how: Any) -> Any:
        return await self._later("score", (query, documents), how)

    async def ascore_pairs(self, pairs: Any, **how: Any) -> Array:
        return await self._later("score_pairs", (pairs,), how)

    async def arank(self, query: str, documents: Any, top_k: int | None = None, **how: Any) -> list[tuple[int, float]]:
        return await self._later("rank", (query, documents, top_k), how)

    async def aclassify(self, texts: Any, pairs: Any = None, **how: Any) -> Array:
        return await self._later("classify", (texts, pairs), how)

    async def azero_shot(self, inputs: Any, candidate_labels: Any, **how: Any) -> Any:
        return await self._later("zero_shot", (inputs, candidate_labels), how)

    async def aclassify_tokens(self, texts: Any, **how: Any) -> TokenVectors:
        return await self._later("classify_tokens", (texts,), how)

    async def atag(self, texts: Any, aggregation: str = "simple", **how: Any) -> Any:
        return await self._later("tag", (texts, aggregation), how)

    async def afill_mask(self, texts: Any, top_k: int = 5, targets: Sequence[str] | None = None, **how: Any) -> Any:
        return await self._later("fill_mask", (texts, top_k, targets), how)

    def stream(self, texts: Iterable[Any], *, batch: int = 1024, **how: Any) -> Iterator[tuple[int, Array]]:
        """Vectors of any number of texts in bounded memory: (index of the first text, vectors), in order."""
        waiting: list[tuple[int, Any, Call]] = []

        def first() -> tuple[int, Array]:
            start, pending, call = waiting[0]
            results = pending.wait()
            waiting.pop(0)
            return start, call.finish([results])

        start, some = 0, []
        try:
            for text in texts:
                some.append(text)
                if len(some) < batch:
                    continue
                call = self._embed(some, **how)
                waiting.append((start, self._core.start(call.inputs, call.like), call))
                start, some = start + len(some), []
                if len(waiting) >= IN_FLIGHT:
                    yield first()
            if some:
                call = self._embed(some, **how)
                waiting.append((start, self._core.start(call.inputs, call.like), call))
            while waiting:
                yield first()
        finally:
            for _, pending, _ in waiting:
                pending.cancel()

    def _run(self, call: Call, desc: str = "", progress: Any = None) -> Any:
        most = _chunk(call)
        if len(call.inputs) <= most and not (progress and call.inputs):
            return call.finish([self._core.run(call.inputs, call.like, call.seconds)])
        parts = call.gather()
        waiting: list[Any] = []
        size = most if len(call.inputs) > most else max(1, len(call.inputs) // 20)
        shown = bar(len(call.inputs), desc, progress)
        taken = 0

        def take() -> None:
            nonlocal taken
            part = waiting[0].wait()
            waiting.pop(0)
            part.raise_first(taken)
            parts.append(part)
            taken += len(part)
            shown.update(len(part))

        try:
            for start in range(0, len(call.inputs), size):
                part = slice(start, start + size)
                like = call.like[part] if isinstance(call.like, list) else call.like
                waiting.append(self._core.start(call.inputs[part], like, call.seconds and call.seconds[part], start))
                if len(waiting) >= IN_FLIGHT:
                    take()
            while waiting:
                take()
        finally:
            for pending in waiting:
                pending.cancel()
            shown.close()
        return call.finish(parts)


METHODS = ("embed", "embed_tokens", "embed_sparse", "score", "score_pairs", "rank", "classify", "zero_shot", "classify_tokens", "tag",
           "fill_mask", "generate", "chat")


def _chunk(call: Call) -> int:
    """How many inputs are handed over at once: of those with pictures fewer, whose patches take more memory than texts."""
    from vecton.pictures import has_pictures

    return CHUNK_OF_PICTURES if any(map(has_pictures, [*call.inputs, *(call.seconds or [])])) else CHUNK


def _array(values: Any) -> Array:
    from vecton.array import Array

    return values.view(Array)


def _rows(parts: list[Any], columns: int, out: Any) -> Any:
    """The rows of all answers below each other. Those of a single part are not copied again."""
    import numpy as np

    for part in parts:
        part.raise_first()
    if out is None and len(parts) == 1 and len(parts[0]):
        return parts[0].matrix()
    counts = [int(part.sizes().sum()) for part in parts]
    if out is None:
        columns = next((part.values(0).shape[1] for part in parts if len(part)), columns)
        out = np.empty((sum(counts), columns), np.float32)
    start = 0
    for part, count in zip(parts, counts):
        part.copy_into(out, start)
        start += count
    return out


def _check_out(out: Any, rows: int) -> None:
    if out is None:
        return
    import numpy as np

    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy array, found {type(out).__name__}")
    if out.ndim != 2 or out.dtype != np.float32 or not out.flags.c_contiguous or not out.flags.writeable:
        order = "C" if out.flags.c_contiguous else "Fortran" if out.flags.f_contiguous else "no contiguous"
        kind = "an" if out.flags.writeable else "a read-only"
        raise ValueError(f"out must be a writable array [texts, dimension] of dtype float32 in C order, found {kind} array "
                         f"{list(out.shape)} of dtype {out.dtype} in {order} order")
    if len(out) != rows:
        raise ValueError(f"out has {len(out)} rows; the texts have {rows}")


def _flat(parts: list[Any], what: str) -> Any:
    import numpy as np

    for part in parts:
        part.raise_first()
    return np.concatenate([getattr(part, what)() for part in parts])


def _label(value: Any) -> str:
    from vecton.pictures import name_of

    return value if isinstance(value, str) else name_of(value)


def _cut(truncate: bool | int | None) -> int | None:
    if truncate is None or truncate is False:
        return None
    return -1 if truncate is True else truncate


def _download_progress(progress: Any) -> Any:
    if progress is None or progress is False:
        return None
    if callable(progress):
        return progress
    bars: dict[str, Any] = {}

    def show(file: str, done: int, size: int, _files_done: int, _files: int) -> None:
        if file not in bars:
            bars[file] = [bar(size, file, True, unit="B", unit_scale=True), 0]
        shown = bars[file]
        shown[0].update(done - shown[1])
        shown[1] = done
        if done >= size:
            shown[0].close()

    return show


def _reopen(options: str) -> Engine:
    """The engine of a pickle: one per process and options, as long as somebody holds it."""
    engine = _reopened.get(options)
    if engine is None or engine.closed:
        import json

        how = json.loads(options)
        engine = _reopened[options] = Engine(how.pop("model"), **how)
    return engine


def _close_all() -> None:
    for engine in list(_open):
        engine.close()
    _core.shutdown()


atexit.register(_close_all)
