"""A key whose variable is named and not set: nobody is asked, and the variable is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("mode", ["live", "refresh"])
def test_a_named_key_that_is_not_set_asks_nobody(project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.delenv("EVALGATE_TEST_UNSET", raising=False)
    made = project()
    there = "base_url: http://127.0.0.1:9/v1, api_key_env: EVALGATE_TEST_UNSET"
    made.config.write_text(made.text().replace("provider: openai,", f"provider: openai, {there},"), encoding="utf-8")
    ran = made.run("--mode", mode)
    assert (ran.code, "the environment variable EVALGATE_TEST_UNSET that api_key_env names is not set" in ran.err) == (2, True)
    assert made.run().code == 0, "replay needs no key"
