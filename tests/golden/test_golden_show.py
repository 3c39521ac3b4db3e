"""`evalgate dataset show`: what stands in card and data, and nothing that a terminal would obey."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.pipeline.lock import lock_dataset

CARD = "name: d\nversion: 1.0.0\ndata: cases.jsonl\ninputs: [q]\nreference: a\nslices: [s]\ngroup: g\nschema: {q: string}\nlicense: CC0\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    where = tmp_path / "datasets" / "d" / "1.0.0"
    where.mkdir(parents=True)
    rows = [
        {"id": f"c{n}", "q": f"\x1b]0;{n}\x07" + "x" * 600, "a": [n, None], "s": "odd" if n % 2 else "even", "g": n // 2}
        for n in range(5)
    ]
    (where / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (where / "dataset.yaml").write_text(CARD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return where


def test_the_whole_dataset(folder: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["dataset", "show", "d@1.0.0", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["cases"], document["lock"], document["case_lock"], document["groups"]) == (5, "not locked", False, 3)
    assert document["slices"] == {"s": {"even": 3, "odd": 2}}
    assert document["notes"] == {"license": "CC0"}
    roles = {column["name"]: (column["role"], column["declared"], column["found"]) for column in document["columns"]}
    assert roles["q"] == ("input", "string", {"string": 5})
    assert roles["a"] == ("reference", None, {"list": 5})
    assert [case["id"] for case in document["shown"]] == ["c0", "c1", "c2"]
    lock_dataset("d@1.0.0", tmp_path)
    assert main(["dataset", "show", "d@1.0.0"]) == 0
    assert "lock: matches" in capsys.readouterr().out
    data = folder / "cases.jsonl"
    data.write_text(data.read_text(encoding="utf-8").replace('"odd"', '"even"'), encoding="utf-8")
    assert main(["dataset", "show", "d@1.0.0"]) == 0
    assert "lock: differs" in capsys.readouterr().out


def test_texts_are_shown_and_not_obeyed(folder: Path, capsys: Any) -> None:
    assert main(["dataset", "show", "d@1.0.0"]) == 0
    overview = capsys.readouterr().out
    assert "\x1b" not in overview and "\x07" not in overview
    assert max(map(len, overview.splitlines())) < 450
    assert main(["dataset", "show", "d@1.0.0", "--case", "c4"]) == 0
    one = capsys.readouterr().out
    assert "x" * 600 in one
    assert "a: [4,null]" in one
    assert "case c0" not in one


@pytest.mark.parametrize(
    "arguments", [["d@1.0.0", "--case", "nope"], ["d@1.0.0", "--case", ""], ["d@2.0.0"], ["../d"], ["hf://o/n"]]
)
def test_what_is_not_there(arguments: list[str], folder: Path, capsys: Any) -> None:
    assert main(["dataset", "show", *arguments]) == 2
    assert capsys.readouterr().out == ""


def test_faulty_data_is_not_shown(folder: Path, capsys: Any) -> None:
    (folder / "cases.jsonl").write_text('{"id": "a", "q": 1, "a": "x", "s": "y", "g": "z"}\n', encoding="utf-8")
    assert main(["dataset", "show", "d@1.0.0"]) == 2
    (folder / "cases.jsonl").write_text("", encoding="utf-8")
    assert main(["dataset", "show", "d@1.0.0"]) == 2
    assert "0 cases" in capsys.readouterr().err
