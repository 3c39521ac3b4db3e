"""A finished run read back from its folder, with its cases."""

from __future__ import annotations

from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.pipeline.evaluate import Finished
from evalgate.pipeline.finished_run import read_record
from evalgate.pipeline.rederived import stated
from evalgate.pipeline.select_cases import CaseReader
from evalgate.pipeline.verdict import movement
from evalgate.pipeline.verify_folder import open_folder


def reopened(folder: Path) -> Finished:
    """What `run` gave when the run ended; nothing is measured or judged again.

    Raises: BadInput when there is no finished run, or its documents do not belong together; Incomplete when a metric or a
        detector of it cannot be made here.
    """
    record = read_record(folder)
    try:
        said = stated(open_folder(folder))
        by = movement(said.gate.settings, said.gate.built)
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise BadInput(f"the run cannot be read back: {error}", where=str(folder), hint="run the gate again") from error
    return Finished(record, folder, CaseReader(said.store, said.gate.built, by, said.gate.prompts))
