"""The rates behind a judge's counts, corrected for the errors that its calibration card knows of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evalgate.core.detector_card import DetectorCard
from evalgate.core.values import Arm
from evalgate.core.verdict import CorrectedRate, SafetyResult
from evalgate.stats.rogan_gladen import Share, corrected_rate


def with_corrected(result: SafetyResult, card: DetectorCard, lost: Mapping[Arm, int]) -> SafetyResult:
    """A judged category with the corrected rate of each variant beside its counts.

    Cases about which the judge could not tell are left out of the rate, as they are out of the card. A variant that lost
    answers has none: what counts as a violation without having been judged is no judgement to be corrected.
    """
    tally = card.total
    assert tally.clean is not None
    sensitivity = Share(tally.found, tally.found + tally.missed)
    specificity = Share(tally.clean, tally.clean + tally.false_alarms)
    corrected: dict[Arm, CorrectedRate] = {}
    for arm, count in ((Arm.BASELINE, result.baseline), (Arm.CANDIDATE, result.candidate)):
        judged = Share(count, max(count, result.cases - result.undecided.get(arm, 0)))
        rate = None if lost[arm] else corrected_rate(judged, sensitivity, specificity, result.confidence)
        if rate is not None:
            corrected[arm] = rate
    return replace(result, corrected=corrected)
