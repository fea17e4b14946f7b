"""LangChain's chat model: ChatVecton. It is imported from vecton.integrations.langchain."""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel, ConfigDict, Field

from vecton.integrations.common import open_engine

SAMPLING = ("max_tokens", "min_tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty",
            "logit_bias", "bad_words", "stop", "stop_token_ids", "ignore_eos", "seed", "structured_output", "chat_template",
            "chat_template_kwargs")


class ChatVecton(BaseChatModel):
    """A generative model by its name, folder, or an open Engine; sampling parameters are vLLM's, other options the engine's."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: Any = Field(exclude=True)
    sampling: dict[str, Any] = Field(default_factory=dict)

    def __init__(self, model: Any, **options: Any) -> None:
        langchain = {name: options.pop(name) for name in list(options) if name in BaseChatModel.model_fields}
        sampling = {name: options.pop(name) for name in SAMPLING if name in options}
        super().__init__(engine=open_engine(model, options), sampling=sampling, **langchain)

    @property
    def _llm_type(self) -> str:
        return "vecton"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.engine.info.name, **self.sampling}

    def _how(self, stop: list[str] | None, given: dict[str, Any]) -> dict[str, Any]:
        unknown = set(given) - set(SAMPLING)
        if unknown:
            raise TypeError(f"ChatVecton takes no {', '.join(sorted(unknown))}; it takes {', '.join(SAMPLING)}")
        how = {**self.sampling, **given}
        return how if stop is None else {**how, "stop": stop}

    def _generate(self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return self._result(self.engine.chat(convert_to_openai_messages(messages), **self._how(stop, kwargs)))

    async def _agenerate(self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return self._result(await self.engine.achat(convert_to_openai_messages(messages), **self._how(stop, kwargs)))

    def _result(self, generation: Any) -> ChatResult:
        written, read = len(generation.token_ids), len(generation.prompt_token_ids)
        message = AIMessage(content=generation.text, response_metadata={"finish_reason": generation.finish_reason, "model_name": self.engine.info.name},
                            usage_metadata={"input_tokens": read, "output_tokens": written, "total_tokens": read + written})
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _chunk(self, delta: Any) -> ChatGenerationChunk:
        end: dict[str, Any] = {}
        if delta.finish_reason is not None:
            end = {"response_metadata": {"finish_reason": delta.finish_reason, "model_name": self.engine.info.name},
                   "usage_metadata": {"input_tokens": delta.prompt_tokens, "output_tokens": delta.completion_tokens,
                                      "total_tokens": delta.prompt_tokens + delta.completion_tokens}}
        return ChatGenerationChunk(message=AIMessageChunk(content=delta.text, **end))

    def _stream(self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None,
                **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        with self.engine.stream_chat(convert_to_openai_messages(messages), **self._how(stop, kwargs)) as stream:
            for delta in stream:
                chunk = self._chunk(delta)
                if run_manager is not None:
                    run_manager.on_llm_new_token(delta.text, chunk=chunk)
                yield chunk

    async def _astream(self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None,
                       **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        async with self.engine.astream_chat(convert_to_openai_messages(messages), **self._how(stop, kwargs)) as stream:
            async for delta in stream:
                chunk = self._chunk(delta)
                if run_manager is not None:
                    await run_manager.on_llm_new_token(delta.text, chunk=chunk)
                yield chunk

    def with_structured_output(self, schema: Any, *, include_raw: bool = False, **kwargs: Any) -> Any:
        """Answers that are valid by a JSON schema or pydantic class: the model can write nothing else."""
        if include_raw or kwargs.get("method", "json_schema") != "json_schema":
            raise ValueError("with_structured_output: only method=\"json_schema\" without include_raw is done")
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            of_class: Any = schema
            return self.bind(structured_output={"json": of_class.model_json_schema()}) | PydanticOutputParser(pydantic_object=schema)
        return self.bind(structured_output={"json": schema}) | JsonOutputParser()

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        raise NotImplementedError("ChatVecton does not parse calls of tools; `vecton serve` does, by langchain-openai's ChatOpenAI")
