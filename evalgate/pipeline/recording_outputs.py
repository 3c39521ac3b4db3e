"""Outputs that somebody else made, as exchanges: the requests are those that a gate's own variant would send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.values import Output, Status
from evalgate.golden.outputs import Columns, read_outputs
from evalgate.golden.tables import read_rows
from evalgate.pipeline.recording_gates import Gate
from evalgate.proxy.transfer.interface import Entries, Found, Reason, Skipped, response_of
from evalgate.proxy.upstream.wire import Answer

SHOWN_IDS = 50


def read_gate_outputs(path: Path, gate: Gate, variant: str, sample: int) -> Entries:
    """Every output joined to its case's request.

    Raises: BadInput for a malformed file, and for ids that the gate's dataset does not have.
    """
    if path.suffix.lower() == ".txt":
        raise BadInput("outputs are joined to cases by id", where=str(path), hint="use .jsonl or .csv with columns id and output")
    asks = gate.asks_for(variant, sample)
    outputs = dict(read_outputs(path, Columns()).outputs)
    extras = _extras(path)
    for ask in asks:
        output = outputs.pop(ask.case_id, None)
        if output is None:
            yield Skipped(str(path), Reason.UNANSWERED, f"case {ask.case_id!r} has no output")
            continue
        where, finish = extras[ask.case_id]
        if output.status is Status.ERROR:
            yield Skipped(where, Reason.ERROR, output.error or "no answer")
        else:
            yield Found(where, ask.request(), response_of(_answer(output, finish)), output.latency_ms)
    if outputs:
        hint = f"the dataset is {gate.settings.dataset}"
        unknown = [Problem(f"no case has the id {name!r}", extras[name][0], hint) for name in list(outputs)[:SHOWN_IDS]]
        raise BadInput(unknown)


def _answer(output: Output, finish: str | None) -> Answer:
    return Answer(output.text, finish, output.prompt_tokens, output.completion_tokens)


def _extras(path: Path) -> dict[str, tuple[str, str | None]]:
    """Id → place of its row, and the column `finish`, where there is one."""
    found: dict[str, tuple[str, str | None]] = {}
    for row in read_rows(path):
        finish: Any = row.fields.get("finish")
        if finish is not None and not isinstance(finish, str):
            raise BadInput(f"finish must be text, not {str(finish)[:40]!r}", where=row.place)
        found[str(row.fields["id"])] = (row.place, finish or None)
    return found
