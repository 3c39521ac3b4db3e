"""Parse the Handlebars that Dotprompt documents: values, `#if`, `#unless`, `#each`, `#with`, `#ifEquals`, `json`.

Whatever else Handlebars has (partials, decorators, helpers of one's own, subexpressions, block parameters) is refused.
Source: https://google.github.io/dotprompt/reference/template/ and https://handlebarsjs.com/guide/
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from evalgate.core.errors import BadInput
from evalgate.core.plugins import suggestion
from evalgate.core.values import JsonValue
from evalgate.prompts.handlebars_tokens import RoleTag, Tag, Token, without_white_space

MAX_DEPTH = 40
BLOCKS = {"if": 1, "unless": 1, "each": 1, "with": 1, "ifEquals": 2, "unlessEquals": 2}
"""Block helpers and how many values they take."""
RESERVED = frozenset({"this", "else", "true", "false", "null", "undefined", "history", "role", "json", "media", "section"})
_DATA = frozenset({"index", "key", "first", "last", "root"})
_WORD = re.compile(r"""\s*(?:(\w+)=)?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"'=()|]+)""")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")
_STEP = re.compile(r"[A-Za-z_$][\w$-]*\Z|\d+\Z")
_LITERALS: dict[str, JsonValue] = {"true": True, "false": False, "null": None, "undefined": None}


@dataclass(frozen=True, slots=True)
class Path:
    """A value of the case: `name`, `this.title`, `../name`, `@index`."""

    text: str
    up: int
    data: str
    """Name after `@`, or empty."""
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written into the template."""

    value: JsonValue


Expression = Path | Literal


@dataclass(frozen=True, slots=True)
class Show:
    """Print a value; with `json`, as JSON."""

    value: Expression
    line: int
    json: bool = False
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """`{{#kind …}}`."""

    kind: str
    values: tuple[Expression, ...]
    line: int
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    include_zero: bool = False


Node = str | RoleTag | Show | Block


@dataclass(slots=True)
class _Reader:
    tokens: Sequence[Token]
    name: str
    position: int = 0
    depth: int = 0
    scopes: int = 0
    """How many `#each` and `#with` are open: a plain name means a variable of the case only outside them."""
    variables: dict[str, None] = field(default_factory=dict)

    def nodes(self, ends: tuple[str, ...]) -> tuple[Node, ...]:
        found: list[Node] = []
        while self.position < len(self.tokens):
            token = self.tokens[self.position]
            if isinstance(token, Tag):
                word = "else" if token.body == "^" else token.body.split(maxsplit=1)[0] if token.body else ""
                if word in ends:
                    return tuple(found)
                self.position += 1
                node = self.node(token)
                found.extend([] if node is None else [node])
            else:
                self.position += 1
                found.append(token)
        if ends:
            raise self.fault(
                f"{{{{#{ends[0].lstrip('/')}}}}} is never closed", self.last_line(), f"end it with {{{{{ends[0]}}}}}"
            )
        return tuple(found)

    def node(self, tag: Tag) -> Node | None:
        body = tag.body
        if body.startswith("!"):
            return None
        if not body:
            raise self.fault("an empty tag", tag.line, "a placeholder is {{name}}")
        if body.startswith("#"):
            return self.block(tag, body[1:].strip())
        if body[0] in "/^" or body.split()[0] == "else":
            raise self.fault(f"{{{{{body}}}}} closes nothing", tag.line, "is there one too many?")
        if body[0] in ">*":
            what = "partials read other files" if body[0] == ">" else "decorators run code"
            raise self.fault(f"{{{{{body}}}}} is refused: {what}", tag.line, "write the text into the prompt")
        return self.show(tag, body.removeprefix("&").strip())

    def show(self, tag: Tag, body: str) -> Show:
        words, options = self.words(body, tag.line)
        if words[0] == "json" and len(words) == 2:
            indent = options.pop("indent", "0").strip("\"'")
            self.no_more(options, tag.line)
            if not indent.isdecimal() or int(indent) > 16:
                raise self.fault(f"indent must be a whole number up to 16, not {indent!r}", tag.line, "write indent=2")
            return Show(self.expression(words[1], tag.line), tag.line, json=True, indent=int(indent))
        if words[0] in ("media", "section"):
            hint = "evalgate sends texts; a prompt with pictures or sections cannot be evaluated by it"
            raise self.fault(f"{{{{{words[0]}}}}} is not read", tag.line, hint)
        if len(words) > 1 or options:
            hint = suggestion(words[0], ["json", "role", *(f"#{name}" for name in BLOCKS)])
            raise self.fault(f"{words[0]!r} is no helper that prompts may call", tag.line, hint)
        return Show(self.expression(words[0], tag.line), tag.line)

    def block(self, tag: Tag, header: str) -> Block:
        words, options = self.words(header, tag.line)
        kind = words[0]
        if kind not in BLOCKS:
            hint = suggestion(kind, list(BLOCKS)) or f"blocks: {', '.join(BLOCKS)}"
            raise self.fault(f"{{{{#{kind}}}}} is no block that prompts may use", tag.line, hint)
        if len(words) != BLOCKS[kind] + 1:
            raise self.fault(
                f"{{{{#{kind}}}}} takes {BLOCKS[kind]} value(s), not {len(words) - 1}", tag.line, "block parameters are not read"
            )
        zero = options.pop("includeZero", "false") == "true" if kind in ("if", "unless") else False
        self.no_more(options, tag.line)
        values = tuple(self.expression(word, tag.line) for word in words[1:])
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fault(f"blocks are nested more than {MAX_DEPTH} deep", tag.line, "flatten the template")
        enters = kind in ("each", "with")
        self.scopes += enters
        body = self.nodes((f"/{kind}", "else"))
        self.scopes -= enters
        otherwise = self.otherwise(kind)
        self.depth -= 1
        return Block(kind, values, tag.line, body, otherwise, zero)

    def otherwise(self, kind: str) -> tuple[Node, ...]:
        """What stands after `{{else}}`, up to and with the closing tag."""
        tag = self.tokens[self.position]
        assert isinstance(tag, Tag)
        if tag.body.startswith("/"):
            self.position += 1
            return ()
        chained = tag.body.removeprefix("else").removeprefix("^").strip()
        self.position += 1
        if not chained:
            found = self.nodes((f"/{kind}",))
            self.position += 1
            return found
        words, options = self.words(chained, tag.line)
        inner = words[0]
        if inner not in ("if", "unless") or len(words) != 2 or kind not in ("if", "unless"):
            raise self.fault(f"{{{{{tag.body}}}}} is not read", tag.line, "write {{else if value}} within an #if")
        self.no_more(options, tag.line)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fault(f"blocks are nested more than {MAX_DEPTH} deep", tag.line, "flatten the template")
        values = (self.expression(words[1], tag.line),)
        body = self.nodes((f"/{kind}", "else"))
        block = Block(inner, values, tag.line, body, self.otherwise(kind))
        self.depth -= 1
        return (block,)

    def words(self, text: str, line: int) -> tuple[list[str], dict[str, str]]:
        words: list[str] = []
        options: dict[str, str] = {}
        position = 0
        while position < len(text):
            match = _WORD.match(text, position)
            if match is None:
                raise self.fault(f"{{{{{text}}}}} cannot be read", line, "subexpressions and block parameters are not read")
            if match.group(1):
                options[match.group(1)] = match.group(2)
            else:
                words.append(match.group(2))
            position = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
        if not words:
            raise self.fault(f"{{{{{text}}}}} has no name", line, "a placeholder is {{name}}")
        return words, options

    def expression(self, word: str, line: int) -> Expression:
        if word[0] in "\"'":
            return Literal(word[1:-1].replace(f"\\{word[0]}", word[0]))
        if word in _LITERALS:
            return Literal(_LITERALS[word])
        if _NUMBER.match(word):
            return Literal(float(word) if "." in word else int(word))
        rest, up = word, 0
        while rest.startswith("../"):
            rest, up = rest[3:], up + 1
        data = ""
        if rest.startswith("@"):
            data, *steps = rest[1:].split(".")
            if data not in _DATA or up:
                raise self.fault(f"{word!r} is refused", line, f"there are {', '.join('@' + name for name in sorted(_DATA))}")
        else:
            steps = re.split(r"[./]", rest) if rest not in (".", "..", "") else []
            up += rest == ".."
            steps = steps[1:] if steps and steps[0] in ("this", "") else steps
        wrong = next((step for step in steps if not _STEP.match(step)), None)
        if wrong is not None or up > self.scopes:
            hint = "a value is name, name.part, this, ../name, @index" if up <= self.scopes else "there is no block around it"
            raise self.fault(f"{word!r} is no value", line, hint)
        if steps and (data == "root" or (not data and up == self.scopes)):
            self.variables[steps[0]] = None
        return Path(word, up, data, tuple(steps))

    def no_more(self, options: dict[str, str], line: int) -> None:
        for name in options:
            raise self.fault(f"unknown option {name!r}", line, "known: indent of json, includeZero of #if")

    def fault(self, message: str, line: int, hint: str) -> BadInput:
        return BadInput(message, where=f"{self.name}:{line}", hint=hint)

    def last_line(self) -> int:
        return next((token.line for token in reversed(self.tokens) if isinstance(token, Tag)), 1)


def parse_handlebars(tokens: list[Token], name: str) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    """The nodes of a template and the variables of a case that it uses, in order of first use.

    Raises: BadInput with `file:line` for whatever is not read.
    """
    reader = _Reader(without_white_space(tokens), name)
    nodes = reader.nodes(())
    return nodes, tuple(reader.variables)
