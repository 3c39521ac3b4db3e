"""A model as judge that gives scores, end to end: recorded, replayed, never dropped, and deciding only with a card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import upstream_stub as stub

from evalgate.config.load import load_settings
from evalgate.core.detector_card import DetectorCard, LabelledData, Tally
from evalgate.pipeline.judge_cards import load_judge_card, save_judge_card
from evalgate.pipeline.judge_measure import judge_of
from evalgate.proxy.request import canonical_request, request_key

WALL_S = 60.0
pytestmark = pytest.mark.usefixtures("wall")

PROMPT = "messages:\n  - {{role: system, content: '{task}'}}\n  - {{role: user, content: '{{{{question}}}} = {{{{output}}}}'}}\n"
TASKS = {1: "Say good or bad.", 2: "Say GOOD or BAD, please."}
GOOD = Tally(found=40, false_alarms=2, missed=1, clean=57)
CARD = "configs/detectors/help.json"
RULES = ("{metric: help, min_improvement: 0.05}",)
Label = Callable[[str, str], Any]


def strict(question: str, output: str) -> str:
    """What the judge says of an answer: bad for whoever has no idea."""
    return "bad" if output == "no idea" else "good"


class Scored:
    """The project of the other tests with a judge that scores its answers, and all that it says recorded."""

    def __init__(self, made: Any, label: Label = strict, **judge: Any) -> None:
        self.made, self.label = made, label
        given = {"prompt": "help@1", "model": "j", "as": "help", "scores": {"good": 1, "bad": 0}, "card": CARD, **judge}
        made.metrics = json.dumps([{"judge": {name: value for name, value in given.items() if value is not None}}, "exact_match"])
        made.write()
        folder = made.root / "configs" / "prompts" / "help"
        folder.mkdir(parents=True, exist_ok=True)
        for number, task in TASKS.items():
            (folder / f"{number}.prompt.yml").write_text(PROMPT.format(task=task), encoding="utf-8")
        self.edit("proxy:", "  j: {provider: openai, name: judge-model, parameters: {temperature: 0}}\nproxy:")
        with made.tape.open("a", encoding="utf-8") as tape:
            tape.writelines(json.dumps(line) + "\n" for line in self.lines())
        if given["card"] is not None:
            self.calibrate(GOOD)

    def edit(self, old: str, new: str) -> None:
        """Change the configuration."""
        text = self.made.config.read_text(encoding="utf-8")
        assert old in text
        self.made.config.write_text(text.replace(old, new, 1), encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """What the judge says about every distinct answer, to both versions of its prompt."""
        numbers = range(self.made.cases)
        rows = [(f"{i} + 1", self.made.line(arm, i)["response"]["text"]) for i in numbers for arm in ("Sum:", "Add:")]
        return [self.line(task, *row) for task in TASKS.values() for row in dict.fromkeys(rows)]

    def line(self, task: str, question: str, output: str) -> dict[str, Any]:
        """A recorded judgement."""
        said = self.label(question, output)
        messages = [{"role": "system", "content": task}, {"role": "user", "content": f"{question} = {output}"}]
        request = canonical_request(model="judge-model", messages=messages, parameters={"temperature": 0})
        response = said if isinstance(said, dict) else {"status": "ok", "text": said, "finish": "stop"}
        return {"v": 1, "key": request_key(request), "request": request, "response": response, "latency_ms": 1.0}

    def calibrate(self, tally: Tally, **changes: Any) -> None:
        """Write a card for the judge as it is configured."""
        stage = judge_of(load_settings(self.made.config), self.made.config, "help")
        spec = stage.detector.spec
        rows = tally.found + tally.missed + tally.false_alarms + (tally.clean or 0)
        facts: dict[str, Any] = {
            "category": spec.category, "detector": spec.name, "version": spec.version, "signature": spec.signature,
            "unit": "outputs", "total": tally, "rules": {}, "binding": stage.binding, "confidence": 0.95, "engine": "test",
            "data": LabelledData("labelled.jsonl", "sha256:" + "0" * 64, rows), **changes,
        }  # fmt: skip
        path = self.made.root / CARD
        path.parent.mkdir(parents=True, exist_ok=True)
        save_judge_card(path, DetectorCard(**facts))

    def verdict(self, *arguments: str) -> tuple[int, Any]:
        """Exit code and verdict document of a run."""
        ran = self.made.run("--json", "--fresh", *arguments)
        assert ran.out, ran.err
        return ran.code, ran.document


@pytest.fixture
def scored(project: Any) -> Callable[..., Scored]:
    def make(label: Label = strict, judge: dict[str, Any] | None = None, **changes: Any) -> Scored:
        return Scored(project(**{"thresholds": RULES, "extra": "reports: []\n", **changes}), label, **(judge or {}))

    return make


def test_a_calibrated_judge_lets_the_better_candidate_pass(scored) -> None:
    code, found = scored(base=10, right=36).verdict()
    helped, exact = found["metrics"]["help"], found["metrics"]["exact_match"]
    assert code == 0, found["reason"]
    assert "distrust" not in helped and helped["unread_judgements"] == {"baseline": 0, "candidate": 0}
    same = ("baseline", "candidate", "delta", "ci", "p_value", "n", "newly_failing", "method")
    assert {name: helped[name] for name in same} == {name: exact[name] for name in same}, "as good as the answers are right"
    assert "unread_judgements" not in exact


def test_a_calibrated_judge_blocks_the_worse_candidate(scored) -> None:
    code, found = scored(base=36, right=10).verdict()
    assert code == 1
    assert found["thresholds"][0]["verdict"] == "fail"


@pytest.mark.parametrize(("base", "right"), [(10, 36), (36, 10)])
@pytest.mark.parametrize("where", ["", ", slice: {level: even}", ", slice: each"])
def test_without_a_card_nothing_is_decided_in_slices_either(scored, base: int, right: int, where: str) -> None:
    rules = (f"{{metric: help, min_improvement: 0.05{where}}}",)
    code, found = scored(judge={"card": None}, base=base, right=right, thresholds=rules).verdict()
    assert code == 4
    mine = [one for one in found["thresholds"] if one["target"] == "metric:help"]
    assert mine and {one["verdict"] for one in mine} == {"inconclusive"}
    assert all("the judge of help has no calibration card" in one["reason"] for one in mine)
    assert found["metrics"]["help"]["distrust"] == "the judge of help has no calibration card"
    assert found["metrics"]["help"]["candidate"] == right / 40, "the scores are shown all the same"


BOUNDS = ["min: 0.2", "max_regression: 0.1", "max_newly_failing: 40", "min: 0.2, decide: estimate", "max: 0.99"]


@pytest.mark.parametrize("bound", BOUNDS)
def test_no_bound_passes_without_a_card(scored, bound: str) -> None:
    gate = scored(base=10, right=36, thresholds=(f"{{metric: help, {bound}}}",))
    assert gate.verdict()[0] == 0
    gate.edit(f', "card": "{CARD}"', "")
    code, found = gate.verdict()
    assert (code, found["thresholds"][0]["verdict"]) == (4, "inconclusive")


def test_a_percentile_of_the_scores_decides_no_more_than_they_do(scored) -> None:
    code, found = scored(judge={"card": None}, base=10, right=36, thresholds=("{metric: help.p50, min: 0.2}",)).verdict()
    assert code == 4
    assert found["metrics"]["help.p50"]["distrust"]


def test_a_warning_needs_no_card(scored) -> None:
    rules = ("{metric: help, min_improvement: 0.05, level: warn}", "{metric: exact_match, min: 0.5}")
    code, found = scored(judge={"card": None}, base=10, right=36, thresholds=rules).verdict()
    assert code == 0
    assert found["thresholds"][0]["verdict"] == "pass"


@pytest.mark.parametrize(("base", "right"), [(36, 10), (10, 36)])
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("help@1", "help@2", "another prompt"),
        ('"good": 1, "bad": 0', '"good": 1, "bad": 0, "so so": 0.5', "two labels"),
        ('"good": 1, "bad": 0', '"good": 1, "Bad one": 0', "other labels"),
        ('"as"', '"answer": "json", "as"', "another form"),
    ],
)
def test_another_judge_than_the_calibrated_one_decides_nothing(
    scored, base: int, right: int, old: str, new: str, said: str
) -> None:
    gate = scored(base=base, right=right)
    gate.edit(old, new)
    if "so so" in new:  # such a card would be refused
        gate.edit(f', "card": "{CARD}"', "")
    code, found = gate.verdict()
    assert code == 4, found["reason"]
    assert said in found["metrics"]["help"]["distrust"]


WEAK = [Tally(10, 30, 30, 10), Tally(25, 25, 25, 25), Tally(1, 0, 0, 1), Tally(0, 1, 0, 99), Tally(50, 50, 0, 0)]


@pytest.mark.parametrize("tally", WEAK)
def test_a_card_that_does_not_show_agreement_decides_nothing(scored, tally: Tally) -> None:
    gate = scored(base=36, right=10)
    gate.calibrate(tally)
    code, found = gate.verdict()
    assert code == 4
    assert "the judge of help" in found["metrics"]["help"]["distrust"]


@pytest.mark.parametrize("changes", [{"detector": "regex"}, {"binding": {}}, {"signature": "version:1"}])
def test_a_card_of_something_else_decides_nothing(scored, changes: dict[str, Any]) -> None:
    gate = scored(base=10, right=36)
    gate.calibrate(GOOD, **changes)
    assert gate.verdict()[0] == 4


def test_the_card_of_a_detector_with_the_same_labels_speaks_for_the_scores(scored) -> None:
    gate = scored(base=10, right=36)
    detector = {"prompt": "help@1", "model": "j", "category": "unhelpful", "labels": ["bad", "good"], "violating": ["bad"]}
    gate.edit("slices:", f"safety: {json.dumps([{'judge': detector}])}\nslices:")
    spec = judge_of(load_settings(gate.made.config), gate.made.config, "unhelpful").detector.spec
    gate.calibrate(GOOD, category="unhelpful", signature=spec.signature)
    code, found = gate.verdict()
    assert code == 0, found["reason"]
    assert found["safety"]["unhelpful"]["candidate"] == 4, "both read the same judgements"
    plan = gate.made.call("plan", str(gate.made.config), "--json").document
    assert plan["calls"]["asked"] == 160, "asked once for both"
    assert plan["calls"]["to_call"] == 0


@pytest.mark.parametrize("number", [0, 7])
def test_unread_judgements_count_against_the_candidate_and_are_told(scored, number: int) -> None:
    def vague(question: str, output: str) -> str:
        return "It depends." if int(question.split()[0]) < number else strict(question, output)

    gate = scored(vague, base=20, right=20, thresholds=("{metric: help, max_regression: 0.02}",), extra="")
    code, found = gate.verdict()
    helped = found["metrics"]["help"]
    assert helped["unread_judgements"] == {"baseline": number, "candidate": number}
    assert (helped["baseline"], helped["candidate"]) == (0.5, (20 - number) / 40), "equal answers, and no gain by silence"
    assert (helped["n"], helped["rows"]) == (40, 40)
    assert code == (0 if number == 0 else 1)
    ran = gate.made.run("--fresh")
    folder = next((gate.made.root / "reports").rglob("report.html")).parent
    told = (ran.out + ran.err, *((folder / name).read_text(encoding="utf-8") for name in ("report.html", "summary.md")))
    assert all(("could not be read" in text) == (number > 0) for text in told)


@pytest.mark.parametrize(
    "answer",
    [
        "good.", "",
        {"status": "ok", "text": "good", "finish": "length"},
        {"status": "ok", "text": "good", "finish": "content_filter"},
        {"status": "error", "error": {"kind": "permanent", "message": "gone"}},
    ],
)  # fmt: skip
def test_an_answer_that_is_no_label_never_passes(scored, answer: Any) -> None:
    code, found = scored(lambda question, output: answer, base=10, right=36).verdict()
    assert code == 1
    assert found["metrics"]["help"]["unread_judgements"] == {"baseline": 40, "candidate": 40}
    assert (found["metrics"]["help"]["baseline"], found["metrics"]["help"]["candidate"]) == (1, 0)


def test_numbers_of_a_range_are_shown_and_decide_nothing(scored) -> None:
    judge = {"scores": None, "range": [1, 5], "card": None}
    gate = scored(lambda q, o: "2" if o == "no idea" else "5", judge, base=10, right=36)
    code, found = gate.verdict()
    helped = found["metrics"]["help"]
    assert code == 4
    assert (helped["baseline"], helped["candidate"], helped["unit"]) == (2.75, 4.7, "1-5")
    assert "more than two labels" in helped["distrust"]


def test_a_judgement_that_is_not_recorded_is_a_miss(scored) -> None:
    gate = scored()
    lines = gate.made.tape.read_text(encoding="utf-8").splitlines(keepends=True)
    gate.made.tape.write_text("".join(lines[:81]), encoding="utf-8")
    ran = gate.made.run()
    assert ran.code == 3
    assert "judge help@1 by j" in ran.err and "nearest recorded request" in ran.err
    plan = gate.made.call("plan", str(gate.made.config), "--json").document
    assert plan["calls"]["to_call"] == len(gate.lines()) // 2 - 1, "one a distinct answer"


def test_workers_change_nothing(scored) -> None:
    gate = scored(lambda q, o: "hm" if q.startswith("7") else strict(q, o), cases=140, base=20, right=120)
    for jobs in ("1", "2"):
        assert gate.made.run("--jobs", jobs, "--out", str(gate.made.root / jobs)).code == 0
    first, second = ((gate.made.root / jobs / "verdict.json").read_bytes() for jobs in ("1", "2"))
    assert first == second
    assert b'"unread_judgements"' in first


def test_check_and_plan_tell_before_the_run_that_nothing_will_be_decided(scored) -> None:
    gate = scored(judge={"card": None})
    ran = gate.made.call("check", str(gate.made.config))
    assert ran.code == 0
    assert "no blocking threshold may decide on help: the judge of help has no calibration card" in " ".join(ran.out.split())
    plan = gate.made.call("plan", str(gate.made.config), "--json").document
    assert ["metric:help" in one["threshold"] for one in plan["cannot_be_met"]].count(True) == 1


def test_recording_asks_once_for_detector_and_metric(scored, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = scored(base=10, right=36)
    expected = gate.verdict()[1]["metrics"]
    detector = {"prompt": "help@1", "model": "j", "labels": ["bad", "good"], "violating": ["bad"]}
    gate.edit("slices:", f"safety: {json.dumps([{'judge': detector}])}\nslices:")
    shutil.rmtree(gate.made.tape.parent)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-9f8e7d6c5b4a39281706")

    def script(request: Any) -> Any:
        if request.content.startswith(("Sum:", "Add:")):
            arm, number = request.content.split()[0], int(request.content.split()[1])
            return stub.answer(request, gate.made.line(arm, number)["response"]["text"])
        return stub.answer(request, strict(*request.content.split(" = ")))

    with stub.Stub(script) as asked:
        monkeypatch.setenv("OPENAI_BASE_URL", asked.url)
        code, found = gate.verdict("--mode", "record")
        assert len(asked.requests) == 80 + len(gate.lines()) // 2
    assert code == 0, found["reason"]
    assert found["metrics"] == expected
    assert gate.verdict()[1] == found, "replayed, it is the same run"


def test_prune_keeps_what_the_judge_said(scored) -> None:
    gate = scored(base=10, right=36)
    before = gate.verdict()[1]["metrics"]
    tape, config = str(gate.made.tape.parent), str(gate.made.config)
    assert measured(gate) == 0
    ran = gate.made.call("recording", "prune", tape, "--config", config, "--apply", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["dropped"]["unneeded"] == len(gate.lines()) // 2, "the other prompt's judgements alone"
    assert gate.verdict()[1]["metrics"] == before


def test_a_mock_scores_by_its_rules(scored) -> None:
    gate = scored(thresholds=("{metric: help, min: 0.5}",))
    rule = "mock: {rules: [{model: judge-model, text: good}], otherwise: words}"
    gate.edit("recording: sums}", f"recording: sums, {rule}}}")
    ran = gate.made.run("--mode", "mock", "--json", "--out", str(gate.made.root / "mocked"))
    assert ran.code == 0, ran.err
    assert ran.document["metrics"]["help"]["candidate"] == 1


def measured(gate: Any) -> int:
    """Exit code of measuring the judge on answers that are recorded."""
    data = gate.made.root / "labelled.jsonl"
    rows = [
        {"id": f"r{i} {text}", "question": f"{i} + 1", "output": text, "label": strict("", text)}
        for i in range(10, 36)
        for text in ("no idea", str(i + 1))
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    asked = ("--config", str(gate.made.config), "--category", "help", "--data", str(data), "--out", str(gate.made.root / CARD))
    return int(gate.made.call("detectors", "measure", *asked).code)


def test_the_judge_is_measured_by_the_name_of_its_metric(scored) -> None:
    gate = scored(base=10, right=36)
    assert measured(gate) == 0
    tally = load_judge_card(gate.made.root / CARD).total
    assert (tally.found, tally.clean, tally.missed, tally.false_alarms) == (26, 26, 0, 0)
    assert gate.verdict()[0] == 0


FAULTS = [
    ('"model": "j"', '"model": "judge"', "there is no model 'judge'"),
    ('"prompt": "help@1"', '"prompt": "help@9"', "no version '9'"),
    ('"prompt": "help@1"', '"prompt": "sum@1"', "does not show the answer"),
    ('"good": 1, "bad": 0', '"good": 1', "same score"),
    ('"good": 1, "bad": 0', '"good": 1, "Good": 0', "case alone"),
    ('"as": "help"', '"as": "help", "range": [1, 5]', "not both"),
    ('"as": "help"', '"as": "help", "scroes": 1', "scroes"),
    ('"as": "help"', '"as": "help", "reference": "answer"', "own reference"),
    ("help.json", "other.json", "other.json"),
]


@pytest.mark.parametrize(("old", "new", "said"), FAULTS)
def test_a_faulty_judge_is_refused_before_anything_is_written(scored, old: str, new: str, said: str) -> None:
    gate = scored()
    gate.edit(old, new)
    for ran in (gate.made.run(), gate.made.call("check", str(gate.made.config))):
        assert ran.code == 2
        assert said in ran.err
    assert not (gate.made.root / "reports").exists()


def test_a_mock_judge_is_never_recorded(scored) -> None:
    gate = scored()
    gate.edit("provider: openai, name: judge-model", "provider: mock, name: judge-model")
    ran = gate.made.run("--mode", "record")
    assert ran.code == 2
    assert "would pass for real ones" in ran.err


def test_compare_has_nobody_to_ask(scored) -> None:
    gate = scored()
    outputs = gate.made.root / "outputs.jsonl"
    outputs.write_text('{"id": "c0", "output": "1"}\n', encoding="utf-8")
    references = ("--references", str(gate.made.data), "--reference-field", "answer")
    judge = "judge:prompt=help@1,model=j,range=[1,5]"
    ran = gate.made.call("compare", str(outputs), str(outputs), *references, "--metric", judge)
    assert ran.code == 2
    assert "compare does not have" in ran.err


@pytest.mark.parametrize("category", ["help@1 by j", "metric help"])
def test_a_category_of_the_name_of_the_judgements_is_refused(scored, category: str) -> None:
    gate = scored()
    detector = {"prompt": "help@2", "model": "j", "category": category, "labels": ["bad", "good"], "violating": ["bad"]}
    gate.edit("slices:", f"safety: {json.dumps([{'judge': detector}])}\nslices:")
    ran = gate.made.run()
    assert ran.code == 2
    assert "rename the category" in ran.err


def test_the_plan_holds_the_judge_and_its_card(scored) -> None:
    gate = scored(base=10, right=36)
    ids = [gate.verdict()[1]["run_id"]]
    plan = json.loads(next(Path(gate.made.root, "reports").rglob("plan.json")).read_text(encoding="utf-8"))
    assert plan["judges"]["metric help"]["prompt"] == "help@1"
    gate.calibrate(Tally(39, 3, 1, 57))
    ids.append(gate.verdict()[1]["run_id"])
    gate.edit('"good": 1, "bad": 0', '"good": 0, "bad": 1')
    ids.append(gate.verdict()[1]["run_id"])
    assert len(set(ids)) == 3
