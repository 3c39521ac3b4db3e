"""A shard that two threads ask for at once is brought once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evalgate.runner.depot import Depot
from evalgate.runner.job import ShardTask
from evalgate.runner.storage import Storage


def test_two_threads_may_ask_for_the_same_shards(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    place = Storage("memory://two-threads")
    depot = Depot(place, tmp_path, "sha256:x")
    depot._place = place
    for shard in range(20):
        place.write(f"shards/{shard:05d}.parquet", b"x" * 200_000)
        place.write(f"shards/{shard:05d}.json", b"{}")
    tasks = [ShardTask(shard, 0, 1, "c") for shard in range(20)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: [depot._bring(task) for task in tasks], range(4)))
    assert len(list((tmp_path / "shards").iterdir())) == 40
    assert not list((tmp_path / "shards").glob(".*.part"))
