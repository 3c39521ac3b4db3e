"""What is installed, and the schema of what can be configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalgate import __version__
from evalgate.config.editor_schema import config_schema
from evalgate.config.policy_schema import keys_schema, policy_schema
from evalgate.core.canonical import pretty_json
from evalgate.core.files import write_whole
from evalgate.core.plugins import origins
from evalgate.metrics import catalog as metrics
from evalgate.pipeline.cited_cards import shipped_cards
from evalgate.proxy.upstream import catalog as providers
from evalgate.report import catalog as reports
from evalgate.runner import backends
from evalgate.safety import catalog as detectors


def installed() -> list[dict[str, Any]]:
    """Every metric, detector, provider, report and backend, with where it comes from; nothing is loaded.

    A detector has `cards`: those that come with evalgate, and say how good it was measured to be.
    """
    return [
        {"kind": kind, "name": o.name, "reference": o.reference, "distribution": o.distribution, "version": o.version}
        | ({"cards": shipped_cards(o.name)} if kind == "detector" else {})
        for kind, group, builtins in (
            ("metric", metrics.GROUP, metrics.BUILTINS),
            ("detector", detectors.GROUP, detectors.BUILTINS),
            ("provider", providers.GROUP, providers.BUILTINS),
            ("report", reports.GROUP, reports.BUILTINS),
            ("backend", backends.GROUP, backends.BUILTINS),
        )
        for o in origins(group, builtins, __version__)
    ]


SCHEMAS = {"gate": config_schema, "policy": policy_schema, "keys": keys_schema}


def schema_text(of: str = "gate") -> str:
    """The JSON Schema of gate configurations."""
    return pretty_json(SCHEMAS[of]())


def write_schema(path: Path, of: str = "gate") -> None:
    """Write the JSON Schema to a file."""
    write_whole(path, schema_text(of))
