"""A locked dataset: whatever changes is refused, with the cases named; what Git does to line ends is not a change."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.cli.main import main
from evalgate.core.errors import BadInput
from evalgate.golden.lock_check import out_of_order
from evalgate.golden.lock_file import LOCK
from evalgate.pipeline.check import check_paths
from evalgate.pipeline.lock import lock_dataset, verify_dataset
from evalgate.pipeline.starter import write_starter

CARD = "# made by hand\nname: d\nversion: 1.0.0\ndata: {data}  # here\ninputs: [q]\nreference: a\nslices: [s]\n"
ROWS = [{"id": f"c{n}", "q": f"question {n}", "a": f"answer {n}", "s": "x", "note": ""} for n in range(8)]
Rows = list[dict[str, Any]]


def write(path: Path, rows: Rows) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def locked(root: Path, name: str = "cases.jsonl", rows: Rows = ROWS) -> Path:
    folder = root / "datasets" / "d" / "1.0.0"
    folder.mkdir(parents=True)
    write(folder / name, rows)
    (folder / "dataset.yaml").write_text(CARD.format(data=name), encoding="utf-8")
    lock_dataset("d@1.0.0", root)
    return folder


def edited(number: int, **changes: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **changes} if n == number else row for n, row in enumerate(rows)]


CHANGES: dict[str, tuple[Callable[[Rows], Rows], list[str]]] = {
    "a label": (edited(2, a="other"), ["1 label edited (column 'a'): 'c2'"]),
    "an input": (edited(2, q="other"), ["1 case changed (inputs or other columns): 'c2'"]),
    "one byte of a note": (edited(7, note=" "), ["1 case changed (inputs or other columns): 'c7'"]),
    "an input and its label": (edited(0, q="p", a="b"), ["1 case changed (inputs or other columns): 'c0'"]),
    "an id": (edited(3, id="c33"), ["1 case added: 'c33'", "1 case removed: 'c3'"]),
    "one more": (lambda rows: [*rows, {**rows[0], "id": "new"}], ["1 case added: 'new'"]),
    "one less": (lambda rows: rows[1:], ["1 case removed: 'c0'"]),
    "two swapped": (lambda rows: [rows[0], rows[2], rows[1], *rows[3:]], ["1 case moved: "]),
    "the last one first": (lambda rows: [rows[-1], *rows[:-1]], ["1 case moved: 'c7'"]),
    "all the other way round": (lambda rows: rows[::-1], ["7 cases moved: "]),
    "many": (
        lambda rows: [{**row, "a": "same"} for row in rows],
        ["8 labels edited (column 'a'): 'c0', 'c1', 'c2', 'c3', 'c4' …"],
    ),
    "everything at once": (
        lambda rows: [rows[5], {**rows[0], "a": "z"}, *rows[2:5], *rows[6:], {**rows[0], "id": "n"}],
        ["1 case added: 'n'", "1 case removed: 'c1'", "1 label edited (column 'a'): 'c0'", "1 case moved: 'c5'"],
    ),
}


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.csv", "cases.parquet"])
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_refused_and_named(change: str, name: str, tmp_path: Path) -> None:
    folder = locked(tmp_path, name)
    assert verify_dataset("d@1.0.0", tmp_path)[1].rows == len(ROWS)
    make, said = CHANGES[change]
    write(folder / name, make(ROWS))
    for act in (lambda: verify_dataset("d@1.0.0", tmp_path), lambda: check_paths([folder])):
        with pytest.raises(BadInput) as caught:
            act()
        messages = [problem.message for problem in caught.value.problems]
        assert messages[0].startswith("the data is not what the card was locked to")
        assert len(messages) == 1 + len(said)
        assert all(found.startswith(line) for found, line in zip(messages[1:], said, strict=True)), messages


def test_the_command_refuses_with_the_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    folder = locked(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["dataset", "verify", "d@1.0.0"]) == 0
    write(folder / "cases.jsonl", edited(1, a="\x1b[31mred")(ROWS))
    assert main(["dataset", "verify", "d@1.0.0"]) == 2
    said = capsys.readouterr().err
    assert "1 label edited (column 'a'): 'c1'" in said
    assert "\x1b" not in said


def test_hostile_ids_cannot_write_to_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    folder = locked(tmp_path)
    monkeypatch.chdir(tmp_path)
    write(folder / "cases.jsonl", edited(1, id="\x1b]0;x\x07")(ROWS))
    assert main(["dataset", "verify", "d@1.0.0"]) == 2
    assert not {"\x1b", "\x07"} & set(capsys.readouterr().err)


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.csv"])
def test_line_ends_are_no_change(name: str, tmp_path: Path) -> None:
    folder = locked(tmp_path, name)
    for path in (folder / name, folder / LOCK, folder / "dataset.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert verify_dataset("d@1.0.0", tmp_path)[1].rows == len(ROWS)


def test_locking_keeps_the_card_and_can_be_repeated(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    card, lock = (folder / "dataset.yaml").read_text(encoding="utf-8"), (folder / LOCK).read_bytes()
    assert card.startswith(CARD.format(data="cases.jsonl"))
    lock_dataset("d@1.0.0", tmp_path)
    assert ((folder / "dataset.yaml").read_text(encoding="utf-8"), (folder / LOCK).read_bytes()) == (card, lock)
    assert len(lock.splitlines()) == 1 + len(ROWS)
    digest = json.loads(lock.splitlines()[0])["digest"]
    assert f"digest: {digest}" in card


def test_the_same_lock_for_the_same_data_in_every_format(tmp_path: Path) -> None:
    made = {name: (locked(tmp_path / name, name) / LOCK).read_bytes() for name in ("cases.jsonl", "cases.csv", "cases.parquet")}
    assert len(set(made.values())) == 1


def test_nothing_is_written_for_faulty_data(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "cases.jsonl"}
    write(folder / "cases.jsonl", [*ROWS, ROWS[0]])
    with pytest.raises(BadInput, match="already used"):
        lock_dataset("d@1.0.0", tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "cases.jsonl"} == before


def test_a_locked_card_without_its_lock_is_refused(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    whole = (folder / LOCK).read_bytes()
    (folder / LOCK).unlink()
    for act in (lambda: verify_dataset("d@1.0.0", tmp_path), lambda: check_paths([folder])):
        with pytest.raises(BadInput, match=r"dataset\.lock is not beside it"):
            act()
    lock_dataset("d@1.0.0", tmp_path)
    assert (folder / LOCK).read_bytes() == whole


def test_a_missing_lock_does_not_hide_that_the_data_changed(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    (folder / LOCK).unlink()
    write(folder / "cases.jsonl", edited(1, a="z")(ROWS))
    with pytest.raises(BadInput, match="not what the card was locked to") as caught:
        verify_dataset("d@1.0.0", tmp_path)
    assert len(caught.value.problems) == 1
    with pytest.raises(BadInput, match="locked to other content"):
        lock_dataset("d@1.0.0", tmp_path)


MEANINGS = {
    "id": ("inputs:", "id: note\ninputs:"),
    "fewer inputs": ("inputs: [q]\n", ""),
    "more inputs": ("inputs: [q]", "inputs: [q, note]"),
    "reference": ("reference: a", "reference: q"),
    "a second reference": ("reference: a", "reference: [a, note]"),
    "no reference": ("reference: a\n", ""),
    "slices": ("slices: [s]", "slices: [s, a]"),
    "no slices": ("slices: [s]\n", ""),
    "group": ("slices:", "group: s\nslices:"),
    "schema": ("slices:", "schema: {q: string}\nslices:"),
}
NOTED = [{**row, "note": f"n{number}"} for number, row in enumerate(ROWS)]


@pytest.mark.parametrize("meaning", MEANINGS)
def test_another_meaning_of_the_columns_is_refused(meaning: str, tmp_path: Path) -> None:
    folder = locked(tmp_path, rows=NOTED)
    path, old = folder / "dataset.yaml", folder / LOCK
    card, lock = path.read_text(encoding="utf-8"), old.read_bytes()
    changed = card.replace(*MEANINGS[meaning], 1)
    assert changed != card
    path.write_text(changed, encoding="utf-8")
    for act in (lambda: verify_dataset("d@1.0.0", tmp_path), lambda: check_paths([folder])):
        with pytest.raises(BadInput, match=r"when it was locked|other reference columns"):
            act()
    with pytest.raises(BadInput, match="another meaning"):
        lock_dataset("d@1.0.0", tmp_path)
    assert old.read_bytes() == lock
    assert path.read_text(encoding="utf-8") == changed
    lock_dataset("d@1.0.0", tmp_path, replace_lock=True)
    assert verify_dataset("d@1.0.0", tmp_path)[1].rows == len(ROWS)


@pytest.mark.parametrize("note", ["purpose: other", "license: MIT", "limits: few", "inputs: [s, q]"])
def test_notes_and_the_order_of_inputs_are_no_meaning(note: str, tmp_path: Path) -> None:
    folder = locked(tmp_path)
    path = folder / "dataset.yaml"
    if note.startswith("inputs"):
        path.write_text(path.read_text(encoding="utf-8").replace("inputs: [q]", "inputs: [q, s]"), encoding="utf-8")
        lock_dataset("d@1.0.0", tmp_path, replace_lock=True)
        path.write_text(path.read_text(encoding="utf-8").replace("inputs: [q, s]", note), encoding="utf-8")
    else:
        path.write_text(f"{note}\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert verify_dataset("d@1.0.0", tmp_path)[1].rows == len(ROWS)


def _as_earlier_versions_wrote_it(lock: bytes) -> bytes:
    first, rest = lock.split(b"\n", 1)
    header = {key: value for key, value in json.loads(first).items() if key not in ("meaning", "dataset")}
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode() + b"\n" + rest


def test_a_lock_that_does_not_bind_the_meaning_is_refused_until_it_does(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    whole = (folder / LOCK).read_bytes()
    (folder / LOCK).write_bytes(_as_earlier_versions_wrote_it(whole))
    with pytest.raises(BadInput, match="does not bind") as caught:
        verify_dataset("d@1.0.0", tmp_path)
    assert "evalgate dataset lock" in str(caught.value.problems[0].hint)
    lock_dataset("d@1.0.0", tmp_path)
    assert (folder / LOCK).read_bytes() == whole


def test_a_lock_of_an_earlier_version_of_evalgate_is_not_replaced_silently(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    (folder / LOCK).write_bytes(_as_earlier_versions_wrote_it((folder / LOCK).read_bytes()))
    card = (folder / "dataset.yaml").read_text(encoding="utf-8")
    (folder / "dataset.yaml").write_text(card.replace("reference: a", "reference: q"), encoding="utf-8")
    with pytest.raises(BadInput, match="another meaning"):
        lock_dataset("d@1.0.0", tmp_path)


@pytest.mark.parametrize("unlocked", [False, True])
def test_other_content_under_the_same_version_needs_replace(
    unlocked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    folder = locked(tmp_path)
    if unlocked:  # taking the digest out of the card does not help
        (folder / "dataset.yaml").write_text(CARD.format(data="cases.jsonl"), encoding="utf-8")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "cases.jsonl"}
    write(folder / "cases.jsonl", edited(1, a="z")(ROWS))
    monkeypatch.chdir(tmp_path)
    assert main(["dataset", "lock", "d@1.0.0"]) == 2
    said = capsys.readouterr().err
    assert "d@1.0.0 is locked to other content" in said
    assert "new version" in said
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "cases.jsonl"} == before
    assert main(["dataset", "lock", "d@1.0.0", "--replace"]) == 0
    assert main(["dataset", "verify", "d@1.0.0"]) == 0


def test_a_copy_becomes_a_version_of_its_own(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    copy = shutil.copytree(folder, folder.with_name("1.1.0"))
    card = (copy / "dataset.yaml").read_text(encoding="utf-8")
    (copy / "dataset.yaml").write_text(card.replace("version: 1.0.0", "version: 1.1.0"), encoding="utf-8")
    write(copy / "cases.jsonl", edited(1, a="z")(ROWS))
    lock_dataset("d@1.1.0", tmp_path)
    assert verify_dataset("d@1.1.0", tmp_path)[1].digest != verify_dataset("d@1.0.0", tmp_path)[1].digest
    write(copy / "cases.jsonl", edited(1, a="y")(ROWS))
    with pytest.raises(BadInput, match="locked to other content"):
        lock_dataset("d@1.1.0", tmp_path)


def _line(lock: bytes, number: int, new: bytes) -> bytes:
    lines = lock.splitlines(keepends=True)
    return b"".join([*lines[:number], new, *lines[number + 1 :]])


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda lock: b"",
    "no header": lambda lock: lock.split(b"\n", 1)[1],
    "another schema": lambda lock: lock.replace(b"dataset_lock/1", b"dataset_lock/2", 1),
    "an unknown key": lambda lock: lock.replace(b'{"cases"', b'{"more":1,"cases"', 1),
    "rows as text": lambda lock: lock.replace(b'"rows":8', b'"rows":"8"', 1),
    "cut short": lambda lock: lock[:-1].rsplit(b"\n", 1)[0] + b"\n",
    "one line twice": lambda lock: lock + lock.splitlines(keepends=True)[-1],
    "two lines swapped": lambda lock: _line(
        _line(lock, 1, lock.splitlines(keepends=True)[2]), 2, lock.splitlines(keepends=True)[1]
    ),
    "another digest in a line": lambda lock: _line(lock, 3, b"0" * 16 + lock.splitlines(keepends=True)[3][16:]),
    "not hexadecimal": lambda lock: _line(lock, 3, b"x" * 16 + lock.splitlines(keepends=True)[3][16:]),
    "too short": lambda lock: _line(lock, 3, lock.splitlines(keepends=True)[3][2:]),
    "a number as id": lambda lock: _line(lock, 3, lock.splitlines(keepends=True)[3][:34] + b"7\n"),
    "a conflict marker": lambda lock: _line(lock, 3, b"<<<<<<< HEAD\n"),
    "not UTF-8": lambda lock: _line(lock, 3, b"\xff\n"),
    "a blank line": lambda lock: lock + b"\n",
    "content of another dataset": lambda lock: lock.replace(b'"digest":"sha256:', b'"digest":"sha256:0', 1),
}

UNKNOWN = ("empty", "no header", "another schema", "an unknown key", "rows as text", "content of another dataset")
"""Damage after which nothing says any more what was locked."""


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_lock_that_is_not_the_one_of_the_data(damage: str, tmp_path: Path) -> None:
    folder = locked(tmp_path)
    whole = (folder / LOCK).read_bytes()
    broken = DAMAGE[damage](whole)
    assert broken != whole
    (folder / LOCK).write_bytes(broken)
    with pytest.raises(BadInput, match=r"dataset\.lock"):
        verify_dataset("d@1.0.0", tmp_path)
    if damage in UNKNOWN:
        with pytest.raises(BadInput, match=r"damaged|locked to other content"):
            lock_dataset("d@1.0.0", tmp_path)
        assert (folder / LOCK).read_bytes() == broken
    lock_dataset("d@1.0.0", tmp_path, replace_lock=damage in UNKNOWN)
    assert (folder / LOCK).read_bytes() == whole


def test_a_damaged_lock_does_not_hide_that_the_data_changed(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    (folder / LOCK).write_bytes(DAMAGE["cut short"]((folder / LOCK).read_bytes()))
    write(folder / "cases.jsonl", edited(1, a="z")(ROWS))
    with pytest.raises(BadInput) as caught:
        verify_dataset("d@1.0.0", tmp_path)
    assert [problem.message.split(":")[0] for problem in caught.value.problems] == [
        "the data is not what the card was locked to",
        "the lock is damaged",
    ]


def test_a_lock_of_other_content_names_nothing(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    card = (folder / "dataset.yaml").read_text(encoding="utf-8")
    (folder / "dataset.yaml").write_text(card.replace("digest: sha256:", "digest: sha256:0"), encoding="utf-8")
    with pytest.raises(BadInput, match="cannot be named"):
        verify_dataset("d@1.0.0", tmp_path)


def test_a_folder_that_is_its_own_data(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    text = CARD.format(data=".")
    (folder / "dataset.yaml").write_text(text, encoding="utf-8")
    lock_dataset("d@1.0.0", tmp_path)
    assert verify_dataset("d@1.0.0", tmp_path)[1].rows == len(ROWS)


def test_other_reference_columns_need_another_lock(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    card = (folder / "dataset.yaml").read_text(encoding="utf-8")
    (folder / "dataset.yaml").write_text(card.replace("reference: a", "reference: note"), encoding="utf-8")
    write(folder / "cases.jsonl", ROWS)
    with pytest.raises(BadInput, match="other reference columns: a"):
        verify_dataset("d@1.0.0", tmp_path)


def test_a_lock_beside_an_unlocked_card(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    (folder / "dataset.yaml").write_text(CARD.format(data="cases.jsonl"), encoding="utf-8")
    with pytest.raises(BadInput, match="not locked"):
        check_paths([folder])


def test_a_lock_that_is_a_link_out_of_the_folder(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    shutil.move(folder / LOCK, tmp_path / LOCK)
    (folder / LOCK).symlink_to(tmp_path / LOCK)
    with pytest.raises(BadInput, match="link out"):
        verify_dataset("d@1.0.0", tmp_path)


def test_without_references_a_change_is_a_change(tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "d" / "1.0.0"
    folder.mkdir(parents=True)
    write(folder / "cases.jsonl", ROWS)
    (folder / "dataset.yaml").write_text(CARD.format(data="cases.jsonl").replace("reference: a\n", ""), encoding="utf-8")
    lock_dataset("d@1.0.0", tmp_path)
    assert all(line.split(b" ")[1] == b"-" for line in (folder / LOCK).read_bytes().splitlines()[1:])
    write(folder / "cases.jsonl", edited(1, a="z")(ROWS))
    with pytest.raises(BadInput, match="1 case changed"):
        verify_dataset("d@1.0.0", tmp_path)


@given(st.permutations(range(7)))
def test_what_moved_is_as_little_as_can_be(order: list[int]) -> None:
    moved = out_of_order(order)
    rest = [item for item in order if item not in moved]
    assert rest == sorted(rest)
    longest = max(len(some) for some in _increasing(order))
    assert len(moved) == len(order) - longest


def _increasing(order: list[int]) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for item in order:
        found += [[*some, item] for some in found if not some or some[-1] < item]
    return found


def test_moves_of_many() -> None:
    assert out_of_order(range(1000)) == set()
    assert all(len(out_of_order(order)) < 4 for order in permutations(range(4)))
    order = list(range(5000))
    random.Random(3).shuffle(order)
    assert 4700 < len(out_of_order(order)) < 5000


def test_shipped_datasets_are_locked_case_by_case(repository: Path) -> None:
    cards = list((repository / "datasets").glob("*/*/dataset.yaml"))
    assert len(cards) >= 4
    assert [str(path) for path in cards if not (path.parent / LOCK).is_file()] == []


def test_a_case_of_a_changed_dataset_is_not_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    folder = locked(tmp_path)
    prompt = tmp_path / "configs" / "prompts" / "p"
    prompt.mkdir(parents=True)
    (prompt / "1.txt").write_text("Answer: {{q}}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    command = ["prompt", "render", "p@1", "--case", "d@1.0.0:c2"]
    assert main(command) == 0
    assert "Answer: question 2" in capsys.readouterr().out
    assert main([*command[:-1], "d@1.0.0:c9"]) == 2
    assert "no case 'c9'" in capsys.readouterr().err
    write(folder / "cases.jsonl", edited(5, q="other")(ROWS))
    assert main(command) == 2
    said = capsys.readouterr()
    assert "1 case changed (inputs or other columns): 'c5'" in said.err
    assert said.out == ""


@pytest.mark.parametrize("change", ["reference", "lock"])
def test_a_gate_does_not_run_on_another_meaning_or_without_the_lock(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    write_starter(tmp_path)
    monkeypatch.chdir(tmp_path)
    lock_dataset("reviews@1.0.0", tmp_path)
    folder = tmp_path / "datasets" / "reviews" / "1.0.0"
    if change == "lock":
        (folder / LOCK).unlink()
    else:
        card = (folder / "dataset.yaml").read_text(encoding="utf-8")
        (folder / "dataset.yaml").write_text(card.replace("reference: label", "reference: review"), encoding="utf-8")
    for command in (["run", "configs/first-gate.yaml"], ["check", "configs/first-gate.yaml"], ["check"], ["dataset", "verify"]):
        assert main(command) == 2, command
        assert "dataset.lock" in capsys.readouterr().err
    assert not list(tmp_path.rglob("verdict.json"))
