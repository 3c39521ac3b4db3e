"""The clean prompt files that the samples of the rules are variations of."""

from __future__ import annotations

from evalgate.prompts.lint.values import GateUse, Sample, Surroundings

GITHUB = """name: sample
description: Names one product for a customer.
metadata: {owner: shop team}
model: openai/gpt-4o-2024-08-06
messages:
  - role: system
    content: Name one product.
  - role: user
    content: |-
      <question>
      {{question}}
      </question>
modelParameters: {temperature: 0, maxCompletionTokens: 64}
testData:
  - {question: Which pump is small?}
"""
PROMPTY = """---
name: sample
description: Names one product for a customer.
metadata: {owner: shop team, version: "1"}
model:
  id: gpt-4o-2024-08-06
  options: {temperature: 0, maxOutputTokens: 64}
inputs:
  question: {kind: string, description: What the customer asks, example: Which pump is small?}
template:
  format: {kind: mustache}
  parser: {kind: prompty}
---
system:
Name one product.

user:
<question>
{{question}}
</question>
"""
PROMPTY_PATH = "configs/prompts/sample/1.prompty"
GATE = GateUse("sample-gate", ("question",), 1, "gpt-4o-2024-08-06", {})
AROUND = Surroundings(gates=(GATE,))


def github(*changes: tuple[str, str], around: Surroundings = AROUND) -> Sample:
    """The clean `.prompt.yml` file with some texts exchanged."""
    return Sample(_changed(GITHUB, changes), around=around)


def prompty(*changes: tuple[str, str], around: Surroundings = AROUND) -> Sample:
    """The clean `.prompty` file with some texts exchanged."""
    return Sample(_changed(PROMPTY, changes), PROMPTY_PATH, around)


def _changed(text: str, changes: tuple[tuple[str, str], ...]) -> str:
    for old, new in changes:
        if old not in text:
            raise AssertionError(f"{old!r} is not in the sample")
        text = text.replace(old, new, 1)
    return text
