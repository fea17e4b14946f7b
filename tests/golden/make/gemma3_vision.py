"""gen-gemma3-vision: a small Gemma 3 that reads images, with the logits, the greedy tokens and the patches of transformers.

make/gemma3_vision.py GOLDEN: the fixture, in that folder of fixtures; the tokenizer and the template are gen-gemma3's. Needs torch and
transformers 5.24. Every parameter is random. The window (12) is less than a prompt and more than an image's tokens (9).
"""
import json
import pathlib
import shutil
import sys

import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Gemma3Config, Gemma3ForConditionalGeneration
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

golden = pathlib.Path(sys.argv[1])
out = golden / "gen-gemma3-vision"
model_folder = out / "model"
model_folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(5)

tokenizer = Tokenizer.from_file(str(golden / "gen-gemma3/model/tokenizer.json"))
tokenizer.add_special_tokens(["<start_of_image>", "<end_of_image>", "<image_soft_token>"])
begin, end, soft = (tokenizer.token_to_id(t) for t in ("<start_of_image>", "<end_of_image>", "<image_soft_token>"))
tokenizer.save(str(model_folder / "tokenizer.json"))
for name in ("chat_template.jinja", "tokenizer_config.json"):
    shutil.copyfile(golden / "gen-gemma3/model" / name, model_folder / name)

# As files of the hub have it: what is Gemma3TextConfig's default is left out of them.
text = {"model_type": "gemma3_text", "hidden_size": 40, "intermediate_size": 64, "num_hidden_layers": 6, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 12, "vocab_size": 484, "query_pre_attn_scalar": 10, "sliding_window": 12,
        "sliding_window_pattern": 3, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}}
vision = {"model_type": "siglip_vision_model", "hidden_size": 24, "intermediate_size": 36, "num_attention_heads": 2,
          "num_hidden_layers": 2, "image_size": 48, "patch_size": 8, "vision_use_head": False}
config = {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "boi_token_index": begin, "eoi_token_index": end,
          "image_token_index": soft, "eos_token_id": [1, 5], "initializer_range": 0.02, "mm_tokens_per_image": 9,
          "torch_dtype": "bfloat16", "transformers_version": "4.50.0.dev0", "text_config": text, "vision_config": vision}
(model_folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
(model_folder / "generation_config.json").write_text(json.dumps({"bos_token_id": 2, "eos_token_id": [1, 5], "pad_token_id": 0}, indent=2) + "\n")
preprocessor = {"do_convert_rgb": None, "do_normalize": True, "do_pan_and_scan": None, "do_rescale": True, "do_resize": True,
                "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "Gemma3ImageProcessor", "image_seq_length": 9,
                "image_std": [0.5, 0.5, 0.5], "pan_and_scan_max_num_crops": None, "pan_and_scan_min_crop_size": None,
                "pan_and_scan_min_ratio_to_activate": None, "processor_class": "Gemma3Processor", "resample": 2,
                "rescale_factor": 0.00392156862745098, "size": {"height": 48, "width": 48}}
(model_folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")

model = Gemma3ForConditionalGeneration(Gemma3Config.from_dict(json.loads(json.dumps(config)))).float().eval()
model.set_attn_implementation("eager")
with torch.no_grad():
    for name, p in model.named_parameters():
        wide = 0.3 if p.dim() > 1 else 0.2
        p.copy_((torch.randn_like(p) * (0.4 if "embed" in name or "position" in name else wide)).bfloat16().float())
        if "layer_norm" in name or "layernorm" in name:  # SigLIP's multiply by w, Gemma's by 1 + w
            if "vision" in name and name.endswith("weight"):
                p.add_(1).copy_(p.bfloat16().float())
model.tie_weights()

names = {"model.language_model.": "language_model.model.", "model.vision_tower.": "vision_tower.",
         "model.multi_modal_projector.": "multi_modal_projector."}
tensors = {}
for name, p in model.state_dict().items():
    if name == "lm_head.weight":
        continue
    for old, new in names.items():
        name = new + name[len(old):] if name.startswith(old) else name
    if name.startswith("vision_tower.") and not name.startswith("vision_tower.vision_model."):
        name = "vision_tower.vision_model." + name[len("vision_tower."):]
    tensors[name] = p.bfloat16().contiguous()
save_file(tensors, model_folder / "model.safetensors", {"format": "pt"})

processor = Gemma3ImageProcessorPil(**{k: v for k, v in preprocessor.items() if v is not None and k != "image_processor_type"})
expected, cases = {}, []


def pixels(name):
    from transformers.image_utils import load_image
    return processor(load_image(str(golden / name)), return_tensors="pt")["pixel_values"].float()


def forward(ids, images, positions=None):
    batch = torch.tensor([ids])
    inputs = {"input_ids": batch, "token_type_ids": (batch == soft).long()}
    if images:
        inputs["pixel_values"] = torch.cat([pixels(i) for i in images])
    with torch.no_grad():
        return model(**inputs).logits[0]


def prompt_of(messages):
    from jinja2 import Environment
    template = (model_folder / "chat_template.jinja").read_text()
    rendered = Environment().from_string(template).render(messages=messages, add_generation_prompt=True, bos_token="<bos>")
    return rendered, rendered.replace("<start_of_image>", "\n\n<start_of_image>" + 9 * "<image_soft_token>" + "<end_of_image>\n\n")


for name in ("blob_small.png", "page.png"):
    key = "pre_" + name.replace(".", "_")
    expected[key + ".pixel_values"] = pixels("images/" + name)[0].contiguous()
    cases.append({"id": key, "task": "image_preprocess", "input": {"image": "images/" + name}, "params": {},
                  "expect": {"pixel_values": {"tensor": key + ".pixel_values"}}, "tolerance": 2e-5})

margins = {}
conversations = {
    "text": ([], "What is the total revenue in the quarterly report?"),
    "one": (["images/blob_small.png"], "red sofa with cats"),
    "two": (["images/gray.png", "images/photo.jpg"], "Revenue grew by 12% in the third quarter."),
}
for key, (images, words) in conversations.items():
    content = [{"type": "image"} for _ in images] + [{"type": "text", "text": words}]
    messages = [{"role": "user", "content": content}]
    prompt, expanded = prompt_of(messages)
    ids = tokenizer.encode(expanded, add_special_tokens=False).ids
    logits = forward(ids, images)
    expected[f"logits_{key}.logits"] = logits.contiguous()
    new, least, row = [], 1e9, logits[-1]
    for _ in range(12):
        best = row.topk(2)
        least = min(least, (best.values[0] - best.values[1]).item())
        new.append(best.indices[0].item())
        if new[-1] in (1, 5):
            break
        row = forward(ids + new, images)[-1]
    margins[key] = round(least, 4)
    given = {"messages": messages, "images": images, "prompt": prompt, "input_ids": ids}
    task = "multimodal_" if images else ""
    cases.append({"id": f"logits_{key}", "task": task + "logits", "input": given, "params": {},
                  "expect": {"logits": {"tensor": f"logits_{key}.logits"}}, "tolerance": 1e-4})
    cases.append({"id": f"gen_{key}", "task": task + "generate", "input": given, "params": {"max_new_tokens": 12},
                  "expect": {"new_ids": new}, "tolerance": 0})

# What the masks are worth: an image seen only backwards, and layers without their window.
batch = torch.tensor([cases[4]["input"]["input_ids"]])
with torch.no_grad():
    causal = model(input_ids=batch, pixel_values=pixels("images/blob_small.png")).logits[0]
notes = {"greedy margins": margins, "causal instead": (causal - expected["logits_one.logits"]).abs().max().item(),
         "logits std": expected["logits_one.logits"].std().item()}
print(notes)
save_file(expected, out / "expected.safetensors")
(out / "cases.json").write_text(json.dumps({"source": "transformers 5.24.0, torch, float32, eager", "notes": str(notes), "cases": cases}, indent=1) + "\n")
