"""`evalgate verify`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from evalgate.cli.loading import loading
from evalgate.cli.output import tell
from evalgate.cli.policy_verify import policy_code, policy_report, tell_policy, tell_without_run, with_policy
from evalgate.core.visible import json_without_commands, terminal_line

if TYPE_CHECKING:
    from evalgate.evidence.verification import Checked, Verification


def handle(options: argparse.Namespace) -> int:
    """Verify a run; 0 when everything that was asked for matches, and the policy, if one is named, allows it."""
    with loading():
        from evalgate.evidence.verification import Assurance
        from evalgate.pipeline.verify import verify_run
        from evalgate.pipeline.verify_folder import VerifyRequest

    report = policy_report(options)
    if report is not None and not report.run_id:
        return tell_without_run(report, options)
    found = verify_run(
        VerifyRequest(
            Path(options.run),
            Assurance(options.level),
            _place(options.project),
            _place(options.baseline),
            _place(options.candidate),
            tuple(map(Path, options.references)),
        )
    )
    document = None
    if options.json:
        text = json.dumps(with_policy(found.document(), report), indent=2, sort_keys=True, ensure_ascii=True)
        document = json_without_commands(text) + "\n"

    def summary(out: TextIO) -> None:
        _tell(found, out, quiet=options.quiet)
        tell_policy(report, out, quiet=options.quiet)

    return tell(policy_code(int(found.exit_code), report), document, summary)


def _place(name: str | None) -> Path | None:
    return None if name is None else Path(name)


def _tell(found: Verification, out: TextIO, *, quiet: bool) -> None:
    for one in found.levels:
        if quiet and one.matched:
            continue
        print(f"{one.level}: {_outcome(one)}", file=out)
        lines = [("differs", f"{each.where}: {each.message}") for each in one.differences]
        lines += [("not decided", said) for said in one.undecided]
        if not quiet:
            lines += [("compared", said) for said in one.compared] + [("trusted", said) for said in one.trusted]
        for word, said in lines:
            print(f"  {word}: {terminal_line(said)}", file=out)
    if not quiet:
        matches = "matches" if int(found.exit_code) == 0 else "DOES NOT MATCH" if int(found.exit_code) == 5 else "NOT DECIDED"
        print(f"run {terminal_line(found.run_id)}, root {terminal_line(found.root)}: {matches}", file=out)
        print(f"its verdict is {terminal_line(found.verdict)}; verifying says nothing about whether that is good", file=out)


def _outcome(one: Checked) -> str:
    if one.differences:
        return "does not match"
    return "could not be decided" if one.undecided else "matches"
