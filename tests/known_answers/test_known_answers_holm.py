"""Holm's correction equals R's and statsmodels'."""

from __future__ import annotations

import pytest

from evalgate.gate.holm import holm


@pytest.mark.parametrize("file", ["r_holm", "python_oracles"])
def test_adjusted_p_values(known, file: str) -> None:
    content = known(file)
    rows = content.get("holm", content.get("values"))
    assert len(rows) >= 5
    for row in rows:
        assert holm(row["p"]) == pytest.approx(row["adjusted"], rel=1e-12), row
