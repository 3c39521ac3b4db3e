"""What holds for every import: all of a file or nothing, no second answer, no secret, the format said or clear."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.canonical import json_line
from evalgate.core.errors import BadInput
from evalgate.pipeline.recording_export import exported_lines
from evalgate.pipeline.recording_import import Import, import_file
from evalgate.pipeline.recordings import Named
from evalgate.proxy.exchange import sealed_line
from evalgate.proxy.recording import open_recording
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.request import canonical_request, request_key
from evalgate.proxy.transfer.guess import guess_format


def unsealed(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "digest"}


def test_lines_are_verified_sealed_and_appended(project: Callable[..., Any]) -> None:
    made = project()
    lines = made.lines()
    first = made.bring(made.file("a.jsonl", [unsealed(line) for line in lines[:3]]))
    second = made.bring(made.file("b.jsonl", lines))
    assert (first.document["imported"], first.document["already_there"]) == (3, 0)
    assert (second.document["imported"], second.document["already_there"]) == (5, 3)
    made.record()
    opened = made.open("new")
    assert (opened.digest, opened.timed_digest) == (made.open().digest, made.open().timed_digest)
    assert all(exchange.sealed and exchange.recorded_at for exchange in opened.exchanges())
    assert [path.name for path in sorted(made.folder("new").iterdir())] == ["0001.jsonl"]


def test_a_folder_is_imported_segment_by_segment(project: Callable[..., Any]) -> None:
    made = project()
    made.record(*made.lines()[:2], name="other")
    made.record(*made.lines()[2:], name="other", segment="0002.jsonl")
    assert made.bring(str(made.folder("other"))).document["imported"] == 8
    assert made.open("new").digest == made.open("other").digest


def test_errors_of_lines_stay_errors_and_never_beat_an_answer(project: Callable[..., Any]) -> None:
    made = project()
    lost = [made.line("baseline", i, error=f"HTTP 50{i}") for i in range(3)]
    assert made.bring(made.file("a.jsonl", [lost[0], lost[1], made.line("baseline", 1)])).document["imported"] == 3
    ran = made.bring(
        made.file("b.jsonl", [made.line("baseline", 0), lost[1], lost[2], made.line("baseline", 2, error="another")])
    )
    assert (ran.document["imported"], ran.document["already_there"]) == (3, 1)
    assert made.texts() == {"Sum: 0 + 1": "1", "Sum: 1 + 1": "2", "Sum: 2 + 1": "ERROR another"}


def edited(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "response": {**line["response"], "text": "edited"}}


WRONG: dict[str, tuple[Callable[[Any], list[Any] | str], tuple[str, ...]]] = {
    "edited": (lambda p: [p.line("baseline", 0), edited(p.line("baseline", 1))], ("not that of its content", "x.jsonl:2")),
    "version": (lambda p: [{**p.line("baseline", 0), "v": 2}], ("version 2", "x.jsonl:1")),
    "two answers": (lambda p: [p.line("baseline", 0), p.line("baseline", 1), p.line("baseline", 0, text="no")], ("x.jsonl:1 already answers", "x.jsonl:3")),
    "mixed": (lambda p: [p.line("baseline", 0), unsealed(p.line("baseline", 1))], ("has no digest", "x.jsonl:2")),
    "everything at once": (lambda p: [edited(p.line("baseline", 0)), p.line("baseline", 1), {"v": 1}, {**p.line("baseline", 2), "key": "0"}], ("x.jsonl:1", "x.jsonl:3", "x.jsonl:4")),
    "torn": (lambda p: json_line(p.line("baseline", 0)) + json_line(p.line("baseline", 1))[:-30], ("not valid JSON", "x.jsonl:2")),
    "conflict": (lambda p: json_line(p.line("baseline", 0)) + ">>>>>>> theirs\n", ("conflict marker", "x.jsonl:2")),
    "empty": (lambda p: "\n", ("nothing in the file is an answer",)),
    "long nesting": (lambda p: '{"v": 1, "key": "k", "request": {}, "response": ' + "[" * 300 + "]" * 300 + "}\n", ("nested deeper", "x.jsonl:1")),
    "no response": (lambda p: [{**p.line("baseline", 0), "response": None}], ("without request or response", "x.jsonl:1")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("present", [False, True])
def test_lines_that_are_wrong_are_refused_whole(project: Callable[..., Any], name: str, present: bool) -> None:
    made = project()
    if present:
        made.record(made.line("candidate", 0), name="new")
    content, said = WRONG[name]
    made.refuse(made.file("x.jsonl", content(made)), *said, options=("--format", "lines"), code=3 if name == "empty" else 2)


def test_an_empty_folder_is_refused(project: Callable[..., Any]) -> None:
    made = project()
    (made.root / "empty").mkdir()
    made.refuse("empty", "holds no .jsonl file")


def test_a_second_answer_is_refused_and_both_places_are_named(project: Callable[..., Any]) -> None:
    made = project()
    made.record(name="new")
    rows = [made.line("baseline", 9), made.line("candidate", 1, text="other \x1b[2J\u202e")]
    ran = made.refuse(made.file("x.jsonl", rows), "x.jsonl:2", "new/0001.jsonl:4 already answers", "recorded is '2'")
    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err


@pytest.mark.parametrize(
    "changes", [{"finish": "length"}, {"usage": {}}, {"usage": {"prompt_tokens": 99, "completion_tokens": 1}}]
)
def test_finish_and_usage_are_part_of_an_answer(project: Callable[..., Any], changes: dict[str, Any]) -> None:
    made = project()
    made.record(name="new")
    line = made.line("baseline", 0)
    other = sealed_line(line["request"], {**line["response"], **changes}, key=line["key"], latency_ms=1.0, recorded_at=None)
    made.refuse(made.file("x.jsonl", [other]), "already answers")


def test_latency_and_time_are_not(project: Callable[..., Any]) -> None:
    made = project()
    made.record(name="new")
    assert made.bring(made.file("x.jsonl", [made.line("baseline", 0, latency_ms=99.0)])).document["already_there"] == 1


def test_a_damaged_recording_is_not_appended_to(project: Callable[..., Any]) -> None:
    made = project()
    made.record(json_line(made.line("baseline", 0)), "{broken\n", name="new")
    made.refuse(made.file("x.jsonl", [made.line("baseline", 1)]), "new/0001.jsonl:2", "not valid JSON")


def test_a_torn_tail_is_cut_and_said(project: Callable[..., Any]) -> None:
    made = project()
    made.record(json_line(made.line("baseline", 0)) + '{"v":1,"key"', name="new")
    ran = made.bring(made.file("x.jsonl", [made.line("baseline", 1)]))
    assert (ran.code, ran.document["imported"], len(ran.document["repaired"])) == (0, 1, 1)
    assert "12 bytes are cut off" in ran.document["repaired"][0]["message"]
    assert len(made.open("new")) == 2


def test_unsealed_recordings_get_a_segment_of_their_own(project: Callable[..., Any]) -> None:
    made = project()
    made.record(unsealed(made.line("baseline", 0)), name="new")
    assert made.bring(made.file("x.jsonl", [made.line("baseline", 1)])).code == 0
    assert [path.name for path in sorted(made.folder("new").glob("*.jsonl"))] == ["0001.jsonl", "0002.jsonl"]


def test_a_recording_in_use_is_left_alone(project: Callable[..., Any]) -> None:
    made = project()
    file = made.file("x.jsonl", [made.line("baseline", 1)])
    with RecordingWriter(made.folder("new"), "new"):
        ran = made.bring(file)
    assert ran.code == 2
    assert f"locked by process {os.getpid()}" in ran.err
    assert list(made.folder("new").glob("*.jsonl")) == []


@pytest.mark.parametrize("into", ["a b", "", "..x", "ü", "x" * 129, "x\ny"])
def test_names_that_are_not_plain(project: Callable[..., Any], into: str) -> None:
    made = project()
    made.refuse(made.file("x.jsonl", [made.line("baseline", 1)]), "is not a plain name", into=into)


@pytest.mark.parametrize("into", ["file", "./x.jsonl", "datasets/recordings/file"])
def test_a_file_is_no_recording(project: Callable[..., Any], into: str) -> None:
    made = project()
    made.folder().mkdir(parents=True)
    made.folder("file").write_text("")
    made.refuse(made.file("x.jsonl", [made.line("baseline", 1)]), "is a file, not a folder", into=into)


def test_a_folder_path_is_a_recording(project: Callable[..., Any]) -> None:
    made = project()
    file = made.file("x.jsonl", [made.line("baseline", 1)])
    assert made.bring(file, into="./elsewhere/tape").code == 0
    assert len(open_recording(made.root / "elsewhere" / "tape", "tape")) == 1
    assert made.recording("show", "./elsewhere/tape", "--json").document["exchanges"] == 1


def test_the_report_for_people_is_safe_for_a_terminal(project: Callable[..., Any]) -> None:
    made = project()
    made.record(json_line(made.line("baseline", 0)) + "{", name="new")
    nasty = "\x1b[31m\u202e\n::error::x"
    lost = [{"prompt": {"raw": f"q{i}"}, "provider": {"id": "m"}, "response": {"error": nasty}} for i in range(30)]
    good = {"prompt": {"raw": "q"}, "provider": {"id": "m"}, "response": {"output": "x"}}
    file = made.file("x.json", {"results": [*lost, good]})
    ran = made.recording("import", file, "--into", "new")
    assert ran.code == 0
    assert "import of promptfoo into new: 1 imported, 0 already there, 30 errors, 0 unusable" in ran.out
    assert "1 bytes are cut off" in ran.out
    assert "and 10 more that are not taken" in ran.out
    assert not {"\x1b", "\u202e"} & set(ran.out)
    assert not any(line.lstrip().startswith("::") for line in ran.out.splitlines())
    assert made.recording("import", file, "--into", "new", "--quiet").out == ""


def test_no_room_for_a_temporary_file_is_said(project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = project()

    def full(self: Any, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.write", full)
    made.refuse(made.file("x.jsonl", [made.line("baseline", 0)]), "no temporary file can be written", "No space left", code=3)


def test_a_line_too_long_to_be_read_back_is_not_written(project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.pipeline.recording_staging.MAX_LINE_BYTES", 2000)
    made = project()
    long, plain = ({"prompt": {"raw": raw}, "provider": {"id": "m"}, "response": {"output": "x"}} for raw in ("q" * 3000, "q"))
    ran = made.bring(made.file("x.json", {"results": [long, plain]}))
    assert (ran.document["imported"], ran.document["unusable"]) == (1, 1)


# Secrets

CANARY = "Zq7/canary+secret=99"


def test_a_known_secret_is_taken_out_of_answers(project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = project()
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    import base64
    from urllib.parse import quote

    told = f"{CANARY} {quote(CANARY, safe='')} {base64.b64encode(CANARY.encode()).decode()} {base64.b64encode(b'u:' + CANARY.encode()).decode()}"
    line = made.line("baseline", 0, text=told)
    response = {**line["response"], "body": {told: [told]}, "finish": CANARY}
    given = sealed_line(line["request"], response, key=line["key"], latency_ms=1.0, recorded_at=None)
    lost = made.line("baseline", 1, error=f"HTTP 401: {told}")
    ran = made.bring(made.file("x.jsonl", [given, lost]))
    assert (ran.code, ran.document["redacted"]) == (0, 2)
    made.no_secret(CANARY, str(made.root / "x.jsonl"), said=ran.out + ran.err)


def test_a_known_secret_in_a_request_is_refused(project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = project()
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    request = canonical_request(model="m", messages=[{"role": "user", "content": f"use {CANARY}"}], parameters={})
    line = sealed_line(request, {"status": "ok", "text": "x"}, key=request_key(request), latency_ms=None, recorded_at=None)
    ran = made.refuse(made.file("x.jsonl", [line]), "holds the value of a secret", "x.jsonl:1")
    made.no_secret(CANARY, str(made.root / "x.jsonl"), said=ran.out + ran.err)


@pytest.mark.parametrize(
    "token", ["sk-proj-abcdefghijklmnop1234", "ghp_" + "a1" * 20, "AKIAABCDEFGHIJKLMNOP", "hf_" + "aB3" * 12]
)
def test_what_looks_like_a_key_is_taken_out_of_answers(project: Callable[..., Any], token: str) -> None:
    made = project()
    ran = made.bring(made.file("x.jsonl", [made.line("baseline", 0, text=f"key {token}.")]))
    assert ran.document["redacted"] == 1
    made.no_secret(token, str(made.root / "x.jsonl"))


# The format


def lines_of(made: Any) -> dict[str, tuple[str, Any]]:
    return {
        "lines": ("x.jsonl", [made.line("baseline", 0)]),
        "openai-batch": ("x.jsonl", [{"id": "b", "custom_id": "a", "response": {}, "error": None}]),
        "outputs": ("x.jsonl", [{"id": "c0", "output": "x"}]),
        "outputs ": ("x.csv", "id,output\n"),
        "outputs  ": ("x.parquet", b"PAR1"),
        "promptfoo": ("x.json", {"evalId": "e", "results": {"results": []}}),
        "promptfoo ": ("x.json", json.dumps({"results": []})),
        "vcr": ("x.yaml", "interactions: []\n"),
        "vcr ": ("x.yml", "x"),
        "vcr  ": ("x.json", {"interactions": []}),
        "vcr   ": ("x.json", json.dumps({"interactions": [], "version": 1})),
    }


def test_the_format_is_told_from_a_clear_file(project: Callable[..., Any]) -> None:
    made = project()
    for name, (file, content) in lines_of(made).items():
        assert guess_format(Path(made.file(file, content))) == name.strip()
    assert guess_format(made.root) == "lines"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "hello\n",
        "[]",
        "5",
        "{}",
        '{"a": 1}\n',
        '{"id": 1}\n',
        '{"custom_id": "a"}\n',
        '{\n "a": 1\n}',
        '{\n "results": [], "interactions": []\n}',
        "\x00\x01",
        '{"v": 1}\n',
        "<<<<<<< HEAD\n",
    ],
    ids=range(13),
)
def test_an_unclear_file_is_refused_and_the_formats_are_listed(project: Callable[..., Any], content: str) -> None:
    made = project()
    made.refuse(made.file("x.json", content), "format of the file is not clear", "openai-batch|promptfoo|outputs|vcr|lines")


@pytest.mark.parametrize("file", ["absent.jsonl", "absent/absent.json"])
def test_a_file_that_is_not_there(project: Callable[..., Any], file: str) -> None:
    project().refuse(file, "does not exist")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--requests", "x"), "--requests goes with format openai-batch"),
        (("--model", "x"), "--model goes with format promptfoo"),
        (("--parameter", "a=1"), "--parameter goes with format promptfoo"),
        (("--config", "x"), "--config goes with format outputs"),
        (("--variant", "baseline"), "--variant goes with format outputs"),
        (("--sample", "1"), "--sample goes with format outputs"),
        (("--repeats",), "--repeats does not go with format lines"),
        (("--format", "openai-batch"), "needs --requests"),
        (("--format", "outputs"), "needs --config"),
        (("--format", "csv"), "invalid choice"),
        (("--into",), "expected one argument"),
    ],
)
def test_options_that_would_be_ignored_or_are_missing(project: Callable[..., Any], options: tuple[str, ...], said: str) -> None:
    made = project()
    made.refuse(made.file("x.jsonl", [made.line("baseline", 0)]), said, options=options)


# Export and import

TEXT = st.text(
    st.characters(exclude_categories=("Cs",)) | st.sampled_from('\u2028\u2029\x85\x00\x1b\r\n\t"\\🎉\U0010ffff\u202e\ufeff<>'),
    max_size=12,
)
RESPONSE = st.one_of(
    st.fixed_dictionaries(
        {"status": st.just("ok"), "text": TEXT},
        optional={
            "finish": st.none() | TEXT,
            "usage": st.fixed_dictionaries(
                {}, optional={"prompt_tokens": st.integers(0, 2**53 - 1), "completion_tokens": st.none() | st.integers(0, 9)}
            ),
            "body": st.dictionaries(
                TEXT, TEXT | st.floats(allow_nan=False, allow_infinity=False) | st.lists(st.booleans(), max_size=2), max_size=3
            ),
            "note": TEXT,
        },
    ),
    st.fixed_dictionaries({"status": st.just("error"), "error": TEXT}, optional={"http_status": st.integers(400, 599)}),
)
LINES = st.lists(st.tuples(TEXT, TEXT, RESPONSE, st.none() | st.floats(0, 1e9), st.none() | TEXT, st.booleans()), min_size=1, max_size=6, unique_by=lambda row: row[:2])  # fmt: skip


@settings(max_examples=60)
@given(LINES)
def test_what_is_exported_and_imported_has_the_same_digest(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    root = tmp_path_factory.mktemp("p")
    first = root / "datasets" / "recordings" / "first"
    first.mkdir(parents=True)
    for number, (system, question, response, latency, at, sealed) in enumerate(rows):
        messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        request = canonical_request(model="m", messages=messages, parameters={"temperature": 0.1, "seed": number})
        line = sealed_line(request, response, key=request_key(request), latency_ms=latency, recorded_at=at)
        (first / f"{number}.jsonl").write_text(json_line(line if sealed else unsealed(line)), encoding="utf-8", newline="")
    opened = open_recording(first, "first")
    exported = list(exported_lines(Named("first", first)))
    assert all(line.count("\n") == 1 and len(line.splitlines()) == 1 for line in exported)
    assert [json.loads(line)["key"] for line in exported] == sorted(json.loads(line)["key"] for line in exported)
    (root / "x.jsonl").write_text("".join(exported), encoding="utf-8", newline="")
    result = import_file(Import(root / "x.jsonl", "second", root))
    assert (result.imported, result.present, result.redacted) == (len(rows), 0, 0)
    again = open_recording(root / "datasets" / "recordings" / "second", "second")
    assert (again.digest, again.timed_digest) == (opened.digest, opened.timed_digest)
    assert [(e.body, e.recorded_at, e.error) for e in again.exchanges()] == [
        (e.body, e.recorded_at, e.error) for e in opened.exchanges()
    ]
    assert list(exported_lines(Named("second", again.folder))) == exported
    assert import_file(Import(root / "x.jsonl", "second", root)).imported == 0


@given(
    st.binary(max_size=60),
    st.sampled_from(["x.jsonl", "x.json", "x.yaml", "x.csv"]),
    st.sampled_from(["openai-batch", "promptfoo", "vcr", "lines"]),
)
def test_any_bytes_are_refused_and_nothing_is_written(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str, kind: str
) -> None:
    root = tmp_path_factory.mktemp("p")
    file = root / name
    file.write_bytes(data)
    extra = {"requests": file} if kind == "openai-batch" else {}
    with pytest.raises(Exception) as caught:
        import_file(Import(file, "new", root, format=kind, **extra))
    assert isinstance(caught.value, BadInput) or int(getattr(caught.value, "exit_code", 70)) == 3
    assert [path.name for path in root.iterdir()] == [name]


SCRIPT = """
import sys
def forbid(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        raise SystemExit(f"a socket was used: {event}")
sys.addaudithook(forbid)
from evalgate.cli.main import main
for command in (["import", "x.jsonl", "--into", "new"], ["show", "new"], ["verify"], ["export", "new", "--out", "y.jsonl"]):
    if main(["recording", *command, "--quiet"]):
        raise SystemExit(f"failed: {command}")
"""


def test_no_socket_is_opened(project: Callable[..., Any]) -> None:
    made = project()
    made.file("x.jsonl", [made.line("baseline", 0)])
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, cwd=made.root)
    assert done.returncode == 0, done.stderr
