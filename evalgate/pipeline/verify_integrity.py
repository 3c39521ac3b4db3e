"""Level `integrity`: the folder holds exactly the files that the run left, and they belong together under the root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.core.canonical import digest, digest_file, pretty_json
from evalgate.core.errors import EvalgateError
from evalgate.evidence.manifest import MANIFEST, VERDICT, root_digest, verdict_digest
from evalgate.evidence.verification import Assurance, Checked, Difference, limited
from evalgate.pipeline.staging_evidence import intact_shard
from evalgate.pipeline.verify_folder import APPROVALS, RunFolder, files_in, is_signature
from evalgate.pipeline.verify_receipts import jobs_differ
from evalgate.pipeline.verify_versions import documents_of_other_versions
from evalgate.pipeline.workspace import PLAN
from evalgate.runner.shard_file import shard_path

COMPARED = (
    "every file of the folder against its SHA-256 in manifest.json; missing and further files, links",
    "the root digest against what is under it: materials (plan.json among them) and results",
    "the content of every shard against its digest under the root, and its receipt; the jobs of the receipts against each other",
    "the schema of every document against those that this version writes",
    "what verdict.json says against its digest under the root, and the root that it names",
)
TRUSTED = (
    "that the root digest is the one that was reviewed: compare it with one kept elsewhere, or with a signature",
    "that the figures follow from the rows (decision), the rows from the answers (scores), the answers from the data (replay)",
)


def check_integrity(run: RunFolder) -> Checked:
    """Hold every file of a run against its manifest, and the manifest against itself."""
    edited, foreign = documents_of_other_versions(run)
    # What another version wrote cannot be read here, and nothing is said of it.
    found = [*_files(run), *edited, *([] if foreign else [*_chain(run), *_shards(run)])]
    return Checked(Assurance.INTEGRITY, COMPARED, TRUSTED, limited(list(dict.fromkeys(found))), tuple(foreign))


def _files(run: RunFolder) -> Iterator[Difference]:
    expected, there = run.products, dict(files_in(run.folder))
    parents = {parent for name in (*expected, f"{APPROVALS}/x") for parent in _parents(name)}
    for name in expected:
        if name not in there:
            yield Difference(name, "is missing")
        elif there[name] != "file":
            yield Difference(name, f"is a {there[name]}, not the file that the run wrote")
        else:
            yield from _file(run, name, expected[name])
    for name, kind in there.items():
        known = name in expected or name == MANIFEST or (kind == "folder" and name in parents)
        if not known and not (kind == "file" and is_signature(name)):
            yield Difference(name, f"is a {kind} that the run did not write")


def _file(run: RunFolder, name: str, expected: str) -> Iterator[Difference]:
    try:
        same = digest_file(run.folder / name) == expected
    except OSError as error:
        yield Difference(name, f"cannot be read: {error.strerror}")
        return
    if not same:
        yield Difference(name, "is not the file that the run wrote: its SHA-256 is another one")


def _parents(name: str) -> Iterator[str]:
    parts = name.split("/")[:-1]
    return ("/".join(parts[: end + 1]) for end in range(len(parts)))


def _chain(run: RunFolder) -> Iterator[Difference]:
    materials, results, verdict = run.materials, run.results, run.verdict
    root = root_digest(materials, results)
    if run.manifest_text != pretty_json(run.sealed):
        yield Difference(MANIFEST, "is not written as evalgate writes it: it was edited")
    if run.sealed["root"] != root:
        yield Difference(MANIFEST, f"states the root {run.sealed['root']}, and what is under it has {root}")
    evidence = verdict.get("evidence")
    if not isinstance(evidence, dict) or evidence != {"manifest_digest": root}:
        yield Difference(VERDICT, "names another root than that of the manifest")
    if results.get("verdict") != verdict_digest(verdict):
        yield Difference(VERDICT, "does not say what the manifest has the digest of")
    for name in (PLAN, VERDICT, "run.json", "record.json"):
        if name not in run.products:
            yield Difference(name, "does not stand in the manifest")
    yield from _plan(run, verdict)


def _plan(run: RunFolder, verdict: Mapping[str, Any]) -> Iterator[Difference]:
    try:
        plan = run.document(PLAN)
        named = digest(plan)
    except (EvalgateError, ValueError, OSError):
        yield Difference(PLAN, "cannot be read")
        return
    if run.materials.get("plan") != named:
        yield Difference(PLAN, "is not the plan that the root is over: a threshold, a seed or another rule was edited")
    yield from _cases(run, plan, verdict)
    if verdict.get("run_id") != named.removeprefix("sha256:")[:12]:
        yield Difference(VERDICT, f"is the verdict of run {str(verdict.get('run_id'))[:40]}, not of this plan")


def _cases(run: RunFolder, plan: Any, verdict: Mapping[str, Any]) -> Iterator[Difference]:
    """The number of cases: of the dataset as it was planned, as the verdict has it, and of the rows."""
    rows = sum(one["rows"] for one in run.results["shards"] if type(one["rows"]) is int)
    for name, document, keys in (
        (PLAN, plan, ("dataset", "cases")),
        (VERDICT, verdict, ("dataset", "cases")),
        (VERDICT, verdict, ("cases", "total")),
    ):
        value = document
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if type(value) is not int or value != rows:
            yield Difference(name, f"its {'.'.join(keys)} is {str(value)[:40]}, and the shards have {rows} rows")


def _shards(run: RunFolder) -> Iterator[Difference]:
    listed = run.results["shards"]
    files = {f"shards/{number:05d}{end}" for number in range(len(listed)) for end in (".parquet", ".json")}
    if files != {name for name in run.products if name.startswith("shards/")} or not listed:
        yield Difference(MANIFEST, "its products are not the files of its shards")
    there = dict(files_in(run.folder))
    yield from jobs_differ(run, sorted(name for name in files if name.endswith(".json") and there.get(name) == "file"))
    for number, entry in enumerate(listed):
        path = shard_path(run.folder, number)
        name, receipt = (file.relative_to(run.folder).as_posix() for file in (path, path.with_suffix(".json")))
        if there.get(name) != "file" or there.get(receipt) != "file":
            continue  # named already; what is behind a link or a pipe may have no end
        try:
            intact_shard(run.folder, entry, number)
        except EvalgateError as error:
            yield from (Difference(_inside(one.where, run, name), one.message) for one in error.problems)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, OSError) as error:
            yield Difference(name, f"cannot be read: {type(error).__name__}: {str(error)[:200]}")


def _inside(where: str | None, run: RunFolder, name: str) -> str:
    start = f"{run.folder}/"
    return where.removeprefix(start) if where and where.startswith(start) else name
