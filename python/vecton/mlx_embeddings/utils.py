"""mlx_embeddings.utils: load and convert."""
from __future__ import annotations

import json
import os
import pathlib
import warnings
from typing import Any

from vecton import _core
from vecton.engine import Engine, engine_options
from vecton.errors import NotFound, Unsupported
from vecton.mlx_embeddings.dual_encoder import DualEncoder
from vecton.mlx_embeddings.model import Model
from vecton.mlx_embeddings.processor import Processor, compares_images
from vecton.mlx_embeddings.registry import SUPPORTED_MODELS, resolve_model_reference

__all__ = ["SUPPORTED_MODELS", "ModelNotFoundError", "convert", "load", "load_config", "load_model", "load_tokenizer"]


class ModelNotFoundError(Exception):
    """No such model on the hub."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


def _folder(name: str, revision: str | None = None) -> pathlib.Path:
    try:
        return pathlib.Path(_core.resolve(engine_options(resolve_model_reference(name), {"revision": revision})))
    except NotFound as error:
        if os.path.isdir(name) or "/" not in name or name.startswith((".", "/")):
            raise
        raise ModelNotFoundError(f"Model not found for path or HF repo: {name}.\n{error}") from error


def load_config(model_path: str | os.PathLike[str]) -> dict[str, Any]:
    file = pathlib.Path(model_path) / "config.json"
    if not file.exists():
        raise FileNotFoundError(f"Config file not found in {model_path}")
    return json.loads(file.read_text())


def load(path_or_hf_repo: str, tokenizer_config: dict[str, Any] | None = None, model_config: dict[str, Any] | None = None,
         adapter_path: str | None = None, lazy: bool = False, trust_remote_code: bool = False, **engine: Any) -> list[Any]:
    """[model, tokenizer]. No code of a checkpoint is ever run, whatever trust_remote_code says. Further arguments are vecton.Engine's."""
    if adapter_path is not None:
        raise ValueError("adapter_path: give the folder of the adapter as the model")
    for name in tokenizer_config or {}:
        if name not in ("trust_remote_code", "padding_side"):
            raise ValueError(f"tokenizer_config: {name!r} is not taken; the checkpoint's files are read as they are")
    folder = _folder(path_or_hf_repo)
    config = {**load_config(folder), **(model_config or {})}
    if model_config:
        engine["hf_overrides"] = model_config
    try:
        whole = Engine(folder, **engine)
        # BGE-M3's vectors of tokens, which come with sparse ones, are a head's as well.
        heads = {"classify", "token_classify", "fill_mask", "sparse_embed"} & set(whole.tasks)
        backbone = None
        if heads:
            with warnings.catch_warnings():
                backbone = Engine(folder, convert="embed", **engine)
    except Unsupported as error:
        known = ", ".join(sorted(SUPPORTED_MODELS))
        raise ValueError(f"Model type '{config.get('model_type')}' not supported. Supported models: {known}, and more. {error}") from error
    if compares_images(whole):
        return [DualEncoder(whole, None, config), Processor(whole)]
    return [Model(whole, backbone, config), Processor(whole) if whole.info.images else whole.tokenizer]


def load_model(model_path: str | os.PathLike[str], lazy: bool = False, **how: Any) -> Any:
    return load(os.fspath(model_path), **how)[0]


def load_tokenizer(model_path: str | os.PathLike[str], tokenizer_config_extra: dict[str, Any] | None = None) -> Any:
    from vecton.tokenizer import Tokenizer

    return Tokenizer.open(os.fspath(model_path))


def convert(hf_path: str, mlx_path: str = "mlx_model", quantize: bool = False, q_group_size: int | None = None, q_bits: int | None = None,
            q_mode: str = "affine", dtype: str | None = None, upload_repo: str | None = None, revision: str | None = None,
            dequantize: bool = False, skip_vision: bool = True, trust_remote_code: bool = True) -> None:
    """Writes a checkpoint in MLX's layout, by the native program. A size that is not given is the mode's own."""
    from vecton.program import call

    if quantize and dequantize:
        raise ValueError("Choose either quantize or dequantize, not both.")
    if upload_repo is not None:
        raise ValueError("upload_repo: Vecton uploads nothing; take the tools of the hub")
    arguments = ["convert", resolve_model_reference(hf_path), "--mlx-path", os.fspath(mlx_path), "--layout", "mlx-embeddings"]
    for name, value in (("--q-group-size", q_group_size), ("--q-bits", q_bits), ("--dtype", dtype), ("--revision", revision)):
        if value is not None:
            arguments += [name, str(value)]
    if quantize:
        arguments += ["--quantize", "--q-mode", q_mode]
    if dequantize:
        arguments.append("--dequantize")
    done = call(arguments, capture_output=True)
    if done.returncode:
        raise ValueError(done.stderr.strip().removeprefix("vecton: error: "))
