"""The audit part names what a run was not told, and where it can be said."""

from __future__ import annotations

import html
import json
from dataclasses import replace

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.record import RunRecord
from evalgate.core.record_file import record_from, record_text
from evalgate.report.page import render_html
from evalgate.report.page_audit import audit

USES = ("intended_use", "out_of_scope_uses", "owner", "materiality_tier", "known_limitations")


def telling(made: RunRecord, **use: str) -> RunRecord:
    prompts = {
        name: replace(one, use=use if name == "candidate" else {"owner": "of the baseline"}) for name, one in made.prompts.items()
    }
    return replace(made, prompts=prompts)


def again(made: RunRecord, edit=lambda value: None) -> RunRecord:
    value = json.loads(record_text(made))
    edit(value)
    return record_from(
        value, {"document": made.document, "manifest": made.manifest, "environment": made.environment}, "record.json"
    )


def test_what_the_candidates_prompt_says_is_printed(record) -> None:
    page = audit(telling(record("x"), **{key: f"told {key}" for key in USES}))
    for key in USES:
        assert f"<dd>told {key}</dd>" in page
    assert "metadata." not in page and "<dd>of the baseline</dd>" not in page


@pytest.mark.parametrize("key", USES)
def test_what_it_does_not_say_names_the_key_that_would(record, key: str) -> None:
    page = audit(telling(record("x"), **{other: "told" for other in USES if other != key}))
    assert f"<dd>not provided (metadata.{key} of the prompt x)</dd>" in page
    assert page.count("metadata.") == 1


def test_hostile_words_stay_words(record) -> None:
    page = render_html(telling(record("x"), intended_use="</dd><script>x</script>", owner="a\u202eb"))
    assert "<script>x" not in page and "&lt;script&gt;x" in page
    assert "\u202e" not in page


def test_it_survives_the_record_file(record) -> None:
    made = telling(record("x"), owner="shop team")
    assert again(made).prompts["candidate"].use == {"owner": "shop team"}


def test_a_record_from_before_it_was_kept_is_read(record) -> None:
    def strip(value) -> None:
        for one in value["prompts"].values():
            del one["use"]

    old = again(telling(record("x"), owner="shop team"), strip)
    assert old.prompts["candidate"].use == {}
    assert "metadata.owner of the prompt" in audit(old)


@pytest.mark.parametrize("use", [None, [], {"owner": 3}, "words"])
def test_a_record_that_holds_something_else_is_refused(record, use) -> None:
    with pytest.raises(BadInput, match=r"record of the run cannot be read.*use"):
        again(record("x"), lambda value: value["prompts"]["candidate"].update(use=use))


def test_missing_facts_have_a_place(record) -> None:
    made = replace(record("x"), dataset_card={}, deltas=())
    page = html.unescape(audit(made))
    for place in (
        "metadata.intended_use of the prompt", "license of the dataset's card, dataset.yaml", "personal_data of the dataset's card", "evalgate plan CONFIG",
        "--author of evalgate attest", "--reason of evalgate approve", "--url",
    ):  # fmt: skip
        assert f"not provided ({place}" in page or place in page.split("not provided (", 1)[1], place


def test_a_comparison_of_files_says_that_it_knows_no_prompt(record) -> None:
    page = audit(replace(record("x"), prompts={}))
    assert "metadata." not in page
    assert page.count("not provided (evalgate compare is given outputs, not prompts and models)") > 10


def test_unsigned_says_where_signatures_are_and_who_checks_them(record) -> None:
    page = audit(record("x"))
    for said in (
        "UNSIGNED when this page was made", "attestation.dsse.json", "approvals/ROLE-KEY.dsse.json", "evalgate verify RUN --policy FILE --trusted-keys DIR",
    ):  # fmt: skip
        assert said in page
