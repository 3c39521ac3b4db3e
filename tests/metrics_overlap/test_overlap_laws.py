"""Laws that every overlap metric obeys, on texts that nobody chose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.metrics.bleu import make_bleu
from evalgate.metrics.chrf import make_chrf, make_chrfpp
from evalgate.metrics.diversity import make_distinct, make_self_bleu
from evalgate.metrics.rouge import make_rouge1, make_rouge2, make_rouge_l, make_rouge_lsum
from evalgate.metrics.ter import make_ter

SACREBLEU = (make_bleu, make_chrf, make_chrfpp, make_ter)
ROUGE = (make_rouge1, make_rouge2, make_rouge_l, make_rouge_lsum)
METRICS = [make({}) for make in (*SACREBLEU, *ROUGE, make_distinct, make_self_bleu)]
TEXT = st.one_of(
    st.text(st.characters(codec=None), max_size=12),
    st.lists(st.sampled_from(("a", "b", "c", "d.", "the", "\n", "é", "好"))).map(" ".join),
)
PAIRS = st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=6)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.spec.name)
@settings(max_examples=40)
@given(drawn=PAIRS, cut=st.integers(0, 6), order=st.randoms(use_true_random=False))
def test_rows_depend_on_their_pair_alone_and_add_up(metric: Any, measured: Any, drawn: list[Any], cut: int, order: Any) -> None:
    def rows(some: list[Any]) -> Any:
        return measured(metric, [text for text, _ in some], [references for _, references in some])

    whole = rows(drawn)
    assert whole.shape == (len(drawn), metric.spec.columns)
    assert np.isfinite(whole).all()
    assert np.array_equal(whole, np.vstack([rows(drawn[:cut]), rows(drawn[cut:])]))
    shuffled = order.sample(range(len(drawn)), len(drawn))
    assert np.array_equal(whole[shuffled], rows([drawn[i] for i in shuffled]))
    total = metric.score(whole.sum(axis=0, keepdims=True))
    np.testing.assert_allclose(total, metric.score(whole[shuffled].sum(axis=0, keepdims=True)), rtol=1e-12)
    if not np.isnan(total[0]):
        assert metric.spec.low <= total[0] <= (metric.spec.high or np.inf)


@pytest.mark.parametrize("metric", [m for m in METRICS if m.spec.needs_reference], ids=lambda m: m.spec.name)
@settings(max_examples=30)
@given(drawn=PAIRS)
def test_nothing_beats_the_reference_itself(metric: Any, corpus: Any, drawn: list[Any]) -> None:
    texts = [text for text, _ in drawn]
    references = [several[:1] for _, several in drawn]
    perfect = corpus(metric, [several[0] for several in references], references)
    tried = corpus(metric, texts, references)
    sign = 1 if metric.spec.higher_is_better else -1
    # Without any n-gram to find (empty or very short references) sacrebleu and rouge-score call everything zero.
    assert sign * tried <= sign * perfect + 1e-9 or perfect == 0.0
