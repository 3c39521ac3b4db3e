"""A gate as a file of tests: one for each threshold on each set of cases, and one for the verdict."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evalgate.core.credentials import without_secrets
from evalgate.core.errors import BadInput, EvalgateError, Incomplete, Problem
from evalgate.core.files import write_whole
from evalgate.core.settings import TargetKind
from evalgate.core.visible import terminal_line

if TYPE_CHECKING:
    from evalgate.core.verdict import Verdict
    from evalgate.pipeline.api import RunResult
    from evalgate.report.checks import Check


_PLAIN = str.maketrans({"[": "(", "]": ")", ":": "="})
"""pytest and its JUnit files take brackets and double colons in a name for parts of an address."""


class GateFailed(Exception):
    """A threshold, or the whole gate, that did not pass; told in one line."""


class Gates:
    """Runs each gate once in a session; of several workers the first that asks, while the others wait and read its run."""

    def __init__(self, shared: str | None):
        self._shared = None if shared is None else Path(shared)
        self._known: dict[tuple[Path, str | None], RunResult | EvalgateError] = {}

    def result(self, config: Path, mode: str | None) -> RunResult:
        """The finished run.

        Raises: EvalgateError when there is no verdict, each time anew.
        """
        key = (config.resolve(), mode)
        if key not in self._known:
            try:
                self._known[key] = self._alone(*key) if self._shared is None else self._once(self._shared, *key)
            except EvalgateError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, EvalgateError):
            raise type(found)(found.problems)
        return found

    def _alone(self, config: Path, mode: str | None) -> RunResult:
        from evalgate.pipeline.api import run

        # What a library warns of is no failure of a gate, whatever the filters of the test suite say.
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            return run(config, mode=mode)

    def _once(self, shared: Path, config: Path, mode: str | None) -> RunResult:
        name = hashlib.sha256(f"{mode}\0{os.fspath(config)}".encode("utf-8", "surrogateescape")).hexdigest()
        told = shared / f"{name}.json"
        with _held(shared / f"{name}.lock"):
            if told.is_file():
                return _read(json.loads(told.read_text(encoding="utf-8")))
            try:
                result = self._alone(config, mode)
            except EvalgateError as error:
                problems = [[one.message, one.where, one.hint] for one in error.problems]
                write_whole(told, json.dumps({"bad_input": isinstance(error, BadInput), "problems": problems}))
                raise
            write_whole(told, json.dumps({"folder": os.fspath(result.folder.absolute())}))
            return result


def _read(told: dict[str, Any]) -> RunResult:
    from evalgate.pipeline.api import RunResult
    from evalgate.pipeline.reopened import reopened

    if "folder" in told:
        return RunResult(reopened(Path(told["folder"])))
    kind = BadInput if told["bad_input"] else Incomplete
    raise kind([Problem(*one) for one in told["problems"]])


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    with lock.open("wb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class GateFile(pytest.File):
    """The configuration of a gate."""

    gates: Gates
    mode: str | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """Run the gate, and give its thresholds and its verdict.

        Raises: CollectError when there is no verdict.
        """
        from evalgate.report.checks import checks, declared_place, told_apart

        try:
            result = self.gates.result(self.path, self.mode)
        except EvalgateError as error:
            raise self.CollectError(_told(error)) from None
        found = checks(result.finished.record)
        for check, name in zip(found, told_apart(check.name.translate(_PLAIN) for check in found), strict=True):
            item: GateItem = GateItem.from_parent(self, name=name)
            place = declared_place(check.result.threshold.place)
            item.line = place[1] - 1 if place else None
            item.outcome = partial(_check_outcome, check)
            item.user_properties.extend(_properties(check, result.verdict))
            yield item
        verdict: GateItem = GateItem.from_parent(self, name="verdict")
        verdict.outcome = partial(_verdict_outcome, result)
        verdict.user_properties.extend(_identity(result))
        yield verdict


class GateItem(pytest.Item):
    """One threshold on one set of cases, or the verdict."""

    line: int | None = None
    outcome: Callable[[], tuple[str, str]]
    """(why it fails, what else is to be said); both may be empty."""

    def runtest(self) -> None:
        """Fail with the reason.

        Raises: GateFailed.
        """
        failed, said = self.outcome()
        if said:
            self.add_report_section("call", "evalgate", said)
        if failed:
            raise GateFailed(failed)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The reason on one line, without a traceback."""
        if isinstance(excinfo.value, GateFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The line of the configuration."""
        return self.path, self.line, self.name


def _check_outcome(check: Check) -> tuple[str, str]:
    from evalgate.report import phrases

    said = f"{phrases.outcome(check.result)}: {terminal_line(check.result.reason)}"
    return ("", said) if not check.blocks else (said, "")


def _verdict_outcome(result: RunResult) -> tuple[str, str]:
    verdict = result.verdict
    said = f"{verdict.decision.value.upper()} (exit code {result.exit_code}): {terminal_line(verdict.reason)}"
    return ("", said) if result.exit_code == 0 else (said, "")


def _properties(check: Check, verdict: Verdict) -> list[tuple[str, object]]:
    """What a JUnit file keeps of a threshold; numbers as text, so that no reader rounds them."""
    result = check.result
    part = verdict.results if result.slice is None else verdict.slices[result.slice]
    metric = part.metrics.get(result.threshold.name) if result.threshold.kind is TargetKind.METRIC else None
    found: dict[str, object] = {
        "verdict": result.decision.value,
        "level": result.threshold.level.value,
        "bound": f"{result.threshold.bound.value}={terminal_line(result.threshold.text)}",
        "observed": "" if result.observed is None else repr(result.observed),
    }
    if metric is not None and metric.delta.value is not None:
        found["delta"] = repr(metric.delta.value)
    if result.interval is not None:
        found["interval"] = f"{result.interval.low!r} {result.interval.high!r}"
    if result.p_value is not None:
        found["p"] = repr(result.p_value)
    return [(f"evalgate.{name}", value) for name, value in found.items()]


def _identity(result: RunResult) -> list[tuple[str, object]]:
    identity = result.finished.record.identity
    found = {"run_id": identity.run_id, "root_digest": identity.manifest_digest, "folder": os.fspath(result.folder)}
    return [(f"evalgate.{name}", terminal_line(value)) for name, value in found.items()]


def _told(error: EvalgateError) -> str:
    """Problems as the command line tells them, one a line."""
    lines = [f"evalgate: no verdict (exit code {int(error.exit_code)})"]
    return "\n".join([*lines, *(terminal_line(without_secrets(str(problem))) for problem in error.problems)])
