#!/usr/bin/env python3
"""Makes the fixtures modernbert-lengths and qwen3-lengths: texts of lengths around the sizes at which kernels change their ways.

    length_bands.py [FOLDER]          writes below FOLDER [this script's parent]

Needs torch, transformers and tokenizers. Every parameter is random, so that each part of a model moves the output. Reference: the
transformers model of the saved folder, in float32 with eager attention; pooling as the folder's modules.json has it. Hidden states are
recorded of short texts, embeddings of all of them. The tolerance is ten times what float32 and float64 differ by, and at least 1e-4.
"""
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModel, ModernBertConfig, ModernBertModel, PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

LENGTHS = (1, 8, 127, 128, 129, 511, 512, 513, 2048)
HIDDEN_STATES_UP_TO = 129
VOCABULARY = 128


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 1:
                parameter.copy_(0.2 * noise if name.endswith("bias") else 1 + 0.2 * noise)
            elif "embed" in name:
                parameter.copy_(noise)
            else:
                parameter.copy_(1.5 * noise * parameter.shape[1] ** -0.5)


def save_tokenizer(folder):
    words = ["[PAD]", "[UNK]"] + [f"w{i}" for i in range(2, VOCABULARY)]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)


def save_modules(folder, hidden, pooling):
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"} for i, (path, kind) in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules, indent=2) + "\n")
    (folder / "1_Pooling").mkdir()
    flags = {"cls_token": "cls", "mean_tokens": "mean", "lasttoken": "lasttoken"}
    config = {"word_embedding_dimension": hidden} | {f"pooling_mode_{flag}": name == pooling for flag, name in flags.items()}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def pooled(states, pooling):
    vector = states.mean(0) if pooling == "mean" else states[-1]
    return torch.nn.functional.normalize(vector, dim=0)


def make(folder, model, pooling, lengths, seed, notes):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    randomise(model, seed)
    model.save_pretrained(folder / "model")
    save_tokenizer(folder / "model")
    save_modules(folder / "model", model.config.hidden_size, pooling)

    def load(dtype):
        return AutoModel.from_pretrained(folder / "model", dtype=dtype, attn_implementation="eager").eval()

    model, exact = load(torch.float32), load(torch.float64)
    generator = torch.Generator().manual_seed(seed + 1)
    cases, tensors, error = [], {}, 0.0
    for length in lengths:
        ids = torch.randint(2, VOCABULARY, (length,), generator=generator)
        with torch.no_grad():
            states = model(input_ids=ids[None]).last_hidden_state[0]
            error = max(error, (states - exact(input_ids=ids[None]).last_hidden_state[0]).abs().max().item())
        outputs = {"embed": {"embedding": pooled(states, pooling)}}
        if length <= HIDDEN_STATES_UP_TO:
            outputs["hidden_states"] = {"hidden_states": states}
        for task, values in outputs.items():
            case = {"id": f"{task}-{length}", "task": task, "input": {"input_ids": ids.tolist()},
                    "params": {"prompt_name": None} if task == "embed" else {}, "expect": {}}
            for key, value in values.items():
                case["expect"][key] = {"tensor": f"{case['id']}.{key}"}
                tensors[f"{case['id']}.{key}"] = value.contiguous()
            cases.append(case)
    for case in cases:
        case["tolerance"] = max(1e-4, round(10 * error, 6))
    source = f"{type(model).__name__}, float32, eager attention; float32 differs from float64 by at most {error:.1e}"
    document = {"source": source, "notes": notes, "cases": cases}
    (folder / "cases.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
    save_file(tensors, folder / "expected.safetensors")
    print(folder.name, f"largest difference between float32 and float64: {error:.1e}")


def main():
    torch.set_num_threads(1)
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    common = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, pad_token_id=0, bos_token_id=None, eos_token_id=None)
    modernbert = ModernBertConfig(**common, num_hidden_layers=3, num_attention_heads=2, max_position_embeddings=8192,
                                  cls_token_id=None, sep_token_id=None)
    make(root / "modernbert-lengths", ModernBertModel(modernbert), "mean", (*LENGTHS, 8192), 1,
         "windows of 64 tokens on each side in the layers 1 and 2; mean over all tokens")
    qwen3 = Qwen3Config(**common, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
                        max_position_embeddings=4096, use_sliding_window=True, sliding_window=128, max_window_layers=2)
    make(root / "qwen3-lengths", Qwen3Model(qwen3), "lasttoken", LENGTHS, 2, "a window of 128 tokens in the last layer; the last token")


if __name__ == "__main__":
    main()
