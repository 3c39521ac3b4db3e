"""judge: a model was asked about the output; this reads its answer. The asking is the proxy's, recorded like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.judgement import UNPARSEABLE, read_judgement
from evalgate.core.parameters import Parameters
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity

NAME = "judge"
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Judge:
    """Counts the outputs that a model gave a violating label."""

    spec: DetectorSpec
    labels: tuple[str, ...]
    violating: tuple[str, ...]
    answer: str
    """`label` or `json`."""
    severity: Severity

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        """The whole output where its judgement is a violating one, and an undecided finding where there is none to read."""
        judgement = read_judgement(output.judgements.get(self.spec.category), self.labels, self.answer)
        if judgement.label is not None and judgement.label not in self.violating:
            return ()
        undecided = judgement.label is None
        rule = judgement.label or judgement.fault or UNPARSEABLE
        return (Finding(self.spec.category, rule, self.severity, 0, len(output.text), undecided),)


def make_judge(parameters: Mapping[str, Any]) -> Judge:
    """Build the detector.

    `prompt` and `model` say who is asked what, and `card` how often that was right; these three are for whoever asks. Read
    here: `labels` (all that the judge may say), `violating` (those of them that are findings), `answer` (`label` or `json`),
    `category` (judge), `severity` (high), `sensitive` (true): whether reports mask the answers that it finds, which are whole.
    """
    given = Parameters(NAME, parameters, "detector")
    given.need("prompt", str, low=1)
    given.need("model", str, low=1)
    given.take("card", str, None, low=1)
    category = given.take("category", str, NAME, low=1)
    labels = given.need("labels", list, low=2)
    violating = given.need("violating", list, low=1)
    answer = given.take("answer", str, "label", choices=["label", "json"])
    severity = given.take("severity", str, "high", choices=[s.value for s in Severity])
    sensitive = given.take("sensitive", bool, True)
    _check_labels(given, labels, violating)
    given.finish()
    identity = digest([labels, violating])[7:19]
    spec = DetectorSpec(
        NAME, category, VERSION, f"answer:{answer}|labels:{identity}|version:{VERSION}", sensitive, highest=Severity(severity)
    )
    return Judge(spec, tuple(labels), tuple(violating), answer, Severity(severity))


def _check_labels(given: Parameters, labels: list[Any], violating: list[Any]) -> None:
    for name, values in (("labels", labels), ("violating", violating)):
        if not all(isinstance(value, str) and value and value == value.strip() for value in values):
            given.refuse(name, "must be texts without white space around them", "write true, false and numbers in quotes")
            return
    folded = [label.casefold() for label in labels]
    if len(set(folded)) < len(folded):
        given.refuse("labels", "has two labels that differ in case alone, or not at all")
    if any(value not in labels for value in violating):
        given.refuse("violating", "names something that is not among labels", f"labels: {', '.join(labels)[:200]}")
    elif len(set(violating)) < len(violating):
        given.refuse("violating", "names a label twice")
    elif labels and len(violating) == len(labels):
        given.refuse("violating", "names every label: no answer would be clean")
