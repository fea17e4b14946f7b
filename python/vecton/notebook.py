"""What notebooks show."""
from __future__ import annotations

import html
from typing import Any

LARGEST = 60  # rows and columns of a heat map


def _label(names: list[str] | None, index: int) -> str:
    name = names[index] if names else str(index)
    return html.escape(name if len(name) <= 40 else name[:39] + "…")


def heat_map(matrix: Any) -> str:
    """A matrix of similarities as an HTML table, coloured from white (0 or less) to blue (1)."""
    if matrix.ndim != 2 or max(matrix.shape) > LARGEST:
        return f"<pre>{html.escape(repr(matrix))}</pre>"
    head = "".join(f"<th>{_label(matrix.columns, j)}</th>" for j in range(matrix.shape[1]))
    rows = []
    for i, row in enumerate(matrix.tolist()):
        cells = []
        for value in row:
            share = min(max(value, 0.0), 1.0)
            colour = f"rgb({255 - int(205 * share)},{255 - int(140 * share)},255)"
            cells.append(f'<td style="background:{colour};color:{"#fff" if share > 0.75 else "#000"}">{value:.3f}</td>')
        rows.append(f"<tr><th>{_label(matrix.rows, i)}</th>{''.join(cells)}</tr>")
    return f'<table class="vecton-similarity"><tr><th></th>{head}</tr>{"".join(rows)}</table>'


def table(title: str, rows: list[tuple[str, Any]]) -> str:
    cells = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>" for name, value in rows)
    return f"<table><caption>{html.escape(title)}</caption>{cells}</table>"
