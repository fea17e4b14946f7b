"""build_processor: what ray.data.llm's function of this name does, on Vecton, with its names of columns.

A job changes its import and the name of its configuration's class.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vecton.ray.embedder import assigned_threads
from vecton.ray.nodes import actor_pool

TASKS = ("embed", "classify", "generate")
IN = ("pooling_params", "sampling_params", "tokenization_kwargs", "tokenized_prompt", "messages")  # columns that end here
ERROR = "__inference_error__"


@dataclass
class ProcessorConfig:
    """ray.data.llm's vLLMEngineProcessorConfig; engine_kwargs are vLLM's arguments."""

    model_source: str
    task_type: str = "embed"
    engine_kwargs: dict[str, Any] = field(default_factory=dict)
    batch_size: int = 256
    concurrency: int | tuple[int, int] | None = None
    num_cpus: float | None = None
    should_continue_on_error: bool = False

    def __post_init__(self) -> None:
        if self.task_type not in TASKS:
            raise ValueError(f"task_type must be {', '.join(TASKS)}, found {self.task_type!r}")


class Stage:
    """The model as a callable class of Ray Data: columns `prompt` or `tokenized_prompt` (or `messages` to generate), and
    `pooling_params` or `sampling_params` and `tokenization_kwargs` where they are, to `embeddings` or `generated_text`."""

    def __init__(self, config: ProcessorConfig) -> None:
        from vecton.vllm import LLM

        self.config = config
        self.llm = LLM(config.model_source, threads=assigned_threads(), **config.engine_kwargs)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        rows = [dict(zip(batch, values)) for values in zip(*batch.values())]
        try:
            answers, errors = self._run(rows), [""] * len(rows)
        except (TypeError, ValueError):
            if not self.config.should_continue_on_error:
                raise
            answers, errors = self._one_by_one(rows)
        table = _columns(batch, answers)
        if self.config.should_continue_on_error:
            table[ERROR] = errors
        return table

    def _one_by_one(self, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
        answers: list[dict[str, Any]] = []
        errors: list[str] = []
        for row in rows:
            try:
                answers += self._run([row])
                errors.append("")
            except (TypeError, ValueError) as error:
                answers.append({})
                errors.append(f"{type(error).__name__}: {error}")
        return answers, errors

    def _run(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _generate(self.llm, rows) if self.config.task_type == "generate" else _pool(self.llm, self.config.task_type, rows)


def _prompt(row: dict[str, Any]) -> Any:
    ids = row.get("tokenized_prompt")
    if ids is not None:
        return [int(i) for i in ids]
    if "prompt" not in row:
        raise ValueError(f"a row needs the column 'prompt' or 'tokenized_prompt'; it has {', '.join(row)}")
    return row["prompt"]


def _pool(llm: Any, task: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    import numpy as np

    from vecton.vllm import PoolingParams

    params = [PoolingParams(**(row.get("pooling_params") or {})) for row in rows]
    kwargs = rows[0].get("tokenization_kwargs")
    if any(row.get("tokenization_kwargs") != kwargs for row in rows):
        return [answer for row in rows for answer in _pool(llm, task, [row])]
    outputs = llm.encode([_prompt(row) for row in rows], params, pooling_task=task, use_tqdm=False, tokenization_kwargs=kwargs)
    return [{"embeddings": np.asarray(output.outputs.data), "prompt_token_ids": output.prompt_token_ids,
             "num_input_tokens": len(output.prompt_token_ids)} for output in outputs]


def _generate(llm: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from vecton.vllm import SamplingParams

    params = [SamplingParams(**row["sampling_params"]) if row.get("sampling_params") else llm.get_default_sampling_params() for row in rows]
    if "messages" in rows[0]:
        outputs = llm.chat([[dict(message) for message in row["messages"]] for row in rows], params, use_tqdm=False)
    else:
        outputs = llm.generate([_prompt(row) for row in rows], params, use_tqdm=False)
    return [{"generated_text": output.outputs[0].text, "generated_tokens": output.outputs[0].token_ids,
             "num_generated_tokens": len(output.outputs[0].token_ids), "prompt_token_ids": output.prompt_token_ids,
             "num_input_tokens": len(output.prompt_token_ids)} for output in outputs]


def _columns(batch: dict[str, Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The batch with the answers' columns. A row in error has nothing in them."""
    import numpy as np

    table = {name: values for name, values in batch.items() if name not in IN}
    whole = all(answers)
    for name in dict.fromkeys(name for answer in answers for name in answer):
        values: list[Any] = [answer.get(name) for answer in answers]
        if name in ("embeddings", "num_input_tokens", "num_generated_tokens") and whole:
            table[name] = np.stack(values) if name == "embeddings" else np.array(values)
        else:
            table[name] = values
    return table


def build_processor(config: ProcessorConfig, preprocess: Callable[..., Any] | None = None, postprocess: Callable[..., Any] | None = None,
                    preprocess_map_kwargs: dict[str, Any] | None = None,
                    postprocess_map_kwargs: dict[str, Any] | None = None) -> Callable[[Any], Any]:
    """A function from dataset to dataset. `preprocess` gives rows with `prompt`; `postprocess` sees the answers' columns, but no row
    in error."""

    def process(dataset: Any) -> Any:
        if preprocess is not None:
            dataset = dataset.map(preprocess, **(preprocess_map_kwargs or {}))
        dataset = dataset.map_batches(Stage, fn_constructor_args=[config], batch_size=config.batch_size, batch_format="numpy",
                                      **actor_pool(config.num_cpus, config.concurrency))
        if postprocess is None:
            return dataset

        def rest(row: dict[str, Any]) -> dict[str, Any]:
            if row.get(ERROR):
                return row
            found: dict[str, Any] = postprocess(row)
            return {**found, ERROR: ""} if ERROR in row else found

        return dataset.map(rest, **(postprocess_map_kwargs or {}))

    return process
