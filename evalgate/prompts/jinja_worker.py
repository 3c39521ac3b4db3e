"""The process that renders Jinja2 prompts: sandboxed, without environment, files or network, and stopped when it takes too long.

One JSON value a line on standard input: `{"load": id, "segments": […]}` or `{"render": id, "values": {…}, "absent": […]}`.
One JSON value a line on standard output: `{"segments": [[index, text], …]}` or `{"error": text}`.
"""

from __future__ import annotations

import json
import re
import resource
import secrets
import signal
import sys
from collections.abc import Mapping
from typing import Any

from evalgate.prompts.value_text import value_text

CPU_SECONDS = 0.5
"""Processor time of one rendering; the kernel ends the process after it."""
MEMORY_BYTES = 512 << 20
MAX_CHARACTERS = 4 << 20


def main() -> None:
    """Answer requests until standard input closes."""
    environment = _environment()
    _warm_up(environment)
    _limit()
    # The mark of a message is drawn here, after the template was checked, and no value of a case can know it.
    mark = secrets.token_hex(16)
    templates: dict[str, Any] = {}
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        request = json.loads(line)
        try:
            if "load" in request:
                segments = request["segments"]
                source = "".join(f"{mark}:{index}:{text}" for index, text in enumerate(segments))
                templates[request["load"]] = environment.from_string(source)
                answer: dict[str, Any] = {}
            else:
                answer = _rendered(environment, templates[request["render"]], request, mark)
        except _failures() as error:
            answer = {"error": _said(error)}
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _rendered(environment: Any, template: Any, request: Mapping[str, Any], mark: str) -> dict[str, Any]:
    absent = {name: _lenient()(name=name) for name in request["absent"]}
    parts: list[str] = []
    size = 0
    for part in template.generate(**request["values"], **absent):
        size += len(part)
        if size > MAX_CHARACTERS:
            return {"error": f"the rendered prompt is longer than {MAX_CHARACTERS:,} characters"}
        parts.append(part)
    pieces = re.split(rf"{mark}:(\d+):", "".join(parts))
    if pieces[0].strip() or mark in "".join(pieces).lower():
        return {"error": "the template changes the text between its messages"}
    return {"segments": [[int(index), text] for index, text in zip(pieces[1::2], pieces[2::2], strict=True)]}


def _environment() -> Any:
    import jinja2.debug  # noqa: F401 - Jinja2 loads it on the first error, when nothing can be opened any more
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_shown
    )
    environment.globals.clear()
    environment.filters["tojson"] = _as_json
    return environment


def _warm_up(environment: Any) -> None:
    """Load what Python and Jinja2 load late, an error included: afterwards no file can be opened."""
    source = "{% for x in xs if x is defined %}{{ x | default('é') | title | indent | truncate }}{% endfor %}{{ y.z }}"
    try:
        environment.from_string(source).render(xs=["ü"])
    except _failures() as error:
        _said(error)
    json.loads(json.dumps({"é": [1.5, "\ud83d\ude00"]}))


def _shown(value: Any) -> Any:
    """What a value looks like in the text: the same as in a prompt without logic."""
    from jinja2 import Undefined

    return value if isinstance(value, (str, Undefined)) else value_text(value)


def _as_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)


def _lenient() -> Any:
    """An optional input that is absent: false, and empty where it is printed."""
    from jinja2 import Undefined

    return Undefined


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    # Nothing more can be opened: standard input and output are there already.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def _said(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it takes too much memory"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return " ".join(str(error).split())[:300] or type(error).__name__


def _failures() -> tuple[type[BaseException], ...]:
    from jinja2 import TemplateError

    ordinary = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, SyntaxError, TypeError, ValueError)
    return (TemplateError, *ordinary)
