"""Write the cases of `short-answers` from the authored texts: `python scripts/build_datasets/short_answers.py`.

Each text has three questions with two accepted answers, a short one and a sentence; the three questions of a text are
one group.
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "tables" / "short_texts.txt"
TARGET = HERE.parents[1] / "datasets" / "short-answers" / "1.0.0" / "cases.jsonl"


def main() -> None:
    """Write all cases, one JSON line each."""
    cases: list[dict[str, object]] = []
    theme = context = ""
    text_number = question_number = 0
    for line in SOURCE.read_text(encoding="utf-8").splitlines():
        parts = line.split("|")
        if len(parts) == 2:
            theme, context = parts
            text_number, question_number = text_number + 1, 0
            continue
        question, short, sentence = parts
        question_number += 1
        cases.append(
            {
                "id": f"text-{text_number:02d}-{question_number}",
                "context": context,
                "question": question,
                "answers": [short, sentence],
                "theme": theme,
                "text": f"text-{text_number:02d}",
            }
        )
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    TARGET.write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
