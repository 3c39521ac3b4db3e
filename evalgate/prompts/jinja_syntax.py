"""What a Jinja2 prompt may contain: values, conditions, loops and harmless filters; everything else is refused unrendered.

Nothing is evaluated here, not even constant expressions. Source: https://jinja.palletsprojects.com/en/stable/sandbox/
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion

if TYPE_CHECKING:
    from jinja2 import nodes

MAX_CHARACTERS = 256 << 10
MAX_NODES = 20_000
MAX_PROBLEMS = 20
RESERVED = frozenset({"true", "false", "none", "True", "False", "None", "loop", "self", "not", "and", "or", "if", "in", "is"})
FILTERS = frozenset(
    """
    abs capitalize count d default dictsort first float indent int items join last length list lower max min replace
    reverse round sort string sum title tojson trim truncate unique upper wordcount
    """.split()  # noqa: SIM905 - a list of words
)
"""Filters that turn data into data; `map`, `attr`, `format`, `safe` and their like are not among them."""
TESTS = frozenset(
    """
    boolean defined divisibleby eq equalto even false float ge gt in integer iterable le lower lt mapping ne none
    number odd sequence string true undefined upper
    """.split()  # noqa: SIM905 - a list of words
)
_NODES = frozenset(
    """
    Template Output TemplateData Name Const List Tuple Dict Pair For If CondExpr Compare Operand And Or Not Add Sub
    Div FloorDiv Mod Mul Neg Pos Concat Getattr Getitem Slice Filter Test Assign Keyword
    """.split()  # noqa: SIM905 - a list of words
)
_WORDS = {
    "Include": "include reads other files",
    "Import": "import reads other files",
    "FromImport": "import reads other files",
    "Extends": "extends reads other files",
    "Call": "nothing is called",
    "Macro": "macros are not read",
    "CallBlock": "nothing is called",
    "FilterBlock": "filter blocks are not read",
    "Block": "blocks are for templates in several files",
    "Pow": "powers grow without bound",
}


def variables_of(source: str, name: str, first_line: int) -> tuple[str, ...]:
    """Check a template and name the variables of a case that it uses, in order of first use.

    Raises: BadInput with `file:line` for every construct that is not allowed, for a syntax error, and without jinja2.
    """
    tree = _parsed(source, name, first_line)
    problems: list[Problem] = []
    for count, node in enumerate(_walk(tree)):
        if count > MAX_NODES:
            raise BadInput(f"the template has more than {MAX_NODES:,} parts", where=name, hint="keep data in a dataset")
        said = _refusal(node)
        if said is not None and len(problems) < MAX_PROBLEMS:
            problems.append(Problem(said[0], f"{name}:{node.lineno + first_line - 1}", said[1]))
    if problems:
        raise BadInput(problems)
    found: dict[str, None] = {}
    try:
        _uses(tree, frozenset(), found)
    except RecursionError as error:
        raise BadInput("the template is nested too deep", where=name, hint="flatten it") from error
    return tuple(found)


def refused_constructs(source: str) -> list[tuple[int, str, str]]:
    """Line, what is wrong and a word of every construct that is not allowed; nothing of a text that is no Jinja2 template."""
    try:
        tree = _parsed(source, "", 1)
    except BadInput:
        return []
    found: list[tuple[int, str, str]] = []
    for node in islice(_walk(tree), MAX_NODES):
        said = _refusal(node)
        if said is not None and len(found) < MAX_PROBLEMS:
            word = next((str(word) for key in ("attr", "name") if isinstance(word := getattr(node, key, None), str)), "")
            found.append((node.lineno, said[0], word))
    return found


def texts_in(source: str) -> tuple[str, ...]:
    """The texts that a template writes out itself, `{{ "\\u202e" }}`, as they are printed; none of what is no template."""
    try:
        tree = _parsed(source, "", 1)
    except BadInput:
        return ()
    values = (getattr(node, "value", None) for node in islice(_walk(tree), MAX_NODES) if type(node).__name__ == "Const")
    return tuple(value for value in values if isinstance(value, str))


def _parsed(source: str, name: str, first_line: int) -> nodes.Template:
    if len(source) > MAX_CHARACTERS:
        raise BadInput(f"the template is longer than {MAX_CHARACTERS >> 10} KiB", where=name, hint="keep data in a dataset")
    try:
        from jinja2 import TemplateSyntaxError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ModuleNotFoundError as error:
        hint = "pip install 'evalgate-engine[prompts]', or use nothing but {{name}} in the prompt"
        raise BadInput("this prompt has Jinja2 logic, and jinja2 is not installed", where=name, hint=hint) from error
    try:
        return ImmutableSandboxedEnvironment(keep_trailing_newline=True).parse(source)
    except TemplateSyntaxError as error:
        where = f"{name}:{error.lineno + first_line - 1}"
        raise BadInput(f"not a Jinja2 template: {error.message}", where=where, hint="check the braces") from error
    except (RecursionError, MemoryError, OverflowError, ValueError) as error:
        raise BadInput(
            "the template is nested too deep, or a number in it is too large", where=name, hint="flatten it"
        ) from error


def _walk(tree: nodes.Template) -> Iterator[Any]:
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(list(node.iter_child_nodes())))


def _refusal(node: Any) -> tuple[str, str] | None:
    kind = type(node).__name__
    if kind not in _NODES:
        hint = (
            "use a filter, such as {{ name | upper }}" if kind == "Call" else "prompts have values, conditions, loops and filters"
        )
        return f"{_WORDS.get(kind, f'{kind} is not read')}: refused", hint
    match kind:
        case "Getattr" if node.attr.startswith("_"):
            return f"the attribute {node.attr!r} is refused", "only the data of a case can be read"
        case "Getitem" if str(getattr(node.arg, "value", "")).startswith("_"):
            return f"the attribute {node.arg.value!r} is refused", "only the data of a case can be read"
        case "Name" if node.name.startswith("__") or node.name == "self":
            return f"the name {node.name!r} is refused", "only the data of a case can be read"
        case "Filter" if node.name not in FILTERS or node.node is None:
            return f"the filter {node.name!r} is refused", suggestion(node.name, sorted(FILTERS))
        case "Test" if node.name not in TESTS:
            return f"the test {node.name!r} is refused", suggestion(node.name, sorted(TESTS))
        case "Keyword" if node.key == "attribute":
            return "attribute= of a filter is refused", "loop over the values instead"
        case "For" if node.recursive:
            return "recursive loops are refused", "loop over the values instead"
        case "Assign" if type(node.target).__name__ != "Name":
            return "set takes one name", "{% set name = value %}"
    return None


def _uses(node: Any, bound: frozenset[str], found: dict[str, None]) -> frozenset[str]:
    """Collect variables that no loop or `set` around or before them binds; what is bound after the node is returned."""
    kind = type(node).__name__
    if kind == "Name":
        if node.ctx == "load" and node.name not in bound:
            found[node.name] = None
        return bound | {node.name} if node.ctx == "store" else bound
    if kind == "Assign":
        _uses(node.node, bound, found)
        return bound | {node.target.name}
    if kind == "For":
        _uses(node.iter, bound, found)
        inner = bound | {name.name for name in _walk(node.target) if type(name).__name__ == "Name"} | {"loop"}
        if node.test is not None:
            _uses(node.test, inner, found)
        _all(node.body, inner, found)
        _all(node.else_, bound, found)
        return bound
    if kind == "If":
        # A name that only one branch sets may still be missing after it.
        _uses(node.test, bound, found)
        _all(node.body, bound, found)
        for branch in node.elif_:
            _uses(branch, bound, found)
        _all(node.else_, bound, found)
        return bound
    return _all(node.iter_child_nodes(), bound, found)


def _all(nodes_: Any, bound: frozenset[str], found: dict[str, None]) -> frozenset[str]:
    for node in nodes_:
        bound = _uses(node, bound, found)
    return bound
