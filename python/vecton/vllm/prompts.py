"""What vLLM takes as prompts, and the words of its errors."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vecton.vllm.exceptions import VLLMValidationError


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_integer(item) for item in value)


def _is_integer(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__index__")


def to_list(prompts: Any) -> list[Any]:
    """One prompt or many as a list of texts and lists of ids."""
    if isinstance(prompts, (dict, str, bytes)) or _is_ids(prompts):
        prompts = [prompts]
    if not isinstance(prompts, Sequence) and not hasattr(prompts, "__iter__"):
        raise TypeError("Prompt should be a string, list of tokens, or dictionary")
    found = [one(prompt) for prompt in prompts]
    if not found:
        raise ValueError("You must pass at least one prompt")
    return found


def one(prompt: Any) -> Any:
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list):
        if not all(_is_integer(item) for item in prompt):
            raise TypeError("Token prompt should be a list of integers")
        if not prompt:
            raise VLLMValidationError("The decoder prompt cannot be empty", parameter="prompt_token_ids", value=prompt)
        return prompt
    if not isinstance(prompt, dict):
        raise TypeError("Prompt should be a string, list of tokens, or dictionary")
    if prompt.get("multi_modal_data"):
        raise VLLMValidationError("multi_modal_data: this model reads text alone", parameter="multi_modal_data")
    if prompt.get("prompt_embeds") is not None:
        raise VLLMValidationError("prompt_embeds are not supported: give a text or token ids", parameter="prompt_embeds")
    if prompt.get("token_type_ids") is not None:
        raise VLLMValidationError("token_type_ids are not supported: give the text", parameter="token_type_ids")
    if "prompt_token_ids" in prompt:
        ids = prompt["prompt_token_ids"]
        if not isinstance(ids, list):
            raise TypeError("Token prompt should be a list of integers")
        return one(ids)
    if "prompt" in prompt:
        if not isinstance(prompt["prompt"], str):
            raise TypeError("Prompt text should be a string")
        return prompt["prompt"]
    raise TypeError("Prompt dictionary must contain text, tokens, or embeddings")


def score_texts(data: Any) -> list[str]:
    """The texts of one side of score()."""
    many = data if isinstance(data, (list, tuple)) else [data]
    return [_score_text(item) for item in many]


def _score_text(item: Any) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, dict) and isinstance(item.get("content"), list):
        parts = item["content"]
        if all(isinstance(part, dict) and part.get("type") == "text" for part in parts):
            return "\n".join(part["text"] for part in parts)
        raise VLLMValidationError("score: this model reads parts of type text alone", parameter="content")
    raise TypeError(f"score() takes texts or {{\"content\": [parts]}}, found {type(item).__name__}")
