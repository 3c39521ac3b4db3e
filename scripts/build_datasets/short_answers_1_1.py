"""Write the cases of `short-answers` 1.1.0: `python scripts/build_datasets/short_answers_1_1.py`.

Version 1.0.0 with corrected labels and two more texts. Labels: questions for a year had only the bare year, though every
other question for a time also takes the form with its preposition; one answer did not follow its text (clocks are wound
on Sundays, not on one Sunday); two answers to "why" were no reasons without their conjunction; "how long" was only
answered by an end.
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSIONS = HERE.parents[1] / "datasets" / "short-answers"
SOURCE = VERSIONS / "1.0.0" / "cases.jsonl"
TARGET = VERSIONS / "1.1.0" / "cases.jsonl"

CORRECTED = {
    "text-01-2": ["until eight", "It stays open until eight on Fridays.", "eleven hours"],
    "text-08-2": ["1620", "The oldest clock was built in 1620.", "in 1620"],
    "text-08-3": ["on Sundays", "The clocks are wound on Sundays.", "Sunday"],
    "text-17-1": ["because of the flood", "It was closed after the flood.", "the flood"],
    "text-23-3": ["because canvas was dear", "She painted on wood because canvas was dear.", "canvas was dear"],
    "text-27-2": ["1998", "The lamp was replaced in 1998.", "in 1998"],
}
NEW = (
    (
        "nature",
        "The beavers above the weir felled nine birches in one winter. Their dam holds back a pond as long as the churchyard. "
        "Kingfishers moved in the year after.",
        ("How many birches did the beavers fell?", ["nine", "The beavers felled nine birches."]),
        ("How long is the pond?", ["as long as the churchyard", "The pond is as long as the churchyard."]),
        ("When did the kingfishers move in?", ["the year after", "Kingfishers moved in the year after."]),
    ),
    (
        "work",
        "The glazier measures every window twice. He cuts the panes in the van, because the workshop is too far away. "
        "A broken pane is free if he broke it himself.",
        ("How often does the glazier measure a window?", ["twice", "He measures every window twice."]),
        ("Why does he cut the panes in the van?", ["because the workshop is too far away", "The workshop is too far away."]),
        ("When is a broken pane free?", ["if he broke it himself", "A broken pane is free if he broke it himself."]),
    ),
)


def main() -> None:
    """Write all cases, one JSON line each."""
    cases = [json.loads(line) for line in SOURCE.read_text(encoding="utf-8").splitlines()]
    for case in cases:
        case["answers"] = CORRECTED.get(case["id"], case["answers"])
    texts = len({case["text"] for case in cases})
    for number, (theme, context, *questions) in enumerate(NEW, start=texts + 1):
        text = f"text-{number:02d}"
        for place, (question, answers) in enumerate(questions, start=1):
            case = {"id": f"{text}-{place}", "context": context, "question": question, "answers": answers}
            cases.append({**case, "theme": theme, "text": text})
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    TARGET.write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
