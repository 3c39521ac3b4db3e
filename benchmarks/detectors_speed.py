"""CPU seconds of the pattern detectors: `python benchmarks/detectors_speed.py [outputs]`.

Budget: all of them together over 20,000 outputs of 100 words in under 10 s, and no text of 100,000 characters for a second.
The outputs are seeded: prose with names, numbers, dates, prices, addresses and quotations, a tenth of it with code, JSON or a
table, so that the looks that let ordinary text pass are not all there is to be measured. Detectors that ask a model, or read
what people wrote, are left out.
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

from evalgate.core.errors import EvalgateError
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Output
from evalgate.safety.catalog import BUILTINS, make_detector
from evalgate.safety.interface import Detector

BUDGET, HOSTILE_BUDGET = 10.0, 1.0
COMPARING = "hallucinated_entities"
OUTPUTS, WORDS, SIZE = 20_000, 100, 100_000
ASKS_OR_READS = {"judge": "asks a model", "label": "reads what people wrote"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "blocklist": {"terms": ["guaranteed", "risk-free", "miracle cure", "best price", "act now"]},
    "jailbreak": {"field": "kind", "unsafe": ["attack"]},
    "prompt_leak": {"canaries": ["ZEBRA-74-QUIET", "otter-19-lantern"]},
    "refusal": {"field": "kind", "unsafe": ["attack"]},
    "regex": {"patterns": [r"(?i)\bas an ai\b", r"\b[A-Z]{3}-[0-9]{4}\b", r"(a|b)*c{5}"]},
    "toxicity": {"model": "none"},
    "urls": {"allow": [".example.com", "example.org"]},
}
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvw" for vowel in ("a", "e", "i", "o", "u", "ou", "ei")]
FREQUENT = "the of and to in is that for it with as was on are this have from by not but what can how their which".split()
TELLING = (
    "password reset link", "API key", "secret", "private key", "token limit", "it's", "they're", "sorry", "cannot", "script",
    "user_id", "e-mail address", "state-of-the-art", "ignore", "kill", "hell", "I am afraid", "system prompt",
)  # fmt: skip
PIECES = (
    "https://docs.example.com/guide?page={n}", "$1,{n}.50", "{n}%", "on 12 March 19{m}", "at 10:{m}", "+44 20 7946 0{n}",
    '"quoted {w}"', "support@example.org", "version 2.{m}.{n}", "(see section {m})", "`{w}_{w}`", "'{w}'", "№ {n}-{m}", "10^{m}",
    "**{w}**",
)  # fmt: skip
BLOCKS = (
    "\n```python\ndef {w}(x, key='{w}'):\n    return x[{n}] + {m}  # {w}\n```\n",
    '\n{{"id": {n}, "name": "{w}", "secret": null, "tags": ["{w}", "{w}"]}}\n',
    "\n| {w} | {w} |\n| --- | --- |\n| {n} | {m} |\n",
    "\n1. {w}: {w}\n2. {w} <b>{w}</b>\n   - {w} = {n}\n",
)
HOSTILE = [
    *"a0 '`=:.-_/<([{@\"\\\n\u0301\u200b漢\x1b\ud800",
    *("a ", "a1", "ab.", "a-", "a@", "1.", "1 ", "://", "](", "![", "<a ", '="', "['", "\\'", '{"', "key ", "secret`", "eyJ"),
    *("I ", "+1", "A1", "::", "ha", "A ", "é\u0301", "a\n", "- ", "No. ", "Mr. X "),
]


def made_up_outputs(count: int) -> list[Output]:
    """Seeded answers of 100 words."""
    draw = random.Random(6)
    rare = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 4))) for _ in range(20_000)]
    asked = (("system", " ".join(draw.choice(rare) if draw.random() < 0.5 else draw.choice(FREQUENT) for _ in range(200))),)
    return [Output(_answer(draw, rare), messages=asked) for _ in range(count)]


def _answer(draw: random.Random, rare: list[str]) -> str:
    words: list[str] = []
    while len(words) < WORDS:
        kind = draw.random()
        if kind < 0.45:
            words.append(draw.choice(FREQUENT))
        elif kind < 0.87:
            words.append(draw.choice(rare))
        elif kind < 0.93:
            words.append(draw.choice(rare).capitalize())
        elif kind < 0.97:
            words.append(draw.choice(TELLING))
        else:
            words.append(_filled(draw.choice(PIECES), draw, rare))
    text = " ".join(" ".join(words).split()[:WORDS]).replace(" the of", ". The").replace(" and to", ",")
    return text + _filled(draw.choice(BLOCKS), draw, rare) if draw.random() < 0.1 else text


def _filled(template: str, draw: random.Random, rare: list[str]) -> str:
    return template.format(n=draw.randint(100, 999), m=draw.randint(10, 59), w=draw.choice(rare))


def detectors() -> dict[str, Detector]:
    """Every registered detector that looks at the text alone, and why others are missing."""
    made = {}
    for name in sorted(BUILTINS):
        if name in ASKS_OR_READS:
            print(f"left out: {name} ({ASKS_OR_READS[name]})")
            continue
        try:
            made[name] = make_detector(PluginChoice(name, PARAMETERS.get(name, {})))
        except EvalgateError as error:
            print(f"left out: {name} ({error})")
    return made


def cpu_seconds(detector: Detector, outputs: list[Output], case: Case) -> tuple[float, int]:
    """CPU seconds and findings of one detector over all outputs, after one that loads what is loaded lazily."""
    detector.findings(Output("password = 'hunter2' <b>x</b> http://a.example/ +1 212 555 0100"), case)
    started = time.process_time()
    found = sum(len(detector.findings(output, case)) for output in outputs)
    return time.process_time() - started, found


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else OUTPUTS
    case = Case("1", {"kind": "ordinary"}, {"question": "What is new?"}, ("Nothing is new.",), {})
    made = detectors()
    outputs = made_up_outputs(count)
    total = patterns = 0.0
    for name, detector in made.items():
        seconds, found = cpu_seconds(detector, outputs, case)
        total += seconds
        patterns += 0.0 if name == COMPARING else seconds
        print(f"{seconds:6.2f} s  {seconds / count * 1e6:6.1f} us each  {found:7,} findings  {name}")
    budget = BUDGET * count / OUTPUTS
    said = f"{count:,} outputs of {WORDS} words"
    print(f"{patterns:6.2f} s of {budget:.1f} ({patterns / budget:.2f} of the budget)  all pattern detectors, {said}")
    print(f"{total:6.2f} s of {budget:.1f} ({total / budget:.2f} of the budget)  with {COMPARING}, which compares with the case")
    print(f"hostile texts of {SIZE:,} characters, slowest of {len(HOSTILE)}, budget {HOSTILE_BUDGET:.0f} s:")
    for name, detector in made.items():
        slowest = max((cpu_seconds(detector, [Output((piece * SIZE)[:SIZE])], case)[0], piece) for piece in HOSTILE)
        print(f"{slowest[0]:6.3f} s ({slowest[0] / HOSTILE_BUDGET:.2f} of the budget)  {name}: {slowest[1]!r} repeated")


if __name__ == "__main__":
    main()
