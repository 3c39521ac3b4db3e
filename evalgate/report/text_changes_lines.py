"""Line changes as plain lines: `-` went, `+` came, `~` changed inside, with `[-gone-]` and `{+come+}` around the words."""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.core.text_changes import LineChange

_SIGNS: Mapping[str, str] = {"same": "  ", "gone": "- ", "come": "+ ", "mixed": "~ ", "skipped": "…"}
_AROUND: Mapping[str, tuple[str, str]] = {"same": ("", ""), "gone": ("[-", "-]"), "come": ("{+", "+}")}


def change_line(change: LineChange) -> str:
    """One line of a comparison; what is shown is as it stands in the texts, so escape it for where it goes."""
    if change.kind != "mixed":
        return _SIGNS[change.kind] + "".join(piece.text for piece in change.pieces)
    parts = (f"{_AROUND[piece.kind][0]}{piece.text}{_AROUND[piece.kind][1]}" for piece in change.pieces)
    return _SIGNS["mixed"] + "".join(parts)
