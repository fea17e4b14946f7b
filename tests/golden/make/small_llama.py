"""What llm_compressor.py and modelopt.py quantise: a small Llama with random weights, the tokenizer and texts of ct-llama-w4a16, and how the
reference's outputs are kept. Rows and modules of the weights differ in size and in their middle, so that a scale or zero point of another row,
group or module gives other numbers.
"""
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

golden = pathlib.Path(sys.argv[1])
source = golden / "ct-llama-w4a16"
CONFIG = {"architectures": ["LlamaForCausalLM"], "attention_bias": False, "bos_token_id": 338, "eos_token_id": 339, "head_dim": 16,
          "hidden_act": "silu", "hidden_size": 64, "intermediate_size": 160, "max_position_embeddings": 512, "mlp_bias": False,
          "model_type": "llama", "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-05,
          "rope_theta": 10000.0, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "use_cache": True, "vocab_size": 340}


def random_model(seed):
    model = LlamaForCausalLM(LlamaConfig(**CONFIG)).eval()
    model.set_attn_implementation("eager")
    made = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, generator=made)

    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:
                p.copy_(1 + 0.2 * normal(*p.shape))
            elif "embed" in name:
                p.copy_(0.4 * normal(*p.shape))
            else:
                rows, columns = p.shape
                size = 0.12 * (0.3 * normal(1, 1)).exp() * (0.4 * normal(rows, 1)).exp()
                groups = (0.3 * normal(rows, columns // 16)).exp().repeat_interleave(16, 1)
                middle = (0.4 * normal(rows, columns // 16)).repeat_interleave(16, 1)
                p.copy_(size * groups * (normal(rows, columns) + middle))
            p.copy_(p.bfloat16().float())
    return model


def write(path, document):
    path.write_text(json.dumps(document, indent=1) + "\n")


def record(name, model, how, notes):
    """The reference's outputs, of a dense model in float32."""
    old = {case["id"]: case for case in json.loads((source / "cases.json").read_text())["cases"]}
    expected, cases = {}, []
    with torch.no_grad():
        for key, task, like in (("c0", "hidden_states", "c0"), ("c1", "hidden_states", "c2"), ("c2", "logits", "c3")):
            given = old[like]["input"]
            out = model(torch.tensor([given["input_ids"]]), output_hidden_states=True)
            expected[f"{key}.{task}"] = (out.logits if task == "logits" else out.hidden_states[-1])[0].contiguous()
            cases.append({"id": key, "task": task, "input": given, "params": {}, "expect": {task: {"tensor": f"{key}.{task}"}},
                          "tolerance": 3e-4 if task == "logits" else 1e-4})
        prompt, new, least = old["c7"]["input"]["input_ids"], [], 1e9
        for _ in range(8):
            best = model(torch.tensor([prompt + new])).logits[0, -1].topk(2)
            least = min(least, (best.values[0] - best.values[1]).item())
            new.append(best.indices[0].item())
    assert least > 2e-2 and CONFIG["eos_token_id"] not in new, (name, least, new)
    cases.append({"id": "c3", "task": "generate", "input": {"input_ids": prompt}, "params": {"max_new_tokens": 8, "temperature": 0},
                  "expect": {"token_ids": new, "min_margin": round(least, 4)}, "tolerance": 1e-4})
    save_file(expected, golden / name / "expected.safetensors")
    write(golden / name / "cases.json", {"source": how, "notes": notes, "cases": cases})


def begin(name):
    folder = golden / name / "model"
    shutil.rmtree(golden / name, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / "model" / file, folder / file)
    return folder


def stored(model):
    return {key: tensor.contiguous() for key, tensor in model.state_dict().items() if key != "lm_head.weight"}
