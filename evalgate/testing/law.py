"""One law of an extension, held or broken."""

from __future__ import annotations


def law(holds: object, said: str) -> None:
    """Hold one law.

    No `assert`: python -O leaves those out, and pytest would explain both sides of a broken comparison line by line, which
    for a thousand findings takes hours.

    Raises: AssertionError that says which law is broken.
    """
    if not holds:
        raise AssertionError(said)
