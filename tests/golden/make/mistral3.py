"""gen-mistral3, gen-mistral3-text, gen-pixtral: small models like Mistral Small 3.1, Ministral 3 and Pixtral 12B, with the logits, the greedy
tokens and the patches of transformers.

make/mistral3.py GOLDEN: the fixtures, in that folder of fixtures; the tokenizer is gen-mistral-small's, with the tokens of images. Needs
torch, torchvision and transformers 5.24. Every parameter is random. The first has the tensor names of the hub's files and reads images;
the second those that newer versions write, no tower, and the rotations of Ministral 3; the third is the first without merged patches.
"""
import json
import pathlib
import sys

import torch
from jinja2 import Environment
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import LlavaConfig, LlavaForConditionalGeneration, Mistral3Config, Mistral3ForConditionalGeneration
from transformers.image_utils import load_image
from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

golden = pathlib.Path(sys.argv[1])
PATCH = 8
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
preprocessor = {"crop_size": None, "data_format": "channels_first", "default_to_square": True, "do_center_crop": None, "do_convert_rgb": True,
                "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.48145466, 0.4578275, 0.40821073],
                "image_processor_type": "PixtralImageProcessorFast", "image_std": [0.26862954, 0.26130258, 0.27577711],
                "patch_size": {"height": PATCH, "width": PATCH}, "processor_class": "PixtralProcessor", "resample": 3,
                "rescale_factor": 0.00392156862745098, "size": {"longest_edge": 64}}
ROPE = {"beta_fast": 32.0, "beta_slow": 1.0, "factor": 16.0, "llama_4_scaling_beta": 0.1, "max_position_embeddings": 2048, "mscale": 1.0,
        "mscale_all_dim": 1.0, "original_max_position_embeddings": 128, "rope_theta": 10000.0, "rope_type": "yarn", "type": "yarn"}


def write(path, document):
    path.write_text(json.dumps(document, indent=2) + "\n")


def make(name, layers, new_names=False, merge=2):
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
              "multimodal_projector_bias": False, "projector_hidden_act": "gelu", "spatial_merge_size": merge, "text_config": own,
              "torch_dtype": "bfloat16", "transformers_version": "4.50.0.dev0", "vision_config": vision, "vision_feature_layer": -1}
    if new_names:
        del config["vision_config"]
    prepared, tokens = dict(preprocessor), {"image_break_token": "[IMG_BREAK]", "image_end_token": "[IMG_END]", "image_token": "[IMG]",
                                            "patch_size": PATCH, "processor_class": "PixtralProcessor", "spatial_merge_size": merge}
    if merge == 1:  # as the hub has it: heads are not counted, nor is what is not merged
        own.update(num_key_value_heads=8)
        del own["num_attention_heads"], config["multimodal_projector_bias"], config["spatial_merge_size"], tokens["spatial_merge_size"]
        config.update(architectures=["LlavaForConditionalGeneration"], model_type="llava", ignore_index=-100, image_seq_length=1,
                      vision_feature_select_strategy="full")
        prepared["size"] = {"longest_edge": 40}
    write(folder / "config.json", config)
    write(folder / "generation_config.json", {"bos_token_id": bos, "eos_token_id": eos})
    if not new_names:
        write(folder / "preprocessor_config.json", prepared)
        write(folder / "processor_config.json", tokens)

    reference = {**json.loads(json.dumps(config)), "vision_config": dict(vision), "tie_word_embeddings": False}
    if merge == 1:
        model = LlavaForConditionalGeneration(LlavaConfig.from_dict(reference)).float().eval()
    else:
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

    processor = PixtralImageProcessorPil(**{k: v for k, v in prepared.items() if v is not None and k not in ("image_processor_type", "data_format")})
    expected, cases, notes = {}, [], {}

    def pixels(image):
        made = processor(load_image(str(golden / image)), return_tensors="pt", patch_size=PATCH * merge)
        return made["pixel_values"].float()[0], tuple(int(side) for side in made["image_sizes"][0])

    def forward(ids, images):
        inputs = {"input_ids": torch.tensor([ids])}
        if images:
            read = [pixels(i) for i in images]
            height, width = (max(size[axis] for _, size in read) for axis in (0, 1))
            inputs["pixel_values"] = torch.stack(
                [torch.nn.functional.pad(p, (0, width - p.shape[2], 0, height - p.shape[1])) for p, _ in read])
            inputs["image_sizes"] = torch.tensor([size for _, size in read])
        with torch.no_grad():
            return model(**inputs).logits[0]

    for image in () if new_names else ("blob_small.png", "wide.png", "tiny_1x1.png"):
        key = "pre_" + image.replace(".", "_")
        expected[key + ".pixel_values"] = pixels("images/" + image)[0].contiguous()
        cases.append({"id": key, "task": "image_preprocess", "input": {"image": "images/" + image}, "params": {},
                      "expect": {"pixel_values": {"tensor": key + ".pixel_values"}}, "tolerance": 2e-5})

    conversations = {"text": ([], "What is the total revenue in the quarterly report?")}
    if new_names:
        conversations = {"one": conversations["text"], "two": ([], "red sofa with cats")}
    else:
        conversations["one"] = (["images/blob_small.png"], "red sofa with cats")
        conversations["two"] = (["images/wide.png", "images/photo.jpg"], "Revenue grew by 12% in the third quarter.")
    for key, (images, words) in conversations.items():
        messages = [{"role": "user", "content": [{"type": "image"} for _ in images] + [{"type": "text", "text": words}]}]
        prompt = Environment().from_string(TEMPLATE).render(messages=messages, bos_token="<s>", eos_token="</s>")
        expanded, at = prompt, 0
        for image in images:
            height, width = (side // (PATCH * merge) for side in pixels(image)[1])
            rows = "[IMG_BREAK]".join(["[IMG]" * width] * height) + "[IMG_END]"
            at = expanded.index("[IMG]", at)
            expanded = expanded[:at] + rows + expanded[at + 5:]
            at += len(rows)
        ids = tokenizer.encode(expanded, add_special_tokens=False).ids
        logits = forward(ids, images)
        expected[f"logits_{key}.logits"] = logits.contiguous()
        new, least, row = [], 1e9, logits[-1]
        for _ in range(12):
            best = row.topk(2)
            least = min(least, (best.values[0] - best.values[1]).item())
            new.append(best.indices[0].item())
            if new[-1] == eos:
                break
            row = forward(ids + new, images)[-1]
        notes[key] = {"greedy margin": round(least, 4), "logits std": round(logits.std().item(), 3), "tokens": len(ids)}
        given = {"messages": messages, "images": images, "prompt": prompt, "input_ids": ids}
        task = "multimodal_" if images else ""
        cases.append({"id": f"logits_{key}", "task": task + "logits", "input": given, "params": {},
                      "expect": {"logits": {"tensor": f"logits_{key}.logits"}}, "tolerance": 1e-4})
        cases.append({"id": f"gen_{key}", "task": task + "generate", "input": given, "params": {"max_new_tokens": 12},
                      "expect": {"new_ids": new}, "tolerance": 0})
    print(name, notes)
    save_file(expected, golden / name / "expected.safetensors")
    (golden / name / "cases.json").write_text(
        json.dumps({"source": "transformers 5.24.0, torch, float32, eager", "notes": str(notes), "cases": cases}, indent=1) + "\n")


make("gen-mistral3", 3)
make("gen-mistral3-text", 1, new_names=True)
make("gen-pixtral", 1, merge=1)
