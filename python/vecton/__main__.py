"""python -m vecton: the native program."""
from __future__ import annotations

import sys

from vecton.program import run

sys.exit(run(sys.argv[1:]))
