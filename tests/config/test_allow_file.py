"""The allow file and the group `findings`: what is refused, all at once, and where it stands."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.config.load import settings_from
from evalgate.config.strict_yaml import read_document
from evalgate.config.waivers import read_waivers
from evalgate.core.errors import BadInput
from evalgate.core.settings import FindingsChoice
from evalgate.core.waivers import WaiverList

TODAY = date(2026, 5, 1)
GOOD = "category: pii, case: c1, owner: ana, reason: made up, expires: 2026-12-31"
GATE = """gate: g
dataset: d@1
variants: {baseline: {prompt: p@1, model: m}, candidate: {prompt: p@2, model: m}}
models: {m: {provider: openai, name: x}}
proxy: {mode: replay, recording: r}
metrics: [exact_match]
thresholds: [{metric: exact_match, max_regression: 0.02}]
"""


def read(folder: Path, text: str, today: date = TODAY) -> WaiverList:
    path = folder / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return read_waivers(path, today, name="waivers.yaml")


def faults(folder: Path, text: str) -> str:
    with pytest.raises(BadInput) as refused:
        read(folder, text)
    return str(refused.value)


def test_a_good_file_is_read_in_its_order(tmp_path: Path) -> None:
    text = f"""waivers:
  - {{{GOOD}}}
  - category: secrets
    rule: aws-key
    hash: 0123456789abcdef
    owner: bo
    reason: |
      The key of the vendor's documentation.
    expires: 2026-04-30
"""
    found = read(tmp_path, text)
    assert [w.category for w in found.waivers] == ["pii", "secrets"]
    assert [w.place for w in found.waivers] == ["waivers.yaml:2", "waivers.yaml:3"]
    assert found.expired == (False, True) and found.expired_count == 1
    assert found.waivers[1].hash == "0123456789abcdef" and found.waivers[1].case is None


def test_an_empty_list_is_a_list_and_an_empty_file_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, "waivers: []\n").waivers == ()
    assert "the file is empty" in faults(tmp_path, "")


@pytest.mark.parametrize("day", ["2026-04-30", "2026-05-01", "2026-05-02"])
def test_the_last_day_is_a_day_on_which_it_holds(tmp_path: Path, day: str) -> None:
    found = read(tmp_path, f"waivers: [{{{GOOD.replace('2026-12-31', day)}}}]\n")
    assert found.expired == (day == "2026-04-30",)


def test_the_digest_knows_the_content_and_not_the_layout(tmp_path: Path) -> None:
    one = read(tmp_path, f"waivers: [{{{GOOD}}}]\n")
    same = read(tmp_path, f"# why\n\nwaivers:\n  - {{{GOOD}}}\n")
    other = read(tmp_path, f"waivers: [{{{GOOD.replace('ana', 'bo')}}}]\n")
    assert one.digest == same.digest != other.digest


REFUSED = [
    ("{category: pii, owner: ana, reason: r, expires: 2026-12-31}", "would waive every such finding"),
    ("{category: pii, rule: email, owner: ana, reason: r, expires: 2026-12-31}", "would waive every such finding"),
    ("{case: c, owner: ana, reason: r, expires: 2026-12-31}", "category is missing"),
    ("{category: pii, case: c, reason: r, expires: 2026-12-31}", "owner is missing"),
    ("{category: pii, case: c, owner: ana, expires: 2026-12-31}", "reason is missing"),
    ("{category: pii, case: c, owner: ana, reason: r}", "expires is missing"),
    ("{category: pii, case: c, owner: '', reason: r, expires: 2026-12-31}", "owner is empty"),
    ("{category: pii, case: c, owner: ana, reason: '  ', expires: 2026-12-31}", "reason is empty"),
    ("{category: pii, case: '', owner: ana, reason: r, expires: 2026-12-31}", "case is empty"),
    ("{category: pii, case: c, owner: ana, reason: r, expires: 2026-02-30}", "is no date"),
    ("{category: pii, case: c, owner: ana, reason: r, expires: 31.12.2026}", "is no date"),
    ("{category: pii, case: c, owner: ana, reason: r, expires: 20261231}", "must be a text, not the number"),
    ("{category: pii, case: c, owner: ana, reason: r, expires: never}", "is no date"),
    ("{category: pii, case: c, owner: ana, reason: r, expires: 2027-05-03}", "more than a year ahead"),
    ("{category: pii, case: 17, owner: ana, reason: r, expires: 2026-12-31}", "must be a text, not the number 17"),
    ("{category: pii, hash: 3fa9c1, owner: ana, reason: r, expires: 2026-12-31}", "is no hash of a finding"),
    ("{category: pii, hash: '3FA9C1000000000A', owner: ana, reason: r, expires: 2026-12-31}", "is no hash of a finding"),
    ("{category: pii, hash: '', owner: ana, reason: r, expires: 2026-12-31}", "hash is empty"),
    ("{category: any, case: c, owner: ana, reason: r, expires: 2026-12-31}", "any is no category"),
    ("{category: [pii], case: c, owner: ana, reason: r, expires: 2026-12-31}", "must be a text, not a list"),
    ("{category: pii, case: c, owner: ana, reason: r, expires: 2026-12-31, until: 3}", "unknown key 'until'"),
    ('{category: pii, case: "a\\nb", owner: ana, reason: r, expires: 2026-12-31}', "line break"),
    ("text", "must be a mapping"),
]


@pytest.mark.parametrize(("entry", "said"), REFUSED)
def test_what_is_refused(tmp_path: Path, entry: str, said: str) -> None:
    told = faults(tmp_path, f"waivers:\n  - {entry}\n")
    assert said in told and "waivers.yaml:2" in told


def test_all_faults_are_told_at_once_and_duplicates_refused(tmp_path: Path) -> None:
    wrong = "\n".join(f"  - {entry}" for entry, _ in REFUSED)
    told = faults(tmp_path, f"waivers:\n{wrong}\nwaiver: 1\n")
    assert all(said in told for _, said in REFUSED) and "did you mean waivers?" in told
    twice = faults(tmp_path, f"waivers:\n  - {{{GOOD}}}\n  - {{{GOOD.replace('ana', 'bo')}}}\n")
    assert "waivers[1] waives the same as waivers.yaml:2" in twice


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(-800, 800))
def test_a_waiver_holds_or_has_expired_or_is_too_far_ahead(today: date, days: int) -> None:
    import tempfile

    day = today + timedelta(days=days)
    with tempfile.TemporaryDirectory() as folder:
        text = f"waivers: [{{{GOOD.replace('2026-12-31', day.isoformat())}}}]\n"
        if days > 366:
            with pytest.raises(BadInput, match="more than a year"):
                read(Path(folder), text, today)
        else:
            assert read(Path(folder), text, today).expired == (days < 0,)


def gate(folder: Path, findings: str) -> FindingsChoice:
    path = folder / "gate.yaml"
    path.write_text(GATE + findings, encoding="utf-8")
    return settings_from(read_document(path, name="gate.yaml"), path).findings


def test_the_group_of_a_gate(tmp_path: Path) -> None:
    assert gate(tmp_path, "") == FindingsChoice()
    found = gate(tmp_path, "findings: {text: shown, key_env: EVALGATE_FINDINGS_KEY, waivers: w.yaml}\n")
    assert found == FindingsChoice(True, "EVALGATE_FINDINGS_KEY", "w.yaml", "gate.yaml:8")
    assert gate(tmp_path, "findings: {text: masked}\n") == FindingsChoice(place="gate.yaml:8")


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("{text: hidden}", "must be one of masked, shown"),
        ("{txt: shown}", "did you mean text?"),
        ("{key_env: 'sk-abcdefghijklmnopqrstuvwxyz0123'}", "looks like a key"),
        ("{key_env: 'MY KEY'}", "must be the name of an environment variable"),
        ("{key_env: 5}", "must be a text"),
        ("{waivers: ''}", "findings.waivers is empty"),
        ("{waivers: null}", "must be a text, not nothing"),
        ("", "must be a mapping, not nothing"),
        ("[masked]", "must be a mapping"),
    ],
)
def test_a_wrong_group_is_refused(tmp_path: Path, group: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        gate(tmp_path, f"findings: {group}\n")
    assert said in str(refused.value) and "gate.yaml:8" in str(refused.value)


@pytest.mark.parametrize("key", ["severity: low", "run: expired_waivers"])
def test_nothing_softens_the_threshold_on_expired_waivers(tmp_path: Path, key: str) -> None:
    path = tmp_path / "gate.yaml"
    rule = "[{run: expired_waivers, max: 5}]" if key.startswith("run") else "[{run: error_rate, max: 1%, severity: low}]"
    path.write_text(GATE.replace("[{metric: exact_match, max_regression: 0.02}]", rule), encoding="utf-8")
    with pytest.raises(BadInput):
        settings_from(read_document(path), path)
