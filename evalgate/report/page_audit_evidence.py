"""The later groups of the audit part: approvals, deployment, digests and how to check them, what frameworks ask for."""

from __future__ import annotations

from evalgate.core.record import RunRecord
from evalgate.report import figures, phrases
from evalgate.report.markup import Markup, Part, details, element, facts, join, table
from evalgate.report.page_attempts import attempt_line

_MAPPING = (
    ("1 Identity, 10 Integrity", "Art. 12 and 19 (logs)", "MEASURE 2.1", "A.6.2.8"),
    ("2 Decision", "Annex IV(2)(g), Art. 17(1)(d)", "MANAGE 1.1", "A.6.2.4"),
    ("3 Object under test", "Annex IV(2)(g)", "MEASURE 2.1", "A.6.2.7"),
    ("4 Intended use", "Art. 11, Annex IV(1)", "MEASURE 2.3", "A.6.2.7"),
    ("5 Data", "Annex IV(2)(g)", "MEASURE 2.1, 2.10", "A.7.4, A.7.5"),
    ("6 Method, 7 Results", "Annex IV(2)(g)", "MEASURE 2.3, 2.5, 2.6", "A.6.2.4"),
    ("8 Independence and approvals", "Annex IV(2)(g): dated and signed", "MANAGE 1.1", "A.6.2.4"),
    ("9 Deployment", "Art. 17(1)(d)", "MANAGE 4.1", "A.6.2.5, A.6.2.6"),
)
_SIGNED = (
    ("author of the prompt", "--author of evalgate attest"),
    ("validator, other than the author", "evalgate approve by another person; not_author in the policy"),
    ("approved by, in which role", "--key and --role of evalgate approve"),
    ("approved on", "each approval holds its time"),
    ("comment", "--reason of evalgate approve"),
)
_COMMANDS = (
    ("evalgate verify RUN", "no file of the run folder was changed, added or taken away"),
    ("evalgate verify RUN --level decision", "the verdict follows from the rows by the rules of the plan"),
    ("evalgate verify RUN --level scores", "the rows follow from the stored answers"),
    ("evalgate verify RUN --level replay", "all of it follows from prompts, dataset and recording"),
)


def approvals(record: RunRecord) -> Markup:
    """Who stands behind it. This page is written before anybody can have signed it."""
    how = join(
        [
            "This page is part of what is signed, so it cannot show who signed it. ",
            "Signatures lie beside it in the folder of the run: ",
            element("code", "attestation.dsse.json"),
            " (the job that ran the gate, by ",
            element("code", "evalgate attest RUN --key FILE --author NAME"),
            ") and ",
            element("code", "approvals/ROLE-KEY.dsse.json"),
            " (a reviewer, by ",
            element("code", "evalgate approve RUN --key FILE --role ROLE --reason TEXT"),
            "); ",
            element("code", "evalgate verify RUN --policy FILE --trusted-keys DIR"),
            " says whose they are, whether they are valid, and whether they are enough.",
        ]
    )
    waived = [use for use in record.waivers if not use.expired]
    rows: list[tuple[str, Part | None]] = [(name, phrases.missing(where)) for name, where in _SIGNED]
    rows.append(("waivers in force", f"{len(waived):,}, with owner, reason and last day under Safety" if waived else "none"))
    return join([element("p", "UNSIGNED when this page was made", class_="unsigned"), element("p", how), facts(rows)])


def deployment() -> Markup:
    """What happens after the verdict; a run does not know it."""
    names = ("stages", "guards while it is rolled out", "way back", "what is monitored", "when it is evaluated again")
    return facts([(name, phrases.missing("the deployment's own record: a run does not know it")) for name in names])


def integrity(record: RunRecord) -> Markup:
    """Every digest, and the commands that check them."""
    materials, results = record.manifest["materials"], record.manifest["results"]
    rows: list[tuple[Part, ...]] = [("root", record.identity.manifest_digest), ("plan", materials["plan"])]
    rows += list(materials["inputs"].items())
    shards = [(f"shard {s['shard']}", f"{s['rows']} cases", s["content"]) for s in results["shards"]]
    commands = [(element("code", command), what) for command, what in _COMMANDS]
    said = element(
        "p", "RUN is the folder of this page; manifest.json in it names the SHA-256 of each of its files.", class_="note"
    )
    return join(
        [
            table(
                "How to check this run; each line trusts less than the one before",
                ("command", "exits with 0 only when"),
                commands,
            ),
            said,
            _again(record),
            table("Digests of what went in", ("what", "digest"), rows, class_="digests"),
            details(
                f"Rows ({figures.counted(len(shards), 'shard')})",
                table("Content of every shard", ("shard", "cases", "digest"), shards, class_="digests"),
            ),
            details(
                "Engine",
                table(
                    "What measured and judged", ("what", "version or digest"), list(materials["engine"].items()), class_="digests"
                ),
            ),
        ]
    )


def _again(record: RunRecord) -> Markup:
    if record.settings.path is None:
        return element("p", "The same evalgate compare command on the same files gives the same root digest and verdict.json.")
    command = f"evalgate run configs/{record.settings.path.name} --fresh"
    if record.identity.mode != "replay":
        said = " runs it again; a model that is asked again may answer otherwise."
        return element("p", "On the same commit, ", element("code", command), said)
    same = " gives the same root digest and the same verdict.json, byte for byte."
    return element("p", "On the same commit, ", element("code", command), same)


def mapping() -> Markup:
    """Which group serves as evidence for what; the texts themselves decide what is asked."""
    header = ("group", "EU AI Act (2024/1689)", "NIST AI RMF 1.0", "ISO/IEC 42001, Annex A")
    note = element("p", "Evidence mapping, not a conformity claim.", class_="note")
    return details(
        "Evidence mapping, not a conformity claim",
        note,
        table("Groups above, and where such facts are asked for", header, _MAPPING),
    )


def changes(record: RunRecord) -> Markup:
    """Against the attempt before, as far as the history of the gate knows it."""
    found = record.attempts
    if found is None:
        lack = phrases.missing("evalgate compare keeps no history; a gate run by evalgate run does")
        return facts([("attempt", lack), ("changes", lack)])
    last = found.earlier[-1] if found.earlier else None
    listed = f"{figures.count(len(found.changes))}, of which {figures.count(sum(c.looser for c in found.changes))} ask less"
    rows: list[tuple[str, Part | None]] = [
        ("attempt", element("a", attempt_line(record), href="#attempts")),
        ("attempt before", f"{last.run_id}, {last.verdict.upper()}, {last.at}" if last else "none: this is the first"),
        ("changes", listed if last else "none: nothing to compare with"),
    ]
    return facts(rows)
