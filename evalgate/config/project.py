"""The starter project that `evalgate init` writes: one small gate that works at once, to change step by step."""

from __future__ import annotations

import json
from collections.abc import Mapping

from evalgate.config.starter_cases import starter_cases

_GATE = """\
# May prompt 2 replace prompt 1? `evalgate run configs/first-gate.yaml` answers with its exit code.
gate: first-gate
description: Rewrite a blunt note politely.
dataset: greetings@1.0.0
variants:
  baseline: {prompt: greeting@1, model: writer}      # in use today
  candidate: {prompt: greeting@2, model: writer}     # may replace it
models:
  writer: {provider: openai, name: starter-example, parameters: {temperature: 0, max_tokens: 64, seed: 1}}
proxy: {mode: replay, recording: first-gate}         # replay needs no key and no network
metrics: [rougeL, chrf]
safety:
  - blocklist: {category: rude, terms: [stupid, shut up, hurry up]}
slices: [topic]
thresholds:
  - {metric: rougeL, min_improvement: 5%}            # better by at least 5 % of the baseline
  - {metric: chrf, max_regression: 1.0}              # at most one point worse
  - {safety: any, max_increase: 0}                   # not one rude answer more
confidence: 0.95
seed: 1
reports: [html, junit, markdown]
"""

_PROMPT_1 = """\
name: greeting
description: The first version, in use today.
messages:
  - role: user
    content: |-
      Rewrite this note: {{note}}
"""

_PROMPT_2 = """\
name: greeting
description: Asks for politeness in so many words.
messages:
  - role: system
    content: You rewrite short notes. Keep what they ask for, and say it politely in one sentence.
  - role: user
    content: |-
      Rewrite this note: {{note}}
"""

_CARD = """\
name: greetings
version: 1.0.0
license: CC0-1.0
source: Authored for this starter project.
purpose: Small enough to read as a whole; replace it with cases of your own.
data: cases.jsonl
id: id
inputs: [note]
reference: reference
slices: [topic]
rows: {rows}
"""

_README = """\
# Your first gate

A gate answers one question: may this candidate replace that baseline?

    evalgate check                            # is everything well-formed? calls no model
    evalgate run configs/first-gate.yaml      # the verdict, as exit code and as report

The run replays recorded answers, so it needs no key and no network. The answers of this example were written by hand,
so that it works before you have chosen a model.

| exit code | meaning |
| --- | --- |
| 0 | pass: the candidate may replace the baseline |
| 1 | fail: a threshold was broken |
| 2 | something that was given is wrong |
| 3 | the evaluation could not be completed |
| 4 | inconclusive: too few or too noisy cases to decide |

## Make it yours

1. Put your own cases into `datasets/greetings/1.0.0/cases.jsonl`, or better into a new version beside it.
2. Put the prompt you use today into `configs/prompts/greeting/1.prompt.yml` and the new one into `2.prompt.yml`.
3. Name your model under `models:` in `configs/first-gate.yaml`, and record its answers once:
   `evalgate run configs/first-gate.yaml --mode record`.
4. Say under `thresholds:` what a candidate must hold to replace the baseline.

Commit the recording: whoever checks out the repository then gets the same verdict.
`.github/workflows/evalgate.yml` asks the question for every pull request.
"""

_WORKFLOW = """\
name: evalgate
on: [pull_request]
permissions:
  contents: read
jobs:
  gate:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
        with: {persist-credentials: false}
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install evalgate-engine
      - run: evalgate check
      - run: evalgate run configs/first-gate.yaml --out reports/first-gate/ci
      - uses: actions/upload-artifact@v4
        if: always()
        with: {name: evalgate-report, path: reports/first-gate/ci}
"""


def starter_files() -> Mapping[str, str]:
    """Every file of the starter project but its recording: path below the project → text, sorted by path."""
    cases = starter_cases()
    rows = (
        {"id": case.id, "note": case.note, "reference": case.reference, "topic": case.topic} for case in cases
    )
    files = {
        "configs/first-gate.yaml": _GATE,
        "configs/prompts/greeting/1.prompt.yml": _PROMPT_1,
        "configs/prompts/greeting/2.prompt.yml": _PROMPT_2,
        "datasets/greetings/1.0.0/dataset.yaml": _CARD.format(rows=len(cases)),
        "datasets/greetings/1.0.0/cases.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        "README-GATE.md": _README,
        ".github/workflows/evalgate.yml": _WORKFLOW,
    }
    return dict(sorted(files.items()))
