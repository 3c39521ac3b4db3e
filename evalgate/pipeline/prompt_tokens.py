"""Count tokens with a real vocabulary that is kept as a file; nothing is ever downloaded."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.core.files import read_text

MAX_BYTES = 64 << 20


def token_counter(path: Path) -> Callable[[str], int]:
    """A function that counts the tokens of a text, without the marks that a provider puts around messages.

    `path` is a `tokenizer.json` of the library `tokenizers` (extra `tokenizers`), as models on the Hugging Face hub have it.
    Raises: BadInput when the library is missing, or the file is no tokenizer.
    """
    shown = str(path)
    text = read_text(path, shown, MAX_BYTES)
    try:
        library = importlib.import_module("tokenizers")
    except ImportError as error:
        hint = "pip install 'evalgate-engine[tokenizers]', or leave --tokenizer out: tokens are then an estimate"
        raise BadInput("a tokenizer needs the library tokenizers, which is not installed", where=shown, hint=hint) from error
    try:
        tokenizer = library.Tokenizer.from_str(text)
    except Exception as error:
        # The library raises plain Exception for a file that it cannot read.
        said = f"is no tokenizer: {str(error)[:200]}"
        raise BadInput(said, where=shown, hint="a tokenizer.json as the library tokenizers writes it") from error
    return lambda content: len(tokenizer.encode(content, add_special_tokens=False).ids)
