"""A real Chromium that opens reports from disk, driven by Playwright; skipped where either is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = "axe-core@4.14.1"
"""Accessibility checks; https://github.com/dequelabs/axe-core (MPL-2.0), fetched for the tests and kept nowhere in here."""


@dataclass
class Opened:
    """A page, and what the browser said about it."""

    page: Any
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What the page's policy kept from happening."""
        found: list[str] = self.page.evaluate("window.violations || []")
        return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Opened]]:
    """`opened(path, scripts=…, dark=…, width=…)`: a file in a browser of its own."""
    contexts = []

    def open_file(path: Path, *, scripts: bool = True, dark: bool = False, width: int = 1280, at: str = "") -> Opened:
        context = chromium.new_context(
            java_script_enabled=scripts,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900},
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        found = Opened(page)
        page.on("console", lambda message: found.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: found.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (found.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: found.requests.append(request.url))
        if scripts:
            page.add_init_script(
                "window.violations = [];"
                "document.addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective + ' ' + e.blockedURI));"
            )
        page.goto(path.as_uri() + at)
        return found

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of axe-core: the file that EVALGATE_AXE names, else fetched by npm."""
    named = os.environ.get("EVALGATE_AXE")
    if named:
        return Path(named).read_text("utf-8")
    folder, npm = tmp_path_factory.mktemp("axe"), shutil.which("npm")
    if npm is None:
        pytest.skip("axe-core is not here: no npm, and EVALGATE_AXE names no axe.min.js")
    done = subprocess.run([npm, "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot fetch {AXE}; EVALGATE_AXE may name its axe.min.js")
    shutil.unpack_archive(next(folder.glob("*.tgz")), folder, format="gztar", filter="data")
    return (folder / "package" / "axe.min.js").read_text("utf-8")
