"""`evalgate check` on datasets that are not healthy: errors refuse, warnings are printed, cards accept with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalgate.cli.main import main
from evalgate.core.health import CODES

CARD = "name: asks\nversion: 1.0.0\ndata: cases.jsonl\nid: id\ninputs: [question]\nreference: answer\nslices: [kind]\n"
TWICE = [{"id": "a", "question": "What is it?", "answer": "a lamp"}, {"id": "b", "question": "What is it?", "answer": "a tent"}]
KEY = "sk-" + "proj-Ab3dEf6hIj9kLm2nOp5q"


@pytest.fixture
def dataset(tmp_path: Path):
    def write(rows: list[dict[str, str]], more: str = "") -> Path:
        filler = [{"id": f"x{n}", "question": f"Filler question {n * n} of {n}", "answer": f"answer {n}"} for n in range(31)]
        lines = [json.dumps({"kind": "all", **row}) + "\n" for row in [*rows, *filler]]
        (tmp_path / "cases.jsonl").write_text("".join(lines), encoding="utf-8")
        (tmp_path / "dataset.yaml").write_text(CARD + more, encoding="utf-8")
        return tmp_path / "dataset.yaml"

    return write


def check(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["check", str(path)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_healthy_dataset_has_nothing_to_say(dataset, capsys) -> None:
    code, out, err = check(dataset([]), capsys)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        (TWICE, "contradiction", "(a ~ b)"),
        (
            [{"id": "k", "question": f"My key is {KEY}, is it safe?", "answer": "no"}],
            "secret",
            "1 case holds what looks like an OpenAI key",
        ),
    ],
)
def test_errors_refuse_with_the_way_out(dataset, capsys, rows, code: str, said: str) -> None:
    exit_code, out, err = check(dataset(rows), capsys)
    assert exit_code == 2
    assert out == ""
    assert said in err and f"accept: [{code}]" in err and "dataset.yaml" in err
    assert KEY not in err
    exit_code, out, err = check(dataset(rows, f"health: {{accept: [{code}], reason: meant so}}\n"), capsys)
    assert (exit_code, err) == (0, "")
    assert f"accepted {code}: " in out and "[meant so]" in out
    assert KEY not in out


def test_another_code_does_not_accept_it(dataset, capsys) -> None:
    others = ", ".join(code for code in CODES if code != "contradiction")
    assert check(dataset(TWICE, f"health: {{accept: [{others}], reason: all of them}}\n"), capsys)[0] == 2


def test_both_errors_are_said_at_once(dataset, capsys) -> None:
    _, _, err = check(dataset([*TWICE, {"id": "k", "question": KEY, "answer": "x"}]), capsys)
    assert "contradiction" in err and "secret" in err


def test_warnings_are_printed_and_pass(dataset, capsys) -> None:
    rows = [{**row, "answer": "a lamp"} for row in TWICE] + [
        {"id": "m", "question": "Write to mara@firm.org \x1b[31m", "answer": "done"}
    ]
    code, out, err = check(dataset(rows), capsys)
    assert (code, err) == (0, "")
    assert "    warning duplicate: 1 question is asked by several cases" in out
    assert "    warning personal-data: 1 case holds what looks like an e-mail address in column 'question' (1 time) (m)" in out
    assert "mara" not in out and "\x1b" not in out
    main(["check", "--quiet", str(dataset(rows))])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("health: yes\n", "health must be a mapping"),
        ("health: {}\n", "accept must be a list of codes"),
        ("health: {accept: duplicate, reason: x}\n", "accept must be a list of codes"),
        ("health: {accept: [], reason: x}\n", "accept must be a list of codes"),
        ("health: {accept: [duplicates], reason: x}\n", "unknown code 'duplicates'"),
        ("health: {accept: [3], reason: x}\n", "unknown code 3"),
        ("health: {accept: [duplicate]}\n", "what is accepted needs a reason"),
        ("health: {accept: [duplicate], reason: ''}\n", "what is accepted needs a reason"),
        ("health: {accept: [duplicate], reason: 5}\n", "what is accepted needs a reason"),
        ("health: {accept: [duplicate], reason: x, until: 2027}\n", "unknown key 'until'"),
    ],
)
def test_an_acceptance_that_is_not_whole_is_refused_with_its_line(dataset, capsys, key: str, said: str) -> None:
    code, _, err = check(dataset([], key), capsys)
    assert code == 2
    assert said in err and "dataset.yaml:8" in err


def test_a_dataset_is_looked_at_once_however_many_gates_use_it(repository: Path, capsys) -> None:
    _, out, _ = check(repository / "datasets", capsys)
    assert main(["check", str(repository / "datasets"), str(repository / "configs")]) == 0
    both = capsys.readouterr().out
    for line in out.splitlines():
        if line.startswith("    warning"):
            assert both.count(line) == out.count(line)


def test_shipped_datasets_have_no_errors_and_known_warnings(repository: Path, capsys) -> None:
    code, out, _ = check(repository / "datasets", capsys)
    assert code == 0
    assert {line.split()[1].strip(":") for line in out.splitlines() if line.startswith("    ")} <= {
        "small-slice",
        "near-duplicate",
    }
