"""The figures of a detector's card as lines of text, for terminals and logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalgate.core.visible import terminal_line

_NONE = "–"


def card_lines(document: Mapping[str, Any]) -> list[str]:
    """The content of a card's file as a table: one line a rule, the total last. Texts of unknown origin are made visible."""
    data, share = document["data"], f"{document['confidence'] * 100:g} %"
    head = (
        f"{document['detector']} version {document['version']} (category {document['category']}) "
        f"on {data['name']}: {data['outputs']:,} outputs, intervals at {share}"
    )
    rates = ["precision", "recall", "f1"] + [name for name in ("specificity", "kappa") if name in document["total"]]
    columns = ["type" if document["unit"] == "spans" else "outputs", "labelled", "found", "missed", "false alarms"]
    rows = [[*columns, *("F1" if name == "f1" else name for name in rates)]]
    for name, tally in (*document["rules"].items(), ("total", document["total"])):
        counts = (tally["found"] + tally["missed"], tally["found"], tally["missed"], tally["false_alarms"])
        rows.append([terminal_line(name), *(f"{count:,}" for count in counts), *(_rate(tally[rate]) for rate in rates)])
    lines = [terminal_line(head), "", *_aligned(rows)]
    if document["undecided"]:
        lines.append(f"undecided: {document['undecided']:,} outputs, which are in no count")
    return lines


def _rate(figure: Mapping[str, float] | None) -> str:
    return _NONE if figure is None else f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
