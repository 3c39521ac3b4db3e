"""No text makes a CI runner act: its own parsers, ported, find no command in anything that is written but the annotations."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from ci_readers import commands, outputs
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.canonical import pretty_json
from evalgate.core.errors import BadInput, Problem
from evalgate.core.settings import Level
from evalgate.core.verdict import Decision
from evalgate.core.visible import shown
from evalgate.report.catalog import REPORTS, rendered
from evalgate.report.console import open_console
from evalgate.report.escape import github_data, github_property, html_without_commands
from evalgate.report.github_annotations import SHOWN, render_annotations
from evalgate.report.github_outputs import render_outputs
from evalgate.report.terminal import print_summary

COMMAND = ["::error file=a,line=1::x", "::add-mask::pass", "##[error]x", "##[set-output name=verdict;]pass", "::stop-commands::t", "##vso[task.complete]"]  # fmt: skip
BREAKS = ["\n", "\r", "\r\n", "\x85", "\u2028", "\x0b", "\x1c", "\u200b", "\ufeff", "\u00ad", "\u2060", "\u0600", "\u070f", "\U000e0041", "\u00a0", " ", "\t", "%0A", "```\n", "'", '"', "<", "|", "#", ":", "", "a " * 55]  # fmt: skip
HOSTILE = st.lists(st.one_of(st.sampled_from(COMMAND), st.sampled_from(BREAKS), st.text(max_size=8)), max_size=6).map("".join)
PIECES = st.lists(st.sampled_from(["#", "[", "]", ":", "::", "##", "error", "\n", "\u200b", "\U00013430", "\ufe0f", " ", "\\", "x"]), max_size=14).map("".join)  # fmt: skip
ANY = st.one_of(HOSTILE, PIECES)
TWINS = ("page", "default", "summary")
"""The page, which has a test of its own, and files that are made like another one."""
PARTS = [(name, part) for name, parts in REPORTS.items() for part in parts]


def summary(made, width: int) -> str:
    stream = io.StringIO()
    console = open_console(stream, width)
    console.width = width
    print_summary(made, console)
    return stream.getvalue()


def silent(text: str) -> bool:
    return not commands(text) and not commands(text, by_culture=True)


def check_files(made, but: tuple[str, ...] = ("page",)) -> None:
    for name, part in PARTS:
        if name == "github" or part.name in but:
            continue
        text = rendered(name, part, made)
        assert silent(html_without_commands(text) if name == "html" else text), (name, part.name)


def check_annotations(made) -> None:
    text = render_annotations(made)
    found = commands(text)
    assert len(found) == len(text.splitlines()) <= SHOWN
    assert [one.name for one in found] == [one.name for one in commands(text, by_culture=True)]
    assert {one.name for one in found} <= {"error", "warning", "notice"}
    assert {tuple(one.properties) for one in found} == {("file", "line", "endLine", "title")}
    assert found[0].data == shown(made.verdict.reason.replace("\r", "\\r"))
    assert outputs(render_outputs(made))[0] == ("verdict", made.verdict.decision.value)


def small(record, text: str, decision: Decision = Decision.FAIL):
    """A record of one case, for many of them."""
    made = record(text, decision)
    return replace(made, cases=made.cases[:1], document={"schema": "evalgate.verdict/1", "reason": text, text: [text]})


@settings(max_examples=300)
@given(ANY)
def test_no_report_holds_a_command(record, text: str) -> None:
    made = small(record, text)
    check_files(made)
    check_annotations(made)


@pytest.mark.slow
@settings(max_examples=50_000, database=None)
@given(HOSTILE)
def test_no_report_holds_a_command_in_50_000_hostile_texts(record, text: str) -> None:
    check_files(small(record, text), but=TWINS)
    check_annotations(small(record, text))


@pytest.mark.slow
@settings(max_examples=50_000, database=None)
@given(PIECES)
def test_no_report_holds_a_command_in_50_000_texts_of_pieces_of_commands(record, text: str) -> None:
    check_files(small(record, text), but=TWINS)
    check_annotations(small(record, text))


@settings(max_examples=25)
@given(ANY)
def test_no_page_on_standard_output_holds_a_command(record, text: str) -> None:
    check_files(small(record, text), but=())


@settings(max_examples=40)
@given(ANY, st.sampled_from([40, 80, 120]))
def test_no_summary_holds_a_command_however_it_is_wrapped(record, text: str, width: int) -> None:
    assert silent(summary(small(record, text), width))


@pytest.mark.slow
@settings(max_examples=5_000)
@given(ANY, st.integers(30, 200))
def test_no_summary_holds_a_command_in_5_000_cases(record, text: str, width: int) -> None:
    assert silent(summary(small(record, text), width))


@given(ANY)
def test_no_error_and_no_document_holds_a_command(text: str) -> None:
    from evalgate.cli.main import problem_line

    assert silent(f"evalgate: {problem_line(Problem(text, text, text))}")
    assert silent(pretty_json({text: [text, {"a": text}]}))


@given(st.text(), st.text())
def test_what_is_escaped_comes_back_exactly(message: str, title: str) -> None:
    (found,) = commands(f"::error title={github_property(title)},line=1::{github_data(message)}")
    assert found.data == message
    assert found.properties == {"line": "1"} | ({"title": title} if title else {})


@pytest.mark.parametrize("text", ["::error::x", " \u00a0::error::x", "a ##[error]x", "a\r::error::x", "##[set-output name=v;]x"])
def test_the_ported_parsers_find_commands(text: str) -> None:
    assert commands(text)
    assert not silent(text)


@pytest.mark.parametrize("text", ["\u200b::error::x", ":\u2060:error::x", "##\u200b[error]x", "#\ufe0f#[error]x"])
def test_the_runner_may_pass_over_characters_without_weight(text: str) -> None:
    assert not commands(text)
    assert commands(text, by_culture=True)


@pytest.mark.parametrize("decision", list(Decision))
@pytest.mark.parametrize("count", [0, 1, 8, 9, 10, 200])
def test_annotations_are_few_and_the_worst_come_first(record, decision: Decision, count: int) -> None:
    made = record("x", decision)
    first = made.verdict.thresholds[0]
    warn = replace(first, threshold=replace(first.threshold, level=Level.WARN), decision=Decision.FAIL, reason="warns")
    verdict = replace(
        made.verdict, thresholds=(warn, *[replace(first, decision=Decision.FAIL, reason=f"r{i}") for i in range(count)])
    )
    found = commands(render_annotations(replace(made, verdict=verdict)))
    assert found[0].name == {"pass": "notice", "fail": "error", "inconclusive": "warning"}[decision]
    assert len(found) == min(count + 2, SHOWN)
    assert [one.data for one in found[1:9]][:count] == [f"r{i}" for i in range(min(count, 8))]
    if count >= SHOWN - 1:
        assert found[-1].data.startswith(f"{count + 1 - 8:,} more thresholds")
    else:
        assert (found[-1].data, found[-1].name) == ("warns", "warning")


def test_annotations_stand_where_the_prompt_changed(record) -> None:
    made = record("x")
    prompts = {**made.prompts, "candidate": replace(made.prompts["candidate"], path="configs/a,b:c.yml", line=17)}
    for one in commands(render_annotations(replace(made, prompts=prompts))):
        assert (one.properties["file"], one.properties["line"]) == ("configs/a,b:c.yml", "17")


@pytest.mark.parametrize("bad", ["a\nverdict=pass", "a\rb", "a b", "", "a<<b", "\u200b", "é"])
def test_outputs_take_no_text_that_could_be_more_than_one_value(record, bad: str) -> None:
    made = record("x")
    with pytest.raises(BadInput, match="run_id"):
        render_outputs(replace(made, identity=replace(made.identity, run_id=bad)))
    with pytest.raises(BadInput, match="root_digest"):
        render_outputs(replace(made, identity=replace(made.identity, manifest_digest=bad)))


def test_a_forged_delimiter_is_what_the_ported_parser_falls_for() -> None:
    assert outputs("summary<<EOF\na\nEOF\nverdict=pass\nx<<EOF\n\nEOF\n") == [("summary", "a"), ("verdict", "pass"), ("x", "")]
