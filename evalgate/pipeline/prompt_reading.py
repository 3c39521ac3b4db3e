"""Read a prompt file of any format into one value; everything that reads prompts goes through here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from evalgate.config.strict_yaml import parse_document, read_document
from evalgate.core.document import Document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import read_text
from evalgate.prompts.chat_file import parse_chat
from evalgate.prompts.dotprompt_file import parse_dotprompt
from evalgate.prompts.front_matter import Split, split_front_matter
from evalgate.prompts.locate import ENDINGS, prompt_path
from evalgate.prompts.prompt_file import parse_plain, parse_prompt
from evalgate.prompts.promptfoo_file import SCHEME, Chosen, choose_prompt, promptfoo_samples, split_reference
from evalgate.prompts.prompty_file import parse_prompty
from evalgate.prompts.values import Prompt


def read_prompt(path: Path, reference: str, *, root: Path | None = None) -> Prompt:
    """Read a prompt file; how its name ends says in which format it is.

    A reference `promptfoo://CONFIG#LABEL` means a prompt that the configuration at `path` names; a file it names is found
    from its folder, within `root` (default: the current folder).
    Raises: BadInput with every problem of the file, each with `file:line` where there is one.
    """
    if reference.startswith(SCHEME):
        return read_entry(promptfoo_entry(path, reference, root or Path.cwd()))
    return _file(path, reference)


def _file(path: Path, reference: str) -> Prompt:
    name = path.name
    if name.endswith((".prompt.yml", ".prompt.yaml")) or path.suffix in (".yml", ".yaml"):
        return parse_prompt(read_document(path), reference=reference)
    if name.endswith(".prompty"):
        document, split = _front_matter(path)
        return parse_prompty(document, split, reference=reference)
    if name.endswith(".prompt"):
        document, split = _front_matter(path, comments=True)
        return parse_dotprompt(document, split, reference=reference)
    if name.endswith((".txt", ".md")):
        return parse_plain(read_text(path, str(path)), path, reference=reference)
    if name.endswith(".json"):
        return parse_chat(read_text(path, str(path)), path, reference=reference)
    raise BadInput(f"prompt format {path.suffix!r} is not read", where=str(path), hint=f"use {', '.join(ENDINGS)}")


def _front_matter(path: Path, *, comments: bool = False) -> tuple[Document, Split]:
    split = split_front_matter(read_text(path, str(path)), str(path), comments=comments)
    empty = split.yaml is None or not split.yaml.strip()
    return (Document({}, {(): 1}, str(path)) if empty else parse_document(str(split.yaml), str(path))), split


@dataclass(frozen=True, slots=True)
class PromptfooEntry:
    """An entry of `prompts:` in a promptfoo configuration, found and not yet read."""

    config: Path
    document: Document
    index: int
    """Its place in the list."""
    chosen: Chosen
    file: Path | None
    """The file it names; None where it holds the text itself."""
    reference: str

    @property
    def place(self) -> Path:
        """Where its text stands, one for each prompt: the file, or the configuration with the number of the entry."""
        return self.file or self.config.with_name(f"{self.config.name}#{self.index + 1}")


def promptfoo_entry(path: Path, reference: str, root: Path) -> PromptfooEntry:
    """The entry that `promptfoo://CONFIG#LABEL` means in the configuration at `path`.

    Raises: BadInput when there is none, or the file that it names is not to be found within `root`.
    """
    document = read_document(path)
    chosen, index = choose_prompt(document, split_reference(reference)[1])
    file = None
    if chosen.file is not None:
        file = prompt_path(chosen.file, root=root, base=path.parent, where=chosen.place)
    return PromptfooEntry(path, document, index, chosen, file, reference)


def place_of_prompt(reference: str, root: Path, base: Path) -> Path:
    """Where the text of a prompt stands: its file; for a text inside a promptfoo configuration `PromptfooEntry.place`.

    Raises: BadInput when there is no such prompt.
    """
    path = prompt_path(reference, root=root, base=base)
    return promptfoo_entry(path, reference, root).place if reference.startswith(SCHEME) else path


def read_entry(entry: PromptfooEntry) -> Prompt:
    """The prompt of an entry.

    Raises: BadInput with every problem of it.
    """
    samples = promptfoo_samples(entry.document)
    if entry.file is not None:
        prompt = replace(_file(entry.file, entry.reference), test_data=samples)
        several = entry.file.suffix == ".txt" and any(line.strip() == "---" for line in prompt.messages[0].content.split("\n"))
        place = str(entry.file)
    else:
        text = str(entry.chosen.text)
        parse = parse_chat if text.lstrip().startswith(("[{", "[\n")) else parse_plain
        prompt = replace(parse(text, entry.config, reference=entry.reference), test_data=samples)
        several, place = False, entry.chosen.place
    if several:
        raise BadInput("the file holds several prompts, divided by ---", where=place, hint="write each into a file of its own")
    _refuse_logic(prompt, place)
    return prompt


def _refuse_logic(prompt: Prompt, place: str) -> None:
    """Promptfoo renders with Nunjucks; only its `{{name}}` is read."""
    problems = [
        Problem(f"{mark}…: the logic of Nunjucks is not read", place, "use {{name}} only, or a .prompty file")
        for mark in ("{%", "{#")
        if any(mark in message.content for message in prompt.messages) and prompt.engine == "plain"
    ]
    if problems:
        raise BadInput(problems)
