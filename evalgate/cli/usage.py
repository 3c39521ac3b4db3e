"""Usage errors: a name that is misspelt is told with the one that was meant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that refuses what it does not know where it stands, and says what is nearest to it.

    The library collects unknown options of a command for the parser above it, whose usage then names none of the command's.
    """

    _given: tuple[str, ...] = ()
    _meant: str | None = None

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As the library does; nothing unknown comes back: it ends the program as `error` does."""
        self._given = tuple(sys.argv[1:] if args is None else args)
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        self._meant = _nearest(str(value), known)
        raise argparse.ArgumentError(action, f"invalid choice: {value!r} (choose from {', '.join(known)})")

    def error(self, message: str) -> NoReturn:
        """End with exit 2: the usage, the error, and what was meant by a word that is not known."""
        from evalgate.core.credentials import without_secrets
        from evalgate.core.visible import terminal_line

        known = [option for action in self._actions for option in action.option_strings if option.startswith("--")]
        near = [self._meant, *(_nearest(flag, known) for flag in self._flags() if flag not in known)]
        meant = list(dict.fromkeys(word for word in near if word is not None))
        advice = f"\n    try: did you mean {' and '.join(meant)}?" if meant else ""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: error: {without_secrets(terminal_line(message))}{advice}\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """As the library does, which would take a help that could not be written for one that was."""
        if file is not sys.stdout:
            super()._print_message(message, file)
            return
        from evalgate.cli.output import tell

        code = tell(0, message, None, product=True)
        if code != 0:
            self.exit(code)

    def _flags(self) -> Iterator[str]:
        """The options given to this parser; those after the name of a command are the command's."""
        above = any(isinstance(action, argparse._SubParsersAction) for action in self._actions)
        for word in self._given:
            if word == "--" or (above and not word.startswith("-")):
                return
            if word.startswith("--"):
                yield word.partition("=")[0]


def _nearest(word: str, known: Iterable[str]) -> str | None:
    import difflib

    return next(iter(difflib.get_close_matches(word[:100], list(known), n=1)), None)
