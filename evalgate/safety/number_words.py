"""Numbers written as words in English, German, French, Spanish, Italian, Portuguese and Dutch, and the names of months."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen "
    "nineteen twenty",
    "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn sechzehn siebzehn "
    "achtzehn "
    "neunzehn zwanzig",
    "zero une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize - - - vingt",
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete dieciocho "
    "diecinueve veinte",
    "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette "
    "diciotto diciannove venti",
    "zero um dois tres quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete "
    "dezoito dezenove "
    "vinte",
    "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien "
    "negentien twintig",
)
_TENS = (
    "thirty forty fifty sixty seventy eighty ninety",
    "dreissig vierzig funfzig sechzig siebzig achtzig neunzig",
    "trente quarante cinquante soixante - - -",
    "treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "dertig veertig vijftig zestig zeventig tachtig negentig",
)
_ORDINALS = (
    "- first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth",
    "- erste zweite dritte vierte funfte sechste siebte achte neunte zehnte elfte zwolfte",
    "- premier deuxieme troisieme quatrieme cinquieme sixieme septieme huitieme neuvieme dixieme",
    "- primero segundo tercero cuarto quinto sexto septimo octavo noveno decimo",
    "- primo secondo terzo quarto quinto sesto settimo ottavo nono decimo",
)
_OTHER: Mapping[str, str] = MappingProxyType(
    {
        "0": "no none",
        "0.25": "quarter quarters",
        "0.5": "half halved halb halfte moitie mitad meta metade helft",
        "0.75": "quarters",
        "1": "first single only once ein eine un una een",
        "2": "both pair couple twice double doubled twin twins half halved doppelt beide",
        "3": "third thirds trio triple",
        "4": "quarter quarters",
        "10": "decade",
        "11": "once",
        "12": "dozen dutzend douzaine docena dozzina duzia dozijn",
        "25": "quarter",
        "50": "half halfte moitie mitad meta metade helft",
        "75": "quarters",
        "100": "century",
    }
)
"""Number → words that make it known without being it."""
SCALES: Mapping[str, int] = MappingProxyType(
    {
        word: zeros
        for zeros, words in (
            (2, "hundred hundert cent cien ciento cento cem honderd"),
            (3, "thousand tausend mille mil mila duizend"),
            (6, "million millions millionen millon millones milione milioni milhao milhoes miljoen mio mn"),
            (9, "billion billions milliarde milliarden milliard milliards miliardo miliardi miljard bn mrd"),
            (12, "trillion trillions"),
        )
        for word in words.split()
    }
)
"""Word → zeros that it adds."""
MONTHS: Mapping[str, int] = MappingProxyType(
    {
        name: number
        for names in (
            "january february march april may june july august september october november december",
            "jan feb mar apr - jun jul aug sep oct nov dec",
            "januar februar marz - mai juni juli - - oktober - dezember",
            "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
            "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
            "januari februari maart april mei juni juli augustus september oktober november december",
        )
        for number, name in enumerate(names.split(), start=1)
        if name != "-"
    }
)
"""Month, without accents → its number."""
MISREAD = frozenset(
    {
        "cent", "cento", "dix", "dos", "doze", "due", "een", "eins", "elf", "mil", "mille", "neuf", "null", "once", "one", "otto",
        "quattro", "quince", "sei", "seize", "sept", "sete", "tre", "tres", "two", "um", "une", "uno", "zero",
    }
)  # fmt: skip
"""Number words that are also something else, in one language or another, or that state no fact: never a finding."""


@lru_cache(maxsize=1)
def cardinals() -> Mapping[str, int]:
    """Word without accents → its value, 0 to 90 and German and Dutch words to 99."""
    found = {word: value for words in _UNITS for value, word in enumerate(words.split()) if word != "-"}
    for words in _TENS:
        found.update({word: 10 * value for value, word in enumerate(words.split(), start=3) if word != "-"})
    for language, joint in ((1, "und"), (6, "en")):
        tens = [_UNITS[language].split()[20], *_TENS[language].split()]
        for unit, word in enumerate(_UNITS[language].split()[1:10], start=1):
            head = "ein" if word == "eins" else word
            found.update({head + joint + ten: 10 * value + unit for value, ten in enumerate(tens, start=2)})
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def loose_values() -> Mapping[str, tuple[str, ...]]:
    """Words that make a number known without being one: ordinals, `half`, `dozen`, months."""
    found: dict[str, set[str]] = {}
    for number, words in _OTHER.items():
        for word in words.split():
            found.setdefault(word, set()).add(number)
    for words in _ORDINALS:
        for value, word in enumerate(words.split()):
            if word != "-":
                found.setdefault(word, set()).add(str(value))
    for word, value in MONTHS.items():
        found.setdefault(word, set()).add(str(value))
    return MappingProxyType({word: tuple(sorted(values)) for word, values in found.items()})
