"""Build HTML from parts: whatever is not already `Markup` is text and gets escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalgate.core.visible import HIDDEN
from evalgate.report.escape import html, html_pieces


class Markup(str):
    """Text that is HTML already; only this module and templates of fixed words make it."""

    __slots__ = ()


Part = str | Markup
_FEW, _SOME, _MORE = 3, 5, 6


def text(value: str) -> Markup:
    """Text of unknown origin as HTML content; hidden characters are shown by their code point."""
    if HIDDEN.search(value) is None:
        return Markup(html(value))
    pieces = (f'<span class="unseen">{html(p)}</span>' if hidden else html(p) for p, hidden in html_pieces(value))
    return Markup("".join(pieces))


def attribute(value: str) -> str:
    """Text of unknown origin as the content of a quoted attribute; hidden characters are shown by their code point."""
    return html(value if HIDDEN.search(value) is None else "".join(piece for piece, _ in html_pieces(value)))


def join(parts: Iterable[Part]) -> Markup:
    """Parts one after the other; what is not Markup yet is escaped."""
    return Markup("".join([p if isinstance(p, Markup) else text(p) for p in parts]))


def element(name: str, *content: Part, **attributes: str) -> Markup:
    """One element; attribute `class_` is `class`, underscores become hyphens. Attribute values are escaped."""
    written = [f' {key.rstrip("_").replace("_", "-")}="{attribute(value)}"' for key, value in attributes.items()]
    return Markup(f"<{name}{''.join(written)}>{join(content)}</{name}>")


def unbroken(value: str) -> Markup:
    """Text that stays on one line, such as an interval; only for short ones."""
    return element("span", value, class_="unbroken")


def table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[Part]], *, told: bool = False, **attributes: str
) -> Markup:
    """A table with caption and scoped headers, in a frame that scrolls by itself where it must.

    Where the frame is too narrow for so many columns each row becomes a card in which every cell has its header beside it; roles
    keep it a table for those who do not see it. `told`: rows end in a sentence, which then gets a line of its own.
    """
    head = join(element("th", cell, scope="col", role="columnheader") for cell in header)
    body = join(
        element(
            "tr",
            element("th", cells[0], scope="row", role="rowheader"),
            *(element("td", cell, role="cell", data_label=name) for name, cell in zip(header[1:], cells[1:], strict=True)),
            role="row",
        )
        for cells in rows
    )
    inner = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head, role="row"), role="rowgroup"),
        element("tbody", body, role="rowgroup"),
        role="table",
        **attributes,
    )
    return element(
        "div", inner, class_=f"scroll {'told' if told else _room(len(header))}", tabindex="0", role="region", aria_label=caption
    )


def _room(columns: int) -> str:
    """The class of a frame, by how many columns have to fit into it."""
    return "few" if columns <= _FEW else "some" if columns <= _SOME else "more" if columns <= _MORE else "many"


def details(summary: Part, *content: Part, **attributes: str) -> Markup:
    """A part that opens on demand, with or without scripts."""
    return element("details", element("summary", summary), *content, **attributes)


def section(identifier: str, title: str, *content: Part) -> Markup:
    """A section with its heading; `identifier` is a fixed word."""
    return element(
        "section", element("h2", title, id=f"{identifier}-title"), *content, id=identifier, aria_labelledby=f"{identifier}-title"
    )


def facts(rows: Iterable[tuple[str, Part | None]]) -> Markup:
    """Named values; what is missing says so."""
    cells = (
        element("div", element("dt", name), element("dd", "not provided" if value is None or value == "" else value))
        for name, value in rows
    )
    return element("dl", *cells, class_="facts")
