"""Vecton on a cluster by Ray: one engine per node, as many threads as the node gives it.

    embed_files(["s3 or local *.parquet"], "out/", model, column="text")
"""
from __future__ import annotations

from typing import Any

from vecton.ray.embedder import Embedder
from vecton.ray.files import Report, embed_files

__all__ = ["Embedder", "Report", "build_processor", "deployment", "embed_dataset", "embed_files"]


def embed_dataset(dataset: Any, model: str, *, column: str = "text", output: str = "embedding", num_cpus: float | None = None,
                  actors: int | tuple[int, int] | None = None, batch_size: int = 1024, **engine: Any) -> Any:
    """The dataset with a column of vectors. By default one actor per node, with the node's processors."""
    import ray

    if num_cpus is None:
        num_cpus = max(1, min(int(node["Resources"].get("CPU", 1)) for node in ray.nodes() if node["Alive"]) - 1)
    if actors is None:
        actors = (1, max(1, sum(1 for node in ray.nodes() if node["Alive"])))
    sizes = {"size": actors} if isinstance(actors, int) else {"min_size": actors[0], "max_size": actors[1]}
    pool = ray.data.ActorPoolStrategy(**sizes, max_tasks_in_flight_per_actor=2)
    return dataset.map_batches(Embedder, fn_constructor_kwargs={"model": model, "column": column, "output": output, "engine": engine},
                               batch_size=batch_size, batch_format="pyarrow", zero_copy_batch=True, num_cpus=num_cpus, compute=pool)


def deployment(model: str, *, replicas: int | tuple[int, int] = 1, num_cpus: float = 1, max_ongoing_requests: int = 256, **options: Any) -> Any:
    """A Ray Serve application with every HTTP route of the server. `options` are those of `vecton serve`."""
    from ray import serve

    from vecton.asgi import App

    how: dict[str, Any] = {"max_ongoing_requests": max_ongoing_requests, "ray_actor_options": {"num_cpus": num_cpus}}
    if isinstance(replicas, int):
        how["num_replicas"] = replicas
    else:
        how["autoscaling_config"] = {"min_replicas": replicas[0], "max_replicas": replicas[1]}
    options.setdefault("threads", max(1, int(num_cpus)))
    app = App(model, **options)

    @serve.deployment(**how)
    @serve.ingress(app)
    class Vecton:
        pass

    return Vecton.bind()


class ProcessorConfig:
    """What build_processor needs, with the names of ray.data.llm's vLLMEngineProcessorConfig."""

    def __init__(self, model_source: str, task_type: str = "embed", engine_kwargs: dict[str, Any] | None = None, batch_size: int = 1024,
                 concurrency: int | tuple[int, int] | None = None, num_cpus: float | None = None) -> None:
        if task_type != "embed":
            raise ValueError(f"task_type {task_type!r} is not done; embed is")
        self.model_source, self.engine_kwargs, self.batch_size = model_source, engine_kwargs or {}, batch_size
        self.concurrency, self.num_cpus = concurrency, num_cpus


def build_processor(config: ProcessorConfig, preprocess: Any = None, postprocess: Any = None) -> Any:
    """A function from dataset to dataset: preprocess gives `prompt`, postprocess sees `embeddings`."""

    def process(dataset: Any) -> Any:
        if preprocess is not None:
            dataset = dataset.map(preprocess)
        dataset = embed_dataset(dataset, config.model_source, column="prompt", output="embeddings", num_cpus=config.num_cpus,
                                actors=config.concurrency, batch_size=config.batch_size, **config.engine_kwargs)
        return dataset.map(postprocess) if postprocess is not None else dataset

    return process
