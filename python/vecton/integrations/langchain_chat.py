"""LangChain's chat model: ChatVecton. It is imported from vecton.integrations.langchain."""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from operator import itemgetter
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field

from vecton.integrations.common import open_engine

SAMPLING = ("max_tokens", "min_tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "repetition_context_size",
            "presence_penalty", "frequency_penalty", "logit_bias", "bad_words", "stop", "stop_token_ids", "ignore_eos", "seed", "structured_output", "chat_template",
            "chat_template_kwargs", "tools", "tool_choice", "parallel_tool_calls", "tool_call_parser", "reasoning_parser")


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
        given = {name: value for name, value in given.items() if name != "ls_structured_output_format"}  # for LangSmith
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
        calls: list[Any] = []
        invalid: list[Any] = []
        for call in generation.tool_calls:
            try:
                calls.append(tool_call(name=call.name, args=call.parsed(), id=call.id))
            except ValueError as error:  # an answer that was cut off, say
                invalid.append(invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error=str(error)))
        message = AIMessage(content=generation.content, tool_calls=calls, invalid_tool_calls=invalid,
                            additional_kwargs={"reasoning_content": generation.reasoning} if generation.reasoning else {},
                            response_metadata=self._metadata(generation.finish_reason, bool(generation.tool_calls)),
                            usage_metadata={"input_tokens": read, "output_tokens": written, "total_tokens": read + written})
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _metadata(self, finish_reason: str, called: bool) -> dict[str, Any]:
        return {"finish_reason": "tool_calls" if called and finish_reason == "stop" else finish_reason, "model_name": self.engine.info.name}

    def _chunk(self, delta: Any, called: bool) -> ChatGenerationChunk:
        end: dict[str, Any] = {}
        if delta.finish_reason is not None:
            end = {"response_metadata": self._metadata(delta.finish_reason, called),
                   "usage_metadata": {"input_tokens": delta.prompt_tokens, "output_tokens": delta.completion_tokens,
                                      "total_tokens": delta.prompt_tokens + delta.completion_tokens}}
        calls = [tool_call_chunk(name=call.name, args=call.arguments, id=call.id, index=call.index) for call in delta.tool_calls]
        return ChatGenerationChunk(message=AIMessageChunk(content=delta.content, tool_call_chunks=calls, additional_kwargs={
            "reasoning_content": delta.reasoning} if delta.reasoning else {}, **end))

    def _stream(self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None,
                **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        with self.engine.stream_chat(convert_to_openai_messages(messages), **self._how(stop, kwargs)) as stream:
            called = False
            for delta in stream:
                called = called or bool(delta.tool_calls)
                chunk = self._chunk(delta, called)
                if run_manager is not None:
                    run_manager.on_llm_new_token(delta.content, chunk=chunk)
                yield chunk

    async def _astream(self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None,
                       **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        async with self.engine.astream_chat(convert_to_openai_messages(messages), **self._how(stop, kwargs)) as stream:
            called = False
            async for delta in stream:
                called = called or bool(delta.tool_calls)
                chunk = self._chunk(delta, called)
                if run_manager is not None:
                    await run_manager.on_llm_new_token(delta.content, chunk=chunk)
                yield chunk

    def with_structured_output(self, schema: Any, *, include_raw: bool = False, method: str = "json_schema", **kwargs: Any) -> Any:
        """Answers that are valid by a JSON schema, a pydantic class or a TypedDict: the model can write nothing else. By
        method="function_calling" they are the arguments of a call, by "json_mode" any JSON object."""
        if kwargs.pop("strict", True) is False:
            raise ValueError("with_structured_output: strict=False: the model can write nothing but what the schema says")
        if kwargs:
            raise ValueError(f"with_structured_output takes no {', '.join(sorted(kwargs))}")
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw)
        if method not in ("json_schema", "json_mode"):
            raise ValueError(f'with_structured_output: method must be "json_schema", "json_mode" or "function_calling", found {method!r}')
        of_class = isinstance(schema, type) and issubclass(schema, BaseModel)
        parser: Any = PydanticOutputParser(pydantic_object=schema) if of_class else JsonOutputParser()
        structure: dict[str, Any] = {"json_object": True}
        if method == "json_schema":
            described: Any = schema
            if of_class or isinstance(schema, dict):
                structure = {"json": described.model_json_schema() if of_class else schema}
            else:  # a TypedDict, whose keys are all that there are
                structure = {"json": convert_to_json_schema(schema), "disable_additional_properties": True}
        model = self.bind(structured_output=structure)
        if not include_raw:
            return model | parser
        parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
        failed = RunnablePassthrough.assign(parsed=lambda _: None)
        return RunnableMap(raw=model) | parsed.with_fallbacks([failed], exception_key="parsing_error")

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> Any:
        """Functions, pydantic classes, LangChain's tools or their schemas, which the model may call: AIMessage.tool_calls has the calls.
        `tool_choice`: "auto", "none", "any" (or True), or the name of a tool."""
        choice = "required" if tool_choice in (True, "any") else "auto" if tool_choice in (None, False) else tool_choice
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=choice, **kwargs)
