"""`evalgate verify RUN --policy FILE`: the options, the question, and how its answer is told."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from evalgate.cli.output import tell
from evalgate.core.errors import BadInput, ExitCode
from evalgate.core.visible import terminal_line

if TYPE_CHECKING:
    from evalgate.core.policy import PolicyReport


def add_policy_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the question whether a prompt may be deployed."""
    group = parser.add_argument_group("may this prompt be deployed? (0 only when everything holds, else 5)")
    group.add_argument("--policy", metavar="FILE", help="what is asked: approvals, protected thresholds, age, by risk tier")
    group.add_argument("--trusted-keys", metavar="DIR", help="public keys (PEM), and keys.yaml with whose they are")
    group.add_argument("--subject", metavar="FILE", help="the prompt that is to be deployed")
    group.add_argument("--tier", metavar="NAME", help="risk tier of the policy (default: the one for the run's gate)")
    group.add_argument("--attestation", metavar="FILE", help="default: attestation.dsse.json in the run's folder")


def policy_report(options: argparse.Namespace) -> PolicyReport | None:
    """Ask the policy; None where none is named.

    Raises: BadInput for a policy without trusted keys or subject, or the other way round: half a question has no answer.
    """
    given = {name: getattr(options, name) for name in ("policy", "trusted_keys", "subject", "tier", "attestation")}
    if not any(value is not None for value in given.values()):
        return None
    missing = [f"--{name.replace('_', '-')}" for name in ("policy", "trusted_keys", "subject") if given[name] is None]
    if missing:
        hint = "--policy FILE --trusted-keys DIR --subject PROMPT belong together"
        raise BadInput(f"{' and '.join(missing)} must be named too", where="verify", hint=hint)
    from evalgate.pipeline.policy import PolicyRequest, check_policy

    attestation = Path(options.attestation) if options.attestation is not None else None
    places = (Path(options.policy), Path(options.trusted_keys), Path(options.subject))
    return check_policy(Path(options.run), PolicyRequest(*places, options.tier, attestation))


def policy_code(code: int, report: PolicyReport | None) -> int:
    """The exit code of a verification, with the answer of the policy: a denial outranks what could not be looked at."""
    return code if report is None or report.allowed else int(ExitCode.EVIDENCE_MISMATCH)


def with_policy(document: Mapping[str, Any], report: PolicyReport | None) -> dict[str, Any]:
    """The JSON of a verification with the answer of the policy."""
    if report is None:
        return dict(document)
    from evalgate.pipeline.policy import policy_document

    code = policy_code(int(document["exit_code"]), report)
    return {**document, "exit_code": code, "policy": policy_document(report)}


def tell_policy(report: PolicyReport | None, out: TextIO, *, quiet: bool) -> None:
    """Print the answer; with --quiet only what is denied."""
    if report is None:
        return
    from evalgate.pipeline.policy import policy_lines

    lines = policy_lines(report)
    for line in [line for line in lines if line.startswith("denied")] if quiet else lines:
        print(terminal_line(line), file=out)


def tell_without_run(report: PolicyReport, options: argparse.Namespace) -> int:
    """The answer where the folder holds no run that could be verified."""
    code = policy_code(int(ExitCode.INCOMPLETE), report)
    document = None
    if options.json:
        from evalgate.core.canonical import pretty_json

        document = pretty_json(with_policy({"run": options.run, "matches": False, "exit_code": code}, report))
    return tell(code, document, lambda out: tell_policy(report, out, quiet=options.quiet))
