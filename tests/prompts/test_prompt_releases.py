"""A released version keeps its meaning: edits are found by `check` and refused by `run`."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.cli.main import main
from evalgate.config.strict_yaml import parse_document, read_document
from evalgate.core.errors import BadInput
from evalgate.prompts.locate import files_of, version_of
from evalgate.prompts.prompt_file import parse_prompt
from evalgate.prompts.releases import (
    Release,
    edited,
    parse_releases,
    release_of,
    releases_text,
    suggested_bump,
)
from evalgate.prompts.values import Input, Message, Prompt

PROMPT = "description: asks\nmessages:\n  - {role: system, content: \"Be kind.\"}\n  - {role: user, content: '{{q}}'}\nmodelParameters: {temperature: 0}\n"
DIGEST = "sha256:" + "0" * 64
SCHEMA = 'responseFormat: json_schema\njsonSchema: \'{"name": "a", "schema": {"type": "object"}}\'\n'


def prompt(text: str = PROMPT) -> Prompt:
    return parse_prompt(parse_document(text, "1.prompt.yml"), reference="p@1")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`configs/prompts/p` of a project that is the working folder."""
    place = tmp_path / "configs" / "prompts" / "p"
    place.mkdir(parents=True)
    (place / "1.prompt.yml").write_text(PROMPT, encoding="utf-8")
    (place / "2.prompt.yml").write_text(PROMPT.replace("kind", "brief"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return place


def test_release_lists_what_the_file_means(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", "release", "p@1", "--note", 'the first: "plain"', "--owner", "shop"]) == 0
    found = parse_releases(read_document(folder / "versions.yaml"))
    assert found["1"].digest == prompt().digest
    assert (found["1"].note, found["1"].owner) == ('the first: "plain"', "shop")
    before = (folder / "versions.yaml").read_bytes()
    capsys.readouterr()
    assert main(["prompt", "release", "p@1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["written"] is False
    assert (folder / "versions.yaml").read_bytes() == before
    assert main(["check"]) == 0


def test_comments_of_the_list_stay(folder: Path) -> None:
    main(["prompt", "release", "p@1"])
    path = folder / "versions.yaml"
    path.write_text("# who may release: the shop team\n" + path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    assert main(["prompt", "release", "p@2"]) == 0
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# who may release: the shop team\n")
    assert list(parse_releases(read_document(path))) == ["1", "2"]


def test_a_list_in_flow_style_is_written_anew(folder: Path) -> None:
    path = folder / "versions.yaml"
    path.write_text(f'versions: {{"1": {{digest: "{prompt().digest}", released: 2026-01-31}}}}\n', encoding="utf-8")
    assert main(["prompt", "release", "p@2"]) == 0
    found = parse_releases(read_document(path))
    assert list(found) == ["1", "2"]
    assert found["1"].released == "2026-01-31"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Be kind.", "Be kind!", "messages changed, parameters, output schema and inputs did not"),
        ("temperature: 0", "temperature: 1", "parameters changed, messages, output schema and inputs did not"),
        ("modelParameters", SCHEMA + "modelParameters", "parameters and output schema changed, messages and inputs did not"),
    ],
)
def test_an_edited_release_is_refused(folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str) -> None:
    main(["prompt", "release", "p@1"])
    (folder / "1.prompt.yml").write_text(PROMPT.replace(old, new), encoding="utf-8")
    for arguments in (["check"], ["check", "configs/prompts/p/1.prompt.yml"], ["check", "configs/prompts/p/versions.yaml"]):
        capsys.readouterr()
        assert main(arguments) == 2, arguments
        told = capsys.readouterr().err
        assert "configs/prompts/p/versions.yaml:2: " in told
        assert told.count("was edited after version 1 was released") == 1
        assert said in told
        assert "try: put the released text back" in told
    before = (folder / "versions.yaml").read_bytes()
    assert main(["prompt", "release", "p@1"]) == 2
    assert (folder / "versions.yaml").read_bytes() == before


PROMPTY = """---
name: greet
inputs:
  age:
    kind: integer
  tone:
    kind: string
    default: kind
---
system:
Be {{tone}}.
user:
I am {{age}}.
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: integer", "kind: string", "inputs changed, messages, parameters and output schema did not"),
        ("default: kind", "default: rude", "inputs changed"),
        ("I am", "I was", "messages changed, parameters, output schema and inputs did not"),
    ],
)
def test_declared_variables_are_released_too(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    path = folder / "3.prompty"
    path.write_text(PROMPTY, encoding="utf-8")
    assert main(["prompt", "release", "p@3"]) == 0
    assert main(["check"]) == 0
    path.write_text(PROMPTY.replace(old, new), encoding="utf-8")
    assert main(["check"]) == 2
    assert said in capsys.readouterr().err


def test_what_means_the_same_is_no_edit(folder: Path) -> None:
    main(["prompt", "release", "p@1"])
    same = PROMPT.replace("asks", "asks something") + "# a comment\n"
    (folder / "1.prompt.yml").write_bytes(same.replace("\n", "\r\n").encode())
    assert main(["check"]) == 0


def test_a_version_that_went_is_missed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["prompt", "release", "p@1"])
    (folder / "1.prompt.yml").unlink()
    assert main(["check"]) == 2
    assert "listed as released, and there is no such prompt" in capsys.readouterr().err


def test_a_version_in_two_files_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["prompt", "release", "p@1"])
    (folder / "1.txt").write_text("Say {{q}}", encoding="utf-8")
    assert main(["check"]) == 2
    assert "several files: 1.prompt.yml, 1.txt" in capsys.readouterr().err


GOOD = f'versions:\n  "1":\n    digest: {DIGEST}\n    released: 2026-11-25\n    note: first\n'
FAULTY = [
    ("versions:", "version:", "key versions"), ('  "1":', "  1:", "put it in quotes"), ('"1"', '"../1"', "is not a version"), ('"1"', '""', "is not a version"),
    (DIGEST, "sha256:abc", "64 hexadecimal"), (DIGEST, DIGEST.upper(), "64 hexadecimal"), (DIGEST, "md5:" + "0" * 32, "64 hexadecimal"), (DIGEST, DIGEST + "0", "64 hexadecimal"),
    ("2026-11-25", "2026-02-30", "a day such as"), ("2026-11-25", "25.11.2026", "a day such as"), ("2026-11-25", "20261125", "a day such as"), ("2026-11-25", "", "a day such as"),
    ("released:", "relased:", "did you mean released"), (f"    digest: {DIGEST}\n", "", "digest is missing"), ("    released: 2026-11-25\n", "", "released is missing"),
    ("note: first", "note: ''", "note must be a text"), ("note: first", "note: 3", "note must be a text"), ("note: first", "parts: {messages: '00'}", "short digests"),
    ("note: first", "owner: [a]", "owner must be a text"), (GOOD, "versions: {}\n", "no release is listed"), (GOOD, "versions:\n  - a\n", "is a mapping"), (GOOD, "- a\n", "is a mapping"),
    (GOOD, "versions: {'1': done}\n", "a release is a mapping"), (GOOD, GOOD + GOOD[10:], "given twice"), (GOOD, GOOD + "notes: x\n", "unknown key 'notes'"), (GOOD, "", "empty"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), FAULTY)
def test_faulty_lists_are_refused_with_their_line(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert old in GOOD
    path = folder / "versions.yaml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    before = path.read_bytes()
    for arguments in (["check"], ["check", "configs/prompts/p/1.prompt.yml"], ["prompt", "release", "p@2"]):
        capsys.readouterr()
        assert main(arguments) == 2, arguments
        told = capsys.readouterr().err
        assert said in told
        assert "versions.yaml:" in told
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "reference", ["p@3", "q@1", "p", "./1.prompt.yml", "configs/prompts/p/1.prompt.yml", "p@../p/1", "@1", "p@", ""]
)
def test_what_cannot_be_released(folder: Path, reference: str) -> None:
    assert main(["prompt", "release", reference]) == 2
    assert not (folder / "versions.yaml").exists()


@pytest.mark.parametrize("option", ["--note", "--owner"])
def test_texts_that_are_not_utf8_are_refused(folder: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", "release", "p@1", option, "a\udc85b"]) == 2
    assert f"{option}: is not UTF-8" in capsys.readouterr().err
    assert main(["prompt", "release", "p@1", option, "a\x85b"]) == 0
    found = parse_releases(read_document(folder / "versions.yaml"))["1"]
    assert "a\x85b" in (found.note, found.owner)


@pytest.mark.parametrize("text", ["messages: []\n", "", "messages:\n  - {role: user, content: '{{q'}\n"])
def test_a_faulty_prompt_is_not_released(folder: Path, text: str) -> None:
    (folder / "1.prompt.yml").write_text(text, encoding="utf-8")
    assert main(["prompt", "release", "p@1"]) == 2
    assert not (folder / "versions.yaml").exists()


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("nowhere")])
def test_a_list_that_is_no_file_does_not_mean_no_list(folder: Path, make: object) -> None:
    make(folder / "versions.yaml")  # type: ignore[operator]
    assert main(["check", "configs/prompts/p/1.prompt.yml"]) == 2
    assert main(["prompt", "release", "p@1"]) == 2


def test_a_list_that_cannot_be_written_is_left_as_it_was(folder: Path) -> None:
    if os.geteuid() == 0:
        # Root may write anywhere, so the place of the temporary file is taken instead.
        (folder / f".versions.yaml.{os.getpid()}-{threading.get_native_id()}.part").mkdir()
    else:
        folder.chmod(0o500)
    try:
        assert main(["prompt", "release", "p@1"]) == 3
    finally:
        folder.chmod(0o700)
    assert not (folder / "versions.yaml").exists()


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_note_survives_or_is_refused(note: str, owner: str) -> None:
    release = Release("1", DIGEST, "2026-11-25", owner.strip(), note.strip())
    try:
        found = parse_releases(parse_document(releases_text({"1": release}), "versions.yaml"))["1"]
    except (BadInput, ValueError):
        assert any(not c.isprintable() for c in note + owner)
        return
    assert (found.owner, found.note) == (release.owner, release.note)


def test_the_entry_of_a_prompt_holds_the_prompt() -> None:
    release = release_of(prompt(), "1", released="2026-11-25")
    assert edited(release, prompt()) is None
    problem = edited(replace(release, parts=None), prompt(PROMPT.replace("kind", "rude")))
    assert problem is not None
    assert "does not say of which parts" in problem.message
    assert "another part" in edited(replace(release, digest=DIGEST), prompt()).message  # type: ignore[union-attr]


def test_names_of_versions(tmp_path: Path) -> None:
    named = {"1.prompt.yml": "1", "1.0.0.prompt.yaml": "1.0.0", "a.prompty": "a", "a.prompt": "a", "b.txt": "b", "c.json": "c"}
    assert {name: version_of(Path(name)) for name in named} == named
    assert [version_of(Path(name)) for name in (".prompt.yml", "x.yaml", "1.test.yml", "1")] == [None] * 4
    assert files_of(tmp_path, "1") == ()


BUMPS = [
    ("Be kind.", "Be kind.", "patch", ""), ("asks", "asks politely", "patch", "description"), ("Be kind.", "Be brief.", "minor", "messages"),
    ("temperature: 0", "temperature: 0.5", "minor", "parameters changed: temperature"), ("modelParameters: {temperature: 0}\n", "", "minor", "temperature"),
    ("role: system", "role: assistant", "minor", "messages"), ("Be kind.", "Be {{tone}}.", "major", "needed that were not: tone"), ("'{{q}}'", "ask", "major", "no longer used: q"),
    ("'{{q}}'", "'{{query}}'", "major", "query"), ("modelParameters", SCHEMA + "modelParameters", "major", "output schema is new"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "level", "reason"), BUMPS)
def test_suggested_bump(old: str, new: str, level: str, reason: str) -> None:
    assert old in PROMPT
    bump = suggested_bump(prompt(), prompt(PROMPT.replace(old, new)))
    assert bump.level == level
    assert reason in "; ".join(bump.reasons)
    assert (bump.reasons == ()) == (old == new)


def test_declared_variables_decide_the_bump() -> None:
    base = replace(prompt(), declared=(Input("q", {"type": "string"}),))
    optional = Input("tone", {"type": "string"}, required=False, default="kind")
    assert suggested_bump(base, replace(base, declared=(*base.declared, optional))).level == "minor"  # type: ignore[misc]
    assert (
        suggested_bump(base, replace(base, declared=(*base.declared, replace(optional, required=True, default=None)))).level
        == "major"
    )  # type: ignore[misc]
    assert suggested_bump(base, replace(base, declared=(Input("q", {"type": "integer"}),))).level == "major"
    assert suggested_bump(base, replace(base, engine="jinja2")).level == "minor"
    assert suggested_bump(base, replace(base, owner="shop")).level == "patch"


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_a_bump_is_never_empty_when_the_digest_moved(one: str, two: str) -> None:
    old, new = (replace(prompt(), messages=(Message("user", text),), digest=text) for text in (one, two))
    assert bool(suggested_bump(old, new).reasons) == (one != two)


def test_a_gate_does_not_run_on_an_edited_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "mine")]) == 0
    place = tmp_path / "mine" / "configs" / "prompts" / "sentiment"
    found = parse_prompt(read_document(place / "2.prompt.yml"), reference="sentiment@2")
    listed = releases_text({"2": release_of(found, "2", released="2026-11-25")})
    (place / "versions.yaml").write_text(listed, encoding="utf-8")
    gate = str(tmp_path / "mine" / "configs" / "first-gate.yaml")
    assert main(["run", gate, "--quiet"]) == 0
    text = (place / "2.prompt.yml").read_text(encoding="utf-8")
    (place / "2.prompt.yml").write_text(text.replace("one word", "a word"), encoding="utf-8")
    for arguments in (["run", gate], ["check", gate], ["plan", gate]):
        capsys.readouterr()
        assert main(arguments) == 2, arguments
        assert "was edited after version 2 was released" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path / "mine")
    assert main(["check"]) == 2
    assert capsys.readouterr().err.count("was edited after version 2 was released") == 1


def test_every_shipped_version_is_released(repository: Path) -> None:
    for folder in sorted((repository / "configs" / "prompts").iterdir()):
        listed = parse_releases(read_document(folder / "versions.yaml"))
        for path in folder.glob("*.prompt.yml"):
            version = version_of(path)
            assert version is not None
            assert listed[version].digest == parse_prompt(read_document(path), reference="x").digest
