"""National numbers: published examples are found, and one changed digit is enough not to be."""

from __future__ import annotations

import pytest

from evalgate.core.values import Case, Output
from evalgate.safety.pii import make_pii
from evalgate.safety.pii_national import NATIONAL_RULES, NUMBERS

CASE = Case("1", {}, {}, (), {})
DETECTOR = make_pii({"entities": ["national_id"]})

KNOWN = [
    ("us_ssn", "My SSN: ", "536-90-4399"),
    ("us_ssn", "social security number ", "536904399"),
    ("us_itin", "filed under ", "912-90-3456"),
    ("uk_nhs", "NHS number ", "943 476 5919"),
    ("uk_nhs", "NHS no. ", "9434765919"),
    ("uk_nino", "national insurance number ", "AB123456C"),
    ("ca_sin", "his SIN is ", "123-456-782"),
    ("ca_sin", "numéro d'assurance sociale ", "123 456 782"),
    ("de_steuer_id", "Steuer-ID ", "36 574 261 809"),
    ("de_steuer_id", "IdNr. ", "86095742719"),
    ("fr_nir", "", "2 55 08 14 168 025 38"),
    ("fr_nir", "numéro de sécurité sociale : ", "295109912611193"),
    ("fr_nir", "NIR ", "253072B07300470"),
    ("it_codice_fiscale", "", "RCCMNL83S18D969H"),
    ("it_codice_fiscale", "", "rccmnl83s18d969h"),
    ("es_dni", "", "54362315K"),
    ("es_dni", "", "54362315-K"),
    ("es_dni", "mi DNI es ", "54362315k"),
    ("es_nie", "", "X2482300W"),
    ("pt_nif", "NIF ", "123456789"),
    ("nl_bsn", "BSN: ", "111222333"),
    ("be_national_number", "", "85.07.30-033.28"),
    ("be_national_number", "registre national ", "85073003328"),
    ("ch_ahv", "", "756.9217.0769.85"),
    ("ch_ahv", "AHV-Nummer ", "7569217076985"),
    ("at_svnr", "Sozialversicherungsnummer ", "1237 010180"),
    ("se_personnummer", "personnummer ", "811228-9874"),
    ("se_personnummer", "personnummer ", "19880320-0016"),
    ("no_fodselsnummer", "fødselsnummer ", "15108695088"),
    ("fi_hetu", "", "131052-308T"),
    ("dk_cpr", "CPR ", "211062-5629"),
    ("pl_pesel", "PESEL ", "44051401359"),
    ("pl_pesel", "numer PESEL: ", "02070803628"),
    ("cz_rodne_cislo", "", "710319/2745"),
    ("ro_cnp", "CNP ", "1630615123457"),
    ("bg_egn", "ЕГН ", "8032056031"),
    ("tr_kimlik", "T.C. Kimlik No: ", "17291716060"),
    ("br_cpf", "", "390.533.447-05"),
    ("br_cpf", "CPF ", "39053344705"),
    ("cl_rut", "", "12.531.909-2"),
    ("ar_cuil", "", "20-05536168-2"),
    ("mx_curp", "", "BOXW310820HNERXN09"),
    ("in_aadhaar", "Aadhaar ", "2341 2341 2346"),
    ("in_pan", "PAN: ", "ACUPA7085R"),
    ("au_tfn", "tax file number ", "123 456 782"),
    ("au_medicare", "Medicare card ", "2123 45670 1"),
    ("sg_nric", "", "S1234567D"),
    ("hk_id", "", "A123456(3)"),
    ("tw_id", "身分證字號 ", "A123456789"),
    ("cn_resident_id", "身份证号", "11010519491231002X"),
    ("kr_rrn", "주민등록번호 ", "971013-1019902"),
    ("jp_my_number", "マイナンバー ", "1234 5678 9018"),
    ("th_id", "", "1-2345-45678-78-1"),
    ("za_id", "South African ID number ", "7503305044089"),
    ("il_id", "teudat zehut ", "039337423"),
]
"""Published examples. python-stdnum 2 accepts those of the 34 rules that it was asked about; no second tool was asked about
uk_nino, au_medicare, sg_nric, hk_id, tw_id and jp_my_number, and it refuses that of kr_rrn, whose old check digit we leave out."""
UNCHECKED = {"dk_cpr", "kr_rrn", "in_pan", "us_ssn", "us_itin", "uk_nino"}
"""Numbers without check digits (any more)."""


def found(text: str) -> list[tuple[str, str]]:
    return [(f.rule, text[f.start : f.end]) for f in DETECTOR.findings(Output(text), CASE)]


def test_every_number_has_an_example() -> None:
    assert {rule for rule, _, _ in KNOWN} == set(NATIONAL_RULES)
    assert len(NATIONAL_RULES) == len(NUMBERS) == len(set(NATIONAL_RULES))


@pytest.mark.parametrize(("rule", "words", "number"), KNOWN)
def test_examples_are_found(rule: str, words: str, number: str) -> None:
    assert found(f"{words}{number}") == [(rule, number)]
    assert found(f"So: {words}{number}, as you asked.") == [(rule, number)]


@pytest.mark.parametrize(("rule", "words", "number"), [row for row in KNOWN if row[0] not in UNCHECKED])
def test_one_changed_digit_is_not_found(rule: str, words: str, number: str) -> None:
    places = [place for place, character in enumerate(number) if character.isdigit()]
    if rule == "au_medicare":
        places.pop()  # the last one counts the cards that were issued
    for place in places[-3:]:
        wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
        assert rule not in [name for name, _ in found(f"{words}{wrong}")], wrong


@pytest.mark.parametrize(
    "text",
    [
        "The number 9434765919 was printed.",  # plain digits without a word
        "111222333 and 123456782 and 44051401359",
        "My SSN: 666-12-3456, 000-12-3456, 900-12-3456, 536-00-4399, 536-90-0000",
        "filed under 912-69-3456",
        "national insurance number DQ123456C, GB123456C, AB123456E",
        "54362315k",
        "x2482300w",
        "RCCMNL83S18D969HX",
        "A54362315K",
        "54362315Kg",
        "354362315K",
        "0.54362315K",
        "https://shop.invalid/54362315K/list",
        "CPF 111.111.111-11",
        "132.390.533.447-05",
        "390.533.447-05.11",
        "PESEL 44951401359",
        "CPR 321062-5629",
        "NHS number 0000000000",
    ],
)
def test_what_only_looks_similar_is_left_alone(text: str) -> None:
    assert found(text) == []
