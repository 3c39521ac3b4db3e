"""`evalgate dataset add`: what is staged, what is masked, what is left out, and that nothing staged is ever accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalgate
from evalgate.cli.main import main
from evalgate.core.canonical import pretty_json
from evalgate.golden.staging_likeness import LikenessIndex, folded_inputs, shingles
from evalgate.golden.staging_logs import LogFields, LogReader
from evalgate.golden.staging_masks import Masks
from evalgate.golden.tables import Row
from evalgate.proxy.redaction import Redactor

KEY = "sk-" + "abc123def456ghi789jkl"
CARD = "name: help\nversion: 1.0.0\ndata: cases.jsonl\nid: id\ninputs: [question]\nreference: answer\nslices: [topic]\n"
EXISTING = (
    {"id": "a", "question": "How do I reset my password on the web site?", "answer": "x", "topic": "account"},
    {"id": "b", "question": "Where are my invoices?", "answer": "y", "topic": "money"},
)


class _Desk:
    """A project with one small dataset."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys = root, capsys
        self.write("1.0.0", CARD, EXISTING)

    def write(self, version: str, card: str, cases: Sequence[Mapping[str, Any]]) -> Path:
        folder = self.root / "datasets" / "help" / version
        folder.mkdir(parents=True)
        (folder / "dataset.yaml").write_text(card, encoding="utf-8")
        (folder / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
        return folder

    def log(self, *lines: Any) -> str:
        path = self.root / "log.jsonl"
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), encoding="utf-8")
        return str(path)

    def call(self, *arguments: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = self.capsys.readouterr()
        return code, captured.out, captured.err

    def add(self, source: str, *arguments: str) -> tuple[int, Any, str]:
        """Stage, with the document that says what was done."""
        code, out, err = self.call("dataset", "add", "help@1.0.0", "--from", source, "--json", *arguments)
        return code, json.loads(out), err

    def staged(self, version: str = "1.1.0-staged") -> list[dict[str, Any]]:
        text = (self.root / "datasets" / "help" / version / "cases.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> _Desk:
    monkeypatch.chdir(tmp_path)
    return _Desk(tmp_path, capsys)


def _chat(text: Any, *before: Mapping[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": "help"}, *before, {"role": "user", "content": text}]}


def test_a_log_is_staged_with_empty_labels_and_its_origin(desk: _Desk) -> None:
    code, document, _ = desk.add(desk.log({"foo": 1}, _chat("May I pay by card?"), {"question": "Is it open?", "topic": "hours"}))
    assert code == 0
    assert [(row["question"], row["answer"], row["topic"]) for row in desk.staged()] == [
        ("May I pay by card?", None, None),
        ("Is it open?", None, "hours"),
    ]
    assert [entry["line"] for entry in document["provenance"]] == [2, 3]
    assert all(entry["from"] == "log" and entry["log"] == "log.jsonl" for entry in document["provenance"])
    assert document["left_out"]["unusable"] == 1
    assert document["seen"] == 3
    kept = (desk.root / "datasets" / "help" / "1.1.0-staged" / "provenance.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line) for line in kept.splitlines()] == document["provenance"]


def test_staged_cases_are_refused_until_they_are_labelled(desk: _Desk) -> None:
    desk.add(desk.log({"question": "Is it open?", "topic": "hours"}))
    folder = desk.root / "datasets" / "help" / "1.1.0-staged"
    for command in (("dataset", "lock", "help@1.1.0-staged"), ("dataset", "verify", "help@1.1.0-staged"), ("check", str(folder))):
        code, _, err = desk.call(*command)
        assert code == 2
        assert "not labelled yet" in err
    card = folder / "dataset.yaml"
    card.write_text("".join(line for line in card.read_text("utf-8").splitlines(True) if not line.startswith("staged")), "utf-8")
    code, _, err = desk.call("dataset", "lock", "help@1.1.0-staged")
    assert code == 2
    assert "'answer' is null" in err
    cases = folder / "cases.jsonl"
    cases.write_text(cases.read_text("utf-8").replace('"answer": null', '"answer": "from nine"'), "utf-8")
    assert desk.call("dataset", "lock", "help@1.1.0-staged")[0] == 0


def test_a_gate_does_not_run_on_staged_cases(desk: _Desk) -> None:
    desk.add(desk.log({"question": "Is it open?", "topic": "hours"}))
    (desk.root / "configs").mkdir()
    config = desk.root / "configs" / "gate.yaml"
    (desk.root / "p.txt").write_text("{{question}}", encoding="utf-8")
    config.write_text(
        "gate: g\ndataset: help@1.1.0-staged\nvariants:\n  baseline: {prompt: ../p.txt, model: m}\n"
        "  candidate: {prompt: ../p.txt, model: m}\nmodels:\n  m: {provider: openai, name: m}\n"
        "proxy: {mode: mock, recording: r}\nmetrics: [exact_match]\nthresholds:\n  - {metric: exact_match, min: 0}\n",
        encoding="utf-8",
    )
    code, _, err = desk.call("run", str(config))
    assert code == 2
    assert "not labelled yet" in err


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to anna.berg@mailbox.org", "e-mail address"),
        ("call +49 30 12345678 now", "phone number"),
        ("card 4539 1488 0343 6467", "payment card number"),
        ("IBAN DE75512108001245126199", "IBAN"),
        ("from 84.17.43.9", "IP address"),
        (f"my key {KEY}", "key or token"),
    ],
)
def test_what_is_private_is_masked_before_anything_is_written_or_shown(desk: _Desk, text: str, kind: str) -> None:
    line = {**_chat(f"Please help: {text}"), "response": {"choices": [{"message": {"content": f"Noted: {text}"}}]}, "topic": text}
    secret = text.split(" ", 1)[1].removeprefix("to ").removeprefix("key ")
    log = desk.log(line, {"question": {"deep": [text]}, "topic": "t"})
    _, shown, _ = desk.call("dataset", "add", "help@1.0.0", "--from", log, "--dry-run")
    code, document, err = desk.add(log)
    assert code == 0
    written = "".join(p.read_text("utf-8") for p in (desk.root / "datasets" / "help" / "1.1.0-staged").iterdir())
    for place in (shown, pretty_json(document), err, written):
        assert secret not in place
    assert document["masked"][kind] == 2
    assert kind in document["provenance"][0]["masked"]


@given(st.text(alphabet="a1@.+-: ()/sk_BEGIN", max_size=60))
def test_masking_again_changes_nothing(text: str) -> None:
    masks = Masks(Redactor().text)
    once = masks.value({"k": [text, 7, None, True, 1.5]})
    assert masks.value(once) == once


def test_card_numbers_are_masked_as_numbers_too() -> None:
    masks = Masks(Redactor().text)
    assert masks.value([4539148803436467, 4539148803436468, 12]) == ["[redacted:payment-card-number]", 4539148803436468, 12]


def test_what_is_there_already_is_left_out(desk: _Desk) -> None:
    code, document, _ = desk.add(
        desk.log(
            {"question": "WHERE are  my invoices?"},
            {"question": "How do I reset my password on the web sites?"},
            {"question": "Do you ship to the islands in winter, and what is the price of that?"},
            {"question": "do you ship to the islands in winter, and what is the price of that?"},
            {"question": "Do you ship to the islands in winter, and what is the price of it?"},
        )
    )
    assert code == 0
    assert [row["question"] for row in desk.staged()] == ["Do you ship to the islands in winter, and what is the price of that?"]
    counts = {kind: count for kind, count in document["left_out"].items() if count}
    assert counts == {"in_dataset": 1, "nearly_in_dataset": 1, "repeated": 1, "nearly_repeated": 1}


def test_staging_the_same_twice_stages_nothing_and_overwrites_nothing(desk: _Desk) -> None:
    log = desk.log({"question": "Is it open?"})
    desk.add(log)
    before = {p: p.read_bytes() for p in desk.root.rglob("*") if p.is_file()}
    code, document, _ = desk.add(log)
    assert code == 0
    assert document["written"] is False
    assert document["staged"] == []
    assert {p: p.read_bytes() for p in desk.root.rglob("*") if p.is_file()} == before


def test_a_second_batch_gets_a_folder_of_its_own(desk: _Desk) -> None:
    desk.add(desk.log({"question": "Is it open?"}))
    first = desk.staged()
    code, document, _ = desk.add(desk.log({"question": "Can I send it back?"}))
    assert (code, document["folder"]) == (0, "datasets/help/1.1.0-staged.2")
    assert desk.staged() == first
    assert [row["question"] for row in desk.staged("1.1.0-staged.2")] == ["Can I send it back?"]


def test_the_next_version_is_after_the_highest_there_is(desk: _Desk) -> None:
    desk.write("1.10.0", CARD.replace("1.0.0", "1.10.0"), EXISTING)
    assert desk.add(desk.log({"question": "Is it open?"}))[1]["version"] == "1.11.0-staged"


def test_a_dry_run_writes_nothing(desk: _Desk) -> None:
    log = desk.log({"question": "Is it open?"})
    before = sorted(desk.root.rglob("*"))
    code, document, _ = desk.add(log, "--dry-run")
    assert (code, document["written"], len(document["staged"])) == (0, False, 1)
    assert sorted(desk.root.rglob("*")) == before


def test_what_comes_next_is_what_the_documents_say(desk: _Desk) -> None:
    code, out, _ = desk.call("dataset", "add", "help@1.0.0", "--from", desk.log({"question": "Is it open?"}))
    assert code == 0
    assert " ".join(out.splitlines()[-2:]) == (
        "next: fill every null in datasets/help/1.1.0-staged/cases.jsonl, and put its lines behind those of the last version, "
        "in the folder of a new one that you lock; docs/dataset-add.md shows the commands"
    )


def test_a_log_in_an_arrow_file_is_read_and_named_by_the_help(desk: _Desk) -> None:
    import pyarrow as pa

    log = desk.root / "log.arrow"
    table = pa.table({"question": ["Is it open?"]})
    with pa.OSFile(str(log), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    assert desk.add(str(log))[0] == 0
    assert [row["question"] for row in desk.staged()] == ["Is it open?"]
    assert ".arrow" in desk.call("dataset", "add", "--help")[1]


def test_the_limit_is_kept_and_counted(desk: _Desk) -> None:
    log = desk.log(
        *({"question": text} for text in ("Is it open?", "Where is it?", "Who pays?", "How far?", "Which one is mine?"))
    )
    _, document, _ = desk.add(log, "--limit", "2")
    assert len(desk.staged()) == 2
    assert document["left_out"]["beyond_the_limit"] == 3


def test_the_same_source_is_staged_the_same_way_everywhere(desk: _Desk, tmp_path: Path) -> None:
    log = desk.log({"question": "Is it open?"}, _chat("Can I send it back?"))
    first = desk.add(log, "--dry-run")[1]
    assert first == desk.add(log, "--dry-run")[1]
    assert str(tmp_path) not in pretty_json(first)
    assert all(re.fullmatch(r"staged-[0-9a-f]{12}", row["id"]) for row in first["staged"])


def _read(line: Any, columns: Sequence[str] = ("question",), **fields: Any) -> Any:
    reader = LogReader(columns, ("topic",), LogFields(**fields), "log")
    found = list(reader.read(iter([Row(line, "log:7")])))
    return found[0] if found else reader.unusable[0][1]


@pytest.mark.parametrize(
    "line",
    [
        _chat("Q"),
        {"request": _chat("Q")},
        {"body": _chat("Q"), "response": {"body": {"choices": [{"message": {"content": "A"}}]}}},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Q"}]}]},
        _chat([{"type": "text", "text": "Q"}]),
        _chat("Q", {"role": "user", "content": "earlier"}, {"role": "assistant", "content": "yes"}),
        {"question": "Q"},
    ],
)
def test_the_usual_shapes_of_chat_logs_are_understood(line: Any) -> None:
    found = _read(line)
    assert found.inputs == {"question": "Q"}
    assert found.origin["line"] == 7
    assert found.outputs == ({"logged": "A"} if "response" in line else {})


def test_a_conversation_says_that_only_its_last_turn_was_taken() -> None:
    assert _read(_chat("Q", {"role": "user", "content": "earlier"})).origin["turns"] == 2
    assert "turns" not in _read(_chat("Q")).origin


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"messages": []},
        {"messages": "Q"},
        {"messages": [{"role": "assistant", "content": "Q"}]},
        {"messages": [None, 3, {"role": "user"}]},
        _chat([{"type": "image_url", "image_url": {}}]),
        _chat([{"type": "text", "text": "Q"}, {"type": "image_url", "image_url": {}}]),
        _chat(""),
        {"question": None},
        {"question": ""},
    ],
)
def test_lines_that_cannot_be_used_say_why(line: Any) -> None:
    assert "question" in _read(line)


def test_fields_are_dotted_paths() -> None:
    line = {"a": {"b": [{"c": "Q"}]}, "x.y": "A", "messages": [{"role": "user", "content": "other"}]}
    found = _read(line, inputs={"question": "a.b.0.c"}, output="x.y")
    assert (found.inputs, found.outputs) == ({"question": "Q"}, {"logged": "A"})
    for path in ("a.b.1.c", "a.b.-1.c", "a.b.0.c.d", "a.b.zero", "a..b", "."):
        assert path in _read(line, inputs={"question": path})


def test_several_inputs_are_never_guessed_from_a_message() -> None:
    assert "'context'" in _read(_chat("Q"), columns=("context", "question"))


_words = st.lists(st.sampled_from(["red", "green", "house", "tree", "the", "open"]), min_size=1, max_size=12).map(" ".join)


@given(st.lists(_words, min_size=1, max_size=8), _words)
def test_near_duplicates_are_those_of_the_definition(texts: list[str], text: str) -> None:
    found = LikenessIndex(texts).alike(text)
    own = shingles(text)
    alike = [
        len(own & shingles(other)) / len(own | shingles(other)) >= 0.8 if own | shingles(other) else False for other in texts
    ]
    assert found == [number for number, is_alike in enumerate(alike) if is_alike]


def test_a_shared_context_does_not_make_questions_alike() -> None:
    context = "The village library opens at nine and closes at six, and stays open on Fridays until eight. " * 3
    first = folded_inputs({"c": context, "q": "When does it open?"}, ("c", "q"))
    second = folded_inputs({"c": context, "q": "How many books are there?"}, ("c", "q"))
    assert LikenessIndex([first]).alike(second) == []
    assert LikenessIndex([first]).alike(first) == [0]


@pytest.mark.parametrize(
    ("lines", "arguments", "said"),
    [
        ([{"foo": 1}], (), "none of 1 cases can be used"),
        ([], (), "no case there"),
        (["{not json"], (), "not valid JSON"),
        (["[1]"], (), "a row is an object"),
        (['{"question": "a", "question": "b"}'], (), "question"),
        ([{"question": "Q"}], ("--input", "nothing=x"), "no input column 'nothing'"),
        ([{"question": "Q"}], ("--input", "question"), "is not COLUMN=FIELD"),
        ([{"question": "Q"}], ("--input", "question=a", "--input", "question=b"), "given twice"),
        ([{"question": "Q"}], ("--cases", "regressed"), "does not say which cases are regressed"),
        ([{"question": "Q"}], ("--cases", "best"), "invalid choice"),
        ([{"question": "Q"}], ("--limit", "x"), "not a number of cases"),
    ],
)
def test_bad_sources_are_refused_and_nothing_is_written(
    desk: _Desk, lines: list[Any], arguments: tuple[str, ...], said: str
) -> None:
    log = desk.log(*lines)
    before = sorted(desk.root.rglob("*"))
    code, _, err = desk.call("dataset", "add", "help@1.0.0", "--from", log, *arguments)
    assert code == 2
    assert said in err
    assert sorted(desk.root.rglob("*")) == before


@pytest.mark.parametrize("source", ["nothing.jsonl", "datasets", "."])
def test_what_is_no_source_is_refused(desk: _Desk, source: str) -> None:
    assert desk.call("dataset", "add", "help@1.0.0", "--from", source, "--cases", "all")[0] == 2


def test_staged_cases_are_no_dataset_to_add_to(desk: _Desk) -> None:
    log = desk.log({"question": "Is it open?"})
    desk.add(log)
    assert desk.call("dataset", "add", "help@1.1.0-staged", "--from", log)[0] == 2


@pytest.mark.parametrize("text", ["\x1b[2J\x07", "::error::x", "\u202egnp", "a\nb: c\n--- !!python/x", '"quoted" {yaml: [1]}'])
def test_hostile_texts_stay_data(desk: _Desk, text: str) -> None:
    code, out, err = desk.call("dataset", "add", "help@1.0.0", "--from", desk.log({"question": text + " ok", "topic": text}))
    assert code == 0
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out + err)
    assert desk.staged()[0]["question"] == text + " ok"
    code, out, err = desk.call("dataset", "add", "help@1.0.0", "--from", desk.log({"question": text + " new one"}), "--dry-run")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out + err)


def test_hostile_names_of_columns_and_logs_keep_the_card_readable(desk: _Desk) -> None:
    name = "q😀: {\"\u2028\x85\ufeff' #"
    card = CARD.replace("1.0.0", "3.0.0").replace(
        "[question]", json.dumps([name], ensure_ascii=True).replace("\\ud83d\\ude00", "😀")
    )
    folder = desk.write("3.0.0", card, [{**EXISTING[0], name: "Q"}])
    log = desk.root / "lo😀g: {\u2028.jsonl"
    log.write_text(json.dumps({name: "New?"}) + "\n", encoding="utf-8")
    code, _, err = desk.call("dataset", "add", str(folder), "--from", str(log))
    assert code == 0, err
    staged = folder.parent / "3.1.0-staged" / "dataset.yaml"
    text = "".join(line for line in staged.read_text("utf-8").splitlines(keepends=True) if not line.startswith("staged:"))
    staged.write_text(text, encoding="utf-8")
    code, _, err = desk.call("dataset", "verify", str(staged))
    assert "not locked" in err


def test_labels_are_never_taken_over_also_where_their_column_is_a_slice(desk: _Desk) -> None:
    card = CARD.replace("reference: answer", "reference: [answer, topic]").replace("1.0.0", "1.0.1")
    desk.write("1.0.1", card.replace("slices: [topic]", "slices: [topic, kind]\ngroup: answer"), [{**EXISTING[0], "kind": "k"}])
    log = desk.log({"question": "Is it open today?", "topic": "hours", "answer": "yes", "kind": "new"})
    code, out, _ = desk.call("dataset", "add", "help@1.0.1", "--from", log, "--json")
    assert code == 0
    (row,) = json.loads(out)["staged"]
    assert (row["answer"], row["topic"], row["kind"]) == (None, None, "new")


def test_labels_of_a_run_are_not_taken_over_either(desk: _Desk) -> None:
    lines = {
        "base": {"output": "x"},
        "cand": {"output": "y"},
        "refs": {"reference": "hours", "topic": "hours", "question": "Open?"},
    }
    for name, line in lines.items():
        (desk.root / f"{name}.jsonl").write_text(json.dumps({"id": "a", **line}) + "\n", encoding="utf-8")
    files = [desk.root / f"{name}.jsonl" for name in lines]
    evalgate.compare(*files[:2], references=[files[2]], metrics=["exact_match"], slices=["topic"], out=desk.root / "run")
    desk.write("1.0.1", CARD.replace("1.0.0", "1.0.1").replace("reference: answer", "reference: topic"), EXISTING)
    code, out, err = desk.call("dataset", "add", "help@1.0.1", "--from", str(desk.root / "run"), "--cases", "all", "--json")
    assert code == 0, err
    assert [row["topic"] for row in json.loads(out)["staged"]] == [None]


@pytest.fixture
def finished(desk: _Desk) -> Path:
    """A finished run over five cases: one regressed, one newly fails, one violates."""
    rows = [("r1", "How long does it take by boat?", "two long days", "two long days", "two days"),
            ("r2", "Which colours are there in stock?", "red", "red", "blue"),
            ("r3", "Who is the owner of the shop?", "Mia", "Mia", "Mia, code 1234"),
            ("r4", "Where are my invoices?", "here", "here", "gone"),
            ("r5", "Why is the screen so dark today?", "dust", "dust", "dust")]  # fmt: skip
    for name, column in (("base", 3), ("cand", 4), ("refs", 2)):
        key = "reference" if name == "refs" else "output"
        lines = [{"id": row[0], key: row[column]} | ({"question": row[1]} if key == "reference" else {}) for row in rows]
        (desk.root / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    evalgate.compare(
        desk.root / "base.jsonl",
        desk.root / "cand.jsonl",
        references=[desk.root / "refs.jsonl"],
        metrics=["exact_match"],
        safety=["blocklist:terms=[code]"],
        out=desk.root / "run",
    )
    return desk.root / "run"


@pytest.mark.parametrize(
    ("kind", "ids", "known"),
    [
        ("regressed", ["r1", "r2", "r3"], 1),
        ("newly_failing", ["r1", "r2", "r3"], 1),
        ("violating", ["r3"], 0),
        ("all", ["r1", "r2", "r3", "r5"], 1),
    ],
)
def test_cases_of_a_run_are_staged_with_their_reason(desk: _Desk, finished: Path, kind: str, ids: list[str], known: int) -> None:
    code, document, _ = desk.add(str(finished), "--cases", kind)
    assert code == 0
    assert [entry["case"] for entry in document["provenance"]] == ids
    assert document["left_out"]["in_dataset"] == known
    assert all(row["answer"] is None for row in desk.staged())
    run_id = json.loads((finished / "verdict.json").read_text("utf-8"))["run_id"]
    assert all(entry["run_id"] == run_id and run_id in entry["why"] for entry in document["provenance"])
    assert document["provenance"][0]["answers"]["baseline"]


def test_a_run_needs_to_be_told_which_cases(desk: _Desk, finished: Path) -> None:
    code, _, err = desk.call("dataset", "add", "help@1.0.0", "--from", str(finished))
    assert code == 2
    assert "which cases" in err
    assert desk.call("dataset", "add", "help@1.0.0", "--from", str(finished), "--cases", "all", "--output", "x")[0] == 2


@pytest.mark.parametrize("damage", ["gone", "other", "list", "rows", "shard"])
def test_a_damaged_run_is_refused(desk: _Desk, finished: Path, damage: str) -> None:
    verdict, sealed = finished / "verdict.json", finished / "manifest.json"
    if damage == "gone":
        verdict.unlink()
    elif damage == "other":
        verdict.write_text('{"schema": "evalgate.verdict/9"}', encoding="utf-8")
    elif damage == "list":
        verdict.write_text("[]", encoding="utf-8")
    elif damage == "rows":
        sealed.write_text(sealed.read_text("utf-8").replace('"rows": 5', '"rows": 4'), encoding="utf-8")
    else:
        next((finished / "shards").glob("*.parquet")).write_bytes(b"PAR1")
    code, _, err = desk.call("dataset", "add", "help@1.0.0", "--from", str(finished), "--cases", "all")
    assert code == 2
    assert err
    assert not (desk.root / "datasets" / "help" / "1.1.0-staged").exists()


def test_a_run_whose_inputs_have_other_names_is_mapped(desk: _Desk, finished: Path) -> None:
    desk.write("2.0.0", CARD.replace("1.0.0", "2.0.0").replace("[question]", "[ask]"), [{**EXISTING[0], "ask": "Q"}])
    code, _, err = desk.call("dataset", "add", "help@2.0.0", "--from", str(finished), "--cases", "all")
    assert code == 2
    assert "--input" in err
    code, out, _ = desk.call(
        "dataset", "add", "help@2.0.0", "--from", str(finished), "--cases", "violating", "--input", "ask=question", "--json"
    )
    assert code == 0
    assert json.loads(out)["staged"][0]["ask"] == "Who is the owner of the shop?"
