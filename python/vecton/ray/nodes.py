"""How engines are spread over a cluster: by default one per node, with the node's processors."""
from __future__ import annotations

from typing import Any


def alive() -> list[dict[str, Any]]:
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def cpus_of_a_node() -> int:
    """The processors of the smallest node."""
    return max(1, min(int(node["Resources"].get("CPU", 1)) for node in alive()))


def threads_of(cpus: float) -> int:
    """The threads of an engine that has so many processors, or a part of one. 0 would be every core."""
    return max(1, int(cpus))


def actor_pool(num_cpus: float | None, actors: int | tuple[int, int] | None) -> dict[str, Any]:
    """What map_batches takes for actors. A processor of a node is left to the tasks that read and write."""
    import ray

    if actors is None:
        actors = (1, len(alive()))
    sizes = {"size": actors} if isinstance(actors, int) else {"min_size": actors[0], "max_size": actors[1]}
    return {"num_cpus": max(1, cpus_of_a_node() - 1) if num_cpus is None else num_cpus,
            "compute": ray.data.ActorPoolStrategy(**sizes, max_tasks_in_flight_per_actor=2)}
