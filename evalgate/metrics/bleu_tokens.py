"""The tokens that BLEU counts, cut piece by piece without loading sacrebleu.

A rule of these tokenizers looks at two neighbouring characters at most, and white space is never changed by one. So a text can
be split at white space first, and every distinct piece has to be cut only once.
Source: mteval-v13a.pl and mteval-v14.pl (NIST); reference implementation sacrebleu 2.6 (`sacrebleu.tokenizers`).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evalgate.metrics.text_symbols import Characters, Cutter, Pieces, Symboliser, Words

TOKENIZERS = ("13a", "intl", "zh", "char", "none")
"""The tokenizers known here; each gives the tokens of sacrebleu's tokenizer of that name."""

_EDGE = "\n"
"""Marks a piece at the very start or end of a text, where no white space stands beside it. No piece contains white space."""
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_MARKS = r"[!-&(-+/:-@\[-`{-~]"
_CHINESE = (
    "\u2e80-\u2eff\u2f00-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31ef\u3200-\u33ff\u3400-\u4db5\u4e00-\u9fbb"
    "\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef"
    # sacrebleu means the planes beyond the first one here, and by a slip of notation gets these.
    "\u2001-\u2a6d"
)

_Rules = Sequence[tuple[Any, str]]


def symboliser(tokenize: str, lowercase: bool) -> Symboliser:
    """The way in which BLEU reads texts with one of TOKENIZERS."""
    if tokenize == "char":
        return Characters(lambda text: "".join((text.lower() if lowercase else text).split()))
    pieces, cut = _WAYS[tokenize]()
    return Words((lambda text: pieces(text.lower())) if lowercase else pieces, cut)


def _by_white_space() -> tuple[Pieces, Cutter]:
    return str.split, lambda piece: (piece,)


def _like_13a() -> tuple[Pieces, Cutter]:
    def pieces(text: str) -> list[str]:
        if "-\n" in text or "<skipped>" in text:
            text = text.rstrip().replace("<skipped>", "").replace("-\n", "")
        return text.split()

    def cut(piece: str) -> Sequence[str]:
        if piece.isalnum():
            return (piece,)
        if piece[-1] in ".," and piece[:-1].isalnum():
            # By far the most frequent of all other pieces; the rules say the same.
            return piece[:-1], piece[-1]
        if "&" in piece:
            for entity, character in _ENTITIES:
                piece = piece.replace(entity, character)
        return _apply(rules, f" {piece} ")

    rules = _western()
    return pieces, cut


def _like_zh() -> tuple[Pieces, Cutter]:
    alone = re.compile(f"([{_CHINESE}])")

    def pieces(text: str) -> list[str]:
        return _pieces_with_edges(alone.sub(r" \1 ", text.strip()))

    return pieces, _cutter_with_edges(_western())


def _international() -> tuple[Pieces, Cutter]:
    # The standard library knows no classes of characters; sacrebleu brings this package along.
    regex: Any = importlib.import_module("regex")
    rules = (
        (regex.compile(r"(\P{N})(\p{P})"), r"\1 \2 "),
        (regex.compile(r"(\p{P})(\P{N})"), r" \1 \2"),
        (regex.compile(r"(\p{S})"), r" \1 "),
    )
    return (lambda text: _pieces_with_edges(text.rstrip())), _cutter_with_edges(rules)


_WAYS: Mapping[str, Callable[[], tuple[Pieces, Cutter]]] = {
    "none": _by_white_space,
    "13a": _like_13a,
    "zh": _like_zh,
    "intl": _international,
}


def _western() -> _Rules:
    """Marks stand alone; points and commas too unless they are within a number; a dash does after a digit."""
    return (
        (re.compile(f"({_MARKS})"), r" \1 "),
        (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
        (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
        (re.compile(r"([0-9])(-)"), r"\1 \2 "),
    )


def _pieces_with_edges(text: str) -> list[str]:
    found = text.split()
    if found:
        if not (text[0].isspace() or found[0].isalnum()):
            found[0] = _EDGE + found[0]
        if not (text[-1].isspace() or found[-1].isalnum()):
            found[-1] += _EDGE
    return found


def _cutter_with_edges(rules: _Rules) -> Cutter:
    def cut(piece: str) -> Sequence[str]:
        if piece.isalnum():
            return (piece,)
        before = "" if piece[0] == _EDGE else " "
        after = "" if piece[-1] == _EDGE else " "
        return _apply(rules, before + piece.strip(_EDGE) + after)

    return cut


def _apply(rules: _Rules, text: str) -> Sequence[str]:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text.split()
