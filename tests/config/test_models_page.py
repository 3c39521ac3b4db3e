"""The page on models and the proxy: every example loads, every key and default in its tables is the program's own."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from evalgate.config.answer_models import MockEntry, ModelEntry, ProxyEntry
from evalgate.config.load import settings_from
from evalgate.config.mock_rules import load_mock
from evalgate.config.strict_yaml import parse_document
from evalgate.core.settings import GateSettings, ModelChoice, Upstream
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.upstream.catalog import make_provider
from evalgate.proxy.upstream.interface import Call, ProviderContext, Reply

GATE = """\
gate: page
dataset: d@1
variants: {baseline: {prompt: p@1, model: ALIAS}, candidate: {prompt: p@2, model: ALIAS}}
metrics: [exact_match]
thresholds: [{metric: exact_match, min: 0.5}]
"""
REST = {"models": "models: {shop: {provider: openai, name: x}}\n", "proxy": "proxy: {recording: r}\n"}


def _blocks(repository: Path, language: str) -> list[str]:
    page = (repository / "docs" / "models.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def _load(block: str) -> GateSettings:
    keys = set(parse_document(block, "page").value)
    assert keys <= set(REST)
    alias = next(iter(parse_document(block, "page").value.get("models", {"shop": None})))
    text = GATE.replace("ALIAS", alias) + block + "".join(part for key, part in REST.items() if key not in keys)
    return settings_from(parse_document(text, "page"), Path("page.yaml"))


def test_every_example_loads(repository: Path, tmp_path: Path) -> None:
    blocks = _blocks(repository, "yaml")
    assert len(blocks) == 9
    for block in blocks[:-1]:
        _load(block)
    file = tmp_path / "mock.yaml"
    file.write_text(blocks[-1], encoding="utf-8")
    assert load_mock(file).otherwise == "miss"


@pytest.mark.parametrize("model", [ModelEntry, ProxyEntry, MockEntry])
def test_every_key_is_in_a_table(repository: Path, model: Any) -> None:
    page = (repository / "docs" / "models.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z0-9_]+)` \| ([^|]*) \|", page, flags=re.MULTILINE))
    for name, field in model.model_fields.items():
        if name in ("mode", "recording", "budget", "mock"):
            assert name in page
            continue
        assert name in rows
        if model is ProxyEntry:
            wanted = "none" if field.default is None else f"{field.default:g}"
            assert rows[name].strip() == wanted


def _ask(settings: GateSettings, root: Path) -> Any:
    choice: ModelChoice = next(iter(settings.models.values()))
    upstream: Upstream = settings.upstreams[choice.alias]
    if upstream.command[:1] == ("python3",):
        upstream = Upstream(command=(sys.executable, *upstream.command[1:]))
    body = {"model": choice.name, "messages": [{"role": "user", "content": "Why?"}]}
    call = Call("k" * 64, {"endpoint": "chat/completions", "sample": 0, "parameters": {}, **body}, body, choice, upstream)

    async def asked() -> Any:
        provider = make_provider(choice.provider, upstream, ProviderContext(1, Redactor(), root=str(root)))
        try:
            return await provider.ask(call, 0, 60)
        finally:
            await provider.close()

    return asyncio.run(asked())


def test_the_programs_answer(repository: Path, tmp_path: Path) -> None:
    for code in _blocks(repository, "python"):
        path = tmp_path / code.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(code, encoding="utf-8")
    for block in _blocks(repository, "yaml"):
        if "provider: command" in block or "provider: python" in block:
            answer = _ask(_load(block), tmp_path)
            assert isinstance(answer, Reply), answer
            assert answer.text == "You asked: Why?"
