"""Read a prompt file of any format into one value; everything that reads prompts goes through here."""

from __future__ import annotations

from dataclasses import replace
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
from evalgate.prompts.promptfoo_file import SCHEME, choose_prompt, promptfoo_samples, split_reference
from evalgate.prompts.prompty_file import parse_prompty
from evalgate.prompts.values import Prompt


def read_prompt(path: Path, reference: str, *, root: Path | None = None) -> Prompt:
    """Read a prompt file; how its name ends says in which format it is.

    A reference `promptfoo://CONFIG#LABEL` means a prompt that the configuration at `path` names; a file it names is found
    from its folder, within `root` (default: the current folder).
    Raises: BadInput with every problem of the file, each with `file:line` where there is one.
    """
    if reference.startswith(SCHEME):
        return _promptfoo(path, reference, root or Path.cwd())
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


def _promptfoo(path: Path, reference: str, root: Path) -> Prompt:
    document = read_document(path)
    chosen = choose_prompt(document, split_reference(reference)[1])
    if chosen.file is not None:
        file = prompt_path(chosen.file, root=root, base=path.parent, where=chosen.place)
        prompt = replace(_file(file, reference), test_data=promptfoo_samples(document))
        several = file.suffix == ".txt" and any(line.strip() == "---" for line in prompt.messages[0].content.split("\n"))
        place = str(file)
    else:
        text = str(chosen.text)
        parse = parse_chat if text.lstrip().startswith(("[{", "[\n")) else parse_plain
        prompt = replace(parse(text, path, reference=reference), test_data=promptfoo_samples(document))
        several, place = False, chosen.place
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
