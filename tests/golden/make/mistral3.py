"""gen-mistral3, gen-mistral3-text: small models like Mistral Small 3.1 and Ministral 3, with the logits and greedy tokens of transformers.

make/mistral3.py GOLDEN: the fixtures, in that folder of fixtures; the tokenizer is gen-mistral-small's, with the tokens of images. Needs
torch and transformers 5.24. Every parameter is random. The first has the tensor names of the hub's files, among them those of a tower,
which the texts do not read; the second those that newer versions write, no tower, and the rotations of Ministral 3.
"""
import json
import pathlib
import sys

import torch
from jinja2 import Environment
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Mistral3Config, Mistral3ForConditionalGeneration

golden = pathlib.Path(sys.argv[1])
MERGE, PATCH = 2, 8
TEMPLATE = """{{- bos_token }}
{%- for message in messages %}
    {%- if message['role'] == 'system' %}
        {{- '[SYSTEM_PROMPT]' + message['content'] + '[/SYSTEM_PROMPT]' }}
    {%- elif message['role'] == 'user' %}
        {{- '[INST]' }}
        {%- if message['content'] is string %}
            {{- message['content'] }}
        {%- else %}
            {%- for block in message['content'] %}
                {%- if block['type'] == 'text' %}
                    {{- block['text'] }}
                {%- elif block['type'] in ['image', 'image_url'] %}
                    {{- '[IMG]' }}
                {%- endif %}
            {%- endfor %}
        {%- endif %}
        {{- '[/INST]' }}
    {%- else %}
        {{- message['content'] + eos_token }}
    {%- endif %}
{%- endfor %}
"""
text = {"attention_dropout": 0.0, "head_dim": 12, "hidden_act": "silu", "hidden_size": 40, "initializer_range": 0.02, "intermediate_size": 64,
        "max_position_embeddings": 2048, "model_type": "mistral", "num_attention_heads": 4, "num_hidden_layers": 3, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-05, "rope_theta": 1000000000.0, "sliding_window": None, "use_cache": True, "vocab_size": 404}
vision = {"attention_dropout": 0.0, "head_dim": 12, "hidden_act": "silu", "hidden_size": 24, "image_size": 64, "initializer_range": 0.02,
          "intermediate_size": 36, "model_type": "pixtral", "num_attention_heads": 2, "num_channels": 3, "num_hidden_layers": 2,
          "patch_size": PATCH, "rope_theta": 10000.0}
ROPE = {"beta_fast": 32.0, "beta_slow": 1.0, "factor": 16.0, "llama_4_scaling_beta": 0.1, "max_position_embeddings": 2048, "mscale": 1.0,
        "mscale_all_dim": 1.0, "original_max_position_embeddings": 128, "rope_theta": 10000.0, "rope_type": "yarn", "type": "yarn"}


def write(path, document):
    path.write_text(json.dumps(document, indent=2) + "\n")


def make(name, layers, new_names):
    folder = golden / name / "model"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    tokenizer = Tokenizer.from_file(str(golden / "gen-mistral-small/model/tokenizer.json"))
    tokenizer.add_special_tokens(["[IMG]", "[IMG_BREAK]", "[IMG_END]"])
    img, row_end, end = (tokenizer.token_to_id(t) for t in ("[IMG]", "[IMG_BREAK]", "[IMG_END]"))
    bos, eos = tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>")
    tokenizer.save(str(folder / "tokenizer.json"))
    write(folder / "tokenizer_config.json", {"bos_token": "<s>", "clean_up_tokenization_spaces": False, "eos_token": "</s>",
                                             "model_max_length": 2048, "pad_token": "<pad>", "processor_class": "PixtralProcessor",
                                             "tokenizer_class": "PreTrainedTokenizerFast"})
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    own = {**text, "num_hidden_layers": layers}
    if new_names:
        del own["rope_theta"]
        own.update(model_type="ministral3", rope_parameters=ROPE)
    config = {"architectures": ["Mistral3ForConditionalGeneration"], "image_token_index": img, "model_type": "mistral3",
              "multimodal_projector_bias": False, "projector_hidden_act": "gelu", "spatial_merge_size": MERGE, "text_config": own,
              "torch_dtype": "bfloat16", "transformers_version": "4.50.0.dev0", "vision_config": vision, "vision_feature_layer": -1}
    if new_names:
        del config["vision_config"]
    write(folder / "config.json", config)
    write(folder / "generation_config.json", {"bos_token_id": bos, "eos_token_id": eos})
    reference = {**json.loads(json.dumps(config)), "vision_config": dict(vision), "tie_word_embeddings": False}
    model = Mistral3ForConditionalGeneration(Mistral3Config.from_dict(reference)).float().eval()
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for key, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * (0.4 if "embed" in key else 0.3 if p.dim() > 1 else 0.2))
            if "norm" in key or "ln_pre" in key:
                p.add_(1)
            p.copy_(p.bfloat16().float())
    renamed = {"model.language_model.": "language_model.model.", "model.vision_tower.": "vision_tower.",
               "model.multi_modal_projector.": "multi_modal_projector.", "lm_head.": "language_model.lm_head."}
    tensors = {}
    for key, p in model.state_dict().items():
        if new_names and ("vision_tower" in key or "projector" in key):
            continue
        for old, now in () if new_names else renamed.items():
            if key.startswith(old):
                key = now + key[len(old):]
                break
        tensors[key] = p.bfloat16().contiguous()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})

    expected, cases, notes = {}, [], {}

    def forward(ids):
        with torch.no_grad():
            return model(input_ids=torch.tensor([ids])).logits[0]

    for key, words in {"one": "What is the total revenue in the quarterly report?", "two": "red sofa with cats"}.items():
        messages = [{"role": "user", "content": [{"type": "text", "text": words}]}]
        prompt = Environment().from_string(TEMPLATE).render(messages=messages, bos_token="<s>", eos_token="</s>")
        ids = tokenizer.encode(prompt, add_special_tokens=False).ids
        logits = forward(ids)
        expected[f"logits_{key}.logits"] = logits.contiguous()
        new, least, row = [], 1e9, logits[-1]
        for _ in range(12):
            best = row.topk(2)
            least = min(least, (best.values[0] - best.values[1]).item())
            new.append(best.indices[0].item())
            if new[-1] == eos:
                break
            row = forward(ids + new)[-1]
        notes[key] = {"greedy margin": round(least, 4), "logits std": round(logits.std().item(), 3), "tokens": len(ids)}
        given = {"messages": messages, "images": [], "prompt": prompt, "input_ids": ids}
        cases.append({"id": f"logits_{key}", "task": "logits", "input": given, "params": {},
                      "expect": {"logits": {"tensor": f"logits_{key}.logits"}}, "tolerance": 1e-4})
        cases.append({"id": f"gen_{key}", "task": "generate", "input": given, "params": {"max_new_tokens": 12},
                      "expect": {"new_ids": new}, "tolerance": 0})
    print(name, notes)
    save_file(expected, golden / name / "expected.safetensors")
    (golden / name / "cases.json").write_text(
        json.dumps({"source": "transformers 5.24.0, torch, float32, eager", "notes": str(notes), "cases": cases}, indent=1) + "\n")


make("gen-mistral3", 3, False)
make("gen-mistral3-text", 1, True)
