"""What the built extension asks of a system and of an interpreter: auditwheel and abi3audit, which tools/wheels asks of the wheels themselves."""
import importlib.util
import pathlib
import platform
import re
import subprocess
import sys
import zipfile

import pytest

from vecton import _core

MODULE = pathlib.Path(_core.__file__)


def audit(package, *arguments):
    pytest.importorskip(package)
    done = subprocess.run([sys.executable, "-m", package, *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, " ".join((done.stdout + done.stderr).split())  # without the ends of their lines


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="manylinux is glibc's")
def test_systems_that_it_runs_on(tmp_path):
    of_python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    tag = f"{of_python}-{'abi3' if '.abi3.' in MODULE.name else of_python}-linux_{platform.machine()}"
    wheel = tmp_path / f"vecton-0-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as file:
        file.write(MODULE, f"vecton/{MODULE.name}")
        file.writestr("vecton-0.dist-info/METADATA", "Metadata-Version: 2.1\nName: vecton\nVersion: 0\n")
        file.writestr("vecton-0.dist-info/WHEEL", f"Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: false\nTag: {tag}\n")
        file.writestr("vecton-0.dist-info/RECORD", f"vecton/{MODULE.name},,\n")
    status, said = audit("auditwheel", "show", wheel)
    assert status == 0, said
    (policy,) = re.findall(r'constrains the platform tag to "manylinux_2_(\d+)_', said) or [said]
    assert int(policy) <= 34, said


@pytest.mark.skipif(".abi3." not in MODULE.name, reason="built with a Python older than 3.12, whose stable ABI nanobind does not use")
def test_the_stable_abi():
    status, said = audit("abi3audit", "--strict", "--summary", "--assume-minimum-abi3", "3.12", MODULE)
    assert status == 0 and " 0 ABI version mismatches and 0 ABI violations found" in said, said


def test_the_suffix_says_the_abi():
    assert importlib.util.find_spec("vecton._core").origin == str(MODULE)
    assert (".abi3." in MODULE.name) == (sys.version_info >= (3, 12))
