"""The requests of a gate, for commands that work on its recording: the same that a run of it makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalgate.core.credentials import secret_from_environment
from evalgate.core.errors import BadInput
from evalgate.core.settings import GateSettings
from evalgate.core.values import ARMS
from evalgate.pipeline.asks import asks_of
from evalgate.pipeline.judge_measure import calibration_asks
from evalgate.pipeline.judge_stage import judge_asks
from evalgate.pipeline.subject import Dataset, Resolved, gate_cases, prove_dataset, resolve
from evalgate.proxy.recording import Recording
from evalgate.proxy.replay import Ask
from evalgate.proxy.upstream.http_provider import DEFAULT_KEY


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate whose dataset was read and proven."""

    config: Path
    resolved: Resolved
    dataset: Dataset

    @property
    def settings(self) -> GateSettings:
        """Its configuration."""
        return self.resolved.settings

    def asks(self) -> Iterator[Ask]:
        """Every request: both variants, all samples.

        Raises: BadInput naming the case when a variable is missing, Incomplete when the dataset changes meanwhile.
        """
        cases = gate_cases(self.resolved, self.dataset)
        yield from asks_of(cases, self.resolved.arms(), self.resolved.prompts, self.settings.samples)

    def judge_asks(self, recording: Recording) -> Iterator[Ask]:
        """What its judges are asked about every answer that is recorded.

        Raises: BadInput naming the case when a variable is missing, Incomplete when the dataset changes meanwhile.
        """
        if self.resolved.judges:
            how = (self.resolved.arms(), self.resolved.prompts, self.settings.samples)
            yield from judge_asks(gate_cases(self.resolved, self.dataset), how, self.resolved.judges, recording)

    def calibration_asks(self) -> Iterator[Ask]:
        """What its judges were asked for their cards.

        Raises: BadInput when the labelled data is not where a card says, or has changed: which answers belong to it is then
            unknown.
        """
        for name, stage in self.resolved.judges.items():
            if stage.card is None:
                continue
            data = self.settings.root / stage.card.data.name
            if not _is_file(data):
                said = f"the labelled data behind the card of the judge of {name} is not there: {stage.card.data.name}"
                hint = "put it back, or measure the judge again without --data-name; its answers would look unneeded"
                raise BadInput(said, where=str(self.config), hint=hint)
            yield from calibration_asks(stage, data)

    def asks_for(self, variant: str, sample: int) -> Iterator[Ask]:
        """One request a case, in the order of the dataset.

        Raises: BadInput when there is no such variant or sample.
        """
        if variant not in tuple(map(str, ARMS)):
            raise BadInput(f"variant {variant!r} is unknown", where="--variant", hint=" or ".join(map(str, ARMS)))
        if not 0 <= sample < self.settings.samples:
            said = f"the gate asks {self.settings.samples} times, so that there is no sample {sample}"
            raise BadInput(said, where="--sample", hint="samples count from 0")
        return (ask for ask in self.asks() if ask.arm == variant and ask.sample == sample)


def _is_file(path: Path) -> bool:
    """Whether it is one; what `--data-name` gave may be no path at all, and too long for one."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_gate(config: Path) -> Gate:
    """Read a gate and everything it names, except for its recording.

    Raises: BadInput with everything that is wrong.
    Side effects: keys of its upstreams are from now on kept out of everything that is written.
    """
    resolved = resolve(config, "record")
    for upstream in resolved.settings.upstreams.values():
        secret_from_environment(upstream.api_key_env or DEFAULT_KEY)
    return Gate(config, resolved, prove_dataset(resolved.card))
