"""The native program that the package brings along."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig


def find() -> str:
    """The program of this installation, or the one in PATH."""
    folders = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user"), os.path.dirname(sys.executable)]
    for folder in folders:
        program = pathlib.Path(folder, "vecton")
        if os.access(program, os.X_OK):
            return str(program)
    found = shutil.which("vecton")
    if found is None:
        raise FileNotFoundError(f"the program 'vecton' is neither in {' nor '.join(folders)} nor in PATH: install the package again")
    return found


def run(arguments: list[str]) -> int:
    """Becomes the program: its output, signals and exit status are the process' own."""
    program = find()
    os.execv(program, [program, *arguments])


def call(arguments: list[str], **how: object) -> subprocess.CompletedProcess[str]:
    """Runs the program and waits for it."""
    return subprocess.run([find(), *arguments], text=True, **how)  # type: ignore[call-overload]
