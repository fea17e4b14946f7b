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


IMAGES = ("image", "image_url", "input_image", "image_pil")  # types of parts, and the fields that hold their pictures


def _type_of(part: Any) -> str:
    """A part's type; of one without it the field that it has."""
    if not isinstance(part, Mapping):
        return type(part).__name__
    kind = part.get("type")
    return str(kind) if kind is not None else next((name for name in ("text", *IMAGES) if name in part), "no type")


def _source_of(part: Mapping[str, Any], where: str) -> str | bytes | None:
    """A part's picture as the core takes it; None where the part says nothing of it."""
    from vecton.pictures import picture

    found = next((part[name] for name in (*IMAGES, "url", "path") if part.get(name) is not None), None)
    if isinstance(found, Mapping):
        found = found.get("url")
    if found is None:
        return None
    # Messages may come from strangers, whose texts name no files here.
    if isinstance(found, str) and not found.startswith(("data:", "http://", "https://")):
        raise ValueError(f"{where}: an image is a data: URI, an address, bytes, a PIL image or an array; a file is given as a pathlib.Path, "
                         f"found the text {found[:60]!r}")
    return picture(found, where)


def parts_of(content: Sequence[Any], where: str, keep_parts: bool, pictures: list[str | bytes] | None) -> Any:
    """Content that is a list, as templates read it. `pictures` gets those of its parts; None: they are left alone."""
    kinds = [_type_of(part) for part in content]
    found: list[Any] = []
    for part, kind in zip(content, kinds):
        if kind == "text":
            found.append({**part, "type": "text"})
        elif kind in IMAGES:
            source = _source_of(part, where) if pictures is not None else None
            if pictures is not None:
                if source is None:
                    raise ValueError(f"{where}: a part of type {kind!r} has no picture")
                pictures.append(source)
            found.append({"type": "image"})
        elif keep_parts:
            found.append(part)
        else:
            raise ValueError(f"{where}: parts of type text and image are read, found {kind!r}")
    if keep_parts or any(kind in IMAGES for kind in kinds):
        return found
    return "\n".join(part["text"] for part in found)


def with_texts(conversation: Any, keep_parts: bool = False, pictures: list[str | bytes] | None = None) -> list[Any]:
    """Messages as templates read them: parts of type text are joined, which templates that read no parts need; content with images
    stays in parts, and `pictures` gets what they hold, in order."""
    found = []
    for i, message in enumerate(conversation):
        content = message.get("content")
        if isinstance(content, Sequence) and not isinstance(content, str):
            message = {**message, "content": parts_of(content, f"messages[{i}]", keep_parts, pictures)}
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
            continue_final_message: bool = False, keep_parts: bool = False, read_pictures: bool = True) -> Any:
    """A conversation as the core takes it: Messages, or with pictures a Prompt. continue_final_message: the answer goes on with the
    last message. keep_parts: content that is a list of parts reaches the template as such. read_pictures: False for the
    template's text alone."""
    if continue_final_message and add_generation_prompt:
        add_generation_prompt = False
    if tools:  # SmolLM3's template reads them under this name alone
        chat_template_kwargs = {"xml_tools": tools, **(chat_template_kwargs or {})}
    pictures: list[str | bytes] = []
    made = _core.Messages(
        messages=json.dumps(with_texts(conversation, keep_parts, pictures if read_pictures else None)), tools=None if tools is None else json.dumps(tools),
        documents=None if documents is None else json.dumps(documents),
        variables=json.dumps(chat_template_kwargs) if chat_template_kwargs else None, add_generation_prompt=add_generation_prompt,
        continue_final_message="content" if continue_final_message else None, chat_template=chat_template)
    return _core.Prompt(made, pictures) if pictures else made
