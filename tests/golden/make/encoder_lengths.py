"""Makes the *-lengths fixtures: hidden states of each encoder family at lengths around those where tables, buckets and kernels change; and
*-long fixtures of those families that take long texts.

    python tests/golden/make/encoder_lengths.py OUT
"""
import sys

import torch
import transformers as t
from encoder_fixture import Fixture, make_tokenizer, randomise

LENGTHS = [1, 8, 127, 128, 129, 511, 512, 513]
LONG = [2048, 8192]
SIZES = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24)


def families(vocab):
    sizes = SIZES | dict(vocab_size=vocab, pad_token_id=0)
    yield "bert", t.BertModel, t.BertConfig(**sizes, max_position_embeddings=520)
    yield "roberta", t.RobertaModel, t.RobertaConfig(**sizes, max_position_embeddings=514, type_vocab_size=1)
    yield "distilbert", t.DistilBertModel, t.DistilBertConfig(vocab_size=vocab, pad_token_id=0, dim=16, n_layers=2, n_heads=2, hidden_dim=24,
                                                              max_position_embeddings=513)
    yield "mpnet", t.MPNetModel, t.MPNetConfig(**sizes, max_position_embeddings=515)
    yield "electra", t.ElectraModel, t.ElectraConfig(**sizes, max_position_embeddings=513, embedding_size=8)
    yield "nomic-bert", t.NomicBertModel, t.NomicBertConfig(**sizes, max_position_embeddings=513)
    yield "jina-v3", t.JinaEmbeddingsV3Model, t.JinaEmbeddingsV3Config(**sizes, max_position_embeddings=513)
    yield "gte", t.GteModel, t.GteConfig(**sizes, max_position_embeddings=513, type_vocab_size=0)
    yield "deberta-v3", t.DebertaV2Model, t.DebertaV2Config(**sizes, max_position_embeddings=520, relative_attention=True, position_buckets=256, max_relative_positions=512,
                                                            share_att_key=True, pos_att_type="p2c|c2p", norm_rel_ebd="layer_norm", position_biased_input=False)


def long_families(vocab):
    sizes = SIZES | dict(vocab_size=vocab, pad_token_id=0, hidden_size=8, max_position_embeddings=8192)
    yield "nomic-bert", t.NomicBertModel, t.NomicBertConfig(**sizes)
    yield "jina-v3", t.JinaEmbeddingsV3Model, t.JinaEmbeddingsV3Config(**sizes)
    yield "gte", t.GteModel, t.GteConfig(**sizes, type_vocab_size=0)
    yield "eurobert", t.EuroBertModel, t.EuroBertConfig(**sizes, num_key_value_heads=1)


def main(out):
    tokenizer = make_tokenizer()
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    for seed, (name, kind, config) in enumerate(long_families(len(tokenizer))):
        model = randomise(kind(config), 200 + seed)
        fixture = Fixture(out, name + "-long", "random ids; lengths " + ", ".join(map(str, LONG)), tokenizer)
        fixture.save_model(model)
        generator = torch.Generator().manual_seed(seed)
        for length in LONG:
            fixture.hidden_states(f"hs-{length}", model, torch.randint(5, len(tokenizer), (length,), generator=generator).tolist())
        fixture.finish(kind.__name__)
    for seed, (name, kind, config) in enumerate(families(len(tokenizer))):
        model = randomise(kind(config), 100 + seed)
        fixture = Fixture(out, name + "-lengths", "random ids; lengths " + ", ".join(map(str, LENGTHS)), tokenizer)
        fixture.save_model(model)
        generator = torch.Generator().manual_seed(seed)
        for length in LENGTHS:
            fixture.hidden_states(f"hs-{length}", model, torch.randint(5, len(tokenizer), (length,), generator=generator).tolist())
        if name in ("roberta", "mpnet"):  # positions are not counted at padding tokens
            fixture.hidden_states("hs-padding-inside", model, [1, 7, 0, 1, 0, 9, 1, 2])
        fixture.finish(kind.__name__)


if __name__ == "__main__":
    main(sys.argv[1])
