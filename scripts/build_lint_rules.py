"""Write docs/lint-rules.md from the rules themselves: python scripts/build_lint_rules.py"""

from __future__ import annotations

import difflib
from pathlib import Path

from evalgate.core.visible import shown
from evalgate.prompts.lint.catalog import GROUPS, RULES
from evalgate.prompts.lint.skeleton import GITHUB, PROMPTY
from evalgate.prompts.lint.values import Rule

PAGE = Path(__file__).resolve().parent.parent / "docs" / "lint-rules.md"

INTRODUCTION = """# Rules of `evalgate prompt lint`

<!-- Written by scripts/build_lint_rules.py from the rules; do not edit. -->

```bash
evalgate prompt lint                                  # every prompt under configs/prompts
evalgate prompt lint --fix configs/prompts/recommend  # repair what can be repaired safely
evalgate prompt lint --format sarif --out lint.sarif  # or text, json, github, junit
```

No model is called. Exit code 0: nothing of the level *error*; 2: an error, or with `--strict` a warning. An *info* never
refuses anything. `evalgate check` reports the errors too.

`--select` and `--ignore` take a code (`EP101`), the beginning of one (`EP3`), or a name (`secret`), and may be repeated. A code
keeps its meaning for ever: a rule that is given up leaves its number unused.

**What is looked at.** Files that end in `.prompt.yml`, `.prompt.yaml`, `.prompty` or `.prompt`, wherever they stand; `.txt`, `.md`
and `.json` only as `prompts/NAME/VERSION.txt`, or when they are named. The rules know the gates under `configs/` that use a
prompt, the inputs of their datasets, the versions before it, and the releases in `versions.yaml`. A file that cannot be read is
a finding with its line, and the rules about its text still run.

`evalgate prompt lint promptfoo://CONFIG#LABEL` looks at one prompt of promptfoo: at the file it names, or the text in the
configuration. Links to folders are not followed, and nothing outside the project is read or repaired. Each link that is not
followed or leads nowhere, each pipe and each folder that cannot be read is an error (EP001), unless it is looked at anyway.

Keys, personal data, internal addresses and hidden characters are looked for twice: as the file is written, and as the model
reads it, with escapes (`\\n`, `\\u202e`) resolved and folded lines joined. What counts as a secret: a key in the format of a
known service, a password in an address, `Basic` credentials, and letters mixed with digits behind a name such as `password:` or
`api_key =`. Words are none, also when hyphens or underscores join them.

**Repairs.** `--fix` reads the repaired text again and keeps it only if it is the same prompt: the same digest, and the same
in everything else the file says, what belongs to other tools included. Where white space belongs to a message, it stays. A file
that cannot be read is never repaired.

**Tokens** are an estimate: a third of the bytes of UTF-8, rounded up. It is on the high side for English prose. With
`--tokenizer FILE` (a `tokenizer.json` on this machine, and the extra `tokenizers`) the text is counted; nothing is downloaded.

## Suppressing a finding

In YAML, in the line of the finding or in a comment line before the entry; a message counts as one entry:

```yaml
model: openai/gpt-4o  # evalgate: ignore EP402 -- the gate pins the model
messages:
  # evalgate: ignore EP301 -- the record is written by us, not by customers
  - role: system
    content: "Answer from this record: {{record}}"
```

`# evalgate: ignore-file EP303 -- reason` is for the whole file; in `.prompty` and `.prompt` files it stands in the front
matter, since a comment in the body would be sent to the model. Formats without comments (`.txt`, `.md`, `.json`) have a file
beside them, `1.txt.lint` for `1.txt`, with one line for each: `ignore EP303 -- reason`. Several codes are joined by commas.
A suppression without a reason does not count, and is a finding; so is one that suppresses nothing.

## The clean files

The examples below are changes of these two files, in which no rule finds anything.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, f"```yaml\n{GITHUB}```\n", f"```text\n{PROMPTY}```\n", "## All rules\n", _table()]
    for prefix, title in GROUPS.items():
        rules = [rule for rule in RULES if rule.code.startswith(prefix)]
        parts += [f"## {title}\n", *(_section(rule) for rule in rules)]
    return "\n".join(parts)


def _table() -> str:
    rows = ["| code | name | severity | what it finds |", "| --- | --- | --- | --- |"]
    for rule in RULES:
        fix = " (`--fix`)" if rule.fix else ""
        rows.append(f"| [{rule.code}](#{_anchor(rule)}) | `{rule.name}` | {rule.severity.value} | {rule.summary}{fix} |")
    return "\n".join(rows) + "\n"


def _anchor(rule: Rule) -> str:
    return f"{rule.code} {rule.name}".lower().replace(" ", "-")


def _section(rule: Rule) -> str:
    lines = [
        f"### {rule.code} {rule.name}\n",
        f"*{rule.severity.value}*{', `--fix` repairs it' if rule.fix else ''}. {rule.summary}\n",
    ]
    lines.append(f"{rule.why}\n")
    if rule.failing.note:
        lines.append(f"Found in this case: {rule.failing.note}\n")
    changes = _changes(rule.passing.text, rule.failing.text)
    if changes:
        lines.append(f"Found in the lines with `-`, and no longer with `+` in their place:\n\n```diff\n{changes}\n```\n")
    return "\n".join(lines)


def _changes(good: str, bad: str) -> str:
    """From the failing to the passing sample."""
    both = list(difflib.unified_diff(_visible(bad), _visible(good), lineterm="", n=1))
    return "\n".join(line for line in both[2:] if not line.startswith("@@"))


def _visible(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "⟨no line end⟩"
    else:
        lines.pop()
    return [_ends(shown(line.replace("\r", "⟨CR⟩").replace("\ufeff", "⟨byte order mark⟩"))) for line in lines]


def _ends(line: str) -> str:
    bare = line.rstrip(" ")
    return bare + "·" * (len(line) - len(bare))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
