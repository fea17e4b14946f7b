"""Progress bars with tqdm's look: tqdm's own where it is installed, a plain one on a terminal otherwise."""
from __future__ import annotations

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONG = 2048  # inputs from which on a bar is shown unasked, on a terminal


class PlainBar:
    """One line on stderr that is written again as the work goes on; nothing where stderr is no terminal."""

    def __init__(self, total: int, desc: str = "", **_: Any) -> None:
        self.total, self.desc, self.n = total, desc, 0
        self._start = self._shown = time.monotonic()
        self._shows = sys.stderr is not None and sys.stderr.isatty()

    def update(self, n: int = 1) -> None:
        self.n += n
        now = time.monotonic()
        if self._shows and (now - self._shown > 0.1 or self.n >= self.total):
            self._shown = now
            sys.stderr.write("\r" + self.text(now - self._start))
            sys.stderr.flush()

    def text(self, seconds: float) -> str:
        share = self.n / self.total if self.total else 1.0
        filled = int(share * 20)
        rate = self.n / seconds if seconds > 0 else 0.0
        left = (self.total - self.n) / rate if rate else 0.0
        clock = [f"{int(s) // 60:02d}:{int(s) % 60:02d}" for s in (seconds, left)]
        bar = "█" * filled + " " * (20 - filled)
        return f"{self.desc}: {share:4.0%}|{bar}| {self.n}/{self.total} [{clock[0]}<{clock[1]}, {rate:.1f}it/s]"

    def close(self) -> None:
        if self._shows:
            sys.stderr.write("\n")


class NoBar:
    def update(self, n: int = 1) -> None:
        pass

    def close(self) -> None:
        pass


def bar(total: int, desc: str, wanted: Any = None, **look: Any) -> Any:
    """A bar of `total` steps. `wanted`: True or False, None = for long work on a terminal, or what makes a bar as tqdm does."""
    if wanted is None:
        wanted = total > LONG and sys.stderr is not None and sys.stderr.isatty()
    if wanted is False or total == 0:
        return NoBar()
    if callable(wanted):
        return wanted(total=total, desc=desc, **look)
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return PlainBar(total, desc)
    return tqdm(total=total, desc=desc, **look)
