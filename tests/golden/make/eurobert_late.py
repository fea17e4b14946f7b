#!/usr/bin/env python3
"""Makes the fixture eurobert-classify-late: a classifier whose logits are the mean of its tokens' logits.

Needs torch, transformers and tokenizers. The reference is EuroBertForSequenceClassification of the saved folder, in float32 with eager attention.
"""
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import EuroBertConfig, EuroBertForSequenceClassification

from length_bands import randomise, save_tokenizer


def main():
    torch.set_num_threads(1)
    folder = pathlib.Path(__file__).parent.parent / "eurobert-classify-late"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    config = EuroBertConfig(vocab_size=128, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                            max_position_embeddings=512, pad_token_id=0, bos_token_id=None, eos_token_id=None, mask_token_id=1, num_labels=3,
                            classifier_pooling="late", attention_bias=True)
    model = EuroBertForSequenceClassification(config)
    randomise(model, 5)
    model.save_pretrained(folder / "model")
    save_tokenizer(folder / "model")
    model = EuroBertForSequenceClassification.from_pretrained(folder / "model", dtype=torch.float32, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(6)
    cases, tensors = [], {}
    for length in (1, 8, 40):
        ids = torch.randint(2, 128, (length,), generator=generator)
        with torch.no_grad():
            logits = model(input_ids=ids[None], attention_mask=torch.ones(1, length, dtype=torch.long)).logits[0]
        names = {"logits": logits, "probabilities": logits.softmax(-1)}
        tensors |= {f"c{length}.{name}": value.contiguous() for name, value in names.items()}
        cases.append({"id": f"c{length}", "task": "classify",
                      "input": {"text": " ".join(f"w{i}" for i in ids.tolist()), "input_ids": ids.tolist()}, "params": {"function": "softmax"},
                      "expect": {name: {"tensor": f"c{length}.{name}"} for name in names}, "tolerance": 1e-4})
    document = {"source": "EuroBertForSequenceClassification, float32, eager attention", "notes": "the mean of the tokens' logits", "cases": cases}
    (folder / "cases.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
    save_file(tensors, folder / "expected.safetensors")


if __name__ == "__main__":
    main()
