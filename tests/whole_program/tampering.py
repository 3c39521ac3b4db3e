"""What somebody can do to a finished run: edit documents, and make every digest fit again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest, digest_file, pretty_json
from evalgate.core.record_file import record_text
from evalgate.evidence.manifest import root_digest, verdict_digest
from evalgate.pipeline.rederived import derived_record, stated
from evalgate.pipeline.verify_folder import open_folder
from evalgate.report.catalog import report_files
from evalgate.runner.shard_file import ShardRows, read_details, read_numbers


def read(run: Path, name: str) -> Any:
    return json.loads((run / name).read_text(encoding="utf-8"))


def edit(run: Path, name: str, change: Callable[[Any], object]) -> None:
    value = read(run, name)
    change(value)
    if name == "record.json":
        (run / name).write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        (run / name).write_text(pretty_json(value), encoding="utf-8")


def reseal(run: Path) -> None:
    """Make all digests fit, as somebody who knows the format would."""
    sealed, verdict, record = read(run, "manifest.json"), read(run, "verdict.json"), read(run, "record.json")
    named = digest(read(run, "plan.json"))
    sealed["materials"]["plan"] = named
    verdict["run_id"] = record["identity"]["run_id"] = named.removeprefix("sha256:")[:12]
    for number, entry in enumerate(sealed["results"]["shards"]):
        path = run / "shards" / f"{number:05d}.parquet"
        ids, details = read_details(path)
        entry |= {"rows": len(ids), "content": ShardRows(read_numbers(path), ids, details).digest()}
        edit(run, f"shards/{number:05d}.json", lambda one, entry=entry, path=path: one.update(**entry, file=digest_file(path)))
    sealed["results"]["verdict"] = verdict_digest(verdict)
    sealed["root"] = root_digest(sealed["materials"], sealed["results"])
    verdict["evidence"]["manifest_digest"] = record["identity"]["manifest_digest"] = sealed["root"]
    (run / "verdict.json").write_text(pretty_json(verdict), encoding="utf-8")
    (run / "record.json").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    rendered_again(run)
    sealed["products"] = {name: digest_file(run / name) for name in sealed["products"]}
    (run / "manifest.json").write_text(pretty_json(sealed), encoding="utf-8")


def rendered_again(run: Path) -> None:
    record = stated(open_folder(run)).record
    for name in record.settings.reports:
        for file, text in report_files(name, record):
            (run / file).write_text(text, encoding="utf-8")


def decided_again(run: Path) -> None:
    """Verdict and record as the rows and the plan that stand there now give them."""
    reseal(run)
    derived = derived_record(stated(open_folder(run)))
    (run / "verdict.json").write_text(pretty_json(derived.document), encoding="utf-8")
    (run / "record.json").write_text(record_text(derived), encoding="utf-8")
    reseal(run)
