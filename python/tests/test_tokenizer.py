"""The tokenizer's calls, as transformers' tokenizers have them."""
import numpy as np
import pytest

import vecton
from conftest import engine, model


@pytest.fixture
def tokenizer(embedder):
    return embedder.tokenizer


def test_one_text_and_many(tokenizer):
    one = tokenizer("a text")
    assert one["input_ids"] == one.input_ids == tokenizer.encode("a text")
    assert tokenizer(["a text"])["input_ids"] == [one["input_ids"]]
    assert set(one) == {"input_ids", "token_type_ids", "attention_mask"}
    assert dict(**one) == one


def test_padding_and_truncation(tokenizer):
    batch = tokenizer(["a", "a longer text"], padding=True, return_tensors="np")
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert batch["attention_mask"][0].sum() < batch["attention_mask"].shape[1]
    assert batch["input_ids"][0, -1] == tokenizer.pad_token_id
    assert tokenizer("a " * 100, truncation=True, max_length=7).input_ids.__len__() == 7
    assert tokenizer(["a"], padding="max_length", max_length=9, return_tensors="np")["input_ids"].shape == (1, 9)
    with pytest.raises(ValueError, match="padding=True"):
        tokenizer(["a", "a longer text"], return_tensors="np")
    with pytest.raises(ValueError, match="padding must be"):
        tokenizer("a", padding="most")
    with pytest.raises(ValueError, match="return_tensors"):
        tokenizer("a", return_tensors="jax")


def test_pairs(tokenizer):
    pair = tokenizer("a", "b")
    assert 1 in pair["token_type_ids"]
    assert tokenizer.batch_encode_plus([("a", "b")])["input_ids"] == [pair["input_ids"]]
    with pytest.raises(ValueError, match="pairs"):
        tokenizer(["a", "b"], ["c"])


# What transformers 5.24's AutoTokenizer has: by the class of the tokenizer, unless model_input_names says it.
@pytest.mark.parametrize("name, typed, side", [
    ("bert-embed-mean", True, "right"), ("electra-rerank", True, "right"), ("jina-bert", True, "right"), ("tok-spm-deberta-v2", True, "right"),
    ("distilbert-embed", False, "right"), ("xlm-roberta-embed", False, "right"), ("roberta-embed", False, "right"),
    ("mpnet-embed", False, "right"), ("deberta-v3-rerank", False, "right"), ("emb-qwen3", False, "left"), ("tok-mistral", False, "left")])
def test_inputs_and_sides_are_those_of_the_class(name, typed, side):
    tokenizer = vecton.Tokenizer.open(model(name))
    names = {"input_ids", "attention_mask", *(["token_type_ids"] if typed else [])}
    assert set(tokenizer("a text")) == set(tokenizer.model_input_names) == names
    assert "token_type_ids" in tokenizer("a text", return_token_type_ids=True)
    assert tokenizer.padding_side == side and tokenizer.truncation_side == "right"


def test_sides_can_be_set(tokenizer):
    own = vecton.Tokenizer(tokenizer._core)
    assert (own.padding_side, own.truncation_side) == ("right", "right")
    own.padding_side = own.truncation_side = "left"
    ids = own.encode("a longer text")
    assert own(["a", "a longer text"], padding=True, return_tensors="np")["input_ids"][0, 0] == own.pad_token_id
    assert own.encode("a longer text", truncation=True, max_length=3) == [ids[0], ids[-2], ids[-1]]
    assert own.encode("a longer text", truncation=True, max_length=3, truncation_side="right") == [*ids[:2], ids[-1]]
    own.padding_side = "middle"
    with pytest.raises(ValueError, match="padding_side"):
        own("a", padding=True)


def test_back_to_text(tokenizer):
    ids = tokenizer.encode("a text")
    assert tokenizer.decode(ids, skip_special_tokens=True) == tokenizer.decode(np.array(ids), skip_special_tokens=True)
    assert tokenizer.batch_decode(ids[1:3]) == [tokenizer.decode(ids[1]), tokenizer.decode(ids[2])]
    assert tokenizer.batch_decode([ids], skip_special_tokens=True) == [tokenizer.decode(ids, skip_special_tokens=True)]
    with pytest.raises(ValueError):
        tokenizer.decode([10 ** 6])


def test_names(tokenizer):
    assert tokenizer.mask_token == "[MASK]" and tokenizer.convert_tokens_to_ids("[MASK]") == tokenizer.mask_token_id
    assert tokenizer.bos_token_id is None and tokenizer.bos_token is None
    assert tokenizer.convert_ids_to_tokens(tokenizer.mask_token_id) == "[MASK]"
    assert tokenizer.convert_tokens_to_ids(["[MASK]", "nothing like it"]) == [tokenizer.mask_token_id, tokenizer.unk_token_id]
    assert len(tokenizer) == tokenizer.vocab_size and tokenizer.mask_token_id in tokenizer.all_special_ids
    with pytest.raises(AttributeError):
        tokenizer.vocabulary


def test_offsets_are_characters(tokenizer):
    text = "é text"
    found = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
    parts = [text[begin:end] for begin, end in found["offset_mapping"]]
    assert "".join(parts).replace(" ", "").endswith("text")
    assert found["special_tokens_mask"][0] == 1


def test_a_tokenizer_alone_and_after_its_engine():
    alone = vecton.Tokenizer.open(model("bert-embed-mean"))
    assert alone.encode("a text") == engine("bert-embed-mean").tokenizer.encode("a text")
    short = vecton.Engine(model("bert-embed-mean"))
    kept = short.tokenizer
    assert kept.encode("a text") == alone.encode("a text")
    short.close()
    with pytest.raises(vecton.Cancelled, match="closed"):
        kept.encode("a text")
