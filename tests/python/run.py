"""Runs a differential test with an interpreter that has the reference packages; exits with 77 where all of it was skipped.

    VECTON_TEST_PYTHON=venv/bin/python python tests/python/run.py tests/python/tokenizer_differential_test.py
"""
import os
import pathlib
import re
import subprocess
import sys

python = os.environ.get("VECTON_TEST_PYTHON", sys.executable)
done = subprocess.run([python, "-B", *sys.argv[1:], "-v"], cwd=pathlib.Path(sys.argv[1]).resolve().parent, stderr=subprocess.PIPE, text=True)
sys.stderr.write(done.stderr)
ran = re.search(r"Ran (\d+) test", done.stderr)
skipped = re.search(r"skipped=(\d+)", done.stderr)
if done.returncode == 0 and ran and skipped and ran[1] == skipped[1]:
    print("skipped: VECTON_TEST_PYTHON can name an interpreter with the packages that the test is about")
    sys.exit(77)
sys.exit(done.returncode)
