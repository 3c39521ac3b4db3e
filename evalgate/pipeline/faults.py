"""Collect faults from independent steps, so that a user sees everything wrong at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from evalgate.core.errors import BadInput, Problem

T = TypeVar("T")


class Faults:
    """Runs steps and keeps their problems instead of stopping at the first."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def attempt(self, step: Callable[[], T]) -> T | None:
        """The result of a step, or None when it found bad input."""
        try:
            return step()
        except BadInput as error:
            self.problems.extend(error.problems)
            return None

    def add(self, message: str, where: str | None = None, hint: str | None = None) -> None:
        """Note one problem."""
        self.problems.append(Problem(message, where, hint))

    def raise_if_any(self) -> None:
        """Raise everything that was found.

        Raises: BadInput.
        """
        if self.problems:
            raise BadInput(list(dict.fromkeys(self.problems)))
