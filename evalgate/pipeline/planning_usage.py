"""What requests used or would use, for `evalgate plan`: those of the variants, and those of the judges about their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from evalgate.core.values import Case, Output, Status
from evalgate.pipeline.judge_stage import JudgeStage
from evalgate.proxy.nearest import Miss
from evalgate.proxy.recording import Recording
from evalgate.proxy.replay import Ask, replay
from evalgate.proxy.request import request_key
from evalgate.runner.judgements import judge_ask

FRAME_TOKENS = 16
"""What a server puts around a prompt, for requests nothing is known of but their size."""


@dataclass(slots=True)
class Usage:
    """What the requests of one variant, or one judge, used or would use."""

    asked: int = 0
    recorded: int = 0
    errors: int = 0
    to_call: int = 0
    """Distinct requests without an answer."""
    counted: int = 0
    """Recorded answers whose tokens are known."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    bytes_to_call: int = 0
    """Size of the prompts still to be sent."""
    unseen: int = 0
    """Requests among `to_call` that cannot be made yet: a judge's about answers that are not there."""


def looked_up(ask: Ask, recording: Recording | None, used: Usage, seen: set[str]) -> Output | None:
    """The recorded answer, or None; either is counted. `seen` holds the keys of requests that are to be made already."""
    used.asked += 1
    answer = None if recording is None else replay(ask, recording)
    output = answer if isinstance(answer, Output) and answer.status is Status.OK else None
    if output is not None:
        used.recorded += 1
        if output.prompt_tokens is not None and output.completion_tokens is not None:
            used.counted += 1
            used.prompt_tokens += output.prompt_tokens
            used.completion_tokens += output.completion_tokens
        return output
    used.errors += not (answer is None or isinstance(answer, Miss))
    key = request_key(ask.request())
    if key not in seen:
        seen.add(key)
        used.to_call += 1
        used.bytes_to_call += FRAME_TOKENS + sum(len(content.encode("utf-8", "replace")) + 8 for _, content in ask.messages)
    return None


class JudgeCalls:
    """What the judges of a gate are asked about its answers."""

    def __init__(self, judges: Mapping[str, JudgeStage], recording: Recording | None, samples: int) -> None:
        self.usage = {name: Usage() for name in judges}
        # Two that ask one model with one prompt share their requests.
        self._who = {name: tuple(stage.binding.items()) for name, stage in judges.items()}
        self._scored = {stage.asked for stage in judges.values() if stage.is_metric}
        self._judges, self._recording, self._samples = judges, recording, samples
        self._seen: set[str] = set()

    def judged(self, case: Case, arm: str, outputs: tuple[Output, ...] | None) -> tuple[Output, ...] | None:
        """The answers with what is recorded about them; of answers that are not there each is one call more."""
        if outputs is None:
            for used in (self.usage[name] for name in {who: name for name, who in self._who.items()}.values()):
                used.asked += self._samples
                used.to_call += self._samples
                used.unseen += self._samples
            return None
        found = tuple(self._with_judgements(case, arm, output) for output in outputs) if self._judges else outputs
        # Without the score of a metric an answer is not measured; a finding that is missing is undecided.
        return found if all(self._scored <= output.judgements.keys() for output in found) else None

    def _with_judgements(self, case: Case, arm: str, output: Output) -> Output:
        found: dict[str, Output] = {}
        said: dict[tuple[tuple[str, str], ...], Output | None] = {}
        for name, stage in self._judges.items():
            who = self._who[name]
            if who not in said:
                ask = judge_ask((stage.name, stage.task, stage.prompt), case, arm, output)
                said[who] = looked_up(ask, self._recording, self.usage[name], self._seen)
            answer = said[who]
            if answer is not None:
                found[stage.asked] = answer
        return replace(output, judgements=found)
