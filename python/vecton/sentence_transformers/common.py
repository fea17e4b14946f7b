"""What the encoders share: constructor arguments, prompts, batches."""
from __future__ import annotations

import logging
import os
import urllib.parse
import warnings
from typing import Any

from vecton.engine import Engine
from vecton.pictures import has_pictures

logger = logging.getLogger("vecton.sentence_transformers")

BACKENDS = ("torch", "onnx", "openvino")
IMAGE_FILES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")

# What sentence-transformers' classes have beside what is here, and why it is not.
ABSENT = {
    "Vecton computes with models; it does not train them": (
        "fit", "old_fit", "add_adapter", "load_adapter", "set_adapter", "delete_adapter", "enable_adapters", "disable_adapters",
        "active_adapter", "active_adapters", "get_adapter_state_dict", "gradient_checkpointing_enable", "parameters", "named_parameters",
        "state_dict", "load_state_dict", "smart_batching_collate", "zero_grad"),
    "the layers of a model are not reached from Python": (
        "append", "extend", "insert", "pop", "merge", "modules", "children", "forward", "transformers_model", "model", "preprocess",
        "set_pooling_include_prompt", "compile"),
    "Vecton does not write to the model hub": ("push_to_hub", "save_to_hub"),
}


def model_name(name: str | os.PathLike[str], organisation: str = "sentence-transformers") -> str:
    """A bare name is one of the organisation's."""
    name = os.fspath(name)
    return name if "/" in name or os.path.exists(name) else f"{organisation}/{name}"


class Encoder:
    """A model by name, with the settings that scripts read and set."""

    def __init__(self, model_name_or_path: str | os.PathLike[str] | None = None, *, modules: Any = None, device: Any = None,
                 prompts: dict[str, str] | None = None, default_prompt_name: str | None = None, cache_folder: str | None = None,
                 trust_remote_code: bool = False, revision: str | None = None, local_files_only: bool = False,
                 token: str | bool | None = None, use_auth_token: str | bool | None = None, model_kwargs: dict[str, Any] | None = None,
                 processor_kwargs: dict[str, Any] | None = None, tokenizer_kwargs: dict[str, Any] | None = None,
                 config_kwargs: dict[str, Any] | None = None, model_card_data: Any = None, backend: str = "torch",
                 similarity_fn_name: Any = None, truncate_dim: int | None = None, threads: int | None = None,
                 engine: Engine | None = None) -> None:
        if modules is not None:
            raise ValueError("modules: Vecton reads the modules of the checkpoint; it takes none made in Python")
        if model_name_or_path is None:
            raise ValueError("model_name_or_path: a model is named, or its folder")
        self._check_device(device)
        if backend not in BACKENDS:
            raise ValueError(f"backend must be {', '.join(BACKENDS)}, found {backend!r}")
        self.backend = backend  # of which none is used: Vecton reads the checkpoint itself
        options: dict[str, Any] = {"revision": revision, "cache": cache_folder, "threads": threads}
        options["token"] = next((t for t in (token, use_auth_token) if isinstance(t, str)), None)
        if local_files_only:
            options["offline"] = True
        settings = dict(model_kwargs or {})
        dtype = settings.pop("torch_dtype", None) or settings.pop("dtype", None)
        if dtype is not None:
            options["dtype"] = str(dtype).removeprefix("torch.")
        for name in settings:
            if name not in ("attn_implementation", "device_map", "low_cpu_mem_usage", "use_safetensors", "provider", "file_name", "export"):
                raise ValueError(f"model_kwargs: {name!r} has no meaning here; torch_dtype has")
        for name, given in (("processor_kwargs", processor_kwargs or tokenizer_kwargs), ("config_kwargs", config_kwargs)):
            for key in given or {}:
                if not (name == "processor_kwargs" and key in ("model_max_length", "padding_side", "use_fast")):
                    raise ValueError(f"{name}: {key!r} is not taken; the checkpoint's files are read as they are")
        limit = (processor_kwargs or tokenizer_kwargs or {}).get("model_max_length")
        self.engine = engine or Engine(model_name(model_name_or_path), **options)
        self.max_seq_length: int | None = limit or self.engine.info.max_model_len
        self.prompts: dict[str, str] = {"query": "", "document": "", **self.engine.info.prompts, **(prompts or {})}
        if default_prompt_name is None:
            default_prompt_name = self.engine.info.default_prompt_name
        if default_prompt_name is not None and default_prompt_name not in self.prompts:
            raise ValueError(f"Default prompt name '{default_prompt_name}' not found in the configured prompts dictionary with keys "
                             f"{list(self.prompts)!r}.")
        self.default_prompt_name = default_prompt_name
        self.truncate_dim = truncate_dim
        self.model_card_data = model_card_data
        self._similarity = None if similarity_fn_name is None else str(getattr(similarity_fn_name, "value", similarity_fn_name))

    @staticmethod
    def _check_device(device: Any) -> None:
        name = "cpu" if device is None else str(device)
        if not name.startswith("cpu"):
            warnings.warn(f"device {name!r}: Vecton computes on the processor", stacklevel=3)

    @property
    def modalities(self) -> list[str]:
        return ["text", "image"] if self.engine.info.images else ["text"]

    def supports(self, modality: Any) -> bool:
        """Whether inputs may be of a modality, or of several together."""
        return {modality} <= set(self.modalities) if isinstance(modality, str) else set(modality) <= set(self.modalities)

    # What torch modules have.

    @property
    def device(self) -> Any:
        import sys

        torch = sys.modules.get("torch")
        return torch.device("cpu") if torch is not None and hasattr(torch, "device") else "cpu"

    @property
    def tokenizer(self) -> Any:
        return self.engine.tokenizer

    def tokenize(self, texts: Any, **how: Any) -> Any:
        return self.tokenizer(list(texts), padding=True, truncation=True, max_length=self.max_seq_length, return_tensors="pt", **how)

    def get_max_seq_length(self) -> int | None:
        return self.max_seq_length

    def to(self, device: Any = None, *_: Any, **__: Any) -> Any:
        self._check_device(device)
        return self

    def eval(self) -> Any:
        return self

    def train(self, mode: bool = True) -> Any:
        if mode:
            raise NotImplementedError("Vecton computes with models; it does not train them")
        return self

    def half(self) -> Any:
        return self

    def float(self) -> Any:
        return self

    def bfloat16(self) -> Any:
        return self

    def cpu(self) -> Any:
        return self

    def get_backend(self) -> str:
        return self.backend

    def get_model_kwargs(self) -> list[str]:
        """Further keywords of encode(): none."""
        return []

    def is_singular_input(self, inputs: Any) -> bool:
        """Whether inputs are one, not a batch."""
        from vecton.texts import as_list

        return as_list(inputs, "inputs")[1]

    def evaluate(self, evaluator: Any, output_path: str | None = None) -> Any:
        """What an evaluator, which is called with this model, says of it."""
        if output_path is not None:
            os.makedirs(output_path, exist_ok=True)
        return evaluator(self, output_path)

    def __getattr__(self, name: str) -> Any:
        for reason, names in ABSENT.items():
            if name in names:
                raise AttributeError(f"{type(self).__name__} has no {name}: {reason}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # Several processes: the engine uses every core already.

    def start_multi_process_pool(self, target_devices: list[str] | None = None) -> dict[str, Any]:
        return {"input": None, "output": None, "processes": []}

    @staticmethod
    def stop_multi_process_pool(pool: dict[str, Any]) -> None:
        pool["processes"] = []

    def save_pretrained(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("Vecton does not write sentence-transformers checkpoints; the model's own files are in " + self.engine.info.folder)

    save = save_pretrained

    def close(self) -> None:
        self.engine.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.engine.info.name!r}, {self.engine.info.architecture})"

    # Prompts.

    def _prompt(self, prompt_name: str | None, prompt: str | None) -> str:
        """The text put before each input."""
        if prompt is not None:
            if prompt_name is not None:
                logger.warning("Provide prompt or prompt_name, not both: prompt is used, prompt_name is ignored")
            return prompt
        if prompt_name is None:
            prompt_name = self.default_prompt_name
        if prompt_name is None:
            return ""
        if prompt_name not in self.prompts:
            raise ValueError(f"Prompt name '{prompt_name}' not found in the configured prompts dictionary with keys {list(self.prompts)!r}.")
        return self.prompts[prompt_name]

    def _query_prompt_name(self, prompt_name: str | None, prompt: str | None) -> str | None:
        return "query" if prompt_name is None and prompt is None else prompt_name

    def _document_prompt_name(self, prompt_name: str | None, prompt: str | None) -> str | None:
        if prompt_name is not None or prompt is not None:
            return prompt_name
        return next((name for name in ("document", "passage", "corpus") if self.prompts.get(name)), "document")

    def _how(self, prompt: str, role: str | None = None) -> dict[str, Any]:
        # What reads images has an instruction of its own where there is no prompt.
        return {"prompt": prompt or (None if self.engine.info.images else ""), "role": role if self.engine.info.roles else None, "truncate": self.max_seq_length or True}

    def _bar(self, show: bool | None) -> Any:
        if show is None:
            show = logger.getEffectiveLevel() in (logging.INFO, logging.DEBUG)
        return bool(show)


def take_inputs(inputs: Any, kwargs: dict[str, Any], allowed: tuple[str, ...] = ()) -> Any:
    """The inputs, which older versions called `sentences`; other unknown arguments are an error."""
    if "sentences" in kwargs:
        old = kwargs.pop("sentences")
        if inputs is not None:
            raise ValueError("give inputs or sentences, not both")
        logger.warning("The argument sentences is now called inputs")
        inputs = old
    unknown = [name for name in kwargs if name not in allowed]
    if unknown:
        raise ValueError(f"encode() has been called with additional keyword arguments that this model does not use: {unknown}")
    if inputs is None:
        raise TypeError("encode() needs inputs")
    return inputs


def as_batch(inputs: Any, engine: Engine) -> tuple[list[Any], bool]:
    """Inputs as the engine takes them, and whether it was one that is not in a list."""
    from vecton.texts import as_list

    found, single = as_list(inputs, "inputs")
    if all(type(one) is str for one in found) and not engine.info.images:
        return found, single
    return [as_input(one, engine, f"inputs[{i}]") for i, one in enumerate(found)], single


def as_input(value: Any, engine: Engine, where: str) -> Any:
    """Of a model that reads images a text that names one is one, as sentence-transformers takes it."""
    if isinstance(value, str):
        return {"image": value} if engine.info.images and _names_image(value) else value
    if isinstance(value, dict):
        if "role" in value:
            raise ValueError(f"{where}: messages are not taken: give a text, an image, or {{\"text\": ..., \"image\": ...}}")
        other = [str(name) for name in value if name not in ("text", "image")]
        if other:
            raise ValueError(f"{where}: Multimodal dict input contains unrecognized modality keys: {sorted(other)}. Expected keys from: "
                             "['image', 'text']")
        if "image" not in value:
            return value.get("text")
    if not engine.info.images and has_pictures(value):
        raise ValueError(f"{where}: Modality 'image' is not supported by this model. Supported modalities: ['text']")
    return value


def _names_image(text: str) -> bool:
    if text.startswith("data:image/"):
        return True
    url = text.startswith(("http://", "https://")) and " " not in text
    end = urllib.parse.urlparse(text).path if url else text
    return end.lower().endswith(IMAGE_FILES) and (url or os.path.isfile(text))


def check_batch_size(batch_size: int) -> None:
    if batch_size is None or batch_size <= 0:
        raise ValueError(f"batch_size must be a positive integer, got {batch_size}.")


def need_torch(what: str) -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError(f"{what} needs the package torch; without it leave the arrays as they are") from None
    return torch
