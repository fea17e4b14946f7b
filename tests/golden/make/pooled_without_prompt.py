"""Makes the fixture bert-embed-prompt-left-out: the first, the last and the mean token after a prompt that is not pooled.

    python tests/golden/make/pooled_without_prompt.py OUT
"""
import pathlib
import sys

import torch
import transformers as t
from encoder_fixture import TEXTS, Fixture, make_tokenizer, randomise
from sentence_transformers import SentenceTransformer, models


def main(out):
    tokenizer = make_tokenizer()
    tokenizer.model_max_length = 400
    config = t.BertConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=400)
    fixture = Fixture(out, "bert-embed-prompt-left-out", "poolings cls, lasttoken and mean in one vector, include_prompt false: the first token is the one after the prompt",
                      tokenizer)
    fixture.save_model(randomise(t.BertModel(config, add_pooling_layer=False), 61))
    transformer = models.Transformer(str(fixture.model_folder))
    pooling = models.Pooling(32, pooling_mode=["cls", "lasttoken", "mean"], include_prompt=False)
    prompts = {"query": "What is the question? ", "document": ""}
    SentenceTransformer(modules=[transformer, pooling], prompts=prompts, device="cpu").save(str(fixture.model_folder), create_model_card=False)
    model = SentenceTransformer(str(fixture.model_folder), device="cpu")
    for name, text in TEXTS.items():
        for prompt in (None, "query"):
            with torch.no_grad():
                vector = torch.tensor(model.encode(text, prompt_name=prompt))
            ids = tokenizer((prompts[prompt] if prompt else "") + text)["input_ids"]
            fixture.add(f"{name}-{prompt or 'plain'}", "embed", {"text": text, "input_ids": ids}, {"prompt_name": prompt} if prompt else {}, {"embedding": vector})
    fixture.finish("SentenceTransformer")


if __name__ == "__main__":
    main(sys.argv[1])
