"""Bad input of every kind: exit 2 or 3, the place named, nothing half-written, never a pass."""

from __future__ import annotations

import json

import pytest


def _data(*rows: str) -> str:
    return "".join(row + "\n" for row in rows)


GOOD = '{"id": "c0", "question": "0 + 1", "answer": "1", "level": "even"}'

DATA = [
    ("empty file", "", "0 cases"),
    ("only a line end", "\n", "0 cases"),
    ("a top-level list", "[]\n", "object"),
    ("NaN", _data('{"id": "a", "question": "q", "answer": NaN, "level": "x"}'), "NaN"),
    ("a number out of range", _data('{"id": "a", "question": "q", "answer": 1e999, "level": "x"}'), "range"),
    ("duplicate ids", _data(GOOD, GOOD), "already used"),
    ("ids that differ in case", _data(GOOD, GOOD.replace("c0", "C0")), "already used"),
    ("ids 1 and '1'", _data(GOOD.replace('"c0"', "1"), GOOD.replace('"c0"', '"1"')), "already used"),
    ("a missing reference", _data('{"id": "a", "question": "q", "level": "x"}'), "answer"),
    ("a null reference", _data('{"id": "a", "question": "q", "answer": null, "level": "x"}'), "answer"),
    ("a missing slice", _data('{"id": "a", "question": "q", "answer": "x"}'), "level"),
    ("duplicate keys", _data('{"id": "a", "id": "b", "question": "q", "answer": "x", "level": "x"}'), "duplicate key"),
    ("a trailing comma", _data('{"id": "a",}'), "JSON"),
    ("two objects on a line", _data(GOOD + GOOD), "JSON"),
    ("deep nesting", "[" * 100_000 + "\n", "JSON"),
    ("a lone surrogate", _data(GOOD.replace("0 + 1", "\\ud800")), "surrogate"),
    ("a Git conflict", _data(GOOD, "<<<<<<< HEAD", GOOD), "conflict"),
    ("an empty id", _data(GOOD.replace('"c0"', '""')), "id"),
    ("a list as id", _data(GOOD.replace('"c0"', '["a"]')), "id"),
]


@pytest.mark.parametrize(("name", "content", "said"), DATA, ids=[row[0] for row in DATA])
def test_bad_data_is_refused_with_its_place(project, name, content, said) -> None:
    made = project()
    made.data.write_text(content, encoding="utf-8")
    ran = made.run()
    assert ran.code == 2
    assert said in ran.err
    assert "cases.jsonl" in ran.err
    assert not (made.root / "reports").exists()


def test_bytes_that_are_not_utf8(project) -> None:
    made = project()
    made.data.write_bytes(GOOD.encode() + b"\n" + b'{"id": "\xff"}\n')
    ran = made.run()
    assert ran.code == 2
    assert "cases.jsonl:2" in ran.err


def test_line_separators_inside_texts_stay_inside(project) -> None:
    made = project()
    rows = [json.loads(line) for line in made.data.read_text(encoding="utf-8").splitlines()]
    text = "".join(json.dumps(row | {"note": "a\u2028b\u0085c"}, ensure_ascii=False) + "\r\n" for row in rows)
    made.data.write_bytes(b"\xef\xbb\xbf" + text.encode("utf-8"))
    assert made.run().code == 0


CONFIG = [
    ("an unknown key", ("seed: 7", "sed: 7"), "seed"),
    ("an unknown metric", ("[exact_match]", "[exact_mach]"), "exact_match"),
    ("a threshold on nothing", ("metric: exact_match,", "metric: bleu,"), "not measured"),
    ("a percentage without its sign", ("min_improvement: 0.05", "min_improvement: '5'"), "%"),
    ("not a number", ("min_improvement: 0.05", "min_improvement: .nan"), ""),
    ("infinite", ("min_improvement: 0.05", "min_improvement: .inf"), ""),
    ("a negative margin", ("min_improvement: 0.05", "max_regression: -1"), ""),
    ("a duplicate key", ("gate: sums", "gate: sums\ngate: sums"), "gate"),
    ("no thresholds", ("thresholds:\n  - {metric: exact_match, min_improvement: 0.05}\n", "thresholds: []\n"), "threshold"),
    ("a missing prompt version", ("sum@2", "sum@9"), "versions"),
    ("a missing dataset", ("sums@1.0.0", "sums@2.0.0"), "versions: 1.0.0"),
    ("a dataset outside", ("sums@1.0.0", "../../etc@1"), ""),
    ("an unknown model", ("prompt: sum@2, model: m", "prompt: sum@2, model: n"), ""),
    ("an unknown slice", ("slices: [level]", "slices: [levle]"), "level"),
    ("an empty slice", ("min_improvement: 0.05", "min_improvement: 0.05, slice: {level: none}"), "selects no case"),
    ("a confidence in percent", ("seed: 7", "seed: 7\nconfidence: 95"), "0.95"),
    ("an anchor", ("gate: sums", "gate: &a sums"), ""),
    ("a tag", ("gate: sums", "gate: !!python/object:os.system sums"), ""),
    ("a missing recording", ("recording: sums", "recording: sum"), "sums"),
    ("an unknown parameter", ("[exact_match]", "[{exact_match: {normalise: squad}}]"), "normalize"),
    ("a pattern that could hang", ("[exact_match]", "[{exact_match: {extract: '(?=a)b'}}]"), "RE2"),
    ("a hub dataset without a card", ("sums@1.0.0", f"hf://org/name@{40 * 'a'}#test"), "no card"),
    ("newly failing of no pass/fail metric", ("[exact_match]", "[chrf, exact_match]"), None),
]


@pytest.mark.parametrize(("name", "change", "said"), CONFIG, ids=[row[0] for row in CONFIG])
def test_bad_configuration_is_refused(project, name, change, said) -> None:
    made = project()
    text = made.config.read_text(encoding="utf-8")
    assert change[0] in text
    text = text.replace(*change)
    if said is None:
        text = text.replace("metric: exact_match, min_improvement: 0.05", "metric: chrf, max_newly_failing: 1")
        said = "pass/fail"
    made.config.write_text(text, encoding="utf-8")
    ran = made.run()
    assert ran.code == 2, ran.err
    assert said in ran.err
    assert not (made.root / "reports").exists()


def test_a_prompt_that_ignores_the_case_is_refused(project) -> None:
    made = project()
    prompt = made.root / "configs" / "prompts" / "sum" / "2.prompt.yml"
    prompt.write_text("messages:\n  - {role: user, content: Say something nice.}\n", encoding="utf-8")
    ran = made.run()
    assert ran.code == 2
    assert "the same for every case" in ran.err


def test_all_faults_are_told_at_once(project) -> None:
    made = project()
    text = made.config.read_text(encoding="utf-8").replace("sum@2", "sum@9").replace("sums@1.0.0", "sums@3.0.0")
    made.config.write_text(text, encoding="utf-8")
    ran = made.run()
    assert ran.code == 2
    assert "version '9'" in ran.err
    assert "version '3.0.0'" in ran.err


def test_changed_data_does_not_match_its_lock(project) -> None:
    made = project()
    card = made.data.parent / "dataset.yaml"
    from evalgate.pipeline.lock import lock_dataset

    lock_dataset("sums@1.0.0", made.root)
    assert "digest: sha256:" in card.read_text(encoding="utf-8")
    assert made.run().code == 0
    made.data.write_text(made.data.read_text(encoding="utf-8").replace('"answer": "1"', '"answer": "2"', 1), encoding="utf-8")
    ran = made.run()
    assert ran.code == 2
    assert "locked" in ran.err
    assert "1 label edited (column 'answer')" in ran.err


TAPE = [
    ("an edited request", ('"content": "Sum: 3 + 1"', '"content": "Sum: 3 + 2"'), "edited"),
    ("a foreign version", ('{"v": 1, "key"', '{"v": 9, "key"'), "version"),
    ("a torn line", ('"latency_ms": 49.0}', '"late'), "JSON"),
]


@pytest.mark.parametrize(("name", "change", "said"), TAPE, ids=[row[0] for row in TAPE])
def test_a_damaged_recording_is_refused(project, name, change, said) -> None:
    made = project()
    text = made.tape.read_text(encoding="utf-8")
    assert change[0] in text
    made.tape.write_text(text.replace(*change), encoding="utf-8")
    ran = made.run()
    assert ran.code == 2
    assert said in ran.err
    assert "0001.jsonl:" in ran.err


def test_another_answer_to_the_same_request_is_refused(project) -> None:
    made = project()
    first = json.loads(made.tape.read_text(encoding="utf-8").splitlines()[0])
    first["response"]["text"] = "42"
    made.tape.write_text(made.tape.read_text(encoding="utf-8") + json.dumps(first) + "\n", encoding="utf-8")
    ran = made.run()
    assert ran.code == 2
    assert "another answer" in ran.err


@pytest.mark.parametrize(
    "body", [{"status": "error", "error": "429"}, {"status": "ok", "text": "x", "body": {"error": {"code": 429}}}]
)
def test_a_recorded_error_is_never_an_answer(project, body) -> None:
    made = project()
    lines = [json.loads(line) for line in made.tape.read_text(encoding="utf-8").splitlines()]
    lines[0]["response"] = body
    made.tape.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    ran = made.run()
    assert ran.code == 3
    assert "error" in ran.err
    assert "case c0" in ran.err


def test_usage_errors_exit_2(project) -> None:
    made = project()
    for arguments in (
        (),
        ("walk",),
        ("run",),
        ("run", "nowhere.yaml"),
        ("run", str(made.config), "--jobs", "0"),
        ("compare", "a"),
    ):
        assert made.call(*arguments).code == 2


def test_no_flag_softens_a_threshold(project) -> None:
    made = project(base=36, right=20)
    for flag in ("--exit-zero", "--fail-on", "--soft", "--no-fail"):
        assert made.run(flag).code == 2


def test_a_bug_exits_70_and_never_1(project, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project()
    monkeypatch.setattr("evalgate.pipeline.evaluate.reach_verdict", lambda *_, **__: 1 / 0)
    ran = made.run()
    assert ran.code == 70
    assert "internal error" in ran.err


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_metric_that_gives_no_number_is_incomplete(project, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    import numpy as np

    from evalgate.metrics import text_match

    made = project()
    original = text_match.make_exact_match

    def broken(parameters):
        metric = original(parameters)

        class Wrapped:
            spec = metric.spec
            score = staticmethod(metric.score)

            @staticmethod
            def rows(outputs, expectations):
                rows = np.array(metric.rows(outputs, expectations))
                rows[0, 0] = float(value)
                return rows

        return Wrapped()

    monkeypatch.setattr(text_match, "make_exact_match", broken)
    ran = made.run()
    assert ran.code == 3
    assert "not finite" in ran.err
    assert "c0" in ran.err


@pytest.mark.parametrize(
    ("threshold", "metrics", "said"),
    [
        ("{metric: exact_match, max_regression: 5}", "[exact_match]", "cannot happen"),
        ("{metric: exact_match, max_regression: 1}", "[exact_match]", "cannot happen"),
        ("{metric: chrf, max_regression: 100}", "[chrf]", "cannot happen"),
        ("{metric: chrf, min: 30%}", "[chrf]", ""),
    ],
)
def test_thresholds_in_the_wrong_unit_are_refused(project, threshold: str, metrics: str, said: str) -> None:
    ran = project(thresholds=(threshold,), metrics=metrics).run()
    assert ran.code == 2
    assert said in ran.err


def test_a_metric_without_a_value_never_passes(project) -> None:
    ran = project(metrics="[exact_match, self_bleu]").run("--json")
    assert ran.code == 4
    assert "self_bleu" in ran.document["reason"]
    assert ran.document["metrics"]["self_bleu"]["candidate"] is None
