"""The style of a page, and the hash by which the page's policy names it or a script."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources


def style(name: str) -> str:
    """The style of a page: that of the tables, which every page has, and its own, `name`."""
    return asset("tables.css") + asset(name)


def asset(name: str) -> str:
    """A file of the program that a page holds as it is."""
    return resources.files("evalgate.report").joinpath("assets", name).read_text(encoding="utf-8")


def source_hash(content: str) -> str:
    """How a Content-Security-Policy names the content of an element that may be used."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
