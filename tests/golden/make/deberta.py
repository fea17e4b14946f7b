"""Makes the deberta-* fixtures: a v3 reranker, a v2 classifier, token classifier and masked LM, with texts longer than their buckets.

    python tests/golden/make/deberta.py OUT
"""
import sys

from encoder_fixture import Fixture, add_classes, add_masked, add_scores, add_token_classes, make_tokenizer, randomise
from transformers import (DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification, DebertaV2ForTokenClassification)


def config(tokenizer, **keys):
    base = dict(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=320,
                relative_attention=True, pad_token_id=0, layer_norm_eps=1e-7)
    return DebertaV2Config(**(base | keys))


def make(out, name, kind, seed, add, notes, config_keys=None, **keys):
    tokenizer = make_tokenizer()
    if keys.get("type_vocab_size", 0) == 0:
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    model = randomise(kind(config(tokenizer, **keys)), seed)
    fixture = Fixture(out, name, notes, tokenizer)
    fixture.save_model(model, config_keys)
    fixture.hidden_states_of_texts(model.deberta)
    add(fixture, model)
    fixture.finish(kind.__name__)


def main(out):
    make(out, "deberta-v3-rerank", DebertaV2ForSequenceClassification, 1, add_scores,
         "layout of deberta-v3: logarithmic buckets (8), projections shared, norm of the table, no absolute positions, no types; one label, pooler with gelu.",
         num_labels=1, position_buckets=8, max_relative_positions=-1, share_att_key=True, pos_att_type="p2c|c2p", norm_rel_ebd="layer_norm",
         position_biased_input=False, type_vocab_size=0)
    make(out, "deberta-v2-classify", DebertaV2ForSequenceClassification, 2, add_classes,
         "convolution of the first layer (width 3, gelu), own projections for positions, absolute positions too, narrower embeddings, two types, no buckets "
         "(distances to 12), pooler with tanh.",
         num_labels=3, max_relative_positions=12, share_att_key=False, pos_att_type=["p2c", "c2p"], position_biased_input=True, type_vocab_size=2,
         embedding_size=24, conv_kernel_size=3, conv_act="gelu", pooler_hidden_act="tanh", id2label={0: "negative", 1: "neutral", 2: "positive"},
         label2id={"negative": 0, "neutral": 1, "positive": 2})
    make(out, "deberta-v2-token-classify", DebertaV2ForTokenClassification, 3, add_token_classes,
         "one layer with a convolution of width 5 and tanh; scores by position of the query only (c2p), 16 buckets, distances to 40.",
         num_hidden_layers=1, num_labels=4, position_buckets=16, max_relative_positions=40, share_att_key=True, pos_att_type="c2p", norm_rel_ebd="none",
         position_biased_input=False, conv_kernel_size=5)
    make(out, "deberta-v2-mlm", DebertaV2ForMaskedLM, 4, add_masked,
         "head of deberta-v3 (legacy false: lm_predictions); scores by position of the key only (p2c), own projection.",
         legacy=False, position_buckets=8, share_att_key=False, pos_att_type=["p2c"], norm_rel_ebd="layer_norm", position_biased_input=False)
    make(out, "deberta-v2-mlm-legacy", DebertaV2ForMaskedLM, 5, add_masked, "head of BERT (legacy true), tied decoder; plain attention, whose file has a norm of the table of distances "
         "none the less, absolute positions.",
         legacy=True, relative_attention=False, position_biased_input=True, norm_rel_ebd="layer_norm")


if __name__ == "__main__":
    main(sys.argv[1])
