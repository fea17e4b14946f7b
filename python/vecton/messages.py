"""Conversations: lists of messages, of which a model's chat template makes its prompt."""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vecton import _core


def conversations(messages: Any) -> tuple[list[Any], bool]:
    """One conversation or a list of them, as a list, and whether it was one."""
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        raise TypeError(f"messages must be a list of {{\"role\": ..., \"content\": ...}}, found {type(messages).__name__}")
    if not messages:
        raise ValueError("messages must not be empty")
    if all(isinstance(message, Mapping) for message in messages):
        return [messages], True
    if all(isinstance(one, Sequence) and not isinstance(one, str) for one in messages):
        return list(messages), False
    raise TypeError("messages must be a conversation, or a list of conversations")


def with_texts(conversation: Any) -> list[Any]:
    """Messages whose content is one text: parts of type text are joined, as templates that read no parts need it."""
    found = []
    for i, message in enumerate(conversation):
        content = message.get("content")
        if isinstance(content, Sequence) and not isinstance(content, str):
            wrong = [part for part in content if not isinstance(part, Mapping) or part.get("type") != "text"]
            if wrong:
                kind = wrong[0].get("type") if isinstance(wrong[0], Mapping) else type(wrong[0]).__name__
                raise ValueError(f"messages[{i}]: parts of type text are read, found {kind!r}")
            message = {**message, "content": "\n".join(part["text"] for part in content)}
        if message.get("tool_calls"):
            message = {**message, "tool_calls": [_with_object(call) for call in message["tool_calls"]]}
        found.append(message)
    return found


def _with_object(call: Any) -> Any:
    """A call whose arguments are an object, as templates expect them, and not the text that clients send."""
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError:
        return call
    return {**call, "function": {**function, "arguments": arguments}}


def choice_of_tool(choice: Any) -> dict[str, Any]:
    """A tool_choice as the core takes it: "auto", "none", "required" ("any"), the name of a tool, or OpenAI's object with it."""
    if choice is None:
        return {"tool_choice": "auto"}
    if isinstance(choice, str):
        choice = {"any": "required"}.get(choice, choice)
        return {"tool_choice": choice} if choice in ("auto", "none", "required") else {"tool_choice": "named", "named": choice}
    name = choice.get("function", {}).get("name") if isinstance(choice, Mapping) and isinstance(choice.get("function"), Mapping) else None
    if not isinstance(name, str):
        raise ValueError("tool_choice must be \"auto\", \"none\", \"required\", the name of a tool or "
                         f"{{\"type\": \"function\", \"function\": {{\"name\": ...}}}}, found {choice!r}")
    return {"tool_choice": "named", "named": name}


def to_core(conversation: Any, *, tools: Any = None, documents: Any = None, chat_template: str | None = None,
            chat_template_kwargs: dict[str, Any] | None = None, add_generation_prompt: bool = True,
            continue_final_message: bool = False, keep_parts: bool = False) -> Any:
    """A conversation as the core takes it. continue_final_message: the answer goes on with the last message. keep_parts: content
    that is a list of parts reaches the template as such."""
    if continue_final_message and add_generation_prompt:
        add_generation_prompt = False
    if tools:  # SmolLM3's template reads them under this name alone
        chat_template_kwargs = {"xml_tools": tools, **(chat_template_kwargs or {})}
    return _core.Messages(
        messages=json.dumps(list(conversation) if keep_parts else with_texts(conversation)), tools=None if tools is None else json.dumps(tools),
        documents=None if documents is None else json.dumps(documents),
        variables=json.dumps(chat_template_kwargs) if chat_template_kwargs else None, add_generation_prompt=add_generation_prompt,
        continue_final_message="content" if continue_final_message else None, chat_template=chat_template)
