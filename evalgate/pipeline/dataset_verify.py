"""`evalgate dataset verify`: every dataset that was named, or every dataset of the project, is what it was locked to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.golden.card import Card
from evalgate.golden.locate import CARD
from evalgate.pipeline.faults import Faults
from evalgate.pipeline.lock import verify_dataset
from evalgate.pipeline.subject import Dataset

FOLDER = "datasets"


def verify_datasets(references: Sequence[str], root: Path) -> tuple[tuple[Card, Dataset], ...]:
    """Prove several datasets; without references, all under `datasets/` of the project.

    Raises: BadInput with everything that is wrong with any of them, or when there is no dataset.
    """
    wanted = list(references) or [str(path.relative_to(root)) for path in sorted((root / FOLDER).glob(f"*/*/{CARD}"))]
    if not wanted:
        raise BadInput("there is no dataset to verify", where=str(root / FOLDER), hint=f"{FOLDER}/<name>/<version>/{CARD}")
    faults = Faults()
    proven = [faults.attempt(lambda reference=reference: verify_dataset(reference, root)) for reference in wanted]  # type: ignore[misc]
    faults.raise_if_any()
    return tuple(one for one in proven if one is not None)
