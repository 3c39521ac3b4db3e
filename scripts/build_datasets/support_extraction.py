"""Write the cases of `support-extraction`: `python scripts/build_datasets/support_extraction.py`.

Customer messages are put together from authored parts: a product, a problem said in three ways, and a closing that is
urgent or not. The order is fixed by the tables, so running the script again writes the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "datasets" / "support-extraction" / "1.0.0" / "cases.jsonl"

PRODUCTS = (
    "blender", "desk lamp", "kettle", "headphones", "backpack", "office chair", "tent", "bike pump",
    "rice cooker", "keyboard", "water bottle", "yoga mat", "toaster", "camera bag", "monitor", "garden hose",
    "coffee grinder", "sleeping bag", "printer", "wall clock",
)  # fmt: skip

PROBLEMS = {
    "broken": (
        "The {p} I bought stopped working after two days.",
        "My new {p} does not turn on any more, it seems to be defective.",
        "One part of the {p} snapped when I used it for the first time.",
    ),
    "late": (
        "I ordered a {p} three weeks ago and it is still not here.",
        "Where is my {p}? The tracking page has not moved for days.",
        "The {p} should have arrived last Monday.",
    ),
    "wrong": (
        "I wanted a {p} in blue, the box holds a green one.",
        "You sent me somebody else's order instead of my {p}.",
        "This is not the {p} that I chose in the shop.",
    ),
    "refund": (
        "I sent the {p} back last month and have not seen my money.",
        "Please pay me back for the {p}, I returned it on the first.",
        "When do I get the money for the {p} that I returned?",
    ),
    "missing": (
        "The box with the {p} came without the screws.",
        "There is no manual and no cable with my {p}.",
        "A piece is not in the package of the {p}.",
    ),
}
CLOSINGS = (
    (True, "I need this solved today."),
    (False, "There is no hurry."),
    (True, "Please answer at once, it is urgent."),
    (False, "Whenever you have time is fine."),
    (False, "Thank you for your help."),
)


def main() -> None:
    """Write 100 cases, one JSON line each."""
    cases = []
    for number in range(100):
        product = PRODUCTS[number % len(PRODUCTS)]
        problem = tuple(PROBLEMS)[(number // len(PRODUCTS) + number) % len(PROBLEMS)]
        phrasing = PROBLEMS[problem][(number * 7 // 5) % 3]
        urgent, closing = CLOSINGS[(number * 3 + number // 5) % len(CLOSINGS)]
        cases.append(
            {
                "id": f"ticket-{number + 1:03d}",
                "message": f"{phrasing.format(p=product)} {closing}",
                "expected": {"product": product, "problem": problem, "urgent": urgent},
                "problem": problem,
                "urgency": "urgent" if urgent else "calm",
            }
        )
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    TARGET.write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
