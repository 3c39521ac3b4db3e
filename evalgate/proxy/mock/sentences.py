"""Made-up prose: readable sentences from a small vocabulary, drawn by the key, so that other requests get other words."""

from __future__ import annotations

from evalgate.proxy.mock.draws import below

_VOCABULARY = (
    "about after again always answer apple autumn basket before better between bicycle blanket bread bridge bright butter"
    " candle careful castle cheese city clear cloud coffee cold corner country cotton daily dinner door early easy engine"
    " evening every family farmer fast field first flower forest fresh friend garden gentle glass green happy harbour heavy"
    " honey house island kettle kitchen ladder large later lemon letter light little long market meadow morning mountain"
    " music near never night north number ocean often orange paper people perfect picture pocket quiet rain ready river road"
    " round school season second silver simple slow small south spring station stone story street strong summer table tall"
    " teacher thing tiger today travel tree under useful valley village voice warm water west window winter wooden yellow"
)
_WORDS = tuple(_VOCABULARY.split())
_LONGEST_SENTENCE = 12
_SHORTEST_SENTENCE = 5


def sentences(key: str, purpose: str, count: int) -> str:
    """That many words in sentences, each with a capital and a full stop."""
    words = [_WORDS[below(key, f"{purpose} {number}", len(_WORDS))] for number in range(count)]
    found: list[str] = []
    span = _LONGEST_SENTENCE - _SHORTEST_SENTENCE + 1
    while words:
        length = _SHORTEST_SENTENCE + below(key, f"{purpose} sentence {len(found)}", span)
        sentence, words = words[:length], words[length:]
        found.append(" ".join((sentence[0].capitalize(), *sentence[1:])) + ".")
    return " ".join(found)
