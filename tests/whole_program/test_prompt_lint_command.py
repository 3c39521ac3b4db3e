"""`evalgate prompt lint` as a whole: exit codes, files, gates and releases around a prompt, repairs on the disk."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

import pytest

from evalgate.cli.main import main
from evalgate.core.errors import BadInput
from evalgate.core.lint_report import LintSeverity
from evalgate.pipeline.prompt_lint import LintChoice, Project, lint_file, lint_paths, lint_prompt, prompt_files, prompt_problems
from evalgate.prompts.lint.skeleton import GITHUB, PROMPTY

CLEAN = GITHUB


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "configs" / "prompts" / "sample"
    folder.mkdir(parents=True)
    (folder / "1.prompt.yml").write_text(CLEAN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(project: Path, text: str, name: str = "1.prompt.yml") -> Path:
    path = project / "configs" / "prompts" / "sample" / name
    path.write_bytes(text.encode("utf-8"))
    return path


def lint(*arguments: str) -> int:
    return main(["prompt", "lint", *arguments])


def test_a_clean_prompt_is_exit_0(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint() == 0
    assert capsys.readouterr().out == "ok  1 prompt, 44 rules: 0 errors, 0 warnings, 0 notes\n"
    assert lint("--quiet") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("old", "new", "arguments", "code"),
    [
        ("Name one product.", "AKIAIOSFODNN7EXAMPLE", (), 2), ("Name one product.", "AKIAIOSFODNN7EXAMPLE", ("--ignore", "EP305"), 0),
        ("Name one product.", "AKIAIOSFODNN7EXAMPLE", ("--select", "EP1"), 0), ("metadata: {owner: shop team}\n", "", (), 0),
        ("metadata: {owner: shop team}\n", "", ("--strict",), 2), ("metadata: {owner: shop team}\n", "", ("--strict", "--ignore", "no-owner"), 0),
        ("temperature: 0", "temperature: 0.5", ("--strict",), 0), ("role: user", "role: usr", (), 2), ("name: sample", "name: sample\nname: b", (), 2),
        ("name: sample", "name: sample", ("--select", "EP999"), 2), ("name: sample", "name: sample", ("nowhere",), 2),
    ],
)  # fmt: skip
def test_exit_codes(project: Path, old: str, new: str, arguments: tuple[str, ...], code: int) -> None:
    assert old in CLEAN
    put(project, CLEAN.replace(old, new))
    assert lint(*arguments) == code


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"name: \xff\n", b"\x00" * 9, b""])
def test_bytes_that_are_no_prompt_are_an_error_with_a_line(
    project: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "configs" / "prompts" / "sample" / "1.prompt.yml").write_bytes(content)
    assert lint() == 2
    assert "1.prompt.yml:1:" in capsys.readouterr().out


def test_no_prompt_at_all_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(project / "configs" / "prompts")
    (project / "configs" / "prompts").mkdir()
    assert lint() == 2
    assert "no prompt to look at" in capsys.readouterr().err
    (project / "notes.pdf").write_text("x", encoding="utf-8")
    assert lint("notes.pdf") == 2


def test_a_repair_is_written_once_and_keeps_the_meaning(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dirty = "\ufeff" + CLEAN.replace("maxCompletionTokens", "maxTokens").replace("name: sample", "name: no  ").rstrip(
        "\n"
    ).replace("\n", "\r\n")
    path = put(project, dirty)
    assert lint("--fix", "--strict") == 0
    assert "repaired configs/prompts/sample/1.prompt.yml" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == CLEAN.replace("name: sample", 'name: "no"')
    before = path.stat().st_mtime_ns
    assert lint("--fix", "--strict") == 0
    assert path.stat().st_mtime_ns == before
    broken = put(project, dirty.replace("role: user", "role: usr"))
    assert lint("--fix") == 2
    assert broken.read_bytes() == dirty.replace("role: user", "role: usr").encode()


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "github", "text"])
def test_a_report_goes_to_a_file(project: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(project, CLEAN.replace("Name one product.", "AKIAIOSFODNN7EXAMPLE"))
    assert lint("--format", form, "--out", "reports/lint.out") == 2
    out, err = capsys.readouterr()
    assert out == "" and "1 error" in err
    text = (project / "reports" / "lint.out").read_text(encoding="utf-8")
    assert "EP305" in text and "AKIA" not in text


def test_json_on_standard_output_stands_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint("--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"error": 0, "warning": 0, "info": 0}


def codes(project: Path, name: str = "1.prompt.yml") -> set[str]:
    path = project / "configs" / "prompts" / "sample" / name
    return {one.code for one in lint_file(path, project)}


def test_an_edited_release_and_an_empty_version_are_found(project: Path) -> None:
    assert main(["prompt", "release", "sample@1", "--quiet"]) == 0
    assert codes(project) == set()
    put(project, CLEAN.replace("description: Names", "description: Still names"))
    assert codes(project) == set()
    put(project, CLEAN.replace("Name one product.", "Name a product."))
    assert codes(project) == {"EP504"}
    put(project, CLEAN)
    put(project, CLEAN, "2.prompt.yml")
    assert codes(project, "2.prompt.yml") == {"EP505"}


@pytest.mark.parametrize(
    ("change", "version", "said"),
    [
        (("{{question}}", "{{query}}"), "1.0.1", True), (("{{question}}", "{{query}}"), "1.1.0", True), (("{{question}}", "{{query}}"), "2.0.0", False),
        (("Name one", "Name a"), "1.0.1", True), (("Name one", "Name a"), "1.1.0", False), (("Name one", "Name a"), "2.0.0", False),
    ],
)  # fmt: skip
def test_a_version_number_keeps_its_promise(project: Path, change: tuple[str, str], version: str, said: bool) -> None:
    text = CLEAN.split("testData")[0]
    (project / "configs" / "prompts" / "sample" / "1.prompt.yml").unlink()
    put(project, text, "1.0.0.prompt.yml")
    put(project, text.replace(*change), f"{version}.prompt.yml")
    assert ("EP505" in codes(project, f"{version}.prompt.yml")) is said


def test_the_gates_of_a_project_are_known(repository: Path, tmp_path: Path) -> None:
    for folder in ("configs", "datasets"):
        ignored = shutil.ignore_patterns("recordings")
        shutil.copytree(repository / folder, tmp_path / folder, ignore=ignored)
    path = tmp_path / "configs" / "prompts" / "help-bot" / "1.prompt.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{{record}}", "{{recrod}}"), encoding="utf-8")
    assert "EP103" in {one.code for one in lint_file(path, tmp_path)}
    path.write_text(text.replace("{{record}}", "{{weather}}"), encoding="utf-8")
    assert "EP104" in {one.code for one in lint_file(path, tmp_path)}
    alone = tmp_path / "configs" / "prompts" / "alone" / "1.prompt.yml"
    alone.parent.mkdir()
    alone.write_text(CLEAN, encoding="utf-8")
    assert {one.code for one in lint_file(alone, tmp_path)} == {"EP506"}


@pytest.mark.parametrize("folder", ["configs/prompts", "evalgate/starter/configs/prompts"])
def test_the_shipped_prompts_have_no_error(repository: Path, folder: str) -> None:
    report = lint_paths([repository / folder], LintChoice())
    assert report.count(LintSeverity.ERROR) == 0
    assert len(report.files) >= 2


def test_which_files_are_prompts(project: Path) -> None:
    folder = project / "configs" / "prompts" / "sample"
    for name in (
        "2.prompty",
        "3.prompt",
        "10.prompt.yaml",
        "4.txt",
        "5.md",
        "6.json",
        "README.md",
        "notes.yaml",
        ".hidden.prompt.yml",
        "1.txt.lint",
    ):
        (folder / name).write_text(PROMPTY if name == "2.prompty" else "x {{question}}\n", encoding="utf-8")
    (folder / "deep").mkdir()
    (folder / "deep" / "7.txt").write_text("x", encoding="utf-8")
    names = [path.name for path in prompt_files(project / "configs").files]
    assert names == ["1.prompt.yml", "2.prompty", "3.prompt", "4.txt", "5.md", "6.json", "10.prompt.yaml"]


def test_a_file_beside_a_text_suppresses(project: Path) -> None:
    put(project, "Question: {{question}}\n", "2.txt")
    assert "EP303" in codes(project, "2.txt")
    put(project, "ignore EP303 -- one line only\n", "2.txt.lint")
    assert "EP303" not in codes(project, "2.txt")


def test_check_refuses_what_lint_calls_an_error_and_passes_warnings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "configs"]) == 0
    put(project, CLEAN.replace("metadata: {owner: shop team}\n", "").replace("temperature: 0", "temperature: 0.5"))
    assert main(["check", "configs"]) == 0
    put(project, CLEAN.replace("Name one product.", "AKIAIOSFODNN7EXAMPLE"))
    capsys.readouterr()
    assert main(["check", "configs"]) == 2
    said = capsys.readouterr().err
    assert "1.prompt.yml:7: an AWS access key" in said and "[EP305 secret]" in said and "AKIA" not in said
    put(
        project, CLEAN.replace("Name one product.", "AKIAIOSFODNN7EXAMPLE # evalgate: ignore EP305 -- the documented example key")
    )
    assert main(["check", "configs"]) == 0


def test_a_link_out_of_the_project_is_neither_read_nor_repaired(
    project: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "private.txt"
    outside.write_text("hunter2: the words of somebody else  \n", encoding="utf-8")
    link = project / "configs" / "prompts" / "sample" / "2.prompt.yml"
    link.symlink_to(outside)
    assert lint("--fix") == 2
    said = "".join(capsys.readouterr())
    assert "leads out of the project" in said and "hunter2" not in said
    assert link.is_symlink() and outside.read_text(encoding="utf-8").endswith("  \n")


WORDS = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": None, "decoder": None, "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
}  # fmt: skip


def test_tokens_are_counted_with_a_vocabulary_of_this_machine(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tokenizers", reason="the extra tokenizers is not installed")
    (project / "tokenizer.json").write_text(json.dumps(WORDS), encoding="utf-8")
    text = "word-and-word " * 2000
    put(project, CLEAN.replace("Name one product.", text).replace("gpt-4o-2024-08-06", "gpt-4-0613"))
    assert lint("--select", "EP406") == 2
    assert "(estimate)" in capsys.readouterr().out
    assert lint("--select", "EP406", "--tokenizer", "tokenizer.json") == 2
    assert "needs up to 10,0" in capsys.readouterr().out
    put(project, CLEAN.replace("Name one product.", "extraordinarily " * 3000).replace("gpt-4o-2024-08-06", "gpt-4-0613"))
    assert lint("--select", "EP406") == 2
    assert lint("--select", "EP406", "--tokenizer", "tokenizer.json") == 0
    (project / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert lint("--tokenizer", "tokenizer.json") == 2


def test_a_tokenizer_that_cannot_be_used_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lint("--tokenizer", "nowhere.json") == 2
    (project / "tokenizer.json").write_text(json.dumps(WORDS), encoding="utf-8")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert lint("--tokenizer", "tokenizer.json") == 2
    assert "evalgate-engine[tokenizers]" in capsys.readouterr().err


@pytest.mark.slow
def test_a_thousand_prompts_take_less_than_five_seconds(tmp_path: Path) -> None:
    for number in range(1000):
        folder = tmp_path / "configs" / "prompts" / f"p{number}"
        folder.mkdir(parents=True)
        (folder / "1.prompt.yml").write_text(
            CLEAN.replace("Name one product.", f"Name product {number}. " * 40), encoding="utf-8"
        )
    start = time.process_time()
    report = lint_paths([tmp_path / "configs"], LintChoice())
    assert time.process_time() - start < 5
    assert len(report.files) == 1000 and report.count(LintSeverity.ERROR) == 0


KEY = "AKIAIOSFODNN7EXAMPLE"
PROMPTFOO = f"""description: other people's
prompts:
  - file://texts/key.txt
  - id: inline
    label: held
    raw: |
      Answer <q>{{{{question}}}}</q>.
      The key is {KEY}.
  - label: chat
    raw: |
      [{{"role": "user", "content": [{{"type": "text", "text": "One\\n{KEY}"}}, {{"type": "text", "text": "<q>{{{{question}}}}</q>"}}]}}]
  - "<q>{{{{question}}}}</q>"
  - "Oops {{{{question"
providers: ["openai:gpt-4o"]
env: {{KEY: {KEY}}}
"""


GATE = """gate: sample-gate
dataset: sample@1
variants:
  baseline: {prompt: "sample@1", model: shop}
  candidate: {prompt: "sample@1", model: shop}
models:
  shop: {provider: openai, name: gpt-4o-2024-08-06}
proxy: {mode: replay, recording: sample}
metrics: [exact_match]
thresholds: [{metric: exact_match, min: 0.5}]
"""


@pytest.fixture
def promptfoo(project: Path) -> Path:
    other = project / "other"
    (other / "texts").mkdir(parents=True)
    (other / "promptfooconfig.yaml").write_text(PROMPTFOO, encoding="utf-8")
    (other / "texts" / "key.txt").write_text(f"<q>{{{{question}}}}</q>\n{KEY}\n", encoding="utf-8")
    return project


@pytest.mark.parametrize(
    ("label", "place", "code"),
    [
        ("1", "other/texts/key.txt:2", "EP305"), ("held", "other/promptfooconfig.yaml:8", "EP305"), ("chat", "other/promptfooconfig.yaml:11", "EP305"),
        ("5", "other/promptfooconfig.yaml:13", "EP108"),
    ],
)  # fmt: skip
def test_a_prompt_of_promptfoo_is_looked_at_where_its_text_stands(promptfoo: Path, label: str, place: str, code: str) -> None:
    reference = f"promptfoo://../other/promptfooconfig.yaml#{label}"
    found = lint_prompt(reference, promptfoo, base=promptfoo / "configs")
    assert [(f"{one.path}:{one.line}", one.code) for one in found if one.severity is LintSeverity.ERROR] == [(place, code)]
    problems = prompt_problems(reference, promptfoo, promptfoo / "configs", Project(root=promptfoo))
    assert [problem.where for problem in problems] == [place]
    assert all(KEY not in problem.message for problem in problems)


def test_what_stands_beside_an_entry_of_promptfoo_is_no_part_of_it(promptfoo: Path) -> None:
    found = lint_prompt("promptfoo://other/promptfooconfig.yaml#4", promptfoo)
    assert [one.code for one in found if one.severity is LintSeverity.ERROR] == []


@pytest.mark.parametrize("label", ["nothing", "", "6", "0"])
def test_a_promptfoo_entry_that_is_not_there_is_refused(promptfoo: Path, label: str) -> None:
    with pytest.raises(BadInput):
        lint_prompt(f"promptfoo://other/promptfooconfig.yaml#{label}", promptfoo)


def test_any_reference_can_be_looked_at(promptfoo: Path) -> None:
    put(promptfoo, CLEAN.replace("Name one product.", KEY))
    for reference in ("sample@1", "configs/prompts/sample/1.prompt.yml", "file://configs/prompts/sample/1.prompt.yml"):
        found = lint_prompt(reference, promptfoo)
        assert [(one.path, one.code) for one in found if one.severity is LintSeverity.ERROR] == [
            ("configs/prompts/sample/1.prompt.yml", "EP305")
        ]


def test_a_gate_that_uses_a_prompt_of_promptfoo_is_known_to_it(promptfoo: Path) -> None:
    (promptfoo / "configs" / "gate.yaml").write_text(
        GATE.replace("sample@1", "promptfoo://../other/promptfooconfig.yaml#4"), encoding="utf-8"
    )
    found = lint_prompt("promptfoo://other/promptfooconfig.yaml#4", promptfoo)
    assert "EP506" not in {one.code for one in found}
    assert "EP506" in {one.code for one in lint_prompt("promptfoo://other/promptfooconfig.yaml#held", promptfoo)}
