"""Runs scripts that were written for other libraries.

    python -m vecton.run [--as vllm,mlx_embeddings,...] script.py [arguments]

Names whose real package is not installed stand for Vecton's package while the script runs; --as names those that do so in
any case. Nothing is written to the installation.
"""
from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import runpy
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

# Foreign names and the packages that stand for them.
PACKAGES = {
    "vllm": "vecton.vllm",
    "mlx_embeddings": "vecton.mlx_embeddings",
    "mlx": "vecton.mlx_embeddings.mlx",
    "sentence_transformers": "vecton.sentence_transformers",
    "pylate": "vecton.pylate",
    "mlx_lm": "vecton.mlx_lm",
}


class _Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules of one foreign package in one of ours."""

    def __init__(self, foreign: str, own: str) -> None:
        self.foreign, self.own = foreign, own

    def _own_name(self, name: str) -> str | None:
        if name != self.foreign and not name.startswith(self.foreign + "."):
            return None
        return self.own + name[len(self.foreign):]

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        own = self._own_name(name)
        found = importlib.util.find_spec(own) if own is not None else None
        if found is None:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=found.submodule_search_locations is not None)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return importlib.import_module(self._own_name(spec.name) or spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass

    # What `python -m foreign.module` needs.
    def get_code(self, name: str) -> Any:
        own = importlib.util.find_spec(self._own_name(name) or name)
        return own.loader.get_code(own.name)  # type: ignore[union-attr]


def _installed(name: str) -> bool:
    return any(finder.find_spec(name, None) for finder in sys.meta_path if not isinstance(finder, _Alias) and hasattr(finder, "find_spec"))


def install_as(*names: str) -> None:
    """From now on `import NAME` gives Vecton's package. Names: vllm, mlx_embeddings (and with it mlx), sentence_transformers, pylate, mlx_lm."""
    for name in names:
        if name not in PACKAGES:
            raise ValueError(f"there is no package to stand for {name!r}; there are {', '.join(PACKAGES)}")
        if name == "mlx_embeddings" and "mlx" not in names and not _installed("mlx"):
            install_as("mlx")
        if any(isinstance(finder, _Alias) and finder.foreign == name for finder in sys.meta_path):
            continue
        for loaded in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
            del sys.modules[loaded]
        sys.meta_path.insert(0, _Alias(name, PACKAGES[name]))


def main(arguments: Sequence[str]) -> None:
    arguments = list(arguments)
    names: list[str] = []
    while arguments and arguments[0].startswith("--"):
        option, _, value = arguments.pop(0).partition("=")
        if option != "--as":
            sys.exit(f"vecton.run: unknown option {option}; usage: python -m vecton.run [--as NAME,...] script.py [arguments]")
        names += [n for n in (value or (arguments.pop(0) if arguments else "")).split(",") if n]
    module = bool(arguments) and arguments[0] == "-m"
    if module:
        arguments.pop(0)
    if not arguments:
        sys.exit("usage: python -m vecton.run [--as NAME,...] [-m MODULE | SCRIPT.py] [arguments]")
    try:
        install_as(*names, *(name for name in PACKAGES if name not in names and not _installed(name)))
    except ValueError as error:
        sys.exit(f"vecton.run: {error}")
    sys.argv = arguments
    if module:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(importlib.import_module("pathlib").Path(arguments[0]).resolve().parent)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
