"""What vLLM takes as prompts, and the words of its errors."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from vecton import _core
from vecton.messages import IMAGES, parts_of
from vecton.pictures import pictures
from vecton.vllm.exceptions import VLLMValidationError

MEDIA = ("multi_modal_data", "mm_processor_kwargs", "media_io_kwargs")


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_integer(item) for item in value)


def _is_integer(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__index__")


def to_list(prompts: Any) -> list[Any]:
    """One prompt or many as a list of texts, lists of ids and, with pictures, the core's Prompts."""
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
    for name in MEDIA[1:]:
        if prompt.get(name):
            raise VLLMValidationError(f"{name}: all pictures of a model are prepared in one way: give it to LLM()", parameter=name)
    if prompt.get("prompt_embeds") is not None:
        raise VLLMValidationError("prompt_embeds are not supported: give a text or token ids", parameter="prompt_embeds")
    if prompt.get("token_type_ids") is not None:
        raise VLLMValidationError("token_type_ids are not supported: give the text", parameter="token_type_ids")
    if "prompt_token_ids" in prompt:
        if prompt.get("multi_modal_data"):
            raise VLLMValidationError("multi_modal_data needs a prompt that is a text: token ids say nothing of pictures",
                                      parameter="multi_modal_data")
        ids = prompt["prompt_token_ids"]
        if not isinstance(ids, list):
            raise TypeError("Token prompt should be a list of integers")
        return one(ids)
    if "prompt" in prompt:
        if not isinstance(prompt["prompt"], str):
            raise TypeError("Prompt text should be a string")
        images = _images(prompt.get("multi_modal_data"))
        return _core.Prompt(prompt["prompt"], images) if images else prompt["prompt"]
    raise TypeError("Prompt dictionary must contain text, tokens, or embeddings")


def _images(data: Any) -> list[str | bytes]:
    """The pictures of multi_modal_data, as the core takes them."""
    if not data:
        return []
    if not isinstance(data, dict):
        raise VLLMValidationError(f"multi_modal_data must be a dict, found {type(data).__name__}", parameter="multi_modal_data")
    for name, value in data.items():
        if name != "image" and value is not None and len(value) > 0:
            raise VLLMValidationError(f"multi_modal_data: images are read, found {name!r}", parameter="multi_modal_data")
    found = data.get("image")
    for one in found if isinstance(found, (list, tuple)) else [found]:
        if isinstance(one, (str, dict)) or len(getattr(one, "shape", (0, 0, 0))) != 3:
            raise VLLMValidationError("multi_modal_data: an image is a PIL image, a pathlib.Path, bytes or an array [height, width, 3], found "
                                      f"{type(one).__name__}", parameter="multi_modal_data")
    return pictures(found, "multi_modal_data: image")


class Side(NamedTuple):
    """One of two that are scored: a text, and the pictures that its placeholders stand for, or that come before it."""
    text: str
    images: list[str | bytes]

    def to_core(self) -> Any:
        return _core.Prompt(self.text, self.images) if self.images else self.text

    def with_placeholders(self, placeholder: str) -> str:
        """The text with a placeholder for each picture, as score's templates get it: what lacks one has it at the front."""
        return placeholder * (len(self.images) - self.text.count(placeholder)) + self.text if self.images else self.text


def score_inputs(data: Any, files: str = "") -> list[Side]:
    """One side of score(). `files`: the folder whose files messages may name."""
    many = data if isinstance(data, (list, tuple)) else [data]
    return [_score_input(item, files) for item in many]


def _score_input(item: Any, files: str) -> Side:
    if isinstance(item, str):
        return Side(item, [])
    if isinstance(item, dict) and ("prompt" in item or "prompt_token_ids" in item):
        if isinstance(one(item), list):
            raise TypeError("score() takes texts or {\"content\": [parts]}, found token ids")
        return Side(item["prompt"], _images(item.get("multi_modal_data")))
    if isinstance(item, dict) and isinstance(item.get("content"), list):
        images: list[str | bytes] = []
        content = parts_of(local_files(item["content"], files), "content", False, images)
        if isinstance(content, str):
            return Side(content, [])
        return Side("\n".join(part["text"] for part in content if part["type"] == "text"), images)
    raise TypeError(f"score() takes texts or {{\"content\": [parts]}}, found {type(item).__name__}")


def local_files(parts: Any, folder: str) -> Any:
    """Parts whose file: URLs, of files in `folder` (allowed_local_media_path), are paths."""
    import pathlib
    import urllib.parse
    import urllib.request

    found = []
    for part in parts:
        if isinstance(part, dict):
            for name in IMAGES:
                value = part.get(name)
                url = value.get("url") if isinstance(value, dict) else value
                if not isinstance(url, str) or not url.startswith("file:"):
                    continue
                file = pathlib.Path(urllib.request.url2pathname(urllib.parse.urlparse(url).path)).resolve()
                if not folder or not file.is_relative_to(pathlib.Path(folder).resolve()):
                    raise VLLMValidationError(f"{url}: file: URLs are read where allowed_local_media_path names their folder",
                                              parameter="allowed_local_media_path", value=folder)
                part = {**part, name: file}
        found.append(part)
    return found
