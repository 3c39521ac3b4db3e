"""Workers measure with the same versions as the machine that starts the run, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.core.errors import Incomplete
from evalgate.runner import versions
from evalgate.runner.job import Job, ShardTask
from evalgate.runner.versions import require_same, source_digest, versions_here
from evalgate.runner.worker import Order, do_in_worker

NONE: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


def test_the_same_versions_are_accepted() -> None:
    require_same(versions_here((), ()), NONE, source_digest())


@pytest.mark.parametrize(
    "name", ["python", "evalgate", "numpy", "pyarrow", "sacrebleu", "rouge-score", "rapidfuzz", "phonenumbers"]
)
def test_any_other_version_stops_the_run(name: str) -> None:
    there = {**versions_here((), ()), name: "0.0.1"}
    with pytest.raises(Incomplete, match=f"worker on .*{name} .* instead of 0.0.1") as stopped:
        require_same(there, NONE, None)
    assert stopped.value.exit_code == 3


def test_a_library_that_only_one_side_has() -> None:
    there = {**versions_here((), ()), "plugin shop-metrics": "1.2"}
    with pytest.raises(Incomplete, match=r"plugin shop-metrics absent instead of 1\.2"):
        require_same(there, NONE, None)
    del there["plugin shop-metrics"], there["numpy"]
    with pytest.raises(Incomplete, match=r"numpy [0-9.]+ instead of absent"):
        require_same(there, NONE, None)


def test_one_version_with_other_files() -> None:
    with pytest.raises(Incomplete, match="evalgate's own files differ"):
        require_same(versions_here((), ()), NONE, "sha256:0")


def test_plugins_that_are_named_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name = "brand_voice"
        value = "colorsys:rgb_to_yiq"
        dist = type("Dist", (), {"name": "shop-metrics", "version": "3.1"})

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry] if group == "evalgate.metrics" else [])
    assert versions_here(("brand_voice", "bleu"), ())["plugin shop-metrics"] == "3.1"
    assert versions_here(("brand_voice",), ())["plugin shop-metrics files"].startswith("sha256:")
    assert "plugin shop-metrics" not in versions_here(("bleu",), ("brand_voice",))


def test_a_worker_says_it_before_it_measures(tmp_path: Path) -> None:
    versions._differences.cache_clear()
    job = Job("1", (), (), {}, 1, (), versions={**versions_here((), ()), "numpy": "1.0"})
    job.save(tmp_path)
    outcome = do_in_worker(Order(str(tmp_path), job.digest()), ShardTask(0, 0, 1, "sha256:c"))
    assert (outcome.receipt, outcome.exit_code) == (None, 3)
    assert "numpy" in outcome.problems[0].message
    assert not (tmp_path / "shards").exists()


def test_rows_of_other_versions_are_not_reused() -> None:
    here = versions_here((), ())
    assert (
        Job("1", (), (), {}, 1, (), versions=here).digest()
        != Job("1", (), (), {}, 1, (), versions={**here, "numpy": "1"}).digest()
    )


def test_a_worker_that_does_not_share_the_disk_says_so(tmp_path: Path) -> None:
    outcome = do_in_worker(Order(str(tmp_path / "gone"), "sha256:0"), ShardTask(0, 0, 1, "sha256:c"))
    problem = outcome.problems[0]
    assert outcome.exit_code == 3
    assert problem.where is not None and problem.where.startswith("worker on ")
    assert "job.json" in problem.message and "--storage" in str(problem.hint)
