"""What the differential tests share: the repository, and the program under test."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program(variable, *parts):
    """A built program: the environment's, or the one of the newest build folder; "" where there is none."""
    if variable in os.environ:
        return os.environ[variable]
    built = [p for p in ROOT.glob("build/*/" + "/".join(parts)) if p.is_file()]
    return str(max(built, key=lambda p: p.stat().st_mtime)) if built else ""


PROGRAM = program("VECTON", "vecton")
