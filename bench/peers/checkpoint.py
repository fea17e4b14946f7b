"""For peers that run the network alone: tokenizing, batches of 32 of about one length, pooling and length 1, as the checkpoint says."""
import json
import pathlib

from peer import Absent

BATCH = 32  # what sentence-transformers takes


def folder_of(model):
    """The folder of a model given by path, or by name in the hub's cache."""
    if pathlib.Path(model).is_dir():
        return pathlib.Path(model)
    from huggingface_hub import snapshot_download
    return pathlib.Path(snapshot_download(model, local_files_only=True))


def graph_of(options):
    """The folder of the converted model, --graph."""
    if not options.graph or not pathlib.Path(options.graph).exists():
        raise Absent(f"there is no converted model at {options.graph or '--graph'}")
    return options.graph


def graph_beside(options, suffix):
    """The file beside --graph FILE.onnx that has this suffix instead."""
    if not options.graph:
        raise Absent("--graph is missing")
    path = pathlib.Path(options.graph).with_suffix(suffix)
    if not path.exists():
        raise Absent(f"there is no converted model at {path}")
    return str(path)


def read_json(path):
    return json.loads(path.read_text(encoding="utf8"))


def pooling_of(folder):
    modes = read_json(folder / "1_Pooling" / "config.json")
    if modes.get("pooling_mode_mean_tokens"):
        return lambda hidden, mask: (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
    if modes.get("pooling_mode_cls_token"):
        return lambda hidden, mask: hidden[:, 0]
    raise Absent(f"{folder}: only mean and CLS pooling are measured")


def embedder(model, network):
    """embed(texts) over `network`(ids, mask) -> hidden states, all of them int64 or float32 arrays of a padded batch."""
    import numpy as np
    from tokenizers import Tokenizer
    folder = folder_of(model)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(read_json(folder / "sentence_bert_config.json")["max_seq_length"])
    tokenizer.enable_padding()
    pool = pooling_of(folder)

    def embed_batch(texts):
        encodings = tokenizer.encode_batch(texts)
        ids = np.array([e.ids for e in encodings], np.int64)
        mask = np.array([e.attention_mask for e in encodings], np.int64)
        pooled = pool(network(ids, mask), mask.astype(np.float32))
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def embed(texts):
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        rows = np.concatenate([embed_batch([texts[i] for i in order[at:at + BATCH]]) for at in range(0, len(order), BATCH)])
        vectors = np.empty_like(rows)
        vectors[order] = rows
        return vectors

    return embed
