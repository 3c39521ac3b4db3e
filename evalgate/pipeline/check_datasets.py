"""The datasets of one `evalgate check`: each is read once, for its own card and for every gate that uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.core.values import Case
from evalgate.golden.card import Card
from evalgate.golden.health.survey import GateLook, HealthSurvey
from evalgate.pipeline.check_references import ReferenceTrial
from evalgate.pipeline.health import gate_look, health_of, lines_of, require_healthy, survey_of
from evalgate.pipeline.subject import Dataset, Resolved, prove_dataset


@dataclass(frozen=True, slots=True)
class GateView:
    """What a gate wants to know of its dataset."""

    look: GateLook
    trial: ReferenceTrial


@dataclass(slots=True)
class _Use:
    """A dataset with everything that looks at it."""

    card: Card
    views: list[GateView] = field(default_factory=list)
    proven: Dataset | None = None
    survey: HealthSurvey | None = None
    fault: BadInput | None = None
    told: bool = False
    """Whether its own health was told already: it is told once."""


class CheckedDatasets:
    """First everything that uses a dataset is announced, then each dataset is proven in one pass over its cases."""

    def __init__(self) -> None:
        self._uses: dict[Path, _Use] = {}

    def announce(self, card: Card) -> None:
        """A dataset that will be asked for."""
        self._uses.setdefault(_place(card), _Use(card))

    def announce_gate(self, resolved: Resolved) -> GateView:
        """A gate that will ask for its dataset."""
        self.announce(resolved.card)
        view = GateView(gate_look(resolved), ReferenceTrial(resolved.built))
        self._uses[_place(resolved.card)].views.append(view)
        return view

    def proven(self, card: Card) -> Dataset:
        """The dataset of a card that was announced.

        Raises: BadInput for a faulty case, or content that is not what the card says; the same each time.
        """
        use = self._uses[_place(card)]
        if use.fault is not None:
            raise use.fault
        if use.proven is None:
            try:
                use.proven = _proven(use)
            except BadInput as error:
                use.fault = error
                raise
        return use.proven

    def health(self, card: Card, view: GateView | None = None) -> tuple[str, ...]:
        """What looks wrong with the dataset, a line each: its own health where it was not told before, and what a gate adds.

        Raises: BadInput with the errors that the card does not accept.
        """
        use = self._uses[_place(card)]
        assert use.survey is not None
        whole, use.told = not use.told, True
        if not whole and view is None:
            return ()
        report = health_of(use.survey, card, view.look if view else None, whole=whole)
        require_healthy(report, card)
        return lines_of(report)


def _proven(use: _Use) -> Dataset:
    survey = use.survey = survey_of(use.card, [view.look for view in use.views])
    trials = [view.trial for view in use.views]

    def watch(case: Case) -> None:
        survey.add(case)
        for trial in trials:
            trial.add(case)

    return prove_dataset(use.card, watch=watch)


def _place(card: Card) -> Path:
    return (card.path or card.data).resolve()
