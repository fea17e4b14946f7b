"""mteb: VectonEncoder and VectonCrossEncoder, with the metadata without which mteb takes a model for an unknown one."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta, ScoringFunction

from vecton.engine import Engine
from vecton.integrations.common import DOCUMENT, open_engine, side

SIMILARITIES = {"cosine": ScoringFunction.COSINE, "dot": ScoringFunction.DOT_PRODUCT, "euclidean": ScoringFunction.EUCLIDEAN,
                "manhattan": ScoringFunction.MANHATTAN}


def _meta(engine: Engine, loader: Any, name: str | None, revision: str | None) -> Any:
    """mteb names its results by organisation and model; a folder has no organisation."""
    info = engine.info
    name = name or info.name.rstrip("/")
    if name.count("/") != 1:
        name = "vecton/" + name.rsplit("/", 1)[-1]
    return ModelMeta.create_empty(overwrites={
        "loader": loader, "name": name, "revision": revision, "n_parameters": info.parameters, "max_tokens": info.max_model_len,
        "embed_dim": info.embedding_size or None, "memory_usage_mb": info.weight_bytes / 2**20, "open_weights": True,
        "similarity_fn_name": SIMILARITIES.get(info.similarity, ScoringFunction.COSINE), "use_instructions": bool(info.prompts)})


def _texts(batches: Iterable[Any]) -> list[str]:
    found: list[str] = []
    for batch in batches:
        if "text" not in batch:
            raise ValueError(f"the task has no texts but {', '.join(batch)}: this model reads text alone")
        found += batch["text"]
    return found


class VectonEncoder(AbsEncoder):
    """`prompts` are laid over the checkpoint's; their names are mteb's: a task, its type, "query" or "document"."""

    def __init__(self, model_name: Any, revision: str | None = None, *, device: str | None = None, name: str | None = None,
                 prompts: dict[str, str] | None = None, **options: Any) -> None:
        if device not in (None, "cpu"):
            raise ValueError(f"device={device!r}: Vecton computes on the processor")
        self.model = open_engine(model_name, {"revision": revision, **options} if revision is not None else options)
        own = self.model.info.prompts
        of_documents = next((own[name] for name in DOCUMENT if name in own), None)
        named = {**own, **({"document": of_documents} if of_documents is not None else {})}
        valid, _ = self.validate_task_to_prompt_name(named, raise_for_invalid_keys=False)
        self.model_prompts = {**(valid or {}), **(self.validate_task_to_prompt_name(prompts) or {})}
        self.mteb_model_meta = _meta(self.model, type(self), name, revision)

    def encode(self, inputs: Any, *, task_metadata: Any, hf_split: str, hf_subset: str, prompt_type: Any = None, **kwargs: Any) -> Any:
        how = side(self.model, "query" if prompt_type is not None and prompt_type.value == "query" else "document")
        name = self.get_prompt_name(task_metadata, prompt_type)
        prompt = None if name is None else self.model_prompts[name]
        return self.model.embed(_texts(inputs), prompt=prompt, role=how["role"], truncate=True,
                                progress=kwargs.get("show_progress_bar") or False).numpy()


class VectonCrossEncoder:
    def __init__(self, model_name: Any, revision: str | None = None, *, device: str | None = None, name: str | None = None, **options: Any) -> None:
        if device not in (None, "cpu"):
            raise ValueError(f"device={device!r}: Vecton computes on the processor")
        self.model = open_engine(model_name, {"revision": revision, **options} if revision is not None else options)
        self.mteb_model_meta = _meta(self.model, type(self), name, revision)

    def predict(self, inputs1: Any, inputs2: Any, *, task_metadata: Any, hf_split: str, hf_subset: str, prompt_type: Any = None,
                **kwargs: Any) -> Any:
        pairs = list(zip(_texts(inputs1), _texts(inputs2), strict=True))
        return self.model.score_pairs(pairs, truncate=True, progress=kwargs.get("show_progress_bar") or False).numpy()
