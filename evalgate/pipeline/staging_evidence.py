"""Whether a finished run is still what it was when it ended: its documents and shards against their digests.

verdict.json holds the root of manifest.json; the root is over the digests of plan.json, of the content of every shard (ids,
inputs, references, answers, findings, the metrics' rows) and of what verdict.json says; a shard's receipt holds that of its
file. Nothing outside the folder knows the run, so whoever edits all of these documents together is not found here: that is what
the higher levels of `evalgate verify` are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest, digest_file
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.files import read_text
from evalgate.core.strict_json import parse_json
from evalgate.evidence.manifest import MANIFEST, VERDICT, root_digest, verdict_digest
from evalgate.runner.receipt import SCHEMA as RECEIPT
from evalgate.runner.shard_file import ShardNumbers, ShardRows, read_details, read_numbers, shard_path

HINT = "restore the folder as the run left it, or run the gate again"
PLAN = "plan.json"


def require_agreement(folder: Path, verdict: Mapping[str, Any], plan: Mapping[str, Any], sealed: Mapping[str, Any]) -> None:
    """Hold the documents of a run against each other.

    Raises: BadInput naming every document that is not the one that its digest was made of.
    KeyError, TypeError or ValueError for a document without what evalgate writes into it.
    """
    said = []
    named = digest(plan)
    materials, results = sealed["materials"], sealed["results"]
    root = root_digest(materials, results)
    if sealed["root"] != root or verdict["evidence"]["manifest_digest"] != root:
        said.append((MANIFEST, "is not the manifest that verdict.json is about: one of them was edited"))
    if results["verdict"] != verdict_digest(verdict):
        said.append((VERDICT, "does not say what the manifest has the digest of: it was edited"))
    if materials["plan"] != named:
        said.append((PLAN, "is not the plan of the manifest: it was edited"))
    if not named.removeprefix("sha256:").startswith(str(verdict["run_id"])) or len(str(verdict["run_id"])) < 12:
        said.append((VERDICT, f"is the verdict of run {verdict['run_id']}, not of this plan"))
    rows = sum(int(shard["rows"]) for shard in results["shards"])
    if verdict["cases"]["total"] != rows:
        said.append((VERDICT, f"speaks of {verdict['cases']['total']} cases, the manifest of {rows}"))
    for key, told in (("gate", verdict.get("gate")), *((f"dataset {key}", verdict["dataset"].get(key)) for key in _DATASET)):
        planned = plan["dataset"].get(key.partition(" ")[2]) if " " in key else plan.get(key)
        if planned is not None and told != planned:
            said.append((VERDICT, f"says {key} {told!r}, the plan {planned!r}: it was edited"))
    if said:
        raise BadInput([Problem(text, str(folder / name), HINT) for name, text in said])


_DATASET = ("name", "version", "digest")


def intact_shard(folder: Path, entry: Mapping[str, Any], number: int) -> tuple[ShardNumbers, list[str], list[dict[str, Any]]]:
    """One shard of a run, proven: its numbers, and of each case the id and the details.

    `entry` is what the manifest says of it.
    Raises: BadInput naming the file that is missing or was edited.
    """
    path = shard_path(folder, number)
    for file in (path, path.with_suffix(".json")):
        if file.is_symlink() or not file.is_file():
            said = "is a link or no regular file" if file.is_symlink() or file.exists() else "does not exist"
            raise BadInput(said, where=str(file), hint=HINT)
    receipt = _receipt(path.with_suffix(".json"))
    if receipt.get("shard") != number or any(receipt.get(key) != entry.get(key) for key in ("shard", "rows", "content")):
        raise BadInput("is not the receipt of the shard in the manifest", where=str(path.with_suffix(".json")), hint=HINT)
    try:
        same = digest_file(path) == receipt.get("file")
        numbers = read_numbers(path) if same else None
        ids, details = read_details(path) if same else ([], [])
    except (OSError, Incomplete) as error:
        raise BadInput(f"the shard cannot be read: {str(error)[:200]}", where=str(path), hint=HINT) from error
    if numbers is None:
        raise BadInput("the shard is not the file that the run wrote: it was edited", where=str(path), hint=HINT)
    if len(ids) != entry["rows"] or ShardRows(numbers, ids, details).digest() != entry["content"]:
        raise BadInput("the shard's content is not that of the manifest: it was edited", where=str(path), hint=HINT)
    return numbers, ids, details


def _receipt(path: Path) -> Mapping[str, Any]:
    try:
        value = parse_json(read_text(path, str(path)))
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}", where=str(path), hint=HINT) from error
    if not isinstance(value, dict) or value.get("schema") != RECEIPT:
        raise BadInput(f"not a document {RECEIPT}", where=str(path), hint=HINT)
    return value
