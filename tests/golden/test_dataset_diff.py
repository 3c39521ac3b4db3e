"""`evalgate dataset diff`: laws of the comparison, version advice, hostile texts, the whole program."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.cli.main import main
from evalgate.core.errors import BadInput
from evalgate.golden.card import Card
from evalgate.golden.dataset_diff import DatasetDiff, DatasetVersion, diff_datasets, role_of
from evalgate.golden.dataset_diff_order import moved_ids
from evalgate.golden.dataset_diff_version import LEVELS, advise, next_version
from evalgate.golden.tables import Row
from evalgate.pipeline.dataset_diff import diff_document, markdown_diff
from evalgate.report.dataset_diff_words import COME, GONE, LONGEST, clipped, word_pieces

Fields = dict[str, Any]
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "::error file=x::owned",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    "</details><img src=x onerror=alert(1)>",
    "| a | b |\n| --- | --- |",
    "[click](javascript:alert(1)) @everyone #1 https://evil.example",
    "```\n# heading\n```",
    "](x) **bold** ~~gone~~ $x$ <!-- -->",
    "\u200b\u2066\ufeff",
)


def _card(**changes: Any) -> Card:
    known: dict[str, Any] = {
        "name": "d",
        "version": "1.0.0",
        "data": Path("cases.jsonl"),
        "id_column": "id",
        "inputs": ("question",),
        "reference": ("answer",),
        "slices": ("level",),
        "group": None,
        "schema": {},
        "rows": None,
        "digest": None,
    }
    return Card(**{**known, **changes})


def _case(name: str, question: str = "q", answer: str = "a", level: str = "x", **more: Any) -> Fields:
    return {"id": name, "question": question, "answer": answer, "level": level, **more}


def _diff(old: Sequence[Fields], new: Sequence[Fields], limit: int = 1_000, **cards: Card) -> DatasetDiff:
    def version(card: Card, rows: Sequence[Fields]) -> DatasetVersion:
        return DatasetVersion(card, lambda: [Row(fields, f"f:{n}") for n, fields in enumerate(rows, start=1)])

    return diff_datasets(version(cards.get("before", _card()), old), version(cards.get("after", _card()), new), limit)


_texts = st.sampled_from(["", "a", "b b", *HOSTILE])
_datasets = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.fixed_dictionaries({"question": _texts, "answer": _texts, "level": st.sampled_from("xy")}, optional={"note": _texts}),
    min_size=1,
).flatmap(lambda cases: st.permutations([{"id": name, **fields} for name, fields in cases.items()]))


@given(_datasets)
def test_a_dataset_does_not_differ_from_itself(cases: list[Fields]) -> None:
    diff = _diff(cases, [dict(reversed(case.items())) for case in cases])
    assert diff.is_empty
    assert not diff.renamed
    assert advise(diff).suggested == "none"


@given(_datasets, _datasets)
def test_the_way_back_is_the_mirror_image(old: list[Fields], new: list[Fields]) -> None:
    there, back = _diff(old, new), _diff(new, old)
    assert there.added == back.removed
    assert there.removed == back.added
    assert {c.id for c in there.changed} == {c.id for c in back.changed}
    assert set(there.moved) == set(back.moved)
    assert {(a, b) for a, b in there.renamed} == {(b, a) for a, b in back.renamed}
    mirrored = {"added": "removed", "removed": "added", "changed": "changed"}
    kinds = {c.id: [(f.name, f.role, f.kind) for f in c.fields] for c in there.changed}
    assert kinds == {c.id: [(f.name, f.role, mirrored[f.kind]) for f in c.fields] for c in back.changed}
    assert there.rows_before == back.rows_after
    assert there.rows_after == back.rows_before


@given(_datasets, _datasets)
def test_applying_the_difference_to_the_first_gives_the_second(old: list[Fields], new: list[Fields]) -> None:
    diff = _diff(old, new)
    result = {case["id"]: dict(case) for case in old}
    for name in diff.removed:
        del result[name]
    for name in diff.added:
        result[name] = dict(diff.rows_after[name])
    for change in diff.changed:
        for field in change.fields:
            result[change.id].pop(field.name, None)
            if field.kind != "removed":
                result[change.id][field.name] = diff.rows_after[change.id][field.name]
    assert result == {case["id"]: case for case in new}


@given(st.permutations([str(n) for n in range(9)]))
def test_what_did_not_move_kept_its_order_and_nothing_moved_in_vain(after: list[str]) -> None:
    before = sorted(after)
    moved = set(moved_ids(before, after))
    assert [one for one in before if one not in moved] == [one for one in after if one not in moved]
    longest = max(_increasing([before.index(one) for one in after]))
    assert len(after) - len(moved) == longest


def _increasing(sequence: Sequence[int]) -> list[int]:
    """The textbook recurrence, quadratic and obviously right."""
    best: list[int] = []
    for number, item in enumerate(sequence):
        best.append(1 + max((best[k] for k in range(number) if sequence[k] < item), default=0))
    return best


@given(_texts, _texts)
def test_pieces_give_both_texts_back(before: str, after: str) -> None:
    pieces = word_pieces(before, after) or []
    assert "".join(text for kind, text in pieces if kind != COME) == before
    assert "".join(text for kind, text in pieces if kind != GONE) == after


def test_texts_too_long_to_compare_are_not_compared_and_long_ones_are_clipped() -> None:
    assert word_pieces("a " * LONGEST, "b " * LONGEST) is None
    assert word_pieces("a b " * 200, "a c " * 200) is None
    long = "w " * 5_000
    pieces = word_pieces(long + "old" + long, long + "new" + long)
    assert pieces is not None
    assert [kind for kind, _ in pieces] == ["=", GONE, COME, "="]
    same = [("=", "abcdefgh"), (COME, "x"), ("=", "12345678901234567890"), (GONE, "y" * 12), ("=", "abcdefgh")]
    shown = [("=", "…fgh"), (COME, "x"), ("=", "123…890"), (GONE, "yyyyyyyyyy… (2 more)"), ("=", "abc…")]
    assert clipped(same, 3, 10) == shown


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [
        ([_case("a")], [_case("a", answer="b")], "patch"),
        ([_case("a")], [_case("a", level="y")], "patch"),
        ([_case("a"), _case("b")], [_case("b"), _case("a")], "patch"),
        ([_case("a")], [_case("a"), _case("b")], "minor"),
        ([_case("a")], [_case("a", question="other")], "major"),
        ([_case("a"), _case("b")], [_case("a")], "major"),
        ([_case("a")], [_case("A2")], "major"),
        ([_case("a")], [_case("a", answer="b"), _case("b")], "minor"),
        ([_case("a")], [_case("a")], "none"),
    ],
)
def test_the_changes_decide_the_step(old: list[Fields], new: list[Fields], level: str) -> None:
    advice = advise(_diff(old, new))
    assert advice.suggested == level
    assert advice.satisfied is (level == "none")
    assert bool(advice.reasons) is (level != "none")


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"reference": ("level",)}, "major"),
        ({"inputs": ("question", "level")}, "major"),
        ({"schema": {"question": "string"}}, "major"),
        ({"group": "level"}, "major"),
        ({"slices": ()}, "major"),
        ({"slices": ("level", "answer")}, "minor"),
        ({"fields": {"license": "MIT"}}, "patch"),
        ({"fields": {"version": "9", "rows": 3, "digest": "x"}}, "none"),
        ({"name": "another"}, "major"),
    ],
)
def test_a_changed_card_decides_the_step(change: Mapping[str, Any], level: str) -> None:
    assert advise(_diff([_case("a")], [_case("a")], after=_card(**change))).suggested == level


@pytest.mark.parametrize(
    ("before", "after", "actual", "enough"),
    [
        ("1.0.0", "1.1.0", "minor", True),
        ("1.0.0", "2.0.0", "major", True),
        ("1.0.0", "1.0.1", "patch", False),
        ("1.0.0", "1.0.0", "none", False),
        ("1.1.0", "1.0.0", "backwards", False),
        ("1.0.0", "1.1", "not comparable", False),
        ("one", "two", "not comparable", False),
        ("1.1.0-staged", "1.1.0", "major", True),
        ("1.1.0", "1.1.0-staged", "backwards", False),
        ("1.9.0", "1.10.0", "minor", True),
        ("01.0.0", "2.0.0", "not comparable", False),
    ],
)
def test_the_step_of_the_cards_is_held_against_it(before: str, after: str, actual: str, enough: bool) -> None:
    cards = {"before": _card(version=before), "after": _card(version=after)}
    advice = advise(_diff([_case("a")], [_case("a"), _case("b")], **cards))
    assert (advice.actual, advice.satisfied) == (actual, enough)


ORDER = ("alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1", None)
"""The example of Semantic Versioning 2.0.0, section 11, from the lowest to the release."""
MORE = ("0", "1", "1.0", "2", "10", "9" * 5000, "A", "Z", "a", "a-", "a-1", "a0", None)


@pytest.mark.parametrize("order", [ORDER, MORE])
def test_pre_releases_are_ordered_as_semantic_versions_are(order: tuple[str | None, ...]) -> None:
    for one, first in enumerate(order):
        for other, second in enumerate(order):
            versions = [f"1.0.0-{pre}" if pre else "1.0.0" for pre in (first, second)]
            step = "none" if one == other else "major" if one < other else "backwards"
            cards = {"before": _card(version=versions[0]), "after": _card(version=f"{versions[1]}+build.{one}")}
            assert advise(_diff([_case("a")], [_case("b")], **cards)).actual == step, versions


@pytest.mark.parametrize(
    "version", ["1.0.0-", "1.0.0-a..b", "1.0.0-01", "1.0.0-a.", "1.0.0+", "1.0.0+a..b", "1.0.0-a+", "1.0.0-ä"]
)
def test_what_is_no_semantic_version_has_no_step(version: str) -> None:
    cards = {"before": _card(version="1.0.0-0"), "after": _card(version=version)}
    advice = advise(_diff([_case("a")], [_case("a", answer="b")], **cards))
    assert (advice.actual, advice.satisfied) == ("not comparable", False)


def test_two_datasets_are_no_versions_of_one_another() -> None:
    cards = {"before": _card(), "after": _card(name="e", version="2.0.0")}
    assert advise(_diff([_case("a")], [_case("a", answer="b")], **cards)).satisfied is False


@pytest.mark.parametrize("level", LEVELS)
def test_the_next_version_satisfies_its_own_level(level: str) -> None:
    assert next_version("1.2.3", level) == {"none": "1.2.3", "patch": "1.2.4", "minor": "1.3.0", "major": "2.0.0"}[level]
    assert next_version("latest", level) is None


def test_a_label_fix_is_told_apart_from_an_input_change() -> None:
    old = [_case("label"), _case("both"), _case("input")]
    new = [_case("label", answer="b"), _case("both", question="r", answer="b"), _case("input", question="r")]
    counts = diff_document(_diff(old, new), 10)["counts"]
    assert (counts["label_changes"], counts["label_changes_alone"], counts["input_changes"]) == (2, 1, 2)


def test_without_declared_inputs_every_other_column_is_one() -> None:
    card = _card(inputs=())
    assert [role_of(column, card) for column in ("id", "answer", "level", "note")] == ["other", "reference", "input", "input"]


def test_the_same_case_under_another_id_is_pointed_out_and_still_counts_as_removed() -> None:
    diff = _diff([_case("a"), _case("b", "other")], [_case("z"), _case("b", "other")])
    assert diff.renamed == (("a", "z"),)
    assert (diff.removed, diff.added) == (("a",), ("z",))


def test_texts_beyond_the_limit_are_left_out_and_counted_but_no_id_is() -> None:
    new = [_case(f"n{i}") for i in range(30)]
    document = diff_document(_diff([_case("a")], [_case("a"), *new], limit=3), 3)
    assert len(document["added"]) == 30
    assert ["fields" in case for case in document["added"]].count(True) == 3
    assert document["texts"]["left_out"] == {"added": 27, "removed": 0, "changed": 0}
    assert "27 added cases are left out" in markdown_diff(document)


def test_markdown_stays_short_enough_for_a_comment_and_says_what_is_missing() -> None:
    new = [_case(f"n{i}", question="long " * 400) for i in range(2_000)]
    text = markdown_diff(diff_document(_diff([_case("a")], new, limit=2_000), 2_000))
    assert len(text) < 65_536
    assert "left out for length" in text
    assert text.count("<details>") == text.count("</details>")


@given(st.lists(st.sampled_from(HOSTILE), min_size=5, max_size=5))
def test_hostile_texts_are_shown_and_never_obeyed(texts: list[str]) -> None:
    question, answer, level, other, note = texts
    name = "".join(c for c in other if c not in "\r\n") + "!"
    old = [_case("a", "x", "y"), _case(name, "x " + answer, "x", level)]
    new = [_case("a", question, answer, level), _case(name, "x " + question, note, level), _case("new" + name, note, level, note)]
    cards = {"before": _card(), "after": _card(version=note or "1", name=level, fields={"license": question})}
    text = markdown_diff(diff_document(_diff(old, new, **cards), 10))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", text)
    tags = set(re.findall(r"<[^>]*>?", text))
    assert tags <= {"<details>", "</details>", "<summary>", "</summary>", "<del>", "</del>", "<ins>", "</ins>"}
    assert text.count("<details>") == text.count("</details>")
    assert "://" not in text
    assert not re.search(r"@\w", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "\n```" not in text
    for line in text.splitlines():
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", line)) in (4, 5)


@pytest.mark.parametrize("bad", [[], [{"id": "a"}], [_case("a"), _case("a")], [_case("a", answer=None)]])  # type: ignore[arg-type]
def test_a_faulty_version_is_no_version(bad: list[Fields]) -> None:
    with pytest.raises(BadInput):
        _diff([_case("a")], bad)
    with pytest.raises(BadInput):
        _diff(bad, [_case("a")])


def test_data_that_changes_between_the_two_readings_is_refused() -> None:
    readings = iter([[_case("a")], [_case("b")]])
    version = DatasetVersion(_card(), lambda: [Row(fields, "f:1") for fields in next(readings)])
    other = DatasetVersion(_card(), lambda: [Row(_case("a", "r"), "f:1")])
    with pytest.raises(BadInput, match="changed while"):
        diff_datasets(version, other, 10)


class _Project:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys = root, capsys

    def write(self, version: str, cases: Sequence[Fields], *, lock: bool = True) -> None:
        folder = self.root / "datasets" / "sums" / version
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
        card = (
            f"name: sums\nversion: {version}\ndata: cases.jsonl\nid: id\ninputs: [question]\nreference: answer\nslices: [level]\n"
        )
        (folder / "dataset.yaml").write_text(card, encoding="utf-8")
        if lock:
            assert self.call("dataset", "lock", f"sums@{version}")[0] == 0

    def call(self, *arguments: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = self.capsys.readouterr()
        return code, captured.out, captured.err


@pytest.fixture
def sums(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> _Project:
    """Two versions of a small dataset: one label corrected, one case added."""
    monkeypatch.chdir(tmp_path)
    made = _Project(tmp_path, capsys)
    made.write("1.0.0", [_case("a"), _case("b", "1 + 1", "3")])
    made.write("1.1.0", [_case("a"), _case("b", "1 + 1", "2"), _case("c", "2 + 2", "4", "y")])
    return made


def test_a_difference_is_no_fault(sums: _Project) -> None:
    code, out, _ = sums.call("dataset", "diff", "sums@1.0.0", "sums@1.1.0", "--check")
    assert code == 0
    assert "[-3-]{+2+}" in out
    assert "that is enough" in out


def test_the_document_is_json_and_names_its_schema(sums: _Project) -> None:
    code, out, _ = sums.call("dataset", "diff", "sums@1.0.0", "datasets/sums/1.1.0/dataset.yaml", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["schema"] == "evalgate.dataset_diff/1"
    assert document["before"]["lock"] == document["after"]["lock"] == "matches"
    assert [case["id"] for case in document["added"]] == ["c"]
    [field] = document["changed"][0]["fields"]
    assert (field["role"], field["before"], field["after"]) == ("reference", "3", "2")
    assert document["slices"][0]["values"][1] == {
        "value": "y",
        "before": {"cases": 0, "share": 0.0},
        "after": {"cases": 1, "share": 0.333333},
    }


def test_check_refuses_a_step_that_is_too_small(sums: _Project) -> None:
    sums.write("1.0.1", [_case("a")])
    code, out, err = sums.call("dataset", "diff", "sums@1.0.0", "sums@1.0.1", "--check")
    assert code == 2
    assert "that is NOT enough" in out
    assert "call it 2.0.0" in err
    code, out, err = sums.call("dataset", "diff", "sums@1.0.0", "sums@1.0.1")
    assert code == 0
    code, out, err = sums.call("dataset", "diff", "sums@1.0.0", "sums@1.0.1", "--check", "--json")
    assert code == 2
    assert json.loads(out)["exit_code"] == 2


def test_a_version_edited_after_its_lock_is_shown_loudly_and_refused_by_check(sums: _Project) -> None:
    data = sums.root / "datasets" / "sums" / "1.1.0" / "cases.jsonl"
    data.write_text(data.read_text(encoding="utf-8").replace('"2 + 2"', '"2 + 3"'), encoding="utf-8")
    code, out, _ = sums.call("dataset", "diff", "sums@1.0.0", "sums@1.1.0")
    assert code == 0
    assert "NOT what its card was locked to" in out
    code, _, err = sums.call("dataset", "diff", "sums@1.0.0", "sums@1.1.0", "--check")
    assert code == 2
    assert "not what its card was locked to" in err


def test_check_wants_both_versions_locked(sums: _Project) -> None:
    sums.write("1.2.0", [_case("a"), _case("b", "1 + 1", "3"), _case("d")], lock=False)
    code, _, err = sums.call("dataset", "diff", "sums@1.0.0", "sums@1.2.0", "--check")
    assert code == 2
    assert "not locked" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("sums@1.0.0", "sums@9.9.9"),
        ("nothing@1.0.0", "sums@1.0.0"),
        ("sums@1.0.0",),
        ("sums@1.0.0", "sums@1.1.0", "--limit", "-1"),
        ("sums@1.0.0", "sums@1.1.0", "--limit", "many"),
        ("sums@1.0.0", "sums@1.1.0", "--json", "--markdown"),
    ],
)
def test_bad_arguments_exit_with_2(sums: _Project, arguments: tuple[str, ...]) -> None:
    assert sums.call("dataset", "diff", *arguments)[0] == 2


def test_both_versions_that_cannot_be_read_are_named(sums: _Project) -> None:
    _, _, err = sums.call("dataset", "diff", "sums@8.0.0", "sums@9.0.0")
    assert "8.0.0" in err
    assert "9.0.0" in err


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_gets_no_command_from_a_dataset(sums: _Project, text: str) -> None:
    sums.write("1.2.0", [_case("a", text), _case("b", "1 + 1", text), _case("c", "2 + 2", "4", text or "y"), _case("d", text)])
    code, out, _ = sums.call("dataset", "diff", "sums@1.1.0", "sums@1.2.0")
    assert code == 0
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]", out)
    assert not re.search(r"^\s*::", out, flags=re.MULTILINE)


def test_the_checked_in_example_is_fresh(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    capsys.readouterr()
    assert main(["dataset", "diff", "short-answers@1.0.0", "short-answers@1.1.0", "--markdown", "--check"]) == 0
    shown = capsys.readouterr().out
    kept = (repository / "reports" / "examples" / "dataset-diff.md").read_text(encoding="utf-8")
    command = "evalgate dataset diff short-answers@1.0.0 short-answers@1.1.0 --markdown > reports/examples/dataset-diff.md"
    assert shown == kept, f"stale: {command}"


def test_every_shipped_version_is_the_step_it_claims(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    versions: dict[str, list[str]] = {}
    for card in sorted((repository / "datasets").glob("*/*/dataset.yaml")):
        versions.setdefault(card.parent.parent.name, []).append(card.parent.name)
    pairs = [(name, a, b) for name, found in versions.items() for a, b in itertools.pairwise(found)]
    assert pairs
    for name, before, after in pairs:
        assert main(["dataset", "diff", f"{name}@{before}", f"{name}@{after}", "--check", "--quiet"]) == 0
