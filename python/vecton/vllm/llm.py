"""vllm.LLM: one model, and batches of prompts."""
from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from vecton import _core
from vecton.engine import Engine
from vecton.engine import engine_options as core_options
from vecton.errors import InvalidArgument, Unsupported
from vecton.generation import request_fields, to_generation
from vecton.messages import conversations, to_core
from vecton.progress import bar
from vecton.vllm.config import PoolerConfig, StructuredOutputsConfig, to_config
from vecton.vllm.engine_args import Config, engine_options, logger
from vecton.vllm.exceptions import VLLMValidationError
from vecton.vllm.generated import Ends, RequestOutput, request_output
from vecton.vllm.outputs import (
    ClassificationOutput, ClassificationRequestOutput, EmbeddingOutput, EmbeddingRequestOutput, PoolingOutput,
    PoolingRequestOutput, ScoringOutput, ScoringRequestOutput,
)
from vecton.vllm.pooling_params import PoolingParams
from vecton.vllm.prompts import Side, local_files, score_inputs, to_list
from vecton.vllm.sampling_params import SamplingParams

POOLING_TASKS = ("embed", "classify", "token_embed", "token_classify")
TOKENIZATION = ("truncate_prompt_tokens", "truncation", "max_length", "truncation_side", "add_special_tokens", "padding", "do_lower_case")
NO_TEXTS = "You cannot pass text prompts when `skip_tokenizer_init=True`"
CHUNK = 512  # prompts that are on their way together, for the bar


class ModelConfig:
    """What scripts read of a model."""

    def __init__(self, engine: Engine, config: dict[str, Any]) -> None:
        info = engine.info
        self.model, self.max_model_len, self.embedding_size = info.name, info.max_model_len, info.embedding_size
        self.dtype, self.hf_config, self.is_matryoshka = info.dtype, Config(config), info.matryoshka

    def get_hidden_size(self) -> int:
        return int(getattr(self.hf_config, "hidden_size", self.embedding_size))

    def get_vocab_size(self) -> int:
        return int(self.hf_config.vocab_size)


class LLM:
    """vLLM's class of this name."""

    def __init__(self, model: str, **arguments: Any) -> None:
        own = ("prompts", "threads")  # no arguments of vLLM's
        given = {name: value for name, value in arguments.items() if name not in own}
        config = to_config(PoolerConfig, given.pop("pooler_config", None), "pooler_config")
        self._structure = to_config(StructuredOutputsConfig, given.get("structured_outputs_config"), "structured_outputs_config").fields()
        self._skips_tokenizer = bool(given.get("skip_tokenizer_init"))
        options = engine_options(given, lambda: self._read_config(model, given))
        options["threads"] = arguments.get("threads")
        settings = config.engine_options()
        if settings:
            options["pooler_config"] = settings
        self.engine = self._open(model, options)
        self.model_config = ModelConfig(self.engine, self._read_config(model, given))
        self.supported_tasks = [task for task in self.engine.tasks if task in POOLING_TASKS]
        if config.task is not None and config.task not in self.supported_tasks:
            raise ValueError(f"pooler_config: the model does not support the task {config.task!r}; it does {', '.join(self.supported_tasks)}")
        self.pooling_task = config.task or next((task for task in self.engine.tasks if task in POOLING_TASKS), None)
        self.runner_type = "generate" if "generate" in self.engine.tasks else "pooling"
        # vLLM ends a text at the tokenizer's end, whatever ends generation_config.json names.
        self._eos = None if self._skips_tokenizer else self.engine.tokenizer.eos_token_id
        self._seed = int(given.get("seed") or 0)
        # Prompts of the checkpoint before texts; vLLM puts none.
        self._prompts = bool(arguments.get("prompts", True))
        self._chat_template = _text_of(given.get("chat_template"))
        self._files = str(given.get("allowed_local_media_path") or "")
        self._of_processor = dict(given.get("mm_processor_kwargs") or {})
        self._templated = self._start_of_template() if self.engine.info.images else ""
        self._counter = itertools.count()

    @staticmethod
    def _open(model: str, options: dict[str, Any]) -> Engine:
        """As a pooling model that the checkpoint names; a generative one becomes an embedder, as vLLM's runner does with it."""
        try:
            return Engine(model, **options)
        except Unsupported:
            if options.get("runner") != "pooling" or options.get("convert") != "auto" or "hf_overrides" in options:
                raise
            logger.info("convert=\"embed\": the checkpoint is a generative model")
            return Engine(model, **{**options, "convert": "embed"})

    @classmethod
    def from_engine_args(cls, engine_args: Any) -> LLM:
        return cls(**vars(engine_args))

    @staticmethod
    def _read_config(model: str, given: dict[str, Any]) -> dict[str, Any]:
        where = core_options(model, {"revision": given.get("revision"), "cache": given.get("download_dir")})
        file = pathlib.Path(_core.resolve(where)) / "config.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def _start_of_template(self) -> str:
        """What the model's chat template begins with; "" where it has none."""
        try:
            text = self.engine._core.render(to_core([{"role": "user", "content": "."}]))
        except InvalidArgument:
            return ""
        return text[:min((at for role in ("system", "user") if (at := text.find(role)) >= 0), default=0)]

    @property
    def llm_engine(self) -> LLM:
        return self

    @property
    def tokenizer(self) -> Any:
        return None if self._skips_tokenizer else self.engine.tokenizer

    def get_tokenizer(self) -> Any:
        if self._skips_tokenizer:
            raise ValueError("Tokenizer not available when `skip_tokenizer_init=True`")
        return self.engine.tokenizer

    def get_metrics(self) -> list[Any]:
        return [Config({"name": name, "value": value}) for name, value in self.engine.stats().items()]

    def reset_prefix_cache(self, *_: Any, **__: Any) -> bool:
        raise NotImplementedError("reset_prefix_cache: the prefix cache changes no result; close the engine to be rid of it")

    # Calls.

    def embed(self, prompts: Any, *, use_tqdm: bool | Callable[..., Any] = True,
              pooling_params: PoolingParams | Sequence[PoolingParams] | None = None, lora_request: Any = None,
              tokenization_kwargs: dict[str, Any] | None = None) -> list[Any]:
        """An EmbeddingRequestOutput per prompt."""
        if self.pooling_task == "token_embed":
            return self.encode(prompts, pooling_params, use_tqdm=use_tqdm, lora_request=lora_request, pooling_task="token_embed",
                               tokenization_kwargs=tokenization_kwargs)
        self._need("embed", "LLM.embed")
        return self._pool("embed", prompts, pooling_params, use_tqdm, lora_request, tokenization_kwargs,
                          lambda part, i: (EmbeddingRequestOutput, EmbeddingOutput(part.vector(i))))

    def encode(self, prompts: Any, pooling_params: PoolingParams | Sequence[PoolingParams] | None = None, *,
               use_tqdm: bool | Callable[..., Any] = True, lora_request: Any = None, pooling_task: str | None = None,
               tokenization_kwargs: dict[str, Any] | None = None) -> list[PoolingRequestOutput]:
        """A PoolingRequestOutput per prompt, of any task that the model does."""
        if pooling_task is None:
            raise ValueError(f"pooling_task required for `LLM.encode`: this model supports {', '.join(self.supported_tasks)}")
        if pooling_task in ("score", "encode"):
            raise ValueError(f"pooling_task {pooling_task!r} was removed; use LLM.score, or one of {', '.join(self.supported_tasks)}")
        self._need(pooling_task, "LLM.encode")
        single = pooling_task in ("embed", "classify")
        return self._pool(pooling_task, prompts, pooling_params, use_tqdm, lora_request, tokenization_kwargs,
                          lambda part, i: (PoolingRequestOutput, PoolingOutput(part.vector(i) if single else part.values(i))))

    def classify(self, prompts: Any, *, use_tqdm: bool | Callable[..., Any] = True,
                 pooling_params: PoolingParams | Sequence[PoolingParams] | None = None, lora_request: Any = None,
                 tokenization_kwargs: dict[str, Any] | None = None) -> list[ClassificationRequestOutput]:
        """A ClassificationRequestOutput per prompt."""
        self._need("classify", "LLM.classify")
        return self._pool("classify", prompts, pooling_params, use_tqdm, lora_request, tokenization_kwargs,
                          lambda part, i: (ClassificationRequestOutput, ClassificationOutput(part.vector(i))))

    def reward(self, prompts: Any, *, use_tqdm: bool | Callable[..., Any] = True,
               pooling_params: PoolingParams | Sequence[PoolingParams] | None = None, lora_request: Any = None,
               tokenization_kwargs: dict[str, Any] | None = None) -> list[PoolingRequestOutput]:
        """Of reward models: encode() with the task that they are for. vLLM has removed it; scripts still call it."""
        task: str | None = next((task for task in ("token_classify", "classify") if task in self.supported_tasks), None)
        if task is None:
            raise ValueError(f"LLM.reward() needs a model that classifies; this one does {', '.join(self.supported_tasks)}")
        if self.pooling_task in ("classify", "token_classify"):
            task = self.pooling_task
        return self.encode(prompts, pooling_params, use_tqdm=use_tqdm, lora_request=lora_request, pooling_task=task,
                           tokenization_kwargs=tokenization_kwargs)

    def score(self, data_1: Any, data_2: Any, /, *, use_tqdm: bool | Callable[..., Any] = True,
              pooling_params: PoolingParams | None = None, lora_request: Any = None,
              tokenization_kwargs: dict[str, Any] | None = None, chat_template: str | None = None) -> list[ScoringRequestOutput]:
        """A ScoringRequestOutput per pair: 1:1, 1:N or N:N."""
        if not self.engine.info.scorer:
            if "classify" in self.supported_tasks and len(self.engine.labels) > 1:
                raise ValueError("Scoring API is only enabled for num_labels == 1.")
            raise ValueError(f"LLM.score() is not supported by this model; it does {', '.join(self.supported_tasks)}")
        if self._skips_tokenizer:
            raise ValueError(NO_TEXTS)
        if isinstance(pooling_params, (list, tuple)):
            raise ValueError("score() takes one PoolingParams, not a list")
        first, second = score_inputs(data_1, self._files), score_inputs(data_2, self._files)
        if not first or not second:
            raise ValueError("At least one text element must be given")
        if len(first) not in (1, len(second)):
            raise ValueError("Input lengths must be either 1:1, 1:N or N:N")
        if len(first) == 1:
            first = first * len(second)
        self._refuse_lora(lora_request)
        how = self._tokenization(tokenization_kwargs)
        params = pooling_params or PoolingParams()
        params.verify("score")
        variables = (params.extra_kwargs or {}).get("chat_template_kwargs") or {}
        template = _text_of(chat_template) or self._chat_template
        if template is not None and self.engine.info.scorer == "cross-encoder":
            return self._score_by_template(template, list(zip(first, second)), variables, params, how, use_tqdm)
        if template is not None:
            logger.warning("chat_template has no effect: this model scores by vectors, and reads the texts alone")
        unknown = [name for name in variables if name != "instruction"]
        if unknown:
            raise ValueError(f"chat_template_kwargs: without a chat_template only instruction is read, found {', '.join(map(repr, unknown))}")
        instruction = variables.get("instruction")
        if not self._prompts and self.engine.info.scorer == "bi-encoder":
            how["prompt"] = ""
        like = _core.Request(task="score", use_activation=params.use_activation, instruction=instruction, **how)
        found = self._run([side.to_core() for side in first], like, [side.to_core() for side in second], use_tqdm)
        ids = [self._ids(a.text, how, b.text if self.engine.info.scorer == "cross-encoder" else None) for a, b in zip(first, second)]
        separate = self.engine.info.scorer != "cross-encoder"
        if separate:
            pad = self.engine.tokenizer.pad_token_id
            ids = [a + ([pad] if pad is not None else []) + self._ids(b.text, how) for a, b in zip(ids, second)]
        scores = [float(score) for part in found for score in part.scores()]
        outputs = []
        for score, tokens in zip(scores, ids):
            name = f"{next(self._counter)}_{next(self._counter)}" if separate else str(next(self._counter))
            outputs.append(ScoringRequestOutput(name, ScoringOutput(score), tokens))
        return outputs

    def _score_by_template(self, template: str, pairs: list[tuple[Side, Side]], variables: dict[str, Any], params: PoolingParams,
                           how: dict[str, Any], use_tqdm: Any) -> list[ScoringRequestOutput]:
        """Pairs as one text, which the template makes of messages of the roles query and document."""
        if "classify" not in self.engine.tasks:
            raise ValueError("chat_template: this model has a prompt of its own for pairs, and reads no others")
        prompts = [self._by_template(template, pair, variables) for pair in pairs]
        like = _core.Request(task="classify", use_activation=params.use_activation, **{**how, "prompt": ""})
        parts = self._run([prompt.to_core() for prompt in prompts], like, None, use_tqdm)
        scores = [float(part.vector(i)[0]) for part in parts for i in range(len(part))]
        return [ScoringRequestOutput(str(next(self._counter)), ScoringOutput(score), self._ids(prompt.text, how))
                for score, prompt in zip(scores, prompts)]

    def _by_template(self, template: str, pair: tuple[Side, Side], variables: dict[str, Any]) -> Side:
        """The pictures of the query come before those of the document, wherever the template writes the two."""
        placeholder = self.engine.info.image_placeholder
        messages = [{"role": role, "content": side.with_placeholders(placeholder)} for role, side in zip(("query", "document"), pair)]
        text = self.engine._core.render(to_core(messages, chat_template=template, chat_template_kwargs=variables, add_generation_prompt=False))
        images = [image for side in pair for image in side.images]
        if images and text.count(placeholder) != len(images):
            raise ValueError(f"chat_template: it writes {text.count(placeholder)} placeholders {placeholder!r} for {len(images)} pictures")
        return Side(text, images)

    # Text that the model writes.

    def generate(self, prompts: Any, sampling_params: SamplingParams | Sequence[SamplingParams] | None = None, *,
                 use_tqdm: bool | Callable[..., Any] = True, lora_request: Any = None, priority: int | list[int] | None = None,
                 tokenization_kwargs: dict[str, Any] | None = None, mm_processor_kwargs: dict[str, Any] | None = None) -> list[RequestOutput]:
        """A RequestOutput per prompt. Without sampling_params those of the checkpoint's generation_config.json."""
        self._need_generate("generate")
        self._check_processor(mm_processor_kwargs)
        inputs = self._to_list(prompts)
        return self._write(inputs, [getattr(one, "text", one) for one in inputs], sampling_params, use_tqdm, lora_request, priority, self._tokenization(tokenization_kwargs))

    def chat(self, messages: Any, sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
             use_tqdm: bool | Callable[..., Any] = True, lora_request: Any = None, priority: int | list[int] | None = None,
             chat_template: str | None = None, chat_template_content_format: str = "auto", add_generation_prompt: bool = True,
             continue_final_message: bool = False, tools: list[dict[str, Any]] | None = None, chat_template_kwargs: dict[str, Any] | None = None,
             tokenization_kwargs: dict[str, Any] | None = None, mm_processor_kwargs: dict[str, Any] | None = None) -> list[RequestOutput]:
        """A RequestOutput per conversation."""
        self._need_generate("chat")
        if self._skips_tokenizer:
            raise ValueError(NO_TEXTS)
        self._check_processor(mm_processor_kwargs)
        if continue_final_message and add_generation_prompt:
            raise ValueError("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
        if chat_template_content_format not in ("auto", "string", "openai"):
            raise ValueError(f"chat_template_content_format must be auto, string or openai, found {chat_template_content_format!r}")
        talks, _ = conversations(messages)
        talks = [[self._with_files(message) for message in talk] for talk in talks]
        inputs = [to_core(talk, tools=tools, chat_template=chat_template or self._chat_template, chat_template_kwargs=chat_template_kwargs,
                          add_generation_prompt=add_generation_prompt, continue_final_message=continue_final_message,
                          keep_parts=chat_template_content_format == "openai") for talk in talks]
        return self._write(inputs, [self.engine._core.render(one) for one in inputs], sampling_params, use_tqdm, lora_request, priority,
                           self._tokenization(tokenization_kwargs))

    def _with_files(self, message: Any) -> Any:
        content = message.get("content") if isinstance(message, dict) else None
        return {**message, "content": local_files(content, self._files)} if isinstance(content, list) else message

    def _check_processor(self, given: Any) -> None:
        if given and {**self._of_processor, **given} != self._of_processor:
            raise ValueError("mm_processor_kwargs: all pictures of a model are prepared in one way: give them to LLM()")

    def get_default_sampling_params(self) -> SamplingParams:
        """Those of a call that gives none."""
        defaults = self.engine.generation_defaults()
        names = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty")
        return SamplingParams(max_tokens=defaults["max_tokens"] or 16, **{name: defaults[name] for name in names})

    def _need_generate(self, call: str) -> None:
        if self.runner_type != "generate":
            raise ValueError(f"LLM.{call}() is only supported for generative models; this one does {', '.join(self.engine.tasks)}")

    def _write(self, inputs: list[Any], prompts: list[Any], sampling_params: Any, use_tqdm: Any, lora_request: Any,
               priority: int | list[int] | None, how: dict[str, Any]) -> list[RequestOutput]:
        self._refuse_lora(lora_request)
        if sampling_params is None:
            sampling_params = self.get_default_sampling_params()
        many = list(sampling_params) if isinstance(sampling_params, Sequence) else [sampling_params] * len(inputs)
        if len(many) != len(inputs):
            raise ValueError(f"The lengths of prompts ({len(inputs)}) and params ({len(many)}) must be the same.")
        if isinstance(priority, int):
            priority = [priority] * len(inputs)
        if priority is not None and len(priority) != len(inputs):
            raise ValueError(f"The lengths of prompts ({len(inputs)}) and priority ({len(priority)}) must be the same.")
        numbers = [next(self._counter) for _ in inputs]
        like = [self._sampled(params, number, {**how, "priority": priority[i] if priority else 0})
                for i, (params, number) in enumerate(zip(many, numbers))]
        outputs: list[RequestOutput] = []
        first = next(iter(self.engine.generation_defaults()["eos_token_ids"]), None)
        for part in self._run(inputs, like, None, use_tqdm, chunk=1):
            i = len(outputs)
            prompt = prompts[i] if isinstance(prompts[i], str) else None
            texts = many[i].detokenize and not self._skips_tokenizer
            generation = to_generation(part.generation(0, many[i].n if many[i].chooses else None))
            ends = Ends(None if many[i].ignore_eos else self._eos, first)
            outputs.append(request_output(str(numbers[i]), prompt, generation, many[i], texts, ends))
        return outputs

    def _sampled(self, params: Any, number: int, how: dict[str, Any]) -> Any:
        if not isinstance(params, SamplingParams):
            raise TypeError(f"sampling_params must be SamplingParams, found {type(params).__name__}")
        fields = request_fields(params.fields())
        for name in ("stop", "bad_words", "structured_output"):
            if self._skips_tokenizer and fields[name]:
                raise VLLMValidationError(f"{name} requires a tokenizer so it can't be used with 'skip_tokenizer_init'", parameter=name)
        if self._eos is not None and not params.ignore_eos:
            fields["stop_token_ids"] = [*fields["stop_token_ids"], self._eos]
        if fields["structured_output"]:
            fields["structured_output"] = {**fields["structured_output"], **self._structure}
        if fields["seed"] is None:  # as in vLLM, a run is the same again: LLM's seed and the place of the request
            fields["seed"] = (self._seed * 1_000_003 + number) << 16 & 0x7FFF_FFFF_FFFF_FFFF
        return _core.Request(task="generate", **fields, **how)

    # How they are done.

    def _to_list(self, prompts: Any) -> list[Any]:
        found = to_list(prompts)
        if self._skips_tokenizer and not all(isinstance(prompt, list) for prompt in found):
            raise ValueError(NO_TEXTS)
        return found

    def _need(self, task: str, call: str) -> None:
        if task not in self.supported_tasks:
            raise ValueError(f"{call}() is not supported by this model. Supported tasks: {', '.join(self.supported_tasks)}. "
                             "Try converting the model using `--convert embed` or `--convert classify`.")

    @staticmethod
    def _refuse_lora(lora_request: Any) -> None:
        if lora_request is not None:
            raise ValueError("lora_request is not supported: give a folder with the adapter as the model")

    def _tokenization(self, given: dict[str, Any] | None) -> dict[str, Any]:
        """Arguments of the tokenizer as fields of a request."""
        how: dict[str, Any] = {}
        given = dict(given or {})
        for name in given:
            if name not in TOKENIZATION:
                logger.warning("tokenization_kwargs: %s is ignored", name)
        if given.get("padding") not in (None, False, "do_not_pad"):
            logger.warning("tokenization_kwargs: padding is ignored; no token is spent on it")
        if given.get("do_lower_case"):
            raise ValueError("tokenization_kwargs: do_lower_case is the checkpoint's own")
        cut = given.get("truncate_prompt_tokens")
        if cut is None and given.get("truncation") in (True, "longest_first"):
            cut = given.get("max_length") or -1
        if cut is not None:
            how["truncate_to"] = cut
        for name in ("truncation_side", "add_special_tokens"):
            if given.get(name) is not None:
                how[name] = given[name]
        return how

    def _pool(self, task: str, prompts: Any, params: Any, use_tqdm: Any, lora_request: Any,
              tokenization_kwargs: dict[str, Any] | None, make: Callable[[Any, int], tuple[Any, Any]]) -> list[Any]:
        inputs = self._to_list(prompts)
        self._refuse_lora(lora_request)
        how = self._tokenization(tokenization_kwargs)
        if not self._prompts:
            how["prompt"] = ""
        many = isinstance(params, Sequence)
        if many and len(params) != len(inputs):
            raise ValueError(f"The lengths of prompts ({len(inputs)}) and params ({len(params)}) must be the same.")
        like: Any = [self._like(task, p, how) for p in params] if many else self._like(task, params, how)
        if self._templated and any(map(self._is_templated, inputs)):
            each = params if many else [params] * len(inputs)
            like = [self._like(task, p, {**how, **(self._as_it_is() if self._is_templated(one) else {})}) for one, p in zip(inputs, each)]
        outputs = []
        index = 0
        for part in self._run(inputs, like, None, use_tqdm):
            for i in range(len(part)):
                kind, output = make(part, i)
                outputs.append(kind(str(next(self._counter)), output, self._ids(inputs[index], how)))
                index += 1
        return outputs

    def _is_templated(self, prompt: Any) -> bool:
        """Whether a prompt is what the script has made of the chat template already, as vLLM's users have to."""
        text = getattr(prompt, "text", prompt)
        return isinstance(text, str) and text.startswith(self._templated)

    @staticmethod
    def _as_it_is() -> dict[str, Any]:
        return {"prompt": "", "add_special_tokens": False}

    def _like(self, task: str, params: PoolingParams | None, how: dict[str, Any]) -> Any:
        params = (params or PoolingParams()).clone()
        if not isinstance(params, PoolingParams):
            raise TypeError(f"pooling_params must be PoolingParams, found {type(params).__name__}")
        params.verify(task)
        fields = dict(how)
        switch = "normalize" if task in ("embed", "token_embed") else "use_activation"
        fields[switch] = params.use_activation
        if params.dimensions is not None:
            if task != "embed":
                raise ValueError("dimensions: vectors of tokens are not cut")
            fields["dimensions"] = params.dimensions
        return _core.Request(task=task, **fields)

    def _run(self, inputs: list[Any], like: Any, seconds: list[Any] | None, use_tqdm: Any, chunk: int = CHUNK) -> list[Any]:
        shown = bar(len(inputs), "Processed prompts", use_tqdm if use_tqdm is not True else None if len(inputs) < 2 else True,
                    dynamic_ncols=True, postfix="est. speed input: 0.00 toks/s, output: 0.00 toks/s")
        waiting, found = [], []
        try:
            for start in range(0, len(inputs), chunk):
                part = slice(start, start + chunk)
                waiting.append(self.engine._core.start(inputs[part], like[part] if isinstance(like, list) else like,
                                                       seconds and seconds[part]))
            for pending in waiting:
                results = pending.wait()
                results.raise_first()
                found.append(results)
                shown.update(len(results))
        except InvalidArgument as error:
            if isinstance(error, VLLMValidationError):
                raise
            raise VLLMValidationError(str(error), parameter=error.field or None) from error
        finally:
            for pending in waiting[len(found):]:
                pending.cancel()
            shown.close()
        return found

    def _ids(self, prompt: Any, how: dict[str, Any], pair: Any = None) -> list[int]:
        """The tokens of a prompt as it was read; of models with prompts of their own, of the text alone. A picture has one token."""
        prompt = getattr(prompt, "text", prompt)
        pair = getattr(pair, "text", pair)
        limit, side = how.get("truncate_to"), how.get("truncation_side")
        limit = self.engine.info.max_model_len if limit == -1 else limit
        if not isinstance(prompt, str):
            ids = [int(i) for i in prompt]
            over = 0 if limit is None else max(0, len(ids) - limit)
            return ids[over:] if side == "left" else ids[:len(ids) - over]
        cut = {} if limit is None else {"truncation": True, "max_length": limit, "truncation_side": side}
        return self.engine.tokenizer.encode(prompt, pair, add_special_tokens=how.get("add_special_tokens", True), **cut)

    def beam_search(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError("LLM.beam_search() is not done; SamplingParams(n=...) gives several completions")

    def _refuse(self, name: str) -> NoReturn:
        raise NotImplementedError(f"LLM.{name}() has no meaning in Vecton")

    def get_world_size(self, include_dp: bool = True) -> int:
        return 1

    def reset_mm_cache(self) -> None:
        """Nothing: pictures are not kept once they are computed."""

    def enqueue(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError("LLM.enqueue() is not done: vecton.Engine.submit(\"generate\", prompts) gives a future")

    def enqueue_chat(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError("LLM.enqueue_chat() is not done: vecton.Engine.submit(\"chat\", messages) gives a future")

    def wait_for_completion(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError("LLM.wait_for_completion() is not done: vecton.Engine.submit() gives futures")

    def start_profile(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("start_profile")

    def stop_profile(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("stop_profile")

    def release_kv_cache_memory(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("release_kv_cache_memory")

    def sleep(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("sleep")

    def wake_up(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("wake_up")

    def collective_rpc(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("collective_rpc")

    def apply_model(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("apply_model")

    def __repr__(self) -> str:
        return f"LLM({self.engine.info.name!r}, task={self.pooling_task!r})"


def _text_of(template: str | None) -> str | None:
    """A chat template, which may be given as the file that has it."""
    if template and "\n" not in template and "{" not in template and pathlib.Path(template).exists():
        return pathlib.Path(template).read_text()
    return template
