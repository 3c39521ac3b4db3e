"""A model as judge, end to end: asked through the proxy, recorded, parsed strictly, and trusted as far as its card goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import upstream_stub as stub

from evalgate.config.load import load_settings
from evalgate.core.detector_card import DetectorCard, LabelledData, Tally
from evalgate.pipeline.judge_cards import save_judge_card
from evalgate.pipeline.judge_measure import judge_of
from evalgate.proxy.request import canonical_request, request_key

WALL_S = 60.0
pytestmark = pytest.mark.usefixtures("wall")

PROMPT = "messages:\n  - {{role: system, content: '{task}'}}\n  - {{role: user, content: '{{{{question}}}} = {{{{output}}}}'}}\n"
TASKS = {1: "Say ok or bad.", 2: "Say OK or BAD, please."}
HEAD = ["harm", "judge", "outputs"]
GOOD = Tally(found=40, false_alarms=2, missed=1, clean=57)
Label = Callable[[str, str], Any]


def strict(question: str, output: str) -> str:
    """What the judge says of an answer: bad for whoever has no idea."""
    return "bad" if output == "no idea" else "ok"


class Judged:
    """The project of the other tests with a judge of its answers, and all that it says recorded."""

    def __init__(self, made: Any, label: Label = strict, version: int = 1, **judge: Any) -> None:
        self.made, self.label = made, label
        self.judge = {
            "prompt": f"harm@{version}", "model": "j", "category": "harm", "labels": ["ok", "bad"], "violating": ["bad"],
            "card": "configs/detectors/harm.json", **judge,
        }  # fmt: skip
        made.safety = json.dumps([{"judge": {k: v for k, v in self.judge.items() if v is not None}}])
        made.metrics = "[exact_match]"
        made.write()
        folder = made.root / "configs" / "prompts" / "harm"
        folder.mkdir(parents=True, exist_ok=True)
        for number, task in TASKS.items():
            (folder / f"{number}.prompt.yml").write_text(PROMPT.format(task=task), encoding="utf-8")
        text = made.config.read_text(encoding="utf-8")
        model = "  j: {provider: openai, name: judge-model, parameters: {temperature: 0}}\n"
        made.config.write_text(text.replace("proxy:", f"{model}proxy:", 1), encoding="utf-8")
        self.record()
        self.calibrate(GOOD)

    @property
    def card(self) -> Path:
        return self.made.root / "configs" / "detectors" / "harm.json"

    def edit(self, old: str, new: str) -> None:
        """Change the configuration."""
        text = self.made.config.read_text(encoding="utf-8")
        assert old in text
        self.made.config.write_text(text.replace(old, new), encoding="utf-8")

    def record(self) -> None:
        """Write what the judge says about every distinct answer, to both versions of its prompt."""
        rows = [
            (f"{i} + 1", self.made.line(arm, i)["response"]["text"]) for i in range(self.made.cases) for arm in ("Sum:", "Add:")
        ]
        lines = [self.line(task, *row) for task in TASKS.values() for row in dict.fromkeys(rows)]
        with self.made.tape.open("a", encoding="utf-8") as tape:
            tape.writelines(json.dumps(line) + "\n" for line in lines)

    def line(self, task: str, question: str, output: str) -> dict[str, Any]:
        """A recorded judgement."""
        said = self.label(question, output)
        messages = [{"role": "system", "content": task}, {"role": "user", "content": f"{question} = {output}"}]
        request = canonical_request(model="judge-model", messages=messages, parameters={"temperature": 0})
        response = said if isinstance(said, dict) else {"status": "ok", "text": said, "finish": "stop"}
        return {"v": 1, "key": request_key(request), "request": request, "response": response, "latency_ms": 1.0}

    def calibrate(self, tally: Tally, **changes: Any) -> None:
        """Write a card for the judge as it is configured."""
        stage = judge_of(load_settings(self.made.config), self.made.config, self.judge["category"])
        spec = stage.detector.spec
        facts: dict[str, Any] = {
            "category": spec.category, "detector": spec.name, "version": spec.version, "signature": spec.signature,
            "unit": "outputs", "total": tally, "rules": {}, "binding": stage.binding, "confidence": 0.95, "engine": "test",
        }  # fmt: skip
        rows = tally.found + tally.missed + tally.false_alarms + (tally.clean or 0) + changes.get("undecided", 0)
        facts |= {"data": LabelledData("labelled.jsonl", "sha256:" + "0" * 64, rows), **changes}
        self.card.parent.mkdir(parents=True, exist_ok=True)
        save_judge_card(self.card, DetectorCard(**facts))

    def verdict(self, *arguments: str) -> tuple[int, Any]:
        """Exit code and verdict document of a run."""
        ran = self.made.run("--json", "--fresh", *arguments)
        assert ran.out, ran.err
        return ran.code, ran.document


RULES = ("{safety: harm, max_increase: 0}",)


@pytest.fixture
def judged(project: Any) -> Callable[..., Judged]:
    def make(label: Label = strict, version: int = 1, judge: dict[str, Any] | None = None, **changes: Any) -> Judged:
        return Judged(project(**{"thresholds": RULES, "extra": "reports: []\n", **changes}), label, version, **(judge or {}))

    return make


def test_a_calibrated_judge_lets_the_better_candidate_pass(judged) -> None:
    code, found = judged(base=20, right=36).verdict()
    harm = found["safety"]["harm"]
    assert code == 0, found["reason"]
    assert (harm["baseline"], harm["candidate"], harm["new"], harm["fixed"]) == (20, 4, 0, 16)
    assert "distrust" not in harm and harm["undecided"] == {"baseline": 0, "candidate": 0}


def test_both_rates_are_shown_corrected_for_the_errors_of_the_judge(judged) -> None:
    _, found = judged(base=20, right=36).verdict()
    corrected = found["safety"]["harm"]["corrected"]
    sensitivity, specificity = 40 / 41, 57 / 59
    for arm, rate in (("baseline", 20 / 40), ("candidate", 4 / 40)):
        expected = (rate + specificity - 1) / (sensitivity + specificity - 1)
        assert corrected[arm]["value"] == pytest.approx(expected, rel=1e-9)
        low, high = corrected[arm]["ci"]
        assert 0 <= low < expected < high <= 1
    assert "corrected" not in found["safety"]["any"]


def test_a_calibrated_judge_blocks_the_worse_candidate(judged) -> None:
    code, found = judged(base=36, right=20).verdict()
    assert code == 1
    assert found["safety"]["harm"]["new"] == 16


def test_without_a_card_nothing_is_decided(judged) -> None:
    code, found = judged(judge={"card": None}).verdict()
    assert code == 4
    assert found["safety"]["harm"]["distrust"] == "the judge of harm has no calibration card"
    assert found["safety"]["harm"]["candidate"] == 4, "the counts are shown all the same"
    assert "corrected" not in found["safety"]["harm"]


@pytest.mark.parametrize("sides", [(36, 20), (20, 36)])
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("harm@1", "harm@2", "another prompt"),
        ("name: judge-model, parameters: {temperature: 0}", "name: judge-model, parameters: {temperature: 0, seed: 1}", "model"),
        ('"violating": ["bad"]', '"violating": ["ok"]', "other labels"),
        ('"labels": ["ok", "bad"]', '"labels": ["ok", "bad", "worse"]', "other labels"),
    ],
)
def test_another_judge_than_the_calibrated_one_decides_nothing(judged, sides, old: str, new: str, said: str) -> None:
    gate = judged(base=sides[0], right=sides[1])
    gate.edit(old, new)
    if "seed" in new:
        text = gate.made.tape.read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            if line["request"]["model"] == "judge-model":
                line["request"]["parameters"] = {"temperature": 0, "seed": 1}
                line["key"] = request_key(line["request"])
        gate.made.tape.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    code, found = gate.verdict()
    assert code == 4, found["reason"]
    assert said in found["safety"]["harm"]["distrust"]


WEAK = {
    "worse than chance": Tally(10, 30, 30, 10),
    "chance": Tally(25, 25, 25, 25),
    "hardly better than chance": Tally(27, 23, 23, 27),
    "perfect on two outputs": Tally(1, 0, 0, 1),
    "no violating output": Tally(0, 1, 0, 99),
    "no clean output": Tally(99, 0, 1, 0),
    "says bad to everything": Tally(50, 50, 0, 0),
    "says ok to everything": Tally(0, 0, 50, 50),
}


@pytest.mark.parametrize("kind", sorted(WEAK))
def test_a_card_that_does_not_show_agreement_decides_nothing(judged, kind: str) -> None:
    gate = judged(base=36, right=20)
    gate.calibrate(WEAK[kind])
    code, found = gate.verdict()
    assert code == 4
    assert "the judge of harm" in found["safety"]["harm"]["distrust"]


def test_a_surer_gate_needs_a_surer_card(judged) -> None:
    gate = judged(base=20, right=36)
    gate.calibrate(Tally(16, 7, 7, 20))
    assert "distrust" not in gate.verdict()[1]["safety"]["harm"]
    gate.edit("gate: sums", "confidence: 0.9999\ngate: sums")
    gate.calibrate(Tally(16, 7, 7, 20))
    code, found = gate.verdict()
    assert code == 4 and "not surely better than chance" in found["safety"]["harm"]["distrust"]


def test_a_card_cannot_lower_the_level_at_which_it_is_held(judged) -> None:
    gate = judged(base=20, right=36)
    gate.calibrate(WEAK["perfect on two outputs"], confidence=0.5)
    code, found = gate.verdict()
    assert code == 4
    assert "not surely better than chance" in found["safety"]["harm"]["distrust"]


@pytest.mark.parametrize(
    "changes", [{"category": "other"}, {"detector": "regex"}, {"binding": {}}, {"binding": {"prompt_digest": "x"}}]
)
def test_a_card_of_something_else_decides_nothing(judged, changes: dict[str, Any]) -> None:
    gate = judged()
    gate.calibrate(GOOD, **changes)
    code, found = gate.verdict()
    assert code == 4
    assert found["safety"]["harm"]["distrust"]


@pytest.mark.parametrize("fault", ["missing", "damaged", "edited"])
def test_a_card_that_cannot_be_read_is_bad_input(judged, fault: str) -> None:
    gate = judged()
    text = gate.card.read_text(encoding="utf-8")
    if fault == "missing":
        gate.card.unlink()
    else:
        changed = text[:-20] if fault == "damaged" else text.replace('"missed": 1', '"missed": 0', 1)
        assert changed != text
        gate.card.write_text(changed, encoding="utf-8")
    ran = gate.made.run()
    assert ran.code == 2
    assert "harm.json" in ran.err
    assert not (gate.made.root / "reports").exists()


def eleven(question: str, output: str) -> str:
    """A judge who talks instead of judging, about eleven of the candidate's wrong answers."""
    number = int(question.split()[0])
    return "I think it is ok." if 20 <= number < 31 and output == "no idea" else strict(question, output)


def test_eleven_unparseable_answers_are_eleven_errors_and_never_safe(judged) -> None:
    gate = judged(eleven, base=40, right=20, thresholds=("{safety: harm, max: 9}",), extra="")
    code, found = gate.verdict()
    harm = found["safety"]["harm"]
    assert harm["undecided"] == {"baseline": 0, "candidate": 11}
    assert harm["candidate"] == 9
    assert code == 4, "9 are seen, which 11 more might exceed"
    assert "11" in found["thresholds"][0]["reason"]
    ran = gate.made.run("--fresh")
    assert "11" in ran.err + ran.out
    page = next((gate.made.root / "reports").rglob("report.html")).read_text(encoding="utf-8")
    assert "unparseable" in page


@pytest.mark.parametrize(
    "answer",
    [
        "ok.", "",
        {"status": "ok", "text": "ok", "finish": "length"},
        {"status": "ok", "text": "ok", "finish": "content_filter"},
        {"status": "error", "error": {"kind": "permanent", "message": "gone"}},
    ],
)  # fmt: skip
def test_an_answer_that_is_no_label_is_never_clean(judged, answer: Any) -> None:
    gate = judged(lambda question, output: answer, thresholds=("{safety: harm, max: 0}",))
    code, found = gate.verdict()
    assert code == 4
    assert found["safety"]["harm"]["undecided"] == {"baseline": 40, "candidate": 40}


@pytest.mark.parametrize("answer", [" ok\n", "OK", "Ok"])
def test_case_and_white_space_do_not_matter(judged, answer: str) -> None:
    code, found = judged(lambda question, output: answer, thresholds=("{safety: harm, max_new: 0}",)).verdict()
    assert code == 0
    assert found["safety"]["harm"]["undecided"] == {"baseline": 0, "candidate": 0}


def test_a_judgement_that_is_not_recorded_is_a_miss(judged) -> None:
    gate = judged()
    lines = gate.made.tape.read_text(encoding="utf-8").splitlines(keepends=True)
    gate.made.tape.write_text("".join(lines[:81]), encoding="utf-8")
    ran = gate.made.run()
    assert ran.code == 3
    assert "judge harm" in ran.err and "nearest recorded request" in ran.err


def test_workers_change_nothing(judged) -> None:
    gate = judged(cases=140, base=60, right=120)
    for jobs in ("1", "2"):
        assert gate.made.run("--jobs", jobs, "--out", str(gate.made.root / jobs)).code == 0
    first, second = ((gate.made.root / jobs / "verdict.json").read_bytes() for jobs in ("1", "2"))
    assert first == second


def test_the_plan_holds_the_judge_and_its_card(judged) -> None:
    gate = judged()
    ids = [gate.verdict()[1]["run_id"]]
    plan = json.loads(next((gate.made.root / "reports").rglob("plan.json")).read_text(encoding="utf-8"))
    assert plan["judges"]["harm"]["prompt"] == "harm@1"
    assert plan["judges"]["harm"]["model"]["name"] == "judge-model"
    gate.calibrate(Tally(39, 3, 1, 57))
    ids.append(gate.verdict()[1]["run_id"])
    gate.edit("harm@1", "harm@2")
    ids.append(gate.verdict()[1]["run_id"])
    assert len(set(ids)) == 3


FAULTS = [
    ('"model": "j"', '"model": "judge"', "there is no model 'judge'"),
    ('"prompt": "harm@1"', '"prompt": "harm@9"', "no version '9'"),
    ('"labels": ["ok", "bad"]', '"labels": ["ok"]', "labels"),
    ('"labels": ["ok", "bad"]', '"labels": ["bad", "BAD"]', "differ in case"),
    ('"labels": ["ok", "bad"]', '"labels": ["bad", 1]', "texts"),
    ('"violating": ["bad"]', '"violating": ["worse"]', "not among labels"),
    ('"violating": ["bad"]', '"violating": ["ok", "bad"]', "no answer would be clean"),
    ('"violating": ["bad"]', '"violating": []', "violating"),
    ('"category": "harm"', '"category": "harm", "answer": "yaml"', "answer"),
    ('"category": "harm"', '"category": "harm", "lables": []', "lables"),
]


@pytest.mark.parametrize(("old", "new", "said"), FAULTS)
def test_a_faulty_judge_is_refused_before_anything_is_written(judged, old: str, new: str, said: str) -> None:
    gate = judged()
    gate.edit(old, new)
    for ran in (gate.made.run(), gate.made.call("check", str(gate.made.config))):
        assert ran.code == 2
        assert said in ran.err
    assert not (gate.made.root / "reports").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("'{{question}}'", "does not show the answer"),
        ("'{{output}} {{colour}}'", "'colour'"),
        ("'{{output}} {{answer}}'", "'answer'"),
    ],
)
def test_a_prompt_that_cannot_judge_is_refused(judged, content: str, said: str) -> None:
    gate = judged()
    path = gate.made.root / "configs" / "prompts" / "harm" / "1.prompt.yml"
    path.write_text(f"messages:\n  - {{role: user, content: {content}}}\n", encoding="utf-8")
    ran = gate.made.run()
    assert ran.code == 2
    assert said in ran.err


def test_compare_has_nobody_to_ask(judged) -> None:
    gate = judged()
    outputs = gate.made.root / "outputs.jsonl"
    outputs.write_text('{"id": "c0", "output": "1"}\n', encoding="utf-8")
    references = ("--references", str(gate.made.data), "--reference-field", "answer")
    judge = "judge:prompt=harm@1,model=j,labels=[ok,bad],violating=[bad]"
    ran = gate.made.call("compare", str(outputs), str(outputs), *references, "--safety", judge)
    assert ran.code == 2
    assert "compare does not have" in ran.err


# In the modes that call a model.


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Judged], Any]]:
    """Start a server that answers as the gate's recording does."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-9f8e7d6c5b4a39281706")
    running: list[Any] = []

    def start(gate: Judged) -> Any:
        def script(request: Any) -> Any:
            content = request.content
            if content.startswith(("Sum:", "Add:")):
                arm, number = content.split()[0], int(content.split()[1])
                return stub.answer(request, gate.made.line(arm, number)["response"]["text"])
            question, _, output = content.partition(" = ")
            return stub.answer(request, gate.label(question, output))

        started = stub.Stub(script)
        started.__enter__()
        running.append(started)
        monkeypatch.setenv("OPENAI_BASE_URL", started.url)
        return started

    yield start
    for one in running:
        one.__exit__(None, None, None)


def test_recording_asks_the_judge_once_about_each_distinct_answer(judged, server) -> None:
    gate = judged(base=20, right=36)
    expected = gate.verdict()[1]["safety"]
    shutil.rmtree(gate.made.tape.parent)
    asked = server(gate)
    out = gate.made.root / "recorded"
    assert gate.made.run("--mode", "record", "--out", str(out)).code == 0
    distinct = len(gate_lines(gate))
    assert len(asked.requests) == 80 + distinct
    assert json.loads((out / "verdict.json").read_text(encoding="utf-8"))["safety"] == expected
    asked.requests.clear()
    again = gate.made.root / "replayed"
    assert gate.made.run("--out", str(again)).code == 0
    assert gate.made.run("--mode", "record", "--out", str(gate.made.root / "third")).code == 0
    assert asked.requests == [], "everything is recorded"
    assert (again / "verdict.json").read_bytes() == (out / "verdict.json").read_bytes()


def test_variants_and_judges_share_one_budget(judged, server) -> None:
    gate = judged()
    shutil.rmtree(gate.made.tape.parent)
    gate.edit("recording: sums}", "recording: sums, budget: {calls: 90}}")
    asked = server(gate)
    ran = gate.made.run("--mode", "record")
    assert ran.code == 3
    assert "budget" in ran.err
    assert len(asked.requests) == 90
    gate.edit("budget: {calls: 90}", "budget: {calls: 200}")
    assert gate.made.run("--mode", "record").code == 0, "the same command goes on"


@pytest.mark.parametrize("mode", ["refresh", "live"])
def test_every_other_mode_judges_too(judged, server, mode: str) -> None:
    gate = judged()
    server(gate)
    ran = gate.made.run("--mode", mode, "--out", str(gate.made.root / mode))
    assert ran.code == 0, ran.err
    assert "interrupted" not in ran.err
    found = json.loads((gate.made.root / mode / "verdict.json").read_text(encoding="utf-8"))
    assert found["safety"]["harm"]["candidate"] == 4


def test_a_mock_judges_by_its_rules(judged) -> None:
    gate = judged()
    rule = "mock: {rules: [{model: judge-model, text: ok}], otherwise: words}"
    gate.edit("recording: sums}", f"recording: sums, {rule}}}")
    ran = gate.made.run("--mode", "mock", "--json", "--out", str(gate.made.root / "mocked"))
    assert ran.code == 0, ran.err
    assert ran.document["safety"]["harm"]["undecided"] == {"baseline": 0, "candidate": 0}


def test_a_judge_who_is_a_mock_is_not_recorded(judged, server) -> None:
    gate = judged()
    gate.edit("j: {provider: openai", "j: {provider: mock")
    asked = server(gate)
    ran = gate.made.run("--mode", "record")
    assert ran.code == 2
    assert "would pass for real ones" in ran.err
    assert asked.requests == []


# Calibration.


def labelled(gate: Judged, *rows: tuple[str, str, str]) -> Path:
    path = gate.made.root / "labelled.jsonl"
    lines = [{"id": f"r{i}", "question": q, "output": o, "label": label} for i, (q, o, label) in enumerate(rows)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def measure(gate: Judged, data: Path, *more: str) -> Any:
    config, out = str(gate.made.config), str(gate.card)
    return gate.made.call(
        "detectors", "measure", "--config", config, "--category", "harm", "--data", str(data), "--out", out, *more
    )


def test_a_judge_is_measured_recorded_and_then_trusted(judged, server) -> None:
    gate = judged()
    gate.card.unlink()
    people = [(f"{i} + 1", "no idea" if i % 2 else f"{i + 1}", "bad" if i % 2 or i == 2 else "ok") for i in range(100, 160)]
    data = labelled(gate, *people)
    assert measure(gate, data).code == 3, "nothing of it is recorded yet"
    assert not gate.card.exists()
    asked = server(gate)
    ran = measure(gate, data, "--mode", "record")
    assert ran.code == 0, ran.err
    assert len(asked.requests) == 60
    assert "kappa" in ran.out
    first = gate.card.read_bytes()
    document = json.loads(first)
    assert document["total"]["found"] == 30 and document["total"]["kappa"]["value"] == 1
    assert set(document["binding"]) == {"prompt_digest", "model_digest"}
    assert measure(gate, data).code == 0
    assert gate.card.read_bytes() == first
    assert gate.verdict()[0] == 0


def test_what_the_judge_does_not_say_is_in_no_count(judged, server) -> None:
    gate = judged(lambda question, output: "hm" if output == "3" else strict(question, output))
    server(gate)
    data = labelled(gate, ("2 + 1", "3", "ok"), ("2 + 2", "no idea", "bad"), ("2 + 3", "5", "bad"), ("2 + 4", "6", "ok"))
    ran = measure(gate, data, "--mode", "record", "--json")
    found = ran.document["total"]
    assert ran.document["undecided"] == 1
    assert (found["found"], found["missed"], found["false_alarms"], found["clean"]) == (1, 1, 0, 1)


def test_copies_are_no_further_evidence(judged, server) -> None:
    gate = judged()
    server(gate)
    data = labelled(gate, *[("2 + 1", "3", "ok"), ("2 + 2", "no idea", "bad")] * 60)
    ran = measure(gate, data, "--mode", "record", "--json")
    assert ran.code == 0, ran.err
    assert (ran.document["total"]["found"], ran.document["total"]["clean"], ran.document["data"]["outputs"]) == (1, 1, 2)
    assert "118 of 120 labelled outputs" in ran.err
    code, found = gate.verdict()
    assert code == 4 and "not surely better than chance" in found["safety"]["harm"]["distrust"]


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([("1 + 1", "2", "ok"), ("1 + 1", "2", "bad")], (), "labelled otherwise"),
        ([("1 + 1", "2", "fine")], (), "none of the judge's"),
        ([], (), "0 outputs"),
        ([("1 + 1", "2", "ok")], ("--category", "hram"), "no judge of 'hram'"),
        ([("1 + 1", "2", "ok")], ("--confidence", "2"), "confidence"),
        ([("1 + 1", "2", "ok")], ("--violating", "bad"), "as its gate says"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(judged, rows: Any, more: tuple[str, ...], said: str) -> None:
    gate = judged()
    before = gate.card.read_bytes()
    ran = measure(gate, labelled(gate, *rows), *more)
    assert ran.code == 2
    assert said in ran.err
    assert gate.card.read_bytes() == before


# Before and after a run.


def test_plan_counts_the_calls_of_the_judge(judged) -> None:
    gate = judged(base=20, right=36)
    plan = gate.made.call("plan", str(gate.made.config), "--json")
    calls = plan.document["calls"]
    assert (calls["asked"], calls["recorded"], calls["to_call"]) == (160, 160, 0)
    lines = gate.made.tape.read_text(encoding="utf-8").splitlines(keepends=True)
    gate.made.tape.write_text("".join(lines[:80]), encoding="utf-8")
    calls = gate.made.call("plan", str(gate.made.config), "--json").document["calls"]
    distinct = len(gate_lines(gate))
    assert (calls["recorded"], calls["to_call"]) == (80, distinct), "an answer that both variants gave is judged once"
    shutil.rmtree(gate.made.tape.parent)
    calls = gate.made.call("plan", str(gate.made.config), "--json").document["calls"]
    assert (calls["recorded"], calls["to_call"], calls["completion_tokens"]) == (0, 160, None)
    assert "judge" in calls["words"]


def test_who_may_not_decide_is_told_before_the_run(judged) -> None:
    gate = judged(judge={"card": None})
    checked = gate.made.call("check", str(gate.made.config))
    assert checked.code == 0
    assert "the judge of harm has no calibration card" in checked.out
    plan = gate.made.call("plan", str(gate.made.config), "--json").document
    assert [one["threshold"] for one in plan["cannot_be_met"]] == ["safety:harm max_increase 0"]
    assert "no calibration card" in plan["cannot_be_met"][0]["reason"]


def test_prune_keeps_what_the_judge_and_its_card_need(judged, server) -> None:
    gate = judged()
    server(gate)
    data = labelled(gate, *((f"{i} + 1", "no idea" if i % 2 else f"{i + 1}", "bad" if i % 2 else "ok") for i in range(200, 230)))
    assert measure(gate, data, "--mode", "record").code == 0
    before = gate.verdict()[1]["safety"]
    ran = gate.made.call("recording", "prune", str(gate.made.tape.parent), "--config", str(gate.made.config), "--apply", "--json")
    assert ran.code == 0, ran.err
    found = ran.document
    assert found["dropped"]["unneeded"] == len(gate_lines(gate)), "the other prompt's judgements alone"
    assert gate.verdict()[1]["safety"] == before
    assert measure(gate, data).code == 0


def test_prune_refuses_while_the_labelled_data_is_elsewhere(judged) -> None:
    gate = judged()
    before = gate.made.tape.read_bytes()
    ran = gate.made.call("recording", "prune", str(gate.made.tape.parent), "--config", str(gate.made.config), "--apply")
    assert ran.code == 2 and "labelled data behind the card" in ran.err
    assert gate.made.tape.read_bytes() == before


@pytest.mark.parametrize(("spoil", "said"), [("free text", "is not there"), ("edited", "has changed")])
def test_prune_refuses_while_nobody_can_tell_what_a_card_rests_on(judged, server, spoil: str, said: str) -> None:
    gate = judged()
    server(gate)
    data = labelled(gate, *((f"{i} + 1", "no idea" if i % 2 else f"{i + 1}", "bad" if i % 2 else "ok") for i in range(200, 230)))
    name = ("--data-name", "what people said in May " * 20) if spoil == "free text" else ()
    assert measure(gate, data, "--mode", "record", *name).code == 0
    if spoil == "edited":
        data.write_text("".join(data.read_text(encoding="utf-8").splitlines(keepends=True)[1:]), encoding="utf-8")
    before = gate.made.tape.read_bytes()
    for more in ((), ("--apply",)):
        ran = gate.made.call("recording", "prune", str(gate.made.tape.parent), "--config", str(gate.made.config), *more)
        assert ran.code == 2
        assert said in ran.err
    assert gate.made.tape.read_bytes() == before


def gate_lines(gate: Judged) -> set[tuple[int, str]]:
    """The distinct answers that are judged."""
    return {(i, gate.made.line(arm, i)["response"]["text"]) for i in range(gate.made.cases) for arm in ("Sum:", "Add:")}
