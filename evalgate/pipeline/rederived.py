"""What a run says, derived again from the rows of its shards and the rules of its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evalgate.core.record import PromptRecord, RunRecord
from evalgate.core.record_file import RECORD, record_from
from evalgate.core.waivers import WaiverList, WaiverUse
from evalgate.evidence.manifest import results_document, without_products
from evalgate.evidence.verdict_document import verdict_document
from evalgate.evidence.waivers_document import waivers_document
from evalgate.pipeline.case_deltas import case_deltas
from evalgate.pipeline.cited_cards import Cited
from evalgate.pipeline.error_budget import check_error_budget
from evalgate.pipeline.instruments import with_reference_counts, with_unread
from evalgate.pipeline.planned_gate import PlannedGate, planned_gate
from evalgate.pipeline.sealing import extensions_of, shards_of
from evalgate.pipeline.select_cases import CaseReader
from evalgate.pipeline.shards import ShardStore
from evalgate.pipeline.verdict import movement, reach_verdict
from evalgate.pipeline.verify_folder import RunFolder
from evalgate.pipeline.workspace import PLAN
from evalgate.report.masking import Policy, masked_cases, masked_choices, masked_prompts
from evalgate.runner.receipt import Receipt, read_receipt


@dataclass(frozen=True, slots=True)
class Stated:
    """What the documents of a run say, read and understood but not believed."""

    run: RunFolder
    record: RunRecord
    gate: PlannedGate
    receipts: tuple[Receipt, ...]

    @property
    def store(self) -> ShardStore:
        """The rows."""
        return ShardStore(self.run.folder, len(self.receipts))


def stated(run: RunFolder) -> Stated:
    """Read the documents of a run.

    Raises: EvalgateError, ValueError, TypeError, KeyError or OSError for documents that evalgate did not write.
    """
    others = {"document": run.verdict, "manifest": without_products(run.sealed), "environment": run.document("run.json")}
    record = record_from(run.document(RECORD), others, str(run.folder / RECORD))
    gate = planned_gate(run.document(PLAN), record)
    receipts = tuple(read_receipt(run.folder, shard) for shard in range(len(run.results["shards"])))
    built = with_reference_counts(gate.built, [receipt.references for receipt in receipts])
    built = with_unread(built, [receipt.unread for receipt in receipts])
    return Stated(run, record, replace(gate, built=built), receipts)


def derived_record(said: Stated) -> RunRecord:
    """The record of the run as its rows and its plan give it.

    What neither of them holds is taken over: the card of the dataset, the history, the health, the places of files, and why a
    detector has no card.

    Raises: Incomplete when there is no verdict under these rules.
    """
    gate, store, kept = said.gate, said.store, said.record
    values = _slice_values(store, gate.settings.slices)
    verdict = reach_verdict(
        gate.settings, gate.built, store, values, require_threshold=gate.is_gate, expired_waivers=gate.expired
    )
    check_error_budget(verdict, store)
    cited = Cited(kept.cards, _missing(said))
    uses = _waiver_uses(said)
    identity = gate.identity(said.run.materials["plan"].removeprefix("sha256:")[:12], "")
    document = cited.added_to(verdict_document(verdict, identity)) | waivers_document(uses, _allowed(said))
    materials = {**said.run.materials, "extensions": extensions_of(gate.built, cited)}
    results = results_document(shards_of(said.receipts), document)
    root = str(said.run.sealed["root"])
    chosen = CaseReader(store, gate.built, movement(gate.settings, gate.built), gate.prompts).worst()
    policy = Policy(frozenset(spec.category for _, spec in gate.built.detectors if spec.sensitive), kept.settings.findings.shown)
    shown = masked_cases(chosen, policy)
    return replace(
        kept,
        verdict=verdict,
        identity=replace(identity, manifest_digest=root),
        settings=replace(gate.settings, safety=masked_choices(gate.settings.safety, chosen, policy)),
        document=document | {"evidence": {"manifest_digest": root}},
        manifest={**kept.manifest, "materials": materials, "results": results},
        prompts=masked_prompts(_prompts(said), chosen, policy),
        cases=shown,
        cases_omitted=verdict.cases.total - len(shown),
        waivers=uses,
        deltas=case_deltas(store, gate.built),
    )


def _slice_values(store: ShardStore, columns: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {column: set() for column in columns}
    for numbers in store.all_numbers():
        for column in columns:
            found[column].update(np.unique(numbers.slices[column]).tolist())
    return {column: sorted(values) for column, values in found.items()}


def _missing(said: Stated) -> dict[str, str]:
    distrust = said.gate.built.distrust
    told = said.run.verdict["safety"]
    without = [name for name in said.gate.built.categories if name not in said.record.cards]
    return {name: distrust.get(name) or told[name]["card_reason"] for name in without}


def _waiver_uses(said: Stated) -> tuple[WaiverUse, ...]:
    counts = [sum(r.waivers.get(str(place), 0) for r in said.receipts) for place in range(len(said.gate.findings.waivers))]
    both = zip(said.gate.findings.waivers, said.gate.findings.expired, counts, strict=True)
    return tuple(WaiverUse(waiver, gone, count) for waiver, gone, count in both)


def _allowed(said: Stated) -> WaiverList | None:
    planned: Mapping[str, Any] | None = said.gate.plan.get("findings", {}).get("waivers")
    if planned is None:
        return None
    return WaiverList("", planned["digest"], said.gate.findings.waivers, said.gate.findings.expired)


def _prompts(said: Stated) -> dict[str, PromptRecord]:
    found = {}
    for arm, task in said.gate.arms.items():
        kept, planned = said.record.prompts[arm], said.gate.plan["variants"][arm]
        model = f"{task.model.alias} ({task.model.provider}: {task.model.name})"
        digest = planned["prompt_digest"]
        found[arm] = PromptRecord(
            task.prompt_reference, kept.path, digest, task.messages, task.parameters, model, kept.line, kept.use
        )
    return found
