"""What runs in a worker: one shard, and a watch that ends the worker when the run it works for is gone."""

from __future__ import annotations

import os
import threading
from functools import lru_cache

from evalgate.runner.job import ShardTask
from evalgate.runner.receipt import ShardOutcome
from evalgate.runner.shard import do_shard

LOOK_SECONDS = 1.0


def do_in_worker(folder: str, digest: str, task: ShardTask, parent: int | None) -> ShardOutcome:
    """Do one shard; `parent` is the process whose end is the worker's end, None where somebody else keeps the worker."""
    if parent is not None and parent == os.getppid():
        _end_with(parent)
    return do_shard(folder, digest, task)


@lru_cache(maxsize=1)
def _end_with(parent: int) -> None:
    """A run that is killed cannot end its workers, and they would wait for ever."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(LOOK_SECONDS)
    os._exit(1)
