"""vllm.utils: what scripts import of it."""
from __future__ import annotations

from vecton.vllm.utils.argparse_utils import FlexibleArgumentParser

__all__ = ["FlexibleArgumentParser"]
