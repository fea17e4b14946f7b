"""Makes the fixtures lora-*: adapters as PEFT saves them, beside their base model.

    pip install peft==0.21.2 (and what encoder_fixture.py needs)
    python tests/golden/make/adapters.py OUT
"""
import json
import sys

import peft
import torch
import transformers as t
from encoder_fixture import Fixture, add_classes, add_token_classes, make_tokenizer, randomise


def bert(tokenizer, **keys):
    return t.BertConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=400, **keys)


def qwen(tokenizer):
    return t.Qwen3Config(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8, intermediate_size=48,
                         max_position_embeddings=400, tie_word_embeddings=False, pad_token_id=0, bos_token_id=1, eos_token_id=2)


class Adapted(Fixture):
    """A fixture whose base model lies beside its model/, in base/."""

    def adapt(self, base, load, config, seed):
        """Saves `base`, loads it by `load` and trains nothing: every parameter of the adapter is random. Gives the adapted model."""
        torch.manual_seed(seed)
        folder = self.folder / "base"
        base.save_pretrained(folder)
        model = peft.get_peft_model(load(str(folder)), config)
        generator = torch.Generator().manual_seed(seed)
        for name, p in sorted(model.named_parameters()):
            if "lora_" in name or "modules_to_save" in name or (p.requires_grad and name.endswith("bias")):
                p.data = 0.3 * torch.randn(p.shape, generator=generator)
        model.eval()
        model.save_pretrained(self.model_folder)
        self.tokenizer.save_pretrained(self.model_folder)
        file = self.model_folder / "adapter_config.json"
        settings = json.loads(file.read_text()) | {"base_model_name_or_path": "../base"}
        file.write_text(json.dumps(settings, indent=1) + "\n")
        for unused in [*self.model_folder.glob("*.md"), *folder.glob("*.md")]:
            unused.unlink()
        return model


def embedder(out, tokenizer):
    config = peft.LoraConfig(task_type="FEATURE_EXTRACTION", r=4, lora_alpha=7, use_rslora=True, target_modules=["query", "dense", "word_embeddings"], bias="all",
                             rank_pattern={"query": 2}, alpha_pattern={"layer.1.attention.self.query": 11, r"encoder\.layer\.\d+\.output\.dense": 3}, fan_in_fan_out=True)
    fixture = Adapted(out, "lora-bert", "base BertForMaskedLM; LoRA on linear layers and the words, rslora, patterns of ranks and alphas, biases", tokenizer)
    model = fixture.adapt(randomise(t.BertForMaskedLM(bert(tokenizer)), 71), lambda f: t.AutoModel.from_pretrained(f, add_pooling_layer=False), config, 72)
    fixture.hidden_states_of_texts(model)
    fixture.finish("peft " + peft.__version__)


def classifier(out, tokenizer):
    config = peft.LoraConfig(task_type="SEQ_CLS", r=3, lora_alpha=6, target_modules="all-linear", modules_to_save=["score"])
    fixture = Adapted(out, "lora-qwen3-classify", "base Qwen3Model in bfloat16 without labels; LoRA on all linear layers, a head of three labels", tokenizer)
    base = randomise(t.Qwen3Model(qwen(tokenizer)), 73).to(torch.bfloat16)
    model = fixture.adapt(base, lambda f: t.AutoModelForSequenceClassification.from_pretrained(f, num_labels=3, dtype=torch.float32), config, 74)
    add_classes(fixture, model)
    fixture.finish("peft " + peft.__version__)


def tagger(out, tokenizer):
    config = peft.LoraConfig(task_type="TOKEN_CLS", r=2, lora_alpha=5, target_modules=["key", "value"], bias="lora_only", layers_to_transform=[1])
    fixture = Adapted(out, "lora-bert-token-classify", "LoRA on the last layer, biases of adapted layers", tokenizer)
    base = randomise(t.BertForTokenClassification(bert(tokenizer, id2label={0: "O", 1: "B-LOC", 2: "I-LOC"}, label2id={"O": 0, "B-LOC": 1, "I-LOC": 2})), 75)
    model = fixture.adapt(base, t.AutoModelForTokenClassification.from_pretrained, config, 76)
    add_token_classes(fixture, model)
    fixture.finish("peft " + peft.__version__)


def main(out):
    tokenizer = make_tokenizer()
    tokenizer.model_max_length = 400
    embedder(out, tokenizer)
    classifier(out, tokenizer)
    tagger(out, tokenizer)


if __name__ == "__main__":
    main(sys.argv[1])
