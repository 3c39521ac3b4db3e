"""The options about workers, which `run` and `compare` share. They decide how fast a verdict is there, never which."""

from __future__ import annotations

import argparse

from evalgate.cli.number_options import whole


def add_workers(parser: argparse.ArgumentParser, *, configured: bool) -> None:
    """Add the options; `configured`: whether a configuration may name them too."""
    default = "the configuration's, else loky" if configured else "loky"
    workers = parser.add_argument_group("workers")
    workers.add_argument(
        "--jobs",
        metavar="N",
        type=whole("a number of workers", 1, 1024),
        help="workers (default: decided from the size of the job)",
    )
    backends = f"loky, threading, sequential, dask or ray (default: {default})"
    workers.add_argument("--backend", metavar="NAME", help=backends)
    address = "of the cluster: tcp://scheduler:8786 for dask; head:6379, ray://head:10001, auto or local for ray"
    workers.add_argument("--address", metavar="ADDRESS", help=address)
    storage = "a store that all workers reach, such as s3://bucket/prefix; without it they share the disk of the run folder"
    workers.add_argument("--storage", metavar="URL", help=storage)
