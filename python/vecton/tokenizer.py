"""Tokenizer: the checkpoint's tokenizer, with the calls that scripts for transformers make."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from vecton import _core


def _tensors(rows: list[list[int]], kind: str | None) -> Any:
    """Rows of integers as lists, or as arrays of "np", "pt" or "mlx"."""
    if kind is None:
        return rows
    import numpy as np

    if len({len(row) for row in rows}) > 1:
        raise ValueError("texts of different lengths make no array: pass padding=True")
    array = np.asarray(rows, np.int64)
    if kind == "np":
        return array
    if kind == "pt":
        from vecton.array import as_tensor

        return as_tensor(array)
    if kind == "mlx":
        from vecton.mlx_embeddings.arrays import to_mx

        return to_mx(array.astype(np.int32))
    raise ValueError(f"return_tensors must be \"np\", \"pt\" or \"mlx\", found {kind!r}")


class BatchEncoding(dict[str, Any]):
    """The fields of a call's tokens, as keys and as attributes."""

    encodings: list[Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r}; there are {', '.join(self)}") from None

    def to(self, *_: Any, **__: Any) -> BatchEncoding:
        return self

    def tokens(self, batch_index: int = 0) -> list[int]:
        return self.encodings[batch_index].ids


class Tokenizer:
    """Text to token ids and back, exactly as the checkpoint's files say."""

    def __init__(self, core: Any, model_max_length: int | None = None, render: Callable[[Any], str] | None = None) -> None:
        self._core = core
        self._render = render  # of an engine's tokenizer: messages by the model's chat template
        # Of an engine's tokenizer the length of its model; what the tokenizer's files say otherwise.
        self.model_max_length: int = model_max_length or core.model_max_length
        # Where a call does not say it; they may be set.
        self.padding_side = "left" if core.pads_left else "right"
        self.truncation_side = "left" if core.truncates_left else "right"

    @classmethod
    def open(cls, folder: str) -> Tokenizer:
        return cls(_core.Tokenizer.open(folder))

    def __call__(self, text: Any, text_pair: Any = None, *, add_special_tokens: bool = True, padding: bool | str = False,
                 truncation: bool | str = False, max_length: int | None = None, padding_side: str | None = None,
                 truncation_side: str | None = None, pad_to_multiple_of: int | None = None, return_tensors: str | None = None,
                 return_attention_mask: bool = True, return_token_type_ids: bool | None = None, return_offsets_mapping: bool = False,
                 return_special_tokens_mask: bool = False) -> BatchEncoding:
        single = isinstance(text, str)
        texts = [text] if single else list(text)
        pairs = None if text_pair is None else [text_pair] if isinstance(text_pair, str) else list(text_pair)
        if truncation and max_length is None and self.model_max_length == 0:
            truncation = False  # there is no length to cut to
        encodings = self._core.encode_batch(
            texts, pairs, add_special_tokens=add_special_tokens, max_length=max_length, padding_side=padding_side or self.padding_side,
            truncation_side=truncation_side or self.truncation_side, pad_to_multiple_of=pad_to_multiple_of,
            truncation=_named(truncation, "longest_first", "do_not_truncate"), padding=_named(padding, "longest", "do_not_pad"))
        found = BatchEncoding(input_ids=[e.ids for e in encodings])
        found.encodings = encodings
        if self._core.returns_type_ids if return_token_type_ids is None else return_token_type_ids:
            found["token_type_ids"] = [e.type_ids for e in encodings]
        if return_attention_mask:
            found["attention_mask"] = [e.attention_mask for e in encodings]
        if return_special_tokens_mask:
            found["special_tokens_mask"] = [e.special_tokens_mask for e in encodings]
        if return_offsets_mapping:
            found["offset_mapping"] = [e.offsets for e in encodings]
        for name, rows in list(found.items()):
            if name == "offset_mapping":
                found[name] = rows[0] if single and return_tensors is None else rows
            else:
                found[name] = _tensors(rows, return_tensors) if return_tensors else rows[0] if single else rows
        return found

    def encode(self, text: str, text_pair: str | None = None, *, return_tensors: str | None = None, **how: Any) -> Any:
        """The ids of one text; with return_tensors as an array [1, tokens]."""
        return self(text, text_pair, return_tensors=return_tensors, **how)["input_ids"]

    def encode_plus(self, text: str, text_pair: str | None = None, **how: Any) -> BatchEncoding:
        return self(text, text_pair, **how)

    def batch_encode_plus(self, batch: Sequence[Any], **how: Any) -> BatchEncoding:
        if batch and not isinstance(batch[0], str):
            return self([first for first, _ in batch], [second for _, second in batch], **how)
        return self(list(batch), **how)

    def decode(self, token_ids: Any, skip_special_tokens: bool = False, **_: Any) -> str:
        if hasattr(token_ids, "tolist"):
            token_ids = token_ids.tolist()
        return self._core.decode([token_ids] if isinstance(token_ids, int) else token_ids, skip_special_tokens)

    def batch_decode(self, sequences: Any, skip_special_tokens: bool = False, **_: Any) -> list[str]:
        """A text for each sequence; an id alone is a sequence too."""
        return [self.decode(sequence, skip_special_tokens) for sequence in sequences]

    def apply_chat_template(self, conversation: Any, tools: Any = None, documents: Any = None, chat_template: str | None = None,
                            add_generation_prompt: bool = False, continue_final_message: bool = False, tokenize: bool = True,
                            **variables: Any) -> Any:
        """What the model's chat template makes of messages: token ids, or with tokenize=False a text; of several conversations a list."""
        from vecton.messages import conversations, to_core

        if self._render is None:
            raise ValueError("the chat template is the model's: take engine.tokenizer")
        ours = ("padding", "truncation", "max_length", "return_tensors", "return_dict", "return_assistant_tokens_mask", "tokenizer_kwargs")
        given = {name: variables.pop(name, None) for name in ours}
        for name, value in given.items():
            if value:
                raise ValueError(f"{name}: call the tokenizer with the text that tokenize=False gives and add_special_tokens=False")
        talks, single = conversations(conversation)
        texts = [self._render(to_core(talk, tools=tools, documents=documents, chat_template=chat_template, chat_template_kwargs=variables,
                                      add_generation_prompt=add_generation_prompt, continue_final_message=continue_final_message,
                                      read_pictures=False))
                 for talk in talks]
        found = [self.encode(text, add_special_tokens=False) for text in texts] if tokenize else texts
        return found[0] if single else found

    def tokenize(self, text: str, **how: Any) -> list[str]:
        return self.convert_ids_to_tokens(self.encode(text, add_special_tokens=False, **how))

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        if not isinstance(tokens, str):
            return [self.convert_tokens_to_ids(token) for token in tokens]
        found = self._core.token_to_id(tokens)
        return self.unk_token_id if found is None else found

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        if isinstance(ids, int):
            return self._core.id_to_token(ids)
        return [self._core.id_to_token(int(i)) for i in ids]

    @property
    def vocab_size(self) -> int:
        return self._core.vocab_size

    @property
    def model_input_names(self) -> list[str]:
        return ["input_ids", *(["token_type_ids"] if self._core.returns_type_ids else []), "attention_mask"]

    @property
    def all_special_tokens(self) -> list[str]:
        return list(dict.fromkeys(self._core.special_tokens.values()))

    @property
    def all_special_ids(self) -> list[int]:
        return [self.convert_tokens_to_ids(token) for token in self.all_special_tokens]

    def __getattr__(self, name: str) -> Any:
        """bos_token, mask_token_id, ...: None where the checkpoint has none."""
        if name.endswith("_token_id") and not name.startswith("_"):
            return self._core.special_token_id(name[:-3])
        if name.endswith("_token") and not name.startswith("_"):
            return self._core.special_tokens.get(name)
        raise AttributeError(f"Tokenizer has no attribute {name!r}")

    def __len__(self) -> int:
        return self.vocab_size

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a Tokenizer is no sequence")

    def __repr__(self) -> str:
        return f"vecton.Tokenizer({self.vocab_size} tokens, {self._core.special_tokens})"


def _named(switch: bool | str, on: str, off: str) -> str:
    return switch if isinstance(switch, str) else on if switch else off
