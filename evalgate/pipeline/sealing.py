"""The seal of a run: what it used and found under one root, and the digest of every file in its folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalgate import __version__
from evalgate.core.canonical import digest, digest_bytes, digest_file, pretty_json
from evalgate.core.errors import Incomplete
from evalgate.core.files import write_whole
from evalgate.core.record import RunRecord
from evalgate.evidence.manifest import MANIFEST, VERDICT, materials_document, with_products
from evalgate.pipeline.instruments import Instruments
from evalgate.runner.receipt import Receipt, receipt_path
from evalgate.runner.shard_file import shard_path
from evalgate.runner.versions import source_digest, versions_here

if TYPE_CHECKING:
    from evalgate.pipeline.cited_cards import Cited
    from evalgate.pipeline.evaluate import Subject

SEAL = "recording_seal"
"""Member of run.json: the seal of the recording's bytes, for which the job of the receipts was done."""


def engine_here(built: Instruments) -> dict[str, str]:
    """What measures and judges on this machine, by name; `code` is the digest of evalgate's own files."""
    metrics = [instrument.task.choice.name for instrument in built.metrics]
    versions = versions_here(metrics, [choice.name for choice, _ in built.detectors])
    return {**versions, "evalgate": __version__, "code": source_digest()}


def materials_of(subject: Subject, cited: Cited) -> dict[str, Any]:
    """Everything that the verdict of a run rests on, by digest or version."""
    extensions = extensions_of(subject.built, cited)
    return materials_document(engine_here(subject.built), digest(subject.plan), subject.inputs, extensions)


def shards_of(receipts: Iterable[Receipt]) -> list[dict[str, Any]]:
    """What the manifest says of each shard."""
    return [{"shard": one.shard, "rows": one.rows, "content": one.content} for one in receipts]


def seal(record: RunRecord, folder: Path, files: Iterable[str], receipts: Sequence[Receipt]) -> None:
    """Write manifest.json and then, last of all, verdict.json: its presence means that everything is there.

    A crash between the two leaves a manifest without a verdict, which is no finished run; the next run removes it.

    `files`: names of what was written before, beside the shards and their receipts.
    Raises: Incomplete when the disk refuses, or one of them is gone.
    """
    verdict = pretty_json(record.document)
    products = {name: _digest(folder / name) for name in files}
    products[VERDICT] = digest_bytes(verdict.encode("utf-8"))
    for receipt in receipts:
        products[relative(shard_path(folder, receipt.shard), folder)] = receipt.file
        path = receipt_path(folder, receipt.shard)
        products[relative(path, folder)] = _digest(path)
    write_whole(folder / MANIFEST, pretty_json(with_products(record.manifest, products)))
    write_whole(folder / VERDICT, verdict)


def _digest(path: Path) -> str:
    try:
        return digest_file(path)
    except OSError as error:
        hint = "somebody else works in the folder: run again, in another --out"
        raise Incomplete(f"cannot be sealed: {error.strerror}", where=str(path), hint=hint) from error


def relative(path: Path, folder: Path) -> str:
    """The name of a file of a run folder, the same on every system."""
    return path.relative_to(folder).as_posix()


def extensions_of(built: Instruments, cited: Cited) -> list[dict[str, str]]:
    """The metrics and detectors of a run, with what they are recognised by."""
    metrics = [
        {
            "kind": "metric",
            "name": i.spec.name,
            "plugin": i.task.choice.name,
            "version": i.spec.version,
            "signature": i.spec.signature,
        }
        for i in built.metrics
    ]
    cards = cited.digests
    detectors = [
        {
            "kind": "detector",
            "name": spec.category,
            "plugin": choice.name,
            "version": spec.version,
            "signature": spec.signature,
            **({"card": cards[spec.category]} if spec.category in cards else {}),
        }
        for choice, spec in built.detectors
    ]
    return metrics + detectors
