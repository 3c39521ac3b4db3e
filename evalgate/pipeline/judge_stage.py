"""Models that judge: who is asked what about every answer, resolved before the first case, and all their requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.detector_card import DetectorCard
from evalgate.core.errors import BadInput
from evalgate.core.plugins import suggestion
from evalgate.core.settings import GateSettings, PluginChoice, VariantChoice
from evalgate.core.values import ARMS, Case, Output, Status
from evalgate.golden.card import Card
from evalgate.metrics.catalog import make_metric, split_generic
from evalgate.metrics.judge import JudgeMetric
from evalgate.pipeline.arm_tasks import arm_task, read_prompt
from evalgate.pipeline.asks import asks_of
from evalgate.pipeline.faults import Faults
from evalgate.pipeline.instruments import Instruments
from evalgate.pipeline.judge_cards import distrust_of, judge_card_digest, load_judge_card, score_distrust_of
from evalgate.pipeline.plan_document import plain
from evalgate.prompts.template import missing_inputs
from evalgate.prompts.values import Prompt
from evalgate.proxy.recording import Recording
from evalgate.proxy.replay import Ask, replay
from evalgate.runner.job import ArmTask
from evalgate.runner.judgements import JUDGED, OWN, judge_ask
from evalgate.safety.catalog import make_detector
from evalgate.safety.judge import NAME as JUDGE
from evalgate.safety.judge import Judge, make_judge


@dataclass(frozen=True, slots=True)
class JudgeStage:
    """One model as judge, with everything it needs."""

    name: str
    """The safety category that it judges, or the metric that it scores."""
    choice: PluginChoice
    detector: Judge
    task: ArmTask
    prompt: Prompt
    card: DetectorCard | None
    """How often it was right on labelled outputs; None where no card is named."""
    asked: str
    """Name of its judgements beside an output."""
    alike: tuple[str, ...] | None = None
    """For a metric: signatures of the detectors whose card speaks for it too; None for a detector."""
    confidence: float = 0.95
    """Of the gate: its card has to be as sure."""

    @property
    def is_metric(self) -> bool:
        """Whether it gives scores to a metric; else it finds violations."""
        return self.alike is not None

    @property
    def binding(self) -> dict[str, str]:
        """What a calibration card holds for: another prompt or model is another judge."""
        model = self.task.model
        asked = {
            "provider": model.provider,
            "name": model.name,
            "endpoint": model.endpoint,
            "parameters": dict(self.task.parameters),
        }
        return {"prompt_digest": self.prompt.digest, "model_digest": digest(asked)}

    @property
    def distrust(self) -> str | None:
        """Why no threshold may decide on its judgements; None where its card says that it may."""
        if self.alike is not None:
            return score_distrust_of(self.name, self.alike, self.binding, self.card, self.confidence)
        return distrust_of(self.name, self.detector.spec, self.binding, self.card, self.confidence)

    @property
    def card_digest(self) -> str | None:
        """Digest of what its card says."""
        return None if self.card is None else judge_card_digest(self.card)


def judge_choices(settings: GateSettings) -> tuple[PluginChoice, ...]:
    """The entries of `safety` and `metrics` that a model judges."""
    return tuple(choice for choice in (*settings.safety, *settings.metrics) if choice.name == JUDGE)


def refuse_judges(choices: Iterable[PluginChoice]) -> None:
    """Refuse a judge where no model can be asked.

    Raises: BadInput.
    """
    for choice in choices:
        if choice.name == JUDGE:
            hint = "give both variants to a gate and use evalgate run; label counts what somebody has judged already"
            said = "a model as judge is asked through the proxy, which compare does not have"
            raise BadInput(said, where=choice.place or "judge", hint=hint)


def resolve_judges(settings: GateSettings, base: Path, card: Card | None, *, cards: bool = True) -> dict[str, JudgeStage]:
    """Every judge of a gate: those of detectors by category, those of metrics as `metric NAME`.

    `cards`: whether to read their calibration cards; whoever writes a card has none yet.
    Raises: BadInput with everything that is wrong with any of them.
    """
    faults = Faults()
    found: dict[str, JudgeStage] = {}
    wanted = [(_stage, choice) for choice in settings.safety if choice.name == JUDGE]
    wanted += [(_metric_stage, choice) for choice in settings.metrics if choice.name == JUDGE]
    for made, choice in wanted:
        stage = faults.attempt(lambda choice=choice, made=made: made(settings, choice, base, cards=cards))  # type: ignore[misc]
        if stage is None:
            continue
        key = metric_judge(stage.name) if stage.is_metric else stage.name
        if stage.is_metric and (taken := {key, stage.asked} & found.keys()):
            said = f"the judge of the metric {stage.name} needs the name {min(taken)!r}, which is a safety category"
            faults.add(said, choice.place or None, "rename the category")
        found[key] = stage
        _check_inputs(stage, card, faults)
    faults.raise_if_any()
    return found


def with_judges(built: Instruments, judges: Mapping[str, JudgeStage]) -> Instruments:
    """The instruments with what is known of the judges: which of them no threshold may decide on, and the cards of others."""
    if not judges:
        return built
    reasons = {name: reason for name, stage in judges.items() if (reason := stage.distrust) is not None}
    finding = {name: stage for name, stage in judges.items() if not stage.is_metric}
    trusted = {name: stage.card for name, stage in finding.items() if stage.card is not None and name not in reasons}
    doubts = {stage.name: reasons[name] for name, stage in judges.items() if stage.is_metric and name in reasons}
    distrust = {**built.distrust, **{name: reason for name, reason in reasons.items() if name in finding}}
    return replace(built, distrust=distrust, judged=trusted, doubts=doubts)


def metric_judge(name: str) -> str:
    """Under what name the judge of a metric stands among all judges of a gate."""
    return f"metric {name}"


def judges_document(judges: Mapping[str, JudgeStage]) -> dict[str, Any]:
    """What the plan says of the judges; nothing where there is none."""
    if not judges:
        return {}
    found = {}
    for name, stage in judges.items():
        model = {key: plain(value) for key, value in asdict(stage.task.model).items()}
        asked = {"prompt": stage.prompt.reference, "prompt_digest": stage.prompt.digest, "model": model}
        messages = [list(message) for message in stage.task.messages]
        # Without the reason, nobody who has the plan alone could tell whether its judgements may decide.
        card = {"card_digest": stage.card_digest, "distrust": stage.distrust}
        found[name] = {**asked, "messages": messages, "parameters": plain(stage.task.parameters), **card}
    return {"judges": found}


def judge_inputs(judges: Mapping[str, JudgeStage]) -> dict[str, str]:
    """What the judges used → its digest, for the manifest."""
    prompts = {f"prompt:{stage.prompt.reference}": stage.prompt.digest for stage in judges.values()}
    cards = {f"card:{name}": found for name, stage in judges.items() if (found := stage.card_digest) is not None}
    return {**prompts, **cards}


def judge_asks(
    cases: Iterable[Case],
    how: tuple[Mapping[str, ArmTask], Mapping[str, Prompt], int],
    judges: Mapping[str, JudgeStage],
    recording: Recording,
) -> Iterator[Ask]:
    """What the judges are asked about every recorded answer, both variants side by side.

    `how`: arms, prompts and samples of the gate. Answers that are not recorded, or lost, are not judged.
    Raises: BadInput naming the case when a variable is missing.
    """
    arms, prompts, samples = how
    for number, case in enumerate(cases):
        order = ARMS if number % 2 == 0 else ARMS[::-1]
        found = _recorded(asks_of((case,), arms, prompts, samples), recording)
        for arm, output in sorted(found, key=lambda pair: order.index(pair[0])):
            for stage in judges.values():
                yield judge_ask((stage.name, stage.task, stage.prompt), case, arm, output)


def _recorded(asks: Iterable[Ask], recording: Recording) -> list[tuple[str, Output]]:
    answers = ((ask.arm, replay(ask, recording)) for ask in asks)
    return [(arm, answer) for arm, answer in answers if isinstance(answer, Output) and answer.status is Status.OK]


def _stage(settings: GateSettings, choice: PluginChoice, base: Path, *, cards: bool) -> JudgeStage:
    detector = make_detector(choice)
    assert isinstance(detector, Judge)
    name, where = detector.spec.category, choice.place or None
    alias, reference = choice.parameters["model"], choice.parameters["prompt"]
    if alias not in settings.models:
        raise BadInput(f"judge {name}: there is no model {alias!r}", where=where, hint=suggestion(alias, list(settings.models)))
    asked = VariantChoice(reference, alias, choice.place)
    prompt = read_prompt(asked, settings.root, base)
    named = choice.parameters.get("card")
    card = load_judge_card(settings.root / named, named) if cards and named is not None else None
    task = arm_task(settings, asked, prompt)
    return JudgeStage(name, choice, detector, task, prompt, card, name, confidence=settings.confidence)


def _metric_stage(settings: GateSettings, choice: PluginChoice, base: Path, *, cards: bool) -> JudgeStage:
    """The judge of a metric: as a detector of the lowest score it is asked, calibrated and bound to its card like any other."""
    own, renamed, reference = split_generic(choice)
    if reference is not None:
        said = f"a judge reads the dataset's own reference, not {reference!r}"
        raise BadInput(
            said, where=choice.place or None, hint=f"make {reference} an input of the dataset, and use it in the prompt"
        )
    metric = make_metric(own)
    assert isinstance(metric, JudgeMetric)
    low, high = int(metric.spec.low or 0), int(metric.spec.high or 0)
    scores = metric.scores or {str(number): float(number) for number in range(low, high + 1)}
    name, labels = renamed or metric.spec.name, list(scores)
    shared = {key: own.parameters[key] for key in ("prompt", "model", "card") if key in own.parameters}
    parameters = {**shared, "category": name, "labels": labels, "answer": metric.answer}
    lowest = [label for label in labels if scores[label] == metric.spec.low]
    stage = _stage(settings, replace(own, parameters={**parameters, "violating": lowest}), base, cards=cards)
    alike = [
        make_judge({**parameters, "labels": list(order), "violating": [label]}).spec.signature
        for order in (permutations(labels) if metric.scores and len(labels) == 2 else ())
        for label in order
    ]
    return replace(stage, asked=metric.asked, alike=tuple(alike))


def _check_inputs(stage: JudgeStage, card: Card | None, faults: Faults) -> None:
    prompt, where = stage.prompt, str(stage.prompt.path)
    if JUDGED not in prompt.placeholders:
        said = f"the judge's prompt {prompt.reference} does not show the answer that it judges"
        faults.add(said, where, f"put {{{{{JUDGED}}}}} into it")
    if card is None or not card.inputs:
        return
    for name in OWN:
        if name in card.inputs and name in prompt.placeholders:
            said = f"{name!r} is an input of {card.name} and a variable that the judge fills"
            faults.add(said, where, "name the column differently, or leave it out of the card's inputs")
    offered: Sequence[str] = (*card.inputs, *OWN)
    for name in missing_inputs(prompt, offered):
        said = f"the judge's prompt {prompt.reference} needs {name!r}, which is no input of {card.name}"
        faults.add(said, where, suggestion(name, list(offered)))
