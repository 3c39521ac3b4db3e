"""Slices, lengths and languages: what stands apart is named, and ordinary spread is not."""

from __future__ import annotations

import random

import pytest

from evalgate.golden.health.folding import folded
from evalgate.golden.health.languages import UNKNOWN, language_of
from evalgate.golden.health.slices import SliceNeed

SENTENCES = {
    "en": [
        "Where can I find the invoice for my last order?",
        "The parcel was not delivered and I would like to have my money back.",
    ],
    "de": [
        "Wo finde ich die Rechnung für meine letzte Bestellung?",
        "Das Paket ist nicht angekommen und ich möchte mein Geld zurück.",
    ],
    "fr": [
        "Où est-ce que je peux trouver la facture de ma dernière commande ?",
        "Le colis n'est pas arrivé et je voudrais que vous me remboursiez.",
    ],
    "es": [
        "¿Dónde puedo encontrar la factura de mi último pedido?",
        "El paquete no ha llegado y quiero que me devuelvan el dinero.",
    ],
    "it": ["Dove posso trovare la fattura del mio ultimo ordine?", "Il pacco non è arrivato e vorrei che mi rimborsaste."],
    "nl": [
        "Waar kan ik de factuur van mijn laatste bestelling vinden?",
        "Het pakket is niet aangekomen en ik wil mijn geld terug.",
    ],
    "pl": [
        "Gdzie mogę znaleźć fakturę za moje ostatnie zamówienie, czy jest w systemie?",
        "Paczka nie dotarła i chciałbym, żeby to było już za mną.",
    ],
    "sv": [
        "Var kan jag hitta fakturan för min senaste beställning?",
        "Paketet har inte kommit och jag vill ha mina pengar tillbaka.",
    ],
    "tr": ["Son siparişim için fatura nerede ve nasıl bulabilirim?", "Paket gelmedi ve bana para iadesi için ne gerekiyor?"],
    "ru": [],
    "Cyrillic": ["Где я могу найти счёт за мой последний заказ?"],
    "uk": ["Де я можу знайти рахунок за моє останнє замовлення, і чи є він?"],
    "ja": ["最後の注文の請求書はどこで見つけられますか。"],
    "zh": ["我在哪里可以找到上一个订单的发票？"],
    "ko": ["마지막 주문의 송장은 어디에서 찾을 수 있나요?"],
    "Arabic": ["أين يمكنني العثور على فاتورة طلبي الأخير؟"],
    "el": ["Πού μπορώ να βρω το τιμολόγιο της τελευταίας παραγγελίας μου;"],
    "th": ["ฉันจะหาใบแจ้งหนี้สำหรับคำสั่งซื้อล่าสุดได้ที่ไหน"],
    UNKNOWN: ["Ridge Tent", "12 + 30", "SELECT name FROM users", "ok", "", "Mara Quell, Basel", "👍👍"],
}


@pytest.mark.parametrize(("language", "text"), [(name, text) for name, texts in SENTENCES.items() for text in texts])
def test_languages(language: str, text: str) -> None:
    assert language_of(folded(text)) == language


def test_a_few_cases_in_another_language_are_named(case, report) -> None:
    rows = [case(f"en{n:02}", f"{SENTENCES['en'][n % 2]} It is number {n}.") for n in range(40)]
    rows += [case("de1", SENTENCES["de"][0]), case("el1", SENTENCES["el"][0]), case("xx", "Ridge Tent")]
    found = report(rows)
    (finding,) = [f for f in found.findings if f.code == "other-language"]
    assert finding.cases == (("de1",), ("el1",))
    assert "(de 1, el 1) than 40 others (en)" in finding.message
    assert found.languages == {"question": {"en": 40, "de": 1, "el": 1, UNKNOWN: 1}}
    assert list(found.languages["question"]) == ["en", "de", "el", UNKNOWN]


def test_a_dataset_of_several_languages_is_meant(case, health) -> None:
    rows = [case(f"c{n}", f"{SENTENCES[name][0]} {n}") for n in range(12) for name in ("en", "de", "es")]
    assert "other-language" not in health(rows)


def test_few_cases_have_no_language_of_their_own(case, health) -> None:
    assert "other-language" not in health([case("a", SENTENCES["en"][0]), case("b", SENTENCES["de"][0])])


def test_lengths_are_told_for_every_column(case, report) -> None:
    facts = {
        (n.column, n.unit): n for n in report([case(f"c{n}", "word " * n, "one", "two words") for n in range(1, 102)]).lengths
    }
    words = facts["question", "words"]
    assert (words.least, words.median, words.p95, words.most) == (1, 51.0, 96.0, 101)
    assert facts["question", "characters"].most == 505
    assert (facts["references", "words"].least, facts["references", "words"].most) == (1, 2)


@pytest.mark.parametrize(("text", "found"), [("x" * 5000, True), ("x" * 4, True), ("x" * 100, False), ("x" * 20, False)])
def test_texts_far_from_the_others_are_named(case, health, text: str, found: bool) -> None:
    draw = random.Random(2)
    rows = [case(f"c{n:02}", "y" * draw.randint(35, 70)) for n in range(50)] + [case("far", text)]
    assert ("unusual-length" in health(rows)) is found
    if found:
        assert health(rows)["unusual-length"][0].cases == (("far",),)


def test_a_long_tail_is_a_spread_and_no_outlier(case, health) -> None:
    draw = random.Random(3)
    rows = [case(f"c{n}", "z" * max(1, round(draw.lognormvariate(5, 1)))) for n in range(500)]
    assert "unusual-length" not in health(rows)
    assert "unusual-length" not in health([case(f"d{n}", "same length") for n in range(50)])


def test_empty_inputs_are_named_by_column(case, health) -> None:
    rows = [case("a", {"q": "x", "context": ""}), case("b", {"q": " \n", "context": "y"}), case("c", {"q": "z", "context": "w"})]
    assert [(f.column, f.cases) for f in health(rows)["empty-input"]] == [("context", (("a",),)), ("q", (("b",),))]
    assert "empty-input" not in health(rows[2:])


def sliced(case, **sizes: int):
    return [
        case(f"{name}{n}", f"{name} question {n}", slices={"language": name}) for name, size in sizes.items() for n in range(size)
    ]


def test_small_and_unbalanced_slices(case, health) -> None:
    found = health(sliced(case, de=29, en=30))
    assert found["small-slice"][0].message == "1 slice has fewer than 30 cases, too few to trust the spread of a mean: 'de' (29)"
    assert "unbalanced-slice" not in found
    found = health(sliced(case, de=30, en=600))
    assert not found.keys() & {"small-slice", "unbalanced-slice"}
    assert "'en' has 601 cases, 'de' has 30" in health(sliced(case, de=30, en=601))["unbalanced-slice"][0].message


def test_groups_are_what_counts(case, health) -> None:
    rows = [case(f"c{n}", f"question {n}", slices={"s": "x"}, group=f"g{n % 29}") for n in range(90)]
    assert "29" in health(rows)["small-slice"][0].message
    rows = [case(f"c{n}", f"question {n}", slices={"s": "x"}, group=f"g{n % 30}") for n in range(90)]
    assert "small-slice" not in health(rows)


@pytest.mark.parametrize(
    ("need", "values"),
    [
        (SliceNeed("language", "de", 59, "p95"), ["de"]),
        (SliceNeed("language", None, 59, "p95"), ["de", "fr"]),
        (SliceNeed(None, None, 59, "p95", "gate.yaml:9"), ["de", "fr"]),
        (SliceNeed("language", "en", 59, "p95"), []),
        (SliceNeed("other", None, 59, "p95"), []),
    ],
)
def test_what_a_threshold_needs(case, health, need: SliceNeed, values: list[str]) -> None:
    found = health(sliced(case, de=40, fr=58, en=59), needs=[need]).get("small-slice", [])
    assert len(found) == bool(values)
    for finding in found:
        assert all(f"'{value}'" in finding.message for value in values)
        assert "'en'" not in finding.message
        assert finding.where == need.where
