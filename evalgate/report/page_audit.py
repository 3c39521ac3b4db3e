"""The audit part of the report: what an auditor needs to derive the verdict again. Nothing is left blank."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalgate.core.record import RunRecord
from evalgate.report import figures, phrases
from evalgate.report.markup import Markup, Part, details, element, facts, section, table

_CARD = (
    "name", "version", "license", "source", "owner", "purpose", "how_made", "collected", "review_date", "limits",
    "rows", "digest",
)  # fmt: skip


def audit(record: RunRecord) -> Markup:
    """Identity, data, rules, digests, environment, approvals."""
    return section(
        "audit",
        "Audit",
        element("h3", "Identity"),
        _identity(record),
        element("h3", "Data"),
        _card(record),
        element("h3", "Rules"),
        _rules(record),
        element("h3", "Digests"),
        _digests(record),
        element("h3", "Approvals"),
        element("p", "UNSIGNED", class_="unsigned"),
        facts([("author", None), ("approved by", None), ("approved on", None), ("comment", None)]),
        element("h3", "Environment"),
        _environment(record.environment),
        element("h3", "Derive it again"),
        _again(record),
    )


def _identity(record: RunRecord) -> Markup:
    identity = record.identity
    return facts(
        [
            ("gate", identity.gate),
            ("run", identity.run_id),
            ("mode", phrases.mode(record)),
            ("baseline", f"{identity.baseline.prompt}, {identity.baseline.model}"),
            ("candidate", f"{identity.candidate.prompt}, {identity.candidate.model}"),
            ("verdict schema", str(record.document.get("schema", ""))),
            ("root digest of the evidence", identity.manifest_digest),
        ]
    )


def _card(record: RunRecord) -> Markup:
    card = record.dataset_card
    rows: list[tuple[str, Part | None]] = [(name.replace("_", " "), _plain(card.get(name))) for name in _CARD]
    rows.append(("content digest in this run", record.identity.dataset_digest))
    results = card.get("results")
    more = details("Results as the card tells them", element("pre", str(results))) if results else Markup("")
    return Markup(facts(rows) + more)


def _rules(record: RunRecord) -> Markup:
    settings = record.settings
    rows: list[tuple[str, Part | None]] = [
        ("confidence", f"{figures.level(settings.confidence)}, one-sided, for each threshold"),
        ("seed", str(settings.seed)),
        ("resamples", "decided from the number of cases" if settings.resamples is None else figures.count(settings.resamples)),
        ("samples per case", str(settings.samples)),
        ("metrics", _choices(settings.metrics)),
        ("safety", _choices(settings.safety)),
        ("slices", ", ".join(settings.slices)),
        ("configuration", settings.path.name if settings.path else None),
    ]
    return facts(rows)


def _choices(choices: Any) -> str:
    shown = []
    for choice in choices:
        parameters = json.dumps(choice.parameters, ensure_ascii=False, sort_keys=True) if choice.parameters else ""
        shown.append(f"{choice.name} {parameters}".strip())
    return "; ".join(shown)


def _digests(record: RunRecord) -> Markup:
    materials, results = record.manifest["materials"], record.manifest["results"]
    rows: list[tuple[Part, ...]] = [("root", record.identity.manifest_digest), ("plan", materials["plan"])]
    rows += list(materials["inputs"].items())
    shards = [(f"shard {s['shard']}", f"{s['rows']} cases", s["content"]) for s in results["shards"]]
    extensions = [(e["kind"], e["name"], e["version"], e["signature"]) for e in materials["extensions"]]
    return Markup(
        table("Inputs", ("what", "digest"), rows, class_="digests")
        + details(
            f"Rows ({len(shards)} shards)",
            table("Content of every shard", ("shard", "cases", "digest"), shards, class_="digests"),
        )
        + details("Engine", table("What measured and judged", ("what", "version or digest"), list(materials["engine"].items())))
        + details("Metrics and detectors", table("What measured", ("kind", "name", "version", "signature"), extensions))
    )


def _environment(environment: Mapping[str, Any]) -> Markup:
    rows: list[tuple[str, Part | None]] = [
        (name, _plain(environment.get(name))) for name in ("started", "ended", "python", "platform")
    ]
    packages = environment.get("packages")
    if isinstance(packages, Mapping):
        rows += [(str(name), str(version)) for name, version in packages.items()]
    return facts(rows)


def _again(record: RunRecord) -> Markup:
    if record.settings.path is None:
        return element("p", "The same evalgate compare command on the same files gives the same verdict.json, byte for byte.")
    command = f"evalgate run configs/{record.settings.path.name} --fresh"
    return element("p", "On the same commit, ", element("code", command), " gives the same verdict.json, byte for byte.")


def _plain(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
