"""`evalgate dataset lock | verify`: bind a card to the content of its data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evalgate.config.strict_yaml import parse_document, read_document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import read_text, write_whole
from evalgate.golden.card import Card, parse_card
from evalgate.golden.locate import card_path
from evalgate.golden.lock_check import lock_path
from evalgate.golden.lock_file import LOCK, LockHeader, LockLines, meaning_digest, read_header
from evalgate.pipeline.subject import Dataset, prove_dataset

_LOCK_LINE = re.compile(r"^(rows|digest):.*\n?", re.MULTILINE)


def lock_dataset(reference: str, root: Path, *, replace_lock: bool = False) -> tuple[Card, Dataset]:
    """Write rows and digest of the data into the card, and a digest of each case into dataset.lock beside it.

    The rest of the card stays as it is. The lock is written first: the card makes it count. A version that is locked already
    keeps its content and its meaning, unless `replace_lock`; what it lacked (the lock file, the meaning) is added.

    Raises: BadInput when card or data are faulty, or the version is locked to something else; nothing is written then.
    Side effects: rewrites card and lock.
    """
    path = card_path(reference, root=root, base=root)
    card = _card(path)
    lines = LockLines(card)
    dataset = prove_dataset(replace(card, rows=None, digest=None, path=None), lines)
    problems = [] if replace_lock else list(_replaced(card, dataset))
    if problems:
        raise BadInput(problems)
    text = _LOCK_LINE.sub("", read_text(path, str(path)))
    locked = f"{text.rstrip()}\nrows: {dataset.rows}\ndigest: {dataset.digest}\n"
    parse_card(parse_document(locked, str(path)), path.parent)
    write_whole(path.with_name(LOCK), lines.file(dataset.digest))
    write_whole(path, locked)
    return _card(path), dataset


def _replaced(card: Card, dataset: Dataset) -> Iterator[Problem]:
    """What locking a card again would silently put in the place of what was locked under its name and version."""
    header = _locked_before(card)
    named = f"{card.name}@{card.version}"
    if header is not None and header.dataset not in (None, named):
        return  # a copy of another version, to be locked for the first time
    hint = f"give the card a new version; --replace only where nothing was measured on {named} yet"
    earlier = card.digest if header is None else header.digest
    if earlier not in (None, dataset.digest) or card.digest not in (None, dataset.digest):
        yield Problem(f"{named} is locked to other content", str(card.path), hint)
    if header is None:
        return
    other = header.reference != card.reference if header.meaning is None else header.meaning != meaning_digest(card)
    if other:
        said = f"{named} is locked with another meaning of its columns (id, inputs, reference, group, slices or schema)"
        yield Problem(said, str(card.path), hint)


def _locked_before(card: Card) -> LockHeader | None:
    path = lock_path(card)
    if path is None:
        return None
    try:
        return read_header(path, str(path))
    except BadInput as error:
        hint = "restore it; --replace writes it anew, whatever was locked"
        raise BadInput([replace(problem, hint=hint) for problem in error.problems]) from error


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
