"""What changed between two attempts, and what of it asks less, for every bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.attempts import passes_by_luck
from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind, Threshold
from evalgate.evidence.attempt_changes import changes_between, is_looser, loosened_along

SHA = "sha256:" + "e" * 64
LOWER = (Bound.MIN, Bound.MIN_IMPROVEMENT)


def told(before, after) -> list[tuple[str, bool]]:
    return [(change.what, change.looser) for change in changes_between(before, after)]


def side(entry, arm: str, **changes: str):
    variants = entry.variants
    return replace(entry, variants={**variants, arm: replace(variants[arm], **changes)})


def test_nothing_changed_is_nothing(entry) -> None:
    later = entry(number=2, run_id="f" * 12, at="2027-01-01T00:00:00+00:00")
    assert changes_between(entry(), later) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dataset_version": "1.0.1"}, ("dataset", False)), ({"dataset_digest": SHA}, ("dataset", False)), ({"recording": SHA}, ("recording", False)),
        ({"mode": "live"}, ("mode", False)), ({"seed": 8}, ("seed", False)), ({"samples": 3}, ("samples", False)), ({"resamples": 500}, ("resamples", False)),
        ({"confidence": 0.9}, ("confidence", True)), ({"confidence": 0.99}, ("confidence", False)), ({"engine": "2"}, ("evalgate", False)),
        ({"metrics": {"rougeL": SHA}}, ("metric", False)), ({"metrics": {}}, ("metric", False)), ({"safety": {"pii": SHA}}, ("safety", False)),
    ],
    ids=str,
)  # fmt: skip
def test_each_setting_is_told(entry, change, expected) -> None:
    assert told(entry(), entry(**change)) == [expected]


def test_prompts_and_models_are_told_by_variant(entry) -> None:
    before = entry()
    for arm in ("baseline", "candidate"):
        (prompt,) = changes_between(before, side(before, arm, prompt="p@3", prompt_digest=SHA))
        assert (prompt.what, prompt.after, prompt.looser) == (f"{arm} prompt", "p@3 (eeeeeeeeeeee)", False)
        (model,) = changes_between(before, side(before, arm, model="openai: n {}", model_digest=SHA))
        assert (model.what, model.before, model.after) == (f"{arm} model", "openai: m {}", "openai: n {}")
    files = replace(before, mode="files")
    assert told(files, side(files, "candidate", prompt_digest=SHA)) == [("candidate outputs", False)]
    assert told(before, side(before, "candidate", prompt="renamed, with the same content")) == []


@pytest.mark.parametrize("bound", list(Bound))
def test_an_amount_is_looser_on_its_own_side_only(threshold, bound: Bound) -> None:
    low, high = threshold(bound=bound, value=1.0), threshold(bound=bound, value=2.0)
    assert is_looser(high, low) is (bound in LOWER)
    assert is_looser(low, high) is (bound not in LOWER)
    assert not is_looser(low, low)


def passes(bound: Bound, value: float, observed: float) -> bool:
    if bound is Bound.MAX_REGRESSION:
        return observed >= -value
    return observed >= value if bound in LOWER else observed <= value


@given(bound=st.sampled_from(Bound), before=st.integers(-6, 6), after=st.integers(-6, 6))
def test_looser_means_that_something_passes_now_that_did_not(threshold, bound: Bound, before: int, after: int) -> None:

    gained = any(passes(bound, after, x) and not passes(bound, before, x) for x in range(-7, 8))
    old, new = (threshold(bound=bound, value=float(value)) for value in (before, after))
    assert is_looser(old, new) is gained


@pytest.mark.parametrize("bound", list(Bound))
def test_levels_and_ways_to_decide(threshold, bound: Bound) -> None:
    strict = threshold(bound=bound)
    warns, guesses = replace(strict, level=Level.WARN), replace(strict, decide=Decide.ESTIMATE)
    assert is_looser(strict, warns)
    assert is_looser(strict, guesses)
    assert not is_looser(warns, strict)
    assert not is_looser(guesses, strict)
    assert not is_looser(warns, replace(warns, decide=Decide.ESTIMATE)), "a warning asks nothing"
    # what asks less in one respect is not made up for by asking more in another
    assert is_looser(strict, replace(guesses, value=0.0 if bound not in LOWER else 9.0))


@pytest.mark.parametrize("bound", list(Bound))
def test_exchanging_shares_and_amounts_may_ask_less(entry, threshold, bound: Bound) -> None:
    share = threshold(bound=bound, value=0.05, relative=True, text="5%")
    for value in (0.0001, 1000.0):
        amount = threshold(bound=bound, value=value, relative=False, text=str(value))
        assert is_looser(share, amount)
        assert is_looser(amount, share)
        assert told(entry(thresholds=(share,)), entry(thresholds=(amount,))) == [("threshold", True)]
        assert not is_looser(replace(share, level=Level.WARN), amount)


@pytest.mark.parametrize(("kind", "bound"), [(TargetKind.METRIC, Bound.MAX_NEWLY_FAILING), (TargetKind.SAFETY, Bound.MAX_NEW)])
def test_counts_and_shares_of_cases_cannot_be_compared(threshold, kind: TargetKind, bound: Bound) -> None:
    def asks(value: float, text: str) -> Threshold:
        return threshold(kind=kind, bound=bound, value=value, relative=False, text=text)

    assert is_looser(asks(3, "3"), asks(0.5, "50%"))
    assert is_looser(asks(0.02, "2%"), asks(1, "1"))
    assert is_looser(asks(0, "0"), asks(0.02, "2%"))
    assert not is_looser(asks(0.02, "2%"), asks(0, "0"))
    assert is_looser(asks(0.02, "2%"), asks(0.03, "3%"))


def test_the_group_and_the_slices_are_remembered(entry) -> None:
    assert told(entry(), entry(group=None)) == [("group", True)]
    assert told(entry(group=None), entry()) == [("group", False)]
    assert told(entry(), entry(slices=())) == [("slices", False)]


def test_removed_and_added_thresholds(entry, threshold) -> None:
    one, warns = threshold(), threshold(level=Level.WARN)
    assert told(entry(thresholds=(one,)), entry(thresholds=())) == [("threshold", True)]
    assert told(entry(thresholds=()), entry(thresholds=(one,))) == [("threshold", False)]
    assert told(entry(thresholds=(warns,)), entry(thresholds=())) == [("threshold", False)]
    (change,) = changes_between(entry(thresholds=(one,)), entry(thresholds=()))
    assert (change.before, change.after) == ("metric:rougeL min_improvement 5%", "none")


def test_a_slice_is_another_place(entry, threshold) -> None:
    each, german = threshold(slice=SliceChoice("language")), threshold(slice=SliceChoice("language", "de"))
    changes = changes_between(entry(thresholds=(each,)), entry(thresholds=(german,)))
    assert [(change.before, change.after, change.looser) for change in changes] == [
        ("metric:rougeL [language=each] min_improvement 5%", "none", True),
        ("none", "metric:rougeL [language=de] min_improvement 5%", False),
    ]


def test_a_standing_threshold_that_is_declared_away_asks_less(entry, threshold) -> None:
    standing = threshold(
        kind=TargetKind.RUN, name="error_rate", bound=Bound.MAX, value=0.0, relative=False, text="0", implicit=True
    )
    declared = replace(standing, value=0.02, text="2%", implicit=False)
    (change,) = changes_between(entry(thresholds=(standing,)), entry(thresholds=(declared,)))
    assert (change.before, change.after, change.looser) == ("run:error_rate max 0", "run:error_rate max 2%", True)
    assert changes_between(entry(thresholds=(standing,)), entry(thresholds=(replace(standing, implicit=False),))) == ()


def test_the_same_amount_written_otherwise_is_no_change(entry, threshold) -> None:
    assert changes_between(entry(thresholds=(threshold(text="5%"),)), entry(thresholds=(threshold(text="5.0 %"),))) == ()


@pytest.mark.parametrize(("name", "looser"), [("any", True), ("pii", True), ("blocklist", False), (None, False)])
def test_a_removed_detector_asks_less_where_its_findings_count(entry, threshold, name: str | None, looser: bool) -> None:
    rules = () if name is None else (threshold(kind=TargetKind.SAFETY, name=name, bound=Bound.MAX_NEW, value=0.0),)
    before = entry(thresholds=rules, safety={"pii": SHA, "blocklist": SHA})
    assert told(before, replace(before, safety={"blocklist": SHA})) == [("safety", looser)]
    assert told(replace(before, safety={"blocklist": SHA}), before) == [("safety", False)]


def test_only_what_was_loosened_along_with_what_is_judged_is_pointed_out(entry, threshold) -> None:
    before = entry(thresholds=(threshold(),))
    looser = replace(before, thresholds=(threshold(value=0.03, text="3%"),))
    alone = changes_between(before, looser)
    assert [change.looser for change in alone] == [True]
    assert loosened_along(alone) == ()
    for arm in ("baseline", "candidate"):
        for what in ("prompt_digest", "model_digest"):
            both = changes_between(before, side(looser, arm, **{what: SHA}))
            assert [change.what for change in loosened_along(both)] == ["threshold"]
    stricter = replace(before, thresholds=(threshold(value=0.08, text="8%"),))
    assert loosened_along(changes_between(before, side(stricter, "candidate", prompt_digest=SHA))) == ()
    assert loosened_along(changes_between(before, replace(looser, recording=SHA))) == ()


def test_luck_grows_with_attempts_as_measured() -> None:
    assert passes_by_luck(1, 0.95) == pytest.approx(0.05)
    assert passes_by_luck(5, 0.95) == pytest.approx(0.226, abs=5e-4)
    assert passes_by_luck(10, 0.95) == pytest.approx(0.401, abs=5e-4)
