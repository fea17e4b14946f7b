#!/usr/bin/env python3
"""packed_memory.py VECTON FOLDER [FORM...]: how much memory a model of Qwen3-0.6B's size takes in each quantised form, beside its file.

Random weights; MLX's forms are made by `vecton convert`, GGUF's of random blocks. Memory is what `vecton serve` has of its own after opening the model beyond
what it has beside any, and the tables that stay in mapped files, as if every row had been read. Needs numpy and the gguf package.
"""
import json
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

import gguf
import numpy as np

MLX = {"mlx-affine-8": ["--q-bits", "8"], "mlx-affine-6": ["--q-bits", "6"], "mlx-affine-5": ["--q-bits", "5"], "mlx-affine-4": ["--q-bits", "4"],
       "mlx-affine-3": ["--q-bits", "3"], "mlx-affine-2": ["--q-bits", "2"], "mxfp4": ["--q-mode", "mxfp4"], "nvfp4": ["--q-mode", "nvfp4"],
       "mxfp8": ["--q-mode", "mxfp8"]}
GGUF = ["Q8_0", "Q6_K", "Q5_K", "Q5_1", "Q5_0", "Q4_K", "Q4_1", "Q4_0", "IQ4_NL", "IQ4_XS", "MXFP4", "Q3_K", "Q2_K", "TQ2_0", "TQ1_0"]
# Where blocks have float16 numbers, which are to be finite.
HALVES = {"Q8_0": [0], "Q6_K": [208], "Q5_K": [0, 2], "Q5_1": [0, 2], "Q5_0": [0], "Q4_K": [0, 2], "Q4_1": [0, 2], "Q4_0": [0], "IQ4_NL": [0],
          "IQ4_XS": [0], "MXFP4": [], "Q3_K": [108], "Q2_K": [80, 82], "TQ2_0": [64], "TQ1_0": [52]}
LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD, MLP, WORDS = 28, 1024, 16, 8, 128, 3072, 151669


def blocks(form, rows, columns, random):
    kind = gguf.GGMLQuantizationType[form]
    numbers, size = gguf.GGML_QUANT_SIZES[kind]
    made = random.integers(0, 256, (rows * columns // numbers, size), np.uint8)
    for place in HALVES[form]:
        made[:, place:place + 2] = np.frombuffer(np.float16(2 ** -12).tobytes(), np.uint8)
    if form == "MXFP4":
        made[:, 0] = 120
    return made.reshape(rows, columns // numbers * size), kind


def write_gguf(path, form):
    random = np.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_feed_forward_length(MLP)
    writer.add_context_length(32768)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_pooling_type(gguf.PoolingType.LAST)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(["t", "1", "t1"] + [f"<{i}>" for i in range(3, WORDS)])
    writer.add_token_merges(["t 1"])

    def matrix(name, rows, columns):
        made, kind = blocks(form, rows, columns, random)
        writer.add_tensor(name + ".weight", made, raw_dtype=kind)

    def norm(name, size):
        writer.add_tensor(name + ".weight", np.ones(size, np.float32))

    matrix("token_embd", WORDS, HIDDEN)
    norm("output_norm", HIDDEN)
    for i in range(LAYERS):
        for name, rows, columns in (("attn_q", HEADS * HEAD, HIDDEN), ("attn_k", KV_HEADS * HEAD, HIDDEN), ("attn_v", KV_HEADS * HEAD, HIDDEN),
                                    ("attn_output", HIDDEN, HEADS * HEAD), ("ffn_gate", MLP, HIDDEN), ("ffn_up", MLP, HIDDEN), ("ffn_down", HIDDEN, MLP)):
            matrix(f"blk.{i}.{name}", rows, columns)
        for name, size in (("attn_norm", HIDDEN), ("ffn_norm", HIDDEN), ("attn_q_norm", HEAD), ("attn_k_norm", HEAD)):
            norm(f"blk.{i}.{name}", size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def resident(vecton, model):
    """Bytes of the process after opening, and seconds until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.time()
    server = subprocess.Popen([vecton, "serve", model, "--host", "127.0.0.1", "--port", str(port), "--convert", "embed"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health")
                break
            except (urllib.error.URLError, ConnectionError):
                if server.poll() is not None:
                    raise SystemExit(server.stderr.read())
                time.sleep(0.02)
        seconds = time.time() - start
        lines = pathlib.Path(f"/proc/{server.pid}/status").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")) + mapped_tables(model), seconds
    finally:
        server.terminate()
        server.wait()


def mapped_tables(model):
    """Bytes of tables in safetensors files: GGUF's are taken apart into memory."""
    if not model.is_dir():
        return 0
    total = 0
    for file in model.glob("*.safetensors"):
        with open(file, "rb") as opened:
            header = json.loads(opened.read(struct.unpack("<Q", opened.read(8))[0]))
        for name, tensor in header.items():
            if "embed" in name and "LayerNorm" not in name:
                total += tensor["data_offsets"][1] - tensor["data_offsets"][0]
    return total


def size_of(model):
    return model.stat().st_size if model.is_file() else sum(file.stat().st_size for file in model.glob("*.safetensors"))


def make(vecton, folder, form):
    if form in MLX:
        target = folder / form
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run([vecton, "convert", folder / "floats", "-q", *MLX[form], "--mlx-path", target, "--dtype", "bfloat16"], check=True, capture_output=True)
        return target
    target = folder / f"{form}.gguf"
    write_gguf(target, form)
    return target


def main(vecton, folder, forms):
    folder = pathlib.Path(folder)
    scripts = pathlib.Path(__file__).parent
    for name, kind in (("floats", "qwen3-0.6b"), ("small", "minilm")):
        if not (folder / name / "config.json").exists():
            subprocess.run([sys.executable, scripts / "make_random_model.py", kind, folder / name], check=True, capture_output=True)
    bare = resident(vecton, folder / "small")[0] - size_of(folder / "small")
    print(f"beside the weights: {bare / 1e6:.0f} MB")
    for form in forms or [*MLX, *GGUF]:
        model = make(vecton, folder, form)
        memory, seconds = resident(vecton, model)
        stored = size_of(model)
        print(f"| {form} | {stored / 1e6:.0f} | {(memory - bare) / 1e6:.0f} | {(memory - bare) / stored:.2f} | {seconds:.2f} |", flush=True)
        shutil.rmtree(model) if model.is_dir() else model.unlink()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
