"""One view of a text in which letter case and Unicode form make no difference, to find it again however it is written."""

from __future__ import annotations

import unicodedata


class _Folds(dict[int, str]):
    """Character → what it is compared as; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        one = chr(code)
        for form in ("NFD", "NFKD", "NFKD"):
            one = unicodedata.normalize(form, one).casefold()
        one = "i" if code in _DOTTED else unicodedata.normalize("NFKD", one)
        self[code] = one
        return one


_DOTTED = (0x130, 0x131)
"""Turkish İ and ı, which other programs write as i and I."""
_FOLDS = _Folds()


def folded_text(text: str) -> str:
    """A text as it is compared: letter case and compatible forms are one (Unicode 3.13, D146: compatibility caseless match).

    Character by character, so that what stands in a text also stands in it when both are folded.
    """
    return text.lower() if text.isascii() else text.translate(_FOLDS)


def folded_forms(text: str) -> set[str]:
    """The folded text as it stands, and as Unicode's NFC and NFD forms order its combining marks."""
    return {folded_text(text), *(folded_text(unicodedata.normalize(form, text)) for form in ("NFC", "NFD"))} - {""}
