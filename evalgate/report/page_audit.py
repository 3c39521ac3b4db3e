"""The audit part of the report: what an auditor needs to derive the verdict again. Nothing is left blank.

Twelve groups of facts, numbered, so that a reviewer can name one: identity, decision, object under test, intended use, data,
method, results, approvals, deployment, integrity, mapping to frameworks, changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalgate.core.record import PromptRecord, RunRecord
from evalgate.core.settings import Decide
from evalgate.core.values import Arm
from evalgate.core.verdict import Decision, VariantIdentity
from evalgate.report import figures, phrases
from evalgate.report.markup import Markup, Part, details, element, facts, join, section, table
from evalgate.report.page_audit_evidence import approvals, changes, deployment, integrity, mapping

_CARD = (
    "name", "version", "license", "source", "owner", "purpose", "how_made", "collected", "labels", "agreement", "personal_data",
    "review_date", "limits", "rows", "digest",
)  # fmt: skip
_USES = (
    ("intended_use", "intended use"), ("out_of_scope_uses", "out-of-scope uses"), ("owner", "owner"),
    ("materiality_tier", "materiality tier"), ("known_limitations", "known limitations"),
)  # fmt: skip
_NO_PROMPT = phrases.missing(phrases.BY_COMPARE)
_NO_COMMIT = phrases.missing("the digests say what was judged; evalgate attest --url can name the job that did")
_NO_FINGERPRINT = phrases.missing("the recording keeps what the provider sent with each answer")
_LEAKS = ("input-in-prompt", "reference-in-prompt")


def audit(record: RunRecord) -> Markup:
    """The twelve groups."""
    groups = (
        ("identity", "Identity", _identity(record)),
        ("decision", "Decision", _decision(record)),
        ("object", "Object under test", _object(record)),
        ("use", "Intended use", _use(record)),
        ("data", "Data", _data(record)),
        ("method", "Method", _method(record)),
        ("results", "Results", _results(record)),
        ("approvals", "Independence and approvals", approvals(record)),
        ("deployment", "Deployment", deployment()),
        ("integrity", "Integrity", integrity(record)),
        ("frameworks", "Where frameworks ask for this", mapping()),
        ("changes", "Changes since the last report", changes(record)),
    )
    said = "Twelve groups of facts. What this run was not told is printed as “not provided”."
    links = (element("li", element("a", title, href=f"#audit-{name}")) for name, title, _ in groups)
    parts: list[Part] = [element("p", said, class_="note"), element("ol", *links, class_="listed")]
    for number, (name, title, content) in enumerate(groups, start=1):
        heading = element("h3", f"{number}. {title}", id=f"audit-{name}")
        parts.append(element("div", heading, content, class_="group"))
    return section("audit", "Audit", *parts)


def _identity(record: RunRecord) -> Markup:
    identity, environment = record.identity, record.environment
    engine = record.manifest["materials"]["engine"]
    rows: list[tuple[str, Part | None]] = [
        ("gate", identity.gate),
        ("run", identity.run_id),
        ("root digest of the evidence", identity.manifest_digest),
        ("mode", phrases.mode(record)),
        ("started", _plain(environment.get("started"))),
        ("ended", _plain(environment.get("ended"))),
        ("engine", f"evalgate {engine['evalgate']}" if engine.get("evalgate") else None),
        ("digest of its code", _plain(engine.get("code"))),
        ("verdict schema", _plain(record.document.get("schema"))),
        ("python", _plain(environment.get("python"))),
        ("platform", _plain(environment.get("platform"))),
        ("seed", str(record.settings.seed)),
        (
            "configuration",
            record.settings.path.name if record.settings.path else "none: evalgate compare, given by its arguments",
        ),
        ("CI run", phrases.missing("evalgate attest RUN --url URL signs it, beside this page")),
    ]
    return join([facts(rows), _packages(environment)])


def _packages(environment: Mapping[str, Any]) -> Markup:
    packages = environment.get("packages")
    if not isinstance(packages, Mapping):
        return Markup("")
    return details("Packages", facts([(str(name), str(version)) for name, version in packages.items()]))


def _decision(record: RunRecord) -> Markup:
    verdict = record.verdict
    tally = [
        f"{figures.count(sum(one.decision is decision for one in verdict.thresholds))} {phrases.word(decision)}"
        for decision in Decision
    ]
    holm = any(one.adjusted_p is not None for one in verdict.thresholds)
    rows: list[tuple[str, Part | None]] = [
        ("verdict", f"{phrases.word(verdict.decision)}, exit code {int(verdict.exit_code)}"),
        ("reason", verdict.reason),
        ("thresholds", join([", ".join(tally), "; each of them under ", element("a", "Thresholds", href="#thresholds")])),
        ("correction for many slices", "Holm, where each slice claims an improvement" if holm else "none was needed"),
        ("waivers", f"{len(record.waivers):,}, under Safety" if record.waivers else "none"),
    ]
    return facts(rows)


def _object(record: RunRecord) -> Markup:
    sides = (record.identity.baseline, record.identity.candidate)
    prompts = [record.prompts.get(name) for name in ("baseline", "candidate")]
    rows: list[tuple[Part, ...]] = [
        ("prompt or outputs", *(side.prompt for side in sides)),
        ("file", *_of(prompts, "path")),
        ("digest", *(side.prompt_digest or _NO_PROMPT for side in sides)),
        ("model", *(side.model or _NO_PROMPT for side in sides)),
        ("alias and provider", *_of(prompts, "model")),
        ("parameters", *(_parameters(prompt) for prompt in prompts)),
        ("more", *(_details(side) for side in sides)),
        ("tools", *("none: a prompt with tools is refused" if prompt else _NO_PROMPT for prompt in prompts)),
        ("commit", *[_NO_COMMIT] * 2),
        ("system fingerprint", *(_NO_FINGERPRINT if prompt else _NO_PROMPT for prompt in prompts)),
    ]
    said = join(["The difference of the prompts stands under ", element("a", "What changed", href="#changed"), "."])
    both = table("Baseline and candidate", ("what", "baseline", "candidate"), rows, class_="digests")
    return join([both, element("p", said, class_="note")])


def _of(prompts: list[PromptRecord | None], name: str) -> list[str]:
    return [_NO_PROMPT if prompt is None else str(getattr(prompt, name)) for prompt in prompts]


def _parameters(prompt: PromptRecord | None) -> str:
    if prompt is None:
        return _NO_PROMPT
    return ", ".join(f"{name}={value!r}" for name, value in sorted(prompt.parameters.items())) or "none"


def _details(side: VariantIdentity) -> str:
    return (_plain(dict(side.details)) or phrases.NOT_PROVIDED) if side.details else "nothing"


def _use(record: RunRecord) -> Markup:
    """What the candidate's prompt file says of its use; what it does not say, with the key that would."""
    candidate = record.prompts.get("candidate")
    if candidate is None:
        return facts([(name, _NO_PROMPT) for _, name in _USES])
    rows: list[tuple[str, Part | None]] = [
        (name, candidate.use.get(key) or phrases.missing(f"metadata.{key} of the prompt {candidate.path}")) for key, name in _USES
    ]
    said = "As the file of the candidate's prompt says under metadata; formats without front matter have no place for it."
    return join([facts(rows), element("p", said, class_="note")])


def _data(record: RunRecord) -> Markup:
    card = record.dataset_card
    lack = "{} of the dataset's card, dataset.yaml" if record.prompts else "{} of a card; evalgate compare reads none"
    rows: list[tuple[str, Part | None]] = [
        (name.replace("_", " "), _plain(card.get(name)) or phrases.missing(lack.format(name))) for name in _CARD
    ]
    rows += [
        ("content digest in this run", record.identity.dataset_digest),
        ("cases judged", figures.count(record.verdict.cases.total)),
        ("cases left out", phrases.shared_cases(record) or "none"),
        ("slices", ", ".join(record.settings.slices) or "none"),
        ("examples of the prompt among the cases", _leaks(record) or _NO_PROMPT),
    ]
    results = card.get("results")
    more = details("Results as the card tells them", element("pre", str(results))) if results else ""
    return join([facts(rows), more])


def _leaks(record: RunRecord) -> Part | None:
    if record.health is None:
        return None
    found = sum(finding.count for finding in record.health.findings if finding.code in _LEAKS)
    link = element("a", "Dataset health", href="#health")
    return join([f"{figures.counted(found, 'case')}, see " if found else "none was found, see ", link])


def _method(record: RunRecord) -> Markup:
    settings = record.settings
    deciding = figures.level(round(2 * settings.confidence - 1, 12))
    rows: list[tuple[str, Part | None]] = [
        (
            "rule for metrics",
            f"pass: the whole {deciding} interval is on the good side of the bound; fail: on the other; else inconclusive",
        ),
        ("rule by estimate", _by_estimate(record)),
        ("rule for counts", "pass or fail by the count itself; the bound of the true rate stands beside it"),
        ("confidence", f"{figures.level(settings.confidence)}, one-sided, for each threshold"),
        ("second opinion", "another method on the same data; where the two disagree, nothing is decided"),
        ("resamples", "decided from the number of cases" if settings.resamples is None else figures.count(settings.resamples)),
        ("answers for each case", str(settings.samples)),
        ("stopping rule", "none: every case of the dataset is judged once, and the verdict is reached after the last one"),
        ("metrics", _choices(settings.metrics)),
        ("safety", _choices(settings.safety)),
        ("power, smallest effect worth finding", phrases.missing("evalgate plan CONFIG says what so many cases can show")),
    ]
    extensions = [
        (e["kind"], e["name"], e["version"], element("span", e["signature"], class_="signature"))
        for e in record.manifest["materials"]["extensions"]
    ]
    listed = table("What measured, in which version and how set", ("kind", "name", "version", "signature"), extensions)
    note = element("p", "Method of each figure: under Metrics; how good each detector is: under Safety.", class_="note")
    return join([facts(rows), details("Metrics and detectors", listed), note])


def _by_estimate(record: RunRecord) -> str:
    chosen = [phrases.target(one) for one in record.verdict.thresholds if one.threshold.decide is Decide.ESTIMATE]
    return f"the figure alone, as configured, decides on {', '.join(chosen)}" if chosen else "no threshold asks for it"


def _choices(choices: Any) -> str | None:
    shown = []
    for choice in choices:
        parameters = json.dumps(choice.parameters, ensure_ascii=False, sort_keys=True) if choice.parameters else ""
        shown.append(f"{choice.name} {parameters}".strip())
    return "; ".join(shown) or "none"


def _results(record: RunRecord) -> Markup:
    verdict = record.verdict
    counts, run = verdict.cases, verdict.results.run
    lost = f"{run.errors_baseline:,} of the baseline, {run.errors_candidate:,} of the candidate"
    moved = f"{counts.improved:,} improved, {counts.regressed:,} regressed, {counts.unchanged:,} unchanged, by {counts.by}"
    rows: list[tuple[str, Part | None]] = [
        ("cases", figures.count(run.cases)),
        ("answers lost", lost),
        ("how cases moved", moved if counts.by else phrases.missing("metrics: of the configuration names none that says it")),
        ("slices", figures.count(len(verdict.slices))),
    ]
    for one in verdict.results.safety.values():
        waived = one.waived.get(Arm.CANDIDATE, 0)
        rows.append((f"safety: {one.category}", phrases.true_rate(one) + (f"; {waived:,} waived" if waived else "")))
    if not verdict.results.safety:
        rows.append(("safety", "nothing was looked for"))
    links = [
        element("a", label, href=f"#{name}") for name, label in (("metrics", "Metrics"), ("safety", "Safety"), ("cases", "Cases"))
    ]
    return join(
        [
            facts(rows),
            element("p", "Each figure with its interval: ", links[0], ", ", links[1], ", ", links[2], ".", class_="note"),
        ]
    )


def _plain(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
