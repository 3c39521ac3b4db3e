"""Level `decision`: statistics, thresholds and verdict derived again from the rows of the shards by the rules of the plan."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from evalgate.core.canonical import pretty_json
from evalgate.core.errors import EvalgateError, Incomplete
from evalgate.core.health import HEALTH, health_document
from evalgate.core.record import RunRecord
from evalgate.core.record_file import RECORD
from evalgate.core.typed_json import plain_value
from evalgate.evidence.manifest import VERDICT
from evalgate.evidence.verdict_document import DIGITS
from evalgate.evidence.verification import Assurance, Checked, Difference, differing, limited, short
from evalgate.pipeline.attempts import HISTORY, STANDING, attempts_document
from evalgate.pipeline.rederived import Stated, derived_record, stated
from evalgate.pipeline.scorers import scoring
from evalgate.pipeline.sealing import engine_here
from evalgate.pipeline.time_spent import PROFILE
from evalgate.pipeline.verify_attempts import attempts_told
from evalgate.pipeline.verify_columns import column_differences
from evalgate.pipeline.verify_folder import RunFolder, is_written_here
from evalgate.pipeline.verify_receipts import job_told, job_unknown
from evalgate.pipeline.verify_versions import impossible_versions
from evalgate.pipeline.verify_waivers import waivers_told
from evalgate.pipeline.workspace import PLAN
from evalgate.report.catalog import report_files, report_parts

COMPARED = (
    "every figure, interval, threshold and the verdict in verdict.json, derived again from the rows by the rules of plan.json",
    "record.json: the verdict, the settings, the prompts and the selected cases, derived again from the rows and the plan",
    "every report, rendered again from the record, byte for byte",
    "columns of the shards that follow from others: scores, lost answers, identical outputs, groups, slices, waived findings",
    "the job of every receipt: the digest of what plan.json, the versions in manifest.json and the seal in run.json describe",
    "versions and signatures of metrics and detectors, digests of their cards, health.json",
    "versions under the root: against run.json, the job of the receipts, and what this program can have written",
    "the waivers that plan.json calls expired, against their last days and the day in run.json",
    "attempts.json, derived again from attempts.jsonl in the folder or beside it, and the run's line in there",
)
TRUSTED = (
    "that the rows and findings follow from the answers (scores), and the answers from the prompts and the recording (replay)",
    "that plan.json has the rules that were agreed on: a threshold that was edited together with everything else (replay)",
    "owners and reasons of waivers, the card of the dataset, what prompts say of their use, why a detector has no card (replay)",
    "times, platform and workers in run.json and health: they decide nothing",
    "that attempts.jsonl is the history of the gate: whoever writes it anew from its beginning is not found",
)
_OUTSIDE = frozenset({"document", "manifest", "environment"})


@scoring()
def check_decision(run: RunFolder) -> Checked:
    """Derive the verdict of a run from its rows.

    Raises: EvalgateError, ValueError, TypeError, KeyError or OSError where the documents cannot be understood.
    """
    said = stated(run)
    others = other_versions(said)
    # Columns first: figures that differ may only follow from them.
    found = [*column_differences(said)]
    try:
        derived = derived_record(said)
    except Incomplete as error:
        found += [Difference(VERDICT, f"there is no verdict under these rules: {problem.message}") for problem in error.problems]
    else:
        found += [*_verdict(said, derived), *_record(said, derived), *_manifest(said, derived)]
        found += [*_others(said), *_reports(said)]
    certain = [*impossible_versions(said)]
    # The program here knows what it writes, whatever versions of libraries did the work.
    (certain if is_written_here(run.sealed) else found).extend([*job_told(said), *waivers_told(said)])
    attempts, unheld = attempts_told(said)
    found += attempts
    unknown = [one for one in (job_unknown(said), unheld) if one is not None]
    return settled(Assurance.DECISION, (COMPARED, (*TRUSTED, *unknown)), found, others, certain)


def settled(
    level: Assurance,
    told: tuple[Sequence[str], Sequence[str]],
    found: Sequence[Difference],
    others: Sequence[str],
    certain: Sequence[Difference] = (),
) -> Checked:
    """A level whose differences count only where the same versions derived both sides; `certain` ones count always."""
    compared, trusted = map(tuple, told)
    shown, always = limited(found), limited(certain)
    if not others:
        return Checked(level, compared, trusted, limited([*certain, *found]))
    versions = f"measured and judged by other versions than those here: {'; '.join(others[:8])}"
    if not found:
        return Checked(level, compared, (*trusted, f"{versions}; the outcome is the same"), always)
    said = [f"{versions}; install those to tell an edit from a change of version"]
    return Checked(level, compared, trusted, always, (*said, *(f"{one.where}: {one.message}" for one in shown)))


def other_versions(said: Stated) -> list[str]:
    """What measures and judges here and is not what the manifest names."""
    here, there = engine_here(said.gate.built), said.run.materials["engine"]
    names = sorted({*here, *there})
    return [
        f"{name} {here.get(name, 'absent')} instead of {there.get(name, 'absent')}"
        for name in names
        if here.get(name) != there.get(name)
    ]


def _verdict(said: Stated, derived: RunRecord) -> Iterator[Difference]:
    expected = json.loads(pretty_json(derived.document))
    for place, here, there in differing(expected, said.run.verdict):
        yield Difference(
            _threshold_name(place, expected), f"{VERDICT} says {short(there)}, the rows and the plan give {short(here)}"
        )
    text = (said.run.folder / VERDICT).read_bytes()
    if text != pretty_json(said.run.verdict).encode("utf-8"):
        yield Difference(VERDICT, "is not written as evalgate writes it")


def _threshold_name(place: str, document: Mapping[str, Any]) -> str:
    """A place in a verdict document, by the name of the threshold where it is one."""
    parts = place.split(".")
    if len(parts) < 2 or parts[0] != "thresholds" or not parts[1].isdigit() or int(parts[1]) >= len(document["thresholds"]):
        return place
    one = document["thresholds"][int(parts[1])]
    where = f" [{one['slice']}]" if one["slice"] is not None else ""
    return f"threshold {one['target']}{where} {one['bound']} {one['value']}, {'.'.join(parts[2:]) or 'all of it'}"


def _record(said: Stated, derived: RunRecord) -> Iterator[Difference]:
    for field in fields(RunRecord):
        if field.name in _OUTSIDE:
            continue
        pair = [rounded(plain_value(getattr(one, field.name))) for one in (derived, said.record)]
        for place, here, there in differing(pair[0], pair[1], field.name):
            yield Difference(f"{RECORD}: {place}", f"says {short(there)}, the rows and the plan give {short(here)}")


def rounded(value: Any) -> Any:
    """Numbers to the digits that are published: the last bits may differ between machines."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.{DIGITS - 1}g}") if isinstance(value, float) and math.isfinite(value) else value


def _manifest(said: Stated, derived: RunRecord) -> Iterator[Difference]:
    materials, results = derived.manifest["materials"], derived.manifest["results"]
    for name, one, other in (("materials", materials, said.run.materials), ("results", results, said.run.results)):
        for place, here, there in differing(one, other, name):
            yield Difference(f"manifest.json: {place}", f"says {short(there)}, the run gives {short(here)}")
    for name, expected in _inputs(said):
        there = said.run.materials["inputs"].get(name)
        if there != expected:
            yield Difference(f"manifest.json: {name}", f"says {short(there)}, the plan {short(expected)}")


def _inputs(said: Stated) -> Iterator[tuple[str, str]]:
    """Inputs whose digests the plan states too."""
    plan = said.gate.plan
    if said.gate.is_gate:
        yield f"dataset:{plan['dataset']['name']}@{plan['dataset']['version']}", plan["dataset"]["digest"]
        yield f"recording:{plan['proxy']['recording']}", plan["proxy"]["recording_digest"]
        for one in (*plan["variants"].values(), *plan.get("judges", {}).values()):
            yield f"prompt:{one['prompt']}", one["prompt_digest"]
        for name, judge in plan.get("judges", {}).items():
            if judge["card_digest"] is not None:
                yield f"card:{name}", judge["card_digest"]
    else:
        yield "cases" if "shared" in plan["dataset"] else "references", plan["dataset"]["digest"]
        yield from ((f"outputs:{arm}", one["digest"]) for arm, one in plan["variants"].items())


def _others(said: Stated) -> Iterator[Difference]:
    """Documents that repeat what the record says, and files that no run writes."""
    record, run = said.record, said.run
    told: dict[str, Any] = {}
    if record.attempts is not None:
        told[STANDING] = attempts_document(record, record.attempts)
    if record.health is not None:
        told[HEALTH] = health_document(record.health)
    for name, value in told.items():
        if name not in run.products or (run.folder / name).read_bytes() != pretty_json(value).encode("utf-8"):
            yield Difference(name, f"is not what {RECORD} says")
    known = {VERDICT, PLAN, RECORD, "run.json", PROFILE, HISTORY, *told, *_report_names(said)}
    for name in run.products:
        if name not in known and not name.startswith("shards/"):
            yield Difference(name, "stands in the manifest, and no run writes it")


def _report_names(said: Stated) -> set[str]:
    parts = (part for name in said.record.settings.reports for part in report_parts(name))
    return {part.file for part in parts if not part.on_request}


def _reports(said: Stated) -> Iterator[Difference]:
    for name in said.record.settings.reports:
        try:
            made = list(report_files(name, said.record))
        except (EvalgateError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            yield Difference(f"report {name}", f"cannot be rendered from the record: {str(error)[:200]}")
            continue
        for file, text in made:
            path = said.run.folder / file
            if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
                yield Difference(file, f"is not the report that {RECORD} gives")
