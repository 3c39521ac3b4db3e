"""A run tells the health of its dataset and is not moved by it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evalgate.pipeline import health

PERCENTILE = "{metric: latency_ms.p95, max_regression: 50%, slice: {level: even}}"


def document(project: Any, *arguments: str) -> tuple[Any, bytes, str]:
    out = project.root / "out"
    ran = project.run("--out", str(out), *arguments)
    assert ran.code in (0, 1, 4), ran.err
    return json.loads((out / "health.json").read_text()), (out / "verdict.json").read_bytes(), (out / "report.html").read_text()


def codes(found: Any) -> list[str]:
    return [finding["code"] for finding in found["findings"]]


def test_a_run_writes_what_it_saw_and_the_verdict_does_not_know_it(project, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project(cases=40)
    found, verdict, page = document(made)
    assert found["schema"] == "evalgate.health/1" and found["cases"] == 40
    assert codes(found) == ["small-slice"]
    assert 'id="health"' in page and "fewer than 30 cases" in page
    monkeypatch.setattr(health, "RUN_CASES", 39)
    larger, same, page = document(made, "--fresh")
    assert codes(larger) == ["not-checked"] and "does not look at the health of more than 39 cases" in page
    assert same == verdict


def test_errors_refuse_in_check_and_never_in_a_run(project) -> None:
    made = project(cases=40)
    rows = [json.loads(line) for line in made.data.read_text().splitlines()]
    rows[1]["question"] = rows[0]["question"]
    made.data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found, _, page = document(made)
    assert codes(found)[0] == "contradiction" and found["findings"][0]["cases"] == [["c0", "c1"]]
    assert "contradiction" in page
    checked = made.call("check", str(made.config))
    assert checked.code == 2 and "contradiction" in checked.err and checked.out == ""


def test_what_a_gate_adds_is_found_in_check_and_run(project) -> None:
    made = project(cases=40, thresholds=(PERCENTILE,), metrics="[exact_match, latency_ms]")
    prompt = made.root / "configs" / "prompts" / "sum" / "2.prompt.yml"
    prompt.write_text(
        "messages:\n  - role: user\n    content: |\n      Add: {{question}}\n      What is the sum of one and two and three and four?\n"
    )
    rows = [json.loads(line) for line in made.data.read_text().splitlines()]
    rows[3]["question"] = "What is the sum of one and two and three and four?"
    made.data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    checked = made.call("check", str(made.config))
    assert checked.code == 0, checked.err
    assert (
        "input-in-prompt: column 'question': the input of 1 case stands in the prompt sum@2, message 1 (user), line 5"
        in checked.out
    )
    assert "that the threshold on latency_ms.p95 needs: 'even' (20)" in checked.out
    assert "(c3)" in checked.out


def test_an_old_document_is_removed_before_a_new_run(project) -> None:
    made = project(cases=40)
    out = made.root / "out"
    document(made)
    (out / "health.json").write_text("stale")
    made.tape.write_text("")
    assert made.run("--out", str(out), "--fresh").code != 0
    assert not (out / "health.json").exists()


def test_compare_has_no_dataset_and_no_health(project) -> None:
    made = project()
    for name, text in (("base", "a\nb\n"), ("cand", "a\nc\n"), ("ref", "a\nb\n")):
        (made.root / f"{name}.txt").write_text(text)
    ran = made.call(
        "compare", *(str(made.root / f"{n}.txt") for n in ("base", "cand")), "--references", str(made.root / "ref.txt"),
        "--metric", "exact_match", "--out", str(made.root / "compared"),
    )  # fmt: skip
    assert ran.code in (0, 1, 4), ran.err
    assert not (made.root / "compared" / "health.json").exists()
    assert "Dataset health" not in (made.root / "compared" / "report.html").read_text()
