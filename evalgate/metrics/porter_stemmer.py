"""The Porter stemmer with NLTK's extensions, which rouge-score uses: without NLTK, whose import costs more than the stemming.

Source: Porter, 1980, "An algorithm for suffix stripping"; the extensions are those of NLTK 3 (`PorterStemmer()`), which is
the reference implementation: every stem is equal to its stem.
"""

from __future__ import annotations

_IRREGULAR = {
    "skies": "sky",
    "sky": "sky",
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "news": "news",
    "innings": "inning",
    "inning": "inning",
    "outings": "outing",
    "outing": "outing",
    "cannings": "canning",
    "canning": "canning",
    "howe": "howe",
    "proceed": "proceed",
    "exceed": "exceed",
    "succeed": "succeed",
}
_LETTERS = dict.fromkeys(range(128), "c") | {ord(vowel): "v" for vowel in "aeiou"} | {ord("y"): "y"}

# The first ending that fits decides, whether its condition holds or not; so the order matters.
_STEP_2 = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"), ("alli", "al"),
    ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"),
    ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
    ("fulli", "ful"), ("logi", "log"),
)  # fmt: skip
_STEP_3 = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
_STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous",
    "ive", "ize",
)  # fmt: skip
_STEP_2_ENDINGS = tuple(ending for ending, _ in _STEP_2)
_STEP_3_ENDINGS = tuple(ending for ending, _ in _STEP_3)


def stem(word: str) -> str:
    """The stem of a word of lower-case ASCII letters and digits."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    return _final_letters(_step_4(_step_3(_step_2(_final_y(_past_and_progressive(_plural(word)))))))


def _form(word: str) -> str:
    """`c` for every consonant and `v` for every vowel; `y` after a consonant is a vowel."""
    form = word.translate(_LETTERS)
    if "y" not in form:
        return form
    letters = list(form)
    for i, letter in enumerate(letters):
        if letter == "y":
            letters[i] = "v" if i and letters[i - 1] == "c" else "c"
    return "".join(letters)


def _measure(word: str) -> int:
    """Porter's m: how often a vowel is followed by a consonant."""
    return _form(word).count("vc")


def _ends_short(word: str) -> bool:
    """Porter's *o: consonant, vowel, consonant at the end, the last not w, x or y; or a word of one vowel and one consonant."""
    form = _form(word)
    return form == "vc" or (form.endswith("cvc") and word[-1] not in "wxy")


def _plural(word: str) -> str:
    """Step 1a."""
    if not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    return word if word.endswith("ss") else word[:-1]


def _past_and_progressive(word: str) -> str:
    """Step 1b."""
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    if word.endswith("ed"):
        start = word[:-2]
    elif word.endswith("ing"):
        start = word[:-3]
    else:
        return word
    form = _form(start)
    if "v" not in form:
        return word
    if start.endswith(("at", "bl", "iz")):
        return start + "e"
    if len(start) >= 2 and start[-1] == start[-2] and form[-1] == "c":
        return start if start[-1] in "lsz" else start[:-1]
    return start + "e" if form.count("vc") == 1 and _ends_short(start) else start


def _final_y(word: str) -> str:
    """Step 1c: only after a consonant that is not the first letter."""
    if word.endswith("y") and len(word) > 2 and _form(word[:-1])[-1] == "c":
        return word[:-1] + "i"
    return word


def _step_2(word: str) -> str:
    if not word.endswith(_STEP_2_ENDINGS):
        return word
    if word.endswith("alli") and _measure(word[:-4]) > 0:
        return _step_2(word[:-2])
    for ending, replacement in _STEP_2:
        if word.endswith(ending):
            # The l of -logi counts as part of the stem, so that `geologi` is treated like `archaeologi`.
            measured = word[:-3] if ending == "logi" else word[: -len(ending)]
            return word[: -len(ending)] + replacement if _measure(measured) > 0 else word
    return word


def _step_3(word: str) -> str:
    if word.endswith(_STEP_3_ENDINGS):
        for ending, replacement in _STEP_3:
            if word.endswith(ending):
                start = word[: -len(ending)]
                return start + replacement if _measure(start) > 0 else word
    return word


def _step_4(word: str) -> str:
    if word.endswith(_STEP_4):
        for ending in _STEP_4:
            if word.endswith(ending):
                start = word[: -len(ending)]
                kept = _measure(start) <= 1 or (ending == "ion" and start[-1] not in "st")
                return word if kept else start
    return word


def _final_letters(word: str) -> str:
    """Step 5."""
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _ends_short(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
