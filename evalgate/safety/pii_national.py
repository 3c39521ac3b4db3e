"""National identity numbers: how each is written, which words stand near it, and how its check digits are worked out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from evalgate.core.personal_data import luhn, ssn_issued
from evalgate.safety import pii_check_digits as checks
from evalgate.safety.pii_check_digits import real_date, weighted

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"


@dataclass(frozen=True, slots=True)
class NationalNumber:
    """One kind of number. A shape is its text with `#` for every digit and `A` for every letter."""

    rule: str
    telling: tuple[str, ...]
    """Shapes that nothing else has: no word needs to stand near."""
    shapes: tuple[str, ...]
    """Shapes that count only where one of the words stands near."""
    words: str
    """Regular expression of words that name it, in the languages of its country; case does not matter. Letters written small
    need one of them, unless there is none."""
    holds: Callable[[str], bool]
    """Whether its letters (capital) and digits without separators are right."""


def _date6(digits: str, *, order: str = "ymd") -> bool:
    parts = dict(zip(order, (int(digits[0:2]), int(digits[2:4]), int(digits[4:6])), strict=True))
    return real_date(parts["y"], parts["m"], parts["d"])


def _itin(d: str) -> bool:
    group = int(d[3:5])
    return d[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


def _nhs(d: str) -> bool:
    return (11 - weighted(d, range(10, 1, -1)) % 11) % 11 == int(d[9]) and len(set(d)) > 1


def _nino(t: str) -> bool:
    first, second = t[0] not in "DFIQUV", t[1] not in "DFIOQUV"
    return first and second and t[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ") and t[8] in "ABCD"


def _steuer_id(d: str) -> bool:
    times = sorted(d[:10].count(digit) for digit in set(d[:10]))
    return d[0] != "0" and times[-1] in (2, 3) and times[-2] == 1 and checks.mod_11_10(d)


def _nir(t: str) -> bool:
    return t[0] in "12" and (1 <= int(t[3:5]) <= 12 or 20 <= int(t[3:5]) <= 42 or int(t[3:5]) >= 50) and checks.nir(t)


def _dni(t: str) -> bool:
    return _DNI[int(t[:8]) % 23] == t[8]


def _nie(t: str) -> bool:
    return t[0] in "XYZ" and _dni(str("XYZ".index(t[0])) + t[1:])


def _nif(d: str) -> bool:
    rest = weighted(d, range(9, 1, -1)) % 11
    return d[0] in "123" and (0 if rest < 2 else 11 - rest) == int(d[8])


def _bsn(d: str) -> bool:
    return int(d) > 0 and (weighted(d, range(9, 1, -1)) - int(d[8])) % 11 == 0


def _rijksregister(d: str) -> bool:
    number, check = int(d[:9]), int(d[9:])
    return int(d[2:4]) <= 12 and int(d[4:6]) <= 31 and check in (97 - number % 97, 97 - (2_000_000_000 + number) % 97)


def _svnr(d: str) -> bool:
    return d[0] != "0" and weighted(d, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(d[3])


def _personnummer(d: str) -> bool:
    d = d[-10:]
    day = int(d[4:6])
    return real_date(int(d[:2]), int(d[2:4]), day - 60 if day > 60 else day) and luhn(d)


def _fodselsnummer(d: str) -> bool:
    day = int(d[:2])
    first = (11 - weighted(d, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11) % 11
    second = (11 - weighted(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11
    return real_date(int(d[4:6]), int(d[2:4]), day - 40 if day > 40 else day) and (first, second) == (int(d[9]), int(d[10]))


def _hetu(t: str) -> bool:
    digits = t[:6] + t[-4:-1]
    century = len(t) == 10 or t[6] in "ABCDEFUVWXY"
    return century and digits.isdigit() and _date6(digits, order="dmy") and _HETU[int(digits) % 31] == t[-1]


def _pesel(d: str) -> bool:
    month = int(d[2:4]) % 20
    return real_date(int(d[:2]), month, int(d[4:6])) and -weighted(d, (1, 3, 7, 9) * 2 + (1, 3)) % 10 == int(d[10])


def _rodne_cislo(d: str) -> bool:
    month = int(d[2:4]) % 50
    return real_date(int(d[:2]), month - 20 if month > 20 else month, int(d[4:6])) and int(d[:9]) % 11 % 10 == int(d[9])


def _cnp(d: str) -> bool:
    check = weighted(d, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return d[0] != "0" and _date6(d[1:7]) and (1 if check == 10 else check) == int(d[12])


def _egn(d: str) -> bool:
    return real_date(int(d[:2]), int(d[2:4]) % 20, int(d[4:6])) and weighted(d, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(
        d[9]
    )


def _kimlik(d: str) -> bool:
    odd, even = sum(map(int, d[0:9:2])), sum(map(int, d[1:8:2]))
    return d[0] != "0" and (odd * 7 - even) % 10 == int(d[9]) and sum(map(int, d[:10])) % 10 == int(d[10])


def _rut(t: str) -> bool:
    total = weighted(t[-2::-1], (2, 3, 4, 5, 6, 7, 2, 3))
    return "0123456789K"[-total % 11] == t[-1]


def _cuil(d: str) -> bool:
    check = 11 - weighted(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return d[:2] in ("20", "23", "24", "27") and {11: 0, 10: 9}.get(check, check) == int(d[10])


def _curp(t: str) -> bool:
    return t[10] in "HMX" and _date6(t[4:10]) and checks.curp(t)


def _tfn(d: str) -> bool:
    return weighted(d, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def _medicare(d: str) -> bool:
    return d[0] in "23456" and weighted(d, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(d[8])


def _resident(t: str) -> bool:
    year, month, day = int(t[6:10]), int(t[10:12]), int(t[12:14])
    return t[:17].isdigit() and 1900 <= year <= 2099 and real_date(year, month, day) and checks.mod_11_2(t)


def _rrn(d: str) -> bool:
    return _date6(d) and d[6] in "12345678"


def _my_number(d: str) -> bool:
    rest = weighted(d, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest < 2 else 11 - rest) == int(d[11])


def _tw_id(t: str) -> bool:
    head = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(t[0]) + 10
    return t[1] in "1289" and (head // 10 + head % 10 * 9 + weighted(t[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def _thai(d: str) -> bool:
    return (11 - weighted(d, range(13, 1, -1)) % 11) % 10 == int(d[12]) and d[0] in "12345678"


def _pan(t: str) -> bool:
    return t[3] in "ABCFGHJKLPT"


_N = NationalNumber
NUMBERS: tuple[NationalNumber, ...] = (
    _N("us_ssn", ("###-##-####",), ("### ## ####", "#########"), r"\bssn\b|social security", ssn_issued),
    _N("us_itin", ("###-##-####",), ("### ## ####", "#########"), r"\bi?tin\b|taxpayer", _itin),
    _N("uk_nhs", (), ("### ### ####", "###-###-####", "##########"), r"\bnhs\b", _nhs),
    _N("uk_nino", (), ("AA######A",), r"\bnino\b|national insurance|\bni (?:number|no)", _nino),
    _N("ca_sin", (), ("### ### ###", "###-###-###", "#########"), r"(?-i:\bSIN\b|\bNAS\b)|social insurance|assurance sociale",
       lambda d: d[0] not in "08" and luhn(d)),
    _N("de_steuer_id", (), ("###########", "## ### ### ###"), r"steuer|\bid-?nr\b|\btax id|\btin\b", _steuer_id),
    _N("fr_nir", ("# ## ## ## ### ### ##", "# ## ## #A ### ### ##"), ("###############", "######A########"),
       r"\bnir\b|\binsee\b|s[ée]curit[ée] sociale|\bs[ée]cu\b|\bnum[ée]ro de s[ée]cu", _nir),
    _N("it_codice_fiscale", ("AAAAAA##A##A###A",), (), "", checks.codice_fiscale),
    _N("es_dni", ("########A", "########-A", "##.###.###-A"), (), r"\bdni\b|\bnif\b|documento", _dni),
    _N("es_nie", ("A#######A", "A#######-A"), (), r"\bnie\b|extranjer", _nie),
    _N("pt_nif", (), ("#########", "### ### ###"), r"\bnif\b|contribuinte", _nif),
    _N("nl_bsn", (), ("#########", "### ### ###", "####.##.###"), r"\bbsn\b|burgerservice|sofi", _bsn),
    _N("be_national_number", ("##.##.##-###.##",), ("###########",),
       r"rijksregister|registre national|national register|\bniss\b|\binsz\b", _rijksregister),
    _N("ch_ahv", ("###.####.####.##",), ("#############",), r"\bahv\b|\bavs\b|social security",
       lambda d: d[:3] == "756" and checks.ean(d)),
    _N("at_svnr", (), ("#### ######", "##########"), r"\bsvnr\b|sozialversicherung|\bsv-?nummer", _svnr),
    _N("se_personnummer", (), ("######-####", "########-####", "##########", "############"),
       r"person(?:al )?(?:identity )?(?:nummer|number|nr)|samordning", _personnummer),
    _N("no_fodselsnummer", (), ("###########", "###### #####"), r"f[øo]dsels|personnummer|national id", _fodselsnummer),
    _N("fi_hetu", ("######-###A", "######A###A"), ("######-####", "######A####"), r"\bhetu\b|henkil[öo]tunnus|personal identity",
       _hetu),
    _N("dk_cpr", (), ("######-####", "##########"), r"\bcpr\b|personnummer", lambda d: _date6(d, order="dmy")),
    _N("pl_pesel", (), ("###########",), r"pesel", _pesel),
    _N("cz_rodne_cislo", ("######/####",), ("##########",), r"rodn[ée] [čc][íi]slo|\br[.]?č[.]?", _rodne_cislo),
    _N("ro_cnp", (), ("#############",), r"\bcnp\b|cod(?:ul)? numeric personal", _cnp),
    _N("bg_egn", (), ("##########",), r"\begn\b|\bегн\b", _egn),
    _N("tr_kimlik", (), ("###########",), r"kimlik|\bt\.?c\.? ", _kimlik),
    _N("br_cpf", ("###.###.###-##",), ("###########",), r"\bcpf\b", lambda d: len(set(d)) > 1 and checks.two_mod_11(d)),
    _N("cl_rut", ("##.###.###-#", "##.###.###-A", "#.###.###-#", "#.###.###-A"), ("########-#", "########-A"),
       r"\brut\b|\brun\b", _rut),
    _N("ar_cuil", ("##-########-#",), ("###########",), r"\bcui[lt]\b", _cuil),
    _N("mx_curp", ("AAAA######AAAAAA##", "AAAA######AAAAAAA#"), (), "", _curp),
    _N("in_aadhaar", (), ("#### #### ####", "####-####-####", "############"), r"aadh?aar|\buidai\b|आधार",
       lambda d: d[0] in "23456789" and checks.verhoeff(d)),
    _N("in_pan", (), ("AAAAA####A",), r"\bpan\b|permanent account", _pan),
    _N("au_tfn", (), ("### ### ###", "#########"), r"\btfn\b|tax file", _tfn),
    _N("au_medicare", (), ("#### ##### #", "##########"), r"medicare", _medicare),
    _N("sg_nric", ("A#######A",), (), r"\bnric\b|\bfin\b", lambda t: t[0] in "STFG" and checks.nric(t)),
    _N("hk_id", ("A######(#)", "A######(A)"), ("A#######",), r"\bhkid\b|hong kong id|身份證|身分證", checks.hkid),
    _N("tw_id", (), ("A#########",), r"身[份分]證|national id|taiwan", _tw_id),
    _N("cn_resident_id", ("##################", "#################A"), (), "", _resident),
    _N("kr_rrn", (), ("######-#######",), r"주민|resident registration|\brrn\b", _rrn),
    _N("jp_my_number", (), ("############", "#### #### ####"), r"マイナンバー|個人番号|my number", _my_number),
    _N("th_id", ("#-####-#####-##-#",), ("#############",), r"บัตรประชาชน|เลขประจำตัว|thai id|national id", _thai),
    _N("za_id", (), ("#############", "###### #### ###"), r"\bid (?:number|no)|identity|south africa",
       lambda d: _date6(d) and d[10] in "012" and luhn(d)),
    _N("il_id", (), ("#########",), r"teudat|israeli? id|ת\.?ז|תעודת", lambda d: int(d) > 0 and luhn(d)),
)  # fmt: skip
NATIONAL_RULES = tuple(sorted(number.rule for number in NUMBERS))


@lru_cache(maxsize=1)
def by_shape() -> Mapping[str, tuple[tuple[NationalNumber, bool], ...]]:
    """Shape → the numbers that are written so, and whether a word has to stand near."""
    found: dict[str, tuple[tuple[NationalNumber, bool], ...]] = {}
    for number in NUMBERS:
        for shape in number.telling:
            found[shape] = (*found.get(shape, ()), (number, False))
        for shape in number.shapes:
            found[shape] = (*found.get(shape, ()), (number, True))
    return MappingProxyType(found)


@lru_cache(maxsize=128)
def words_of(pattern: str) -> re.Pattern[str]:
    """The words of a number, compiled: literals and short alternatives, so that `re` is linear."""
    return re.compile(pattern, re.IGNORECASE)
