"""The door: parse, one call, print, exit code. Exit 0 has one way: a handler that returns it."""

from __future__ import annotations

import argparse
import atexit
import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from evalgate.cli.last_exit import keep_exit_code
from evalgate.cli.parser import Handler, build_parser
from evalgate.cli.refused import refused_by_system
from evalgate.cli.streams import have_streams, silence_stdout
from evalgate.core.credentials import without_secrets
from evalgate.core.errors import EvalgateError, ExitCode, Incomplete, Interrupted, Problem, Terminated
from evalgate.core.visible import terminal_line

_CONTINUE = "finished shards are kept: the same command continues"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    have_streams()
    options = _parsed(arguments)
    signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        return _all_printed(int(_handler(options.handler)(options)))
    except EvalgateError as error:
        return _report(error, options)
    except KeyboardInterrupt as signalled:
        return _stopped(signalled, options)
    except BrokenPipeError as error:
        # No stdout: what prints there never raises this. Somebody at the other end of a pipe or a connection is gone.
        return _report(Incomplete(f"the work was broken off: {error.strerror}", hint="the same command again"), options)
    except BaseException as error:  # noqa: BLE001 - the boundary of the program: a bug must exit 70, never 1
        # Also a sys.exit() in somebody else's code, which would end with whatever it likes, 0 included.
        if (refused := refused_by_system(error)) is not None:
            return _report(refused, options)
        if (before := _signalled_before(error)) is not None:
            return _stopped(before, options)
        return _bug(error, options)


def entry() -> None:
    """Console script: run and exit; neither a closed standard output nor an extension changes the exit code."""
    leave, interrupted = keep_exit_code(), False
    # Registered first, so that it comes last. In what Python tidies up after it a signal would choose the exit code.
    atexit.register(lambda: leave(code) if interrupted else None)
    try:
        code = main()
    except KeyboardInterrupt:
        code = int(ExitCode.INTERRUPTED)  # a second one, while the first was being told of
    interrupted = code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: leave(code))  # nobody who interrupts again waits for anything
    try:
        sys.stdout.flush()
    except (BrokenPipeError, OSError, ValueError):
        silence_stdout()
    # Workers and other threads must not delay the answer of a gate.
    sys.exit(code)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = build_parser().parse_args(arguments)
    options.quiet = getattr(options, "quiet", False)
    options.verbose = getattr(options, "verbose", False)
    return options


def _all_printed(code: int) -> int:
    try:
        sys.stdout.flush()
    except OSError as error:
        from evalgate.cli.output import lost_output

        return lost_output(error, code, product=True)
    return code


def _handler(reference: str) -> Handler:
    module, _, name = reference.partition(":")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


class _Termination(KeyboardInterrupt):
    """SIGTERM as an interrupt: nothing on the way may take it for an error of its own, and joblib ends its workers."""


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    raise _Termination


def _stopped(signalled: KeyboardInterrupt, options: argparse.Namespace) -> int:
    if isinstance(signalled, _Termination):
        return _report(Terminated("terminated", hint=_CONTINUE), options)
    return _report(Interrupted("interrupted", hint=_CONTINUE), options)


def _signalled_before(error: BaseException) -> KeyboardInterrupt | None:
    """The interrupt while an error was raised: a library that is stopped half way through its start may not stop well."""
    before = error.__context__
    while before is not None and not isinstance(before, KeyboardInterrupt):
        before = before.__context__
    return before


def _report(error: EvalgateError, options: argparse.Namespace) -> int:
    problems = [_without_secrets(problem) for problem in error.problems]
    for problem in problems:
        _say(f"evalgate: {problem_line(problem)}")
    code = int(error.exit_code)
    if getattr(options, "json", False):
        from evalgate.cli.output import print_error_document

        print_error_document(code, problems)
    return code


def _without_secrets(problem: Problem) -> Problem:
    """Whatever an error carries, a secret that this process was given does not leave it."""
    where, hint = (None if text is None else without_secrets(text) for text in (problem.where, problem.hint))
    return Problem(without_secrets(problem.message), where, hint)


def problem_line(problem: Problem) -> str:
    """One problem on one line, safe for a terminal and for a CI log."""
    place = f"{terminal_line(problem.where)}: " if problem.where else ""
    advice = f"\n    try: {terminal_line(problem.hint)}" if problem.hint else ""
    return f"{place}{terminal_line(problem.message)}{advice}"


def _bug(error: BaseException, options: argparse.Namespace) -> int:
    if options.verbose:
        import traceback

        for line in traceback.format_exc().splitlines():
            _say(terminal_line(without_secrets(line)))
    _say(f"evalgate: internal error: {type(error).__name__}: {terminal_line(without_secrets(str(error))[:500])}")
    _say("    try: the same command with --verbose, and report what it prints")
    return int(ExitCode.INTERNAL)


def _say(line: str) -> None:
    try:
        print(without_secrets(line), file=sys.stderr, flush=True)
    except (BrokenPipeError, OSError, ValueError):
        return
