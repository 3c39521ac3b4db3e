"""Texts of all kinds, and the way from plain texts to what a metric takes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.values import Case, Expectation, Output

WORDS = ("the", "cat", "sat", "on", "a", "Mat", "running", "1,000.50", "3-4", "it's", "e.g.", "U.S.", "&amp;", "x86_64")
SCRIPTS = (
    "äöüßéñçøŁİıſK",
    "абвгґєї",
    "αβγΔΩ",
    "你好世界日本語漢字",
    "ひらがなカタカナﾊﾝ",
    "한국어문장",
    "שלום",
    "مرحبا١٢٣",
    "नमस्ते",
    "สวัสดี",
    "e\u0301a\u0308o\u0304",
    "😀👍🏽👩‍💻🇩🇪",
    "𝒜𝓑𝟘𠮷",
    "①½Ⅷ٣",
)
MARKS = tuple(".,;:!?-–—()[]{}\"'`´«»…/\\|@#$€%^&*_+=<>~§°。、！？「」\u200b\u200d\ufeff\x00\x07\x1b\ud800")
SPACES = (" ", " ", " ", "  ", "\t", "\n", "\r\n", "\xa0", "\u2028", "\u2029", "\x85", "\u3000", "\x0b", "\x1c", "")
GENERATED = 10_000


@pytest.fixture(scope="session")
def answer() -> Callable[..., Output]:
    """A text → an output."""
    return Output


@pytest.fixture(scope="session")
def expecting() -> Callable[..., Expectation]:
    """References → an expectation of case c1 at cases.jsonl:7."""

    def build(*references: Any) -> Expectation:
        return Expectation(references, Case("c1", {}, {}, references, {}, place="cases.jsonl:7"))

    return build


@pytest.fixture(scope="session")
def measured(expecting: Callable[..., Expectation]) -> Callable[..., Any]:
    """A metric, texts and references per text → its rows."""

    def build(metric: Any, texts: Sequence[str], references: Sequence[Sequence[str]]) -> Any:
        return metric.rows([Output(text) for text in texts], [expecting(*r) for r in references])

    return build


@pytest.fixture(scope="session")
def corpus(measured: Callable[..., Any]) -> Callable[..., float]:
    """A metric, texts and references per text → the score of the sum of the rows."""

    def build(metric: Any, texts: Sequence[str], references: Sequence[Sequence[str]]) -> float:
        return float(metric.score(measured(metric, texts, references).sum(axis=0, keepdims=True))[0])

    return build


@pytest.fixture(scope="session")
def pairs() -> tuple[list[str], list[str]]:
    """10,000 outputs and their references, always the same, in all kinds of Unicode."""
    rng = random.Random(20260901)
    references = [_text(rng) for _ in range(GENERATED)]
    return [_edited(rng, reference) for reference in references], references


@pytest.fixture(scope="session")
def real_pairs(shared_data: Path) -> tuple[list[str], list[str]]:
    """Real summaries and solutions with their references: 500 of XSum, 300 of GSM8K (several lines, numbers)."""
    outputs: list[str] = []
    references: list[str] = []
    for folder, system, column, rows in (
        ("xsum_halluc", "BERTS2S", "reference", 500),
        ("gsm8k", "6b_finetuning", "reference_solution", 300),
    ):
        golden = {row["id"]: row[column] for row in _lines(shared_data / folder / "golden.jsonl")}
        for row in _lines(shared_data / folder / "outputs" / f"{system}.jsonl")[:rows]:
            outputs.append(row["output"])
            references.append(golden[row["id"]])
    return outputs, references


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _text(rng: random.Random) -> str:
    return "".join(_token(rng) + rng.choice(SPACES) for _ in range(rng.choice((0, 1, 2, 3, 5, 8, 12))))


def _token(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.55:
        return rng.choice(WORDS)
    if kind < 0.8:
        script = rng.choice(SCRIPTS)
        return "".join(rng.choice(script) for _ in range(rng.randint(1, 4)))
    if kind < 0.95:
        return rng.choice(MARKS)
    return str(rng.randint(0, 99999))


def _edited(rng: random.Random, text: str) -> str:
    kind = rng.random()
    if kind < 0.05:
        return text
    if kind < 0.1:
        return _text(rng)
    kept = [piece for piece in text.split(" ") if rng.random() > 0.2]
    for _ in range(rng.randint(0, 3)):
        kept.insert(rng.randint(0, len(kept)), _token(rng))
    if kept and rng.random() < 0.3:
        at = rng.randrange(len(kept))
        kept.insert(rng.randint(0, len(kept) - 1), kept.pop(at))
    edited = " ".join(kept)
    return edited.upper() if rng.random() < 0.05 else edited
