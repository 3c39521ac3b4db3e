"""Write the cases of `product-recommendations` from the authored tables: `python scripts/build_datasets/product_recommendations.py`.

Each query names one product that fits best. Its options are that product, its sibling of the same family and two
products of other families in the same category, in an order that depends on the case id alone, so that the best
product stands equally often in each place and running the script again writes the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "datasets" / "product-recommendations" / "1.0.0" / "cases.jsonl"
OPTIONS = 4
BEST, SIBLING = 3, 1

Row = dict[str, str]


def read_table(name: str) -> list[Row]:
    """Rows of one authored table."""
    with (HERE / "tables" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def drawn(key: str) -> str:
    """A number that looks random and depends on the key alone."""
    return hashlib.sha256(key.encode()).hexdigest()


def options_of(case_id: str, position: int, best: Row, products: list[Row]) -> list[Row]:
    """The products a shop search would show for this query, the best one at `position`."""
    same_category = [row for row in products if row["category"] == best["category"] and row is not best]
    sibling = next(row for row in same_category if row["family"] == best["family"])
    strangers = [row for row in same_category if row["family"] != best["family"]]
    strangers.sort(key=lambda row: drawn(f"{case_id}/{row['name']}"))
    others: list[Row] = []
    for row in strangers:
        if len(others) < OPTIONS - 2 and row["family"] not in {other["family"] for other in others}:
            others.append(row)
    shown = sorted([sibling, *others], key=lambda row: drawn(f"{case_id}/order/{row['name']}"))
    return [*shown[:position], best, *shown[position:]]


def case_of(number: int, query: Row, products: list[Row]) -> dict[str, object]:
    """One case: the query, the options as text, the grades and the reference sentence."""
    case_id = f"rec-{number:03d}"
    best = next(row for row in products if row["name"] == query["product"])
    round_of_four, place_in_round = divmod(number - 1, OPTIONS)
    shown = options_of(case_id, (place_in_round + round_of_four) % OPTIONS, best, products)
    sibling = next(row for row in shown if row["family"] == best["family"] and row is not best)
    return {
        "id": case_id,
        "query": query["query"],
        "category": best["category"],
        "language": query["language"],
        "options": "\n".join(f"- {row['name']}: {row['blurb']}" for row in shown),
        "expected_item": best["name"],
        "relevance": {best["name"]: BEST, sibling["name"]: SIBLING},
        "reference": f"{best['name']}, because {best['reason']}.",
    }


def main() -> None:
    """Write all cases, one JSON line each."""
    products = read_table("products.tsv")
    cases = [case_of(number, query, products) for number, query in enumerate(read_table("product_queries.tsv"), 1)]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    TARGET.write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
