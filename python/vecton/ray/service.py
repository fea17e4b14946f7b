"""deployment: a Ray Serve application with the server's HTTP routes, and the same by handle."""
from __future__ import annotations

from typing import Any

from vecton.asgi import App
from vecton.errors import InvalidArgument, NotFound, QueueFull, VectonError
from vecton.ray.nodes import threads_of

ERRORS = {400: InvalidArgument, 404: NotFound, 422: InvalidArgument, 429: QueueFull, 503: QueueFull}


def message_of(answer: Any) -> str:
    """What an error's body says, in any dialect."""
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


class Replica:
    """What a replica has beside the routes: `handle.ask.remote("/v1/embeddings", {"input": "a text"})`."""

    app: Any  # Serve sets it to the application of this replica

    async def ask(self, path: str, body: Any = None) -> Any:
        """The answer of a route as Python values. Raises what it refuses."""
        status, answer = await self.app.ask(path, body)
        if status >= 400:
            raise ERRORS.get(status, VectonError)(f"{path}: {message_of(answer)}")
        return answer

    async def check_health(self) -> None:
        status, answer = await self.app.ask("/health")
        if status != 200:
            raise VectonError(f"the server says {status}: {message_of(answer)}")


def deployment(model: str, *, replicas: int | tuple[int, int] = 1, num_cpus: float = 1, max_ongoing_requests: int = 256, **options: Any) -> Any:
    """A Ray Serve application. `replicas` is their number, or the least and the most of them; `options` are those of `vecton serve`.

    Batches are made by the engine over all requests of a replica, so it gets many at once: max_ongoing_requests.
    """
    from ray import serve

    how: dict[str, Any] = {"max_ongoing_requests": max_ongoing_requests, "ray_actor_options": {"num_cpus": num_cpus}}
    if isinstance(replicas, int):
        how["num_replicas"] = replicas
    else:
        how["autoscaling_config"] = {"min_replicas": replicas[0], "max_replicas": replicas[1], "target_ongoing_requests": max_ongoing_requests // 2}
    options.setdefault("threads", threads_of(num_cpus))
    return serve.deployment(**how)(serve.ingress(App(model, **options))(Replica)).bind()
