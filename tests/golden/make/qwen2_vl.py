"""gen-qwen2-vl and colqwen2: a small Qwen2-VL with the logits, greedy tokens and patches of transformers, and ColQwen2 made of another.

make/qwen2_vl.py GOLDEN: the two fixtures, in that folder of fixtures; the tokenizer is colqwen2.5's. Needs torch and transformers 5.24.
Every parameter is random. gen-qwen2-vl is as the first files of the hub have it (flat config.json, names without "model.language_model."),
colqwen2 as transformers saves ColQwen2ForRetrieval; its vectors have the positions that Qwen2-VL gives images, in which it was trained.
"""
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration
from transformers.image_utils import load_image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

golden = pathlib.Path(sys.argv[1])
torch.manual_seed(11)
IMAGE, START, END = 468, 465, 466
TOKENIZER = golden / "colqwen2.5/model"
TEMPLATE = ("{%- for m in messages -%}{{- '<|im_start|>' + m['role'] + '\\n' -}}{%- if m['content'] is string -%}{{- m['content'] -}}{%- else -%}"
            "{%- for c in m['content'] -%}{%- if c['type'] == 'image' -%}{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}{%- else -%}"
            "{{- c['text'] -}}{%- endif -%}{%- endfor -%}{%- endif -%}{{- '<|im_end|>\\n' -}}{%- endfor -%}"
            "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}")
PREPROCESSOR = {"image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor", "min_pixels": 1024, "max_pixels": 10240,
                "patch_size": 8, "temporal_patch_size": 2, "merge_size": 2, "image_mean": [0.48145466, 0.4578275, 0.40821073],
                "image_std": [0.26862954, 0.26130258, 0.27577711]}
TEXT = {"hidden_size": 48, "intermediate_size": 72, "num_hidden_layers": 3, "num_attention_heads": 3, "num_key_value_heads": 1,
        "vocab_size": 470, "max_position_embeddings": 1024, "max_window_layers": 3, "rms_norm_eps": 1e-6, "hidden_act": "silu",
        "rope_theta": 9000.0, "rope_scaling": {"type": "mrope", "mrope_section": [3, 3, 2]}, "use_sliding_window": False,
        "sliding_window": 32768, "attention_dropout": 0.0, "use_cache": True, "initializer_range": 0.02}
VISION = {"depth": 3, "embed_dim": 32, "mlp_ratio": 3, "num_heads": 2, "in_chans": 3, "hidden_size": 48, "patch_size": 8,
          "spatial_merge_size": 2, "spatial_patch_size": 8, "temporal_patch_size": 2}
IDS = {"bos_token_id": 456, "eos_token_id": 458, "vision_start_token_id": START, "vision_end_token_id": END, "image_token_id": IMAGE,
       "video_token_id": 469}

tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
processor = Qwen2VLImageProcessorPil(**{k: v for k, v in PREPROCESSOR.items() if not k.endswith(("_type", "_class"))})


def made():
    config = Qwen2VLConfig(**json.loads(json.dumps({**TEXT, **IDS, "vision_config": {**VISION, "model_type": "qwen2_vl"}})))
    model = Qwen2VLForConditionalGeneration(config).float().eval()
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * (0.35 if p.dim() > 1 else 0.2))
            if "norm" in name and name.endswith("weight") or name.endswith("ln_q.weight"):
                p.add_(1)
            p.copy_(p.bfloat16().float())
    return model


def pixels(name):
    got = processor([load_image(str(golden / name))], return_tensors="pt")
    return got["pixel_values"].float(), got["image_grid_thw"]


def inputs_of(prompt, images):
    parts, values, grids = prompt.split("<|image_pad|>"), [], []
    expanded = parts[0]
    for name, after in zip(images, parts[1:], strict=True):
        value, grid = pixels(name)
        values.append(value)
        grids.append(grid)
        expanded += "<|image_pad|>" * (int(grid.prod()) // 4) + after
    ids = tokenizer.encode(expanded, add_special_tokens=False).ids
    batch = {"input_ids": torch.tensor([ids])}
    batch["mm_token_type_ids"] = (batch["input_ids"] == IMAGE).int()
    if images:
        batch["pixel_values"], batch["image_grid_thw"] = torch.cat(values), torch.cat(grids)
    return ids, batch


def positions_of(model, batch):
    more = {k: batch[k] for k in ("image_grid_thw", "mm_token_type_ids") if k in batch}
    return model.model.get_rope_index(batch["input_ids"], **more)[0][:, 0].contiguous()


def preprocess_cases(names, expected):
    cases = []
    for name in names:
        key = "pre_" + name.replace(".", "_")
        value, grid = pixels("images/" + name)
        expected[key + ".pixel_values"], expected[key + ".image_grid_thw"] = value.contiguous(), grid.contiguous()
        cases.append({"id": key, "task": "image_preprocess", "input": {"image": "images/" + name}, "params": {},
                      "expect": {k: {"tensor": f"{key}.{k}"} for k in ("pixel_values", "image_grid_thw")}, "tolerance": 2e-5})
    return cases


def features_case(model, name, expected):
    value, grid = pixels(name)
    with torch.no_grad():
        expected["vis.merged"] = model.model.visual(value, grid_thw=grid).pooler_output.contiguous()
    return {"id": "vis", "task": "image_features", "input": {"image": name, "image_grid_thw": grid.tolist()}, "params": {},
            "expect": {"merged": {"tensor": "vis.merged"}}, "tolerance": 1e-4}


def write(name, config, tensors, cases, expected, notes, more):
    folder = golden / name / "model"
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(TOKENIZER / file, folder / file)
    for file, content in {"config.json": config, "preprocessor_config.json": PREPROCESSOR, **more}.items():
        (folder / file).write_text(content if isinstance(content, str) else json.dumps(content, indent=2) + "\n")
    save_file({k: v.bfloat16().contiguous() for k, v in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    save_file(expected, folder.parent / "expected.safetensors")
    document = {"source": "transformers 5.24.0, torch, float32, eager", "notes": str(notes), "cases": cases}
    (folder.parent / "cases.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(name, notes)


def generating():
    model, expected, notes = made(), {}, {}
    model.lm_head.weight.data = (torch.randn_like(model.lm_head.weight) * 0.35).bfloat16().float()
    cases = preprocess_cases(("blob_small.png", "gray.png"), expected)
    cases.append(features_case(model, "images/blob_small.png", expected))
    for key, images, words in (("text", [], "What is the total revenue?"), ("one", ["images/blob_small.png"], "What is it?"),
                               ("two", ["images/tiny_1x1.png", "images/gray.png"], "Compare.")):
        content = [{"type": "image"} for _ in images] + [{"type": "text", "text": words}]
        pictures = "<|vision_start|><|image_pad|><|vision_end|>" * len(images)
        prompt = f"<|im_start|>user\n{pictures}{words}<|im_end|>\n<|im_start|>assistant\n"
        ids, batch = inputs_of(prompt, images)
        with torch.no_grad():
            logits = model(**batch).logits[0]
        new, least, row = [], 1e9, logits[-1]
        for _ in range(10):
            best = row.topk(2)
            least = min(least, (best.values[0] - best.values[1]).item())
            new.append(best.indices[0].item())
            if new[-1] == IDS["eos_token_id"]:
                break
            longer = {**batch, "input_ids": torch.tensor([ids + new])}
            longer["mm_token_type_ids"] = (longer["input_ids"] == IMAGE).int()
            with torch.no_grad():
                row = model(**longer).logits[0, -1]
        notes[f"margin {key}"] = round(least, 4)
        expected[f"logits_{key}.logits"] = logits.contiguous()
        expected[f"logits_{key}.position_ids"] = positions_of(model, batch)
        given = {"messages": [{"role": "user", "content": content}], "images": images, "prompt": prompt, "input_ids": ids}
        task = "multimodal_" if images else ""
        cases.append({"id": f"logits_{key}", "task": task + "logits", "input": given, "params": {}, "tolerance": 1e-4,
                      "expect": {k: {"tensor": f"logits_{key}.{k}"} for k in ("logits", "position_ids")}})
        cases.append({"id": f"gen_{key}", "task": task + "generate", "input": given, "params": {"max_new_tokens": 10},
                      "expect": {"new_ids": new}, "tolerance": 0})
    config = {"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", **TEXT, **IDS, "tie_word_embeddings": False,
              "torch_dtype": "bfloat16", "transformers_version": "4.41.2", "vision_config": VISION}
    names = {"model.language_model.": "model.", "model.visual.": "visual."}
    tensors = {}
    for name, p in model.state_dict().items():
        for old, new in names.items():
            name = new + name[len(old):] if name.startswith(old) else name
        tensors[name] = p
    ends = {"bos_token_id": 456, "eos_token_id": [458, 456], "pad_token_id": 456}
    write("gen-qwen2-vl", config, tensors, cases, expected, notes, {"chat_template.jinja": TEMPLATE, "generation_config.json": ends})


def retrieving():
    model, expected, notes = made(), {}, {}
    projection = torch.nn.Linear(TEXT["hidden_size"], 12)
    with torch.no_grad():
        for p in projection.parameters():
            p.copy_((torch.randn_like(p) * 0.3).bfloat16().float())
    cases = preprocess_cases(("blob_small.png",), expected)
    cases.append(features_case(model, "images/blob_small.png", expected))
    page = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|><|endoftext|>"
    query = "What is the total revenue?"
    for key, text, prompt, images in (("q", query, f"Query: {query}" + "<|endoftext|>" * 10 + "\n", []),
                                      ("d", None, page, ["images/blob_small.png"])):
        ids, batch = inputs_of(prompt, images)
        with torch.no_grad():
            rows = projection(model.model(**batch).last_hidden_state[0])
            flat = projection(model.model(**batch, position_ids=torch.arange(len(ids)).expand(3, 1, -1)).last_hidden_state[0])
        rows, flat = rows / rows.norm(dim=-1, keepdim=True), flat / flat.norm(dim=-1, keepdim=True)
        notes[f"positions of a text instead, {key}"] = round((rows - flat).abs().max().item(), 4)
        expected[f"{key}.token_embed"], expected[f"{key}.position_ids"] = rows.contiguous(), positions_of(model, batch)
        given = {"text": text} if text else {"image": images[0], "image_grid_thw": batch["image_grid_thw"].tolist()}
        cases.append({"id": key, "task": "multimodal_token_embed", "input": {**given, "prompt": prompt, "input_ids": ids},
                      "params": {"is_query": not images}, "tolerance": 1e-4,
                      "expect": {k: {"tensor": f"{key}.{k}"} for k in ("token_embed", "position_ids")}})
    inner = {"architectures": ["Qwen2VLModel"], "model_type": "qwen2_vl", **IDS, "tie_word_embeddings": True,
             "text_config": {**TEXT, "model_type": "qwen2_vl_text"}, "vision_config": {**VISION, "model_type": "qwen2_vl"}}
    config = {"architectures": ["ColQwen2ForRetrieval"], "model_type": "colqwen2", "embedding_dim": 12, "initializer_range": 0.02,
              "torch_dtype": "bfloat16", "transformers_version": "4.53.0", "vlm_config": inner}
    tensors = {"vlm." + k: v for k, v in model.state_dict().items() if k != "lm_head.weight"}
    tensors.update({"embedding_proj_layer." + k: v for k, v in projection.state_dict().items()})
    write("colqwen2", config, tensors, cases, expected, notes, {})


generating()
retrieving()
