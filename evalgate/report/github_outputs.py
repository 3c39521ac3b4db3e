"""Outputs of a step for `$GITHUB_OUTPUT`: decisions, numbers and digests, never a text of unknown origin.

Source: `FileCommandManager.cs` of actions/runner: `KEY=VALUE` on one line. A value of several lines needs a delimiter, which
a text could forge; nothing here needs one.
"""

from __future__ import annotations

import re

from evalgate.core.errors import BadInput
from evalgate.core.record import RunRecord
from evalgate.core.verdict import Decision
from evalgate.report.checks import checks, worst_first

PLAIN = re.compile(r"[A-Za-z0-9:._-]{1,128}")


def render_outputs(record: RunRecord) -> str:
    """One `key=value` a line.

    Raises: BadInput when the record holds an id that could be more than one value.
    """
    return "".join(f"{name}={value}\n" for name, value in plain_facts(record).items())


def plain_facts(record: RunRecord) -> dict[str, str]:
    """What a pipeline may decide on, each a single word or number.

    Raises: BadInput when the record holds an id that could be more than one value.
    """
    verdict, bad = record.verdict, worst_first(record)
    facts = {
        "verdict": verdict.decision.value,
        "exit_code": str(int(verdict.exit_code)),
        "run_id": record.identity.run_id,
        "root_digest": record.identity.manifest_digest,
        "thresholds": str(len(checks(record))),
        "failed": str(sum(one.blocks and one.result.decision is Decision.FAIL for one in bad)),
        "inconclusive": str(sum(one.blocks and one.result.decision is Decision.INCONCLUSIVE for one in bad)),
        "warned": str(sum(one.warns for one in bad)),
        "cases": str(verdict.cases.total),
    }
    for name, value in facts.items():
        if not PLAIN.fullmatch(value):
            raise BadInput(f"{name} is not a plain word: {value[:80]!r}", where="record.json", hint="run the gate again")
    return facts
