"""`evalgate dataset lock | verify`: bind a card to the content of its data."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from evalgate.config.strict_yaml import parse_document, read_document
from evalgate.core.errors import BadInput
from evalgate.core.files import read_text, write_whole
from evalgate.golden.card import Card, parse_card
from evalgate.golden.locate import card_path
from evalgate.golden.lock_file import LOCK, LockLines
from evalgate.pipeline.subject import Dataset, prove_dataset

_LOCK_LINE = re.compile(r"^(rows|digest):.*\n?", re.MULTILINE)


def lock_dataset(reference: str, root: Path) -> tuple[Card, Dataset]:
    """Write rows and digest of the data into the card, and a digest of each case into dataset.lock beside it.

    The rest of the card stays as it is. The lock is written first: the card makes it count.

    Raises: BadInput when card or data are faulty; nothing is written then.
    Side effects: rewrites card and lock.
    """
    path = card_path(reference, root=root, base=root)
    card = _card(path)
    lines = LockLines(card.reference)
    dataset = prove_dataset(replace(card, rows=None, digest=None, path=None), lines)
    text = _LOCK_LINE.sub("", read_text(path, str(path)))
    locked = f"{text.rstrip()}\nrows: {dataset.rows}\ndigest: {dataset.digest}\n"
    parse_card(parse_document(locked, str(path)), path.parent)
    write_whole(path.with_name(LOCK), lines.file(dataset.digest))
    write_whole(path, locked)
    return _card(path), dataset


def verify_dataset(reference: str, root: Path) -> tuple[Card, Dataset]:
    """Prove that the data is what its card was locked to.

    Raises: BadInput when it is not, or when the card was never locked.
    """
    card = _card(card_path(reference, root=root, base=root))
    if card.digest is None:
        raise BadInput("the card is not locked", where=str(card.path), hint=f"evalgate dataset lock {reference}")
    return card, prove_dataset(card)


def _card(path: Path) -> Card:
    return parse_card(read_document(path), path.parent)
