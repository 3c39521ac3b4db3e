"""Rules about the model that is asked: parameters it does not take, limits it has, names that do not stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from evalgate.core.lint_report import LintSeverity
from evalgate.prompts.lint.model_facts import bare_name, family_of, unpinned
from evalgate.prompts.lint.patterns import PLACEHOLDER
from evalgate.prompts.lint.problem_kinds import PARAMETER, line_in, of_kind
from evalgate.prompts.lint.skeleton import github
from evalgate.prompts.lint.values import GateUse, Hit, Rule, Source, Surroundings

_BYTES_PER_TOKEN = 3


def _not_taken(source: Source) -> Iterator[Hit]:
    outline = source.outline
    models = dict.fromkeys((outline.model, *(gate.model for gate in source.around.gates or ())))
    told: set[str] = set()
    for model in models:
        family = family_of(model) if model else None
        for name in family.refused if family else ():
            if name in outline.parameters and name not in told:
                told.add(name)
                said = f"{bare_name(model)} does not take {name}"
                yield Hit(outline.parameters[name][1], 1, said, "remove it, or use a model that takes it")


def _invalid(source: Source) -> Iterator[Hit]:
    for problem in of_kind(source, PARAMETER):
        yield Hit(line_in(problem), 1, problem.message, problem.hint or "")


def _unpinned(source: Source) -> Iterator[Hit]:
    if unpinned(source.outline.model):
        said = f"{source.outline.model} may mean another model tomorrow"
        yield Hit(source.outline.model_line, 1, said, "name a dated version")


def _no_seed(source: Source) -> Iterator[Hit]:
    value, line = source.outline.parameters.get("temperature", (0, 1))
    seeded = "seed" in source.outline.parameters or any("seed" in gate.parameters for gate in source.around.gates or ())
    family = family_of(source.outline.model)
    if isinstance(value, (int, float)) and value > 0 and not seeded and not (family and "seed" in family.refused):
        yield Hit(
            line,
            1,
            f"temperature is {value:g}, and no seed is given",
            "add a seed, so that a run can be repeated as far as possible",
        )


def _copies(source: Source) -> Iterator[Hit]:
    own = source.outline.parameters.get("temperature")
    for gate in source.around.gates or ():
        value: Any = own[0] if own else gate.parameters.get("temperature")
        if gate.samples > 1 and isinstance(value, (int, float)) and value == 0:
            line = own[1] if own else 1
            said = f"temperature is 0, and gate {gate.gate} asks for {gate.samples} samples a case"
            yield Hit(line, 1, said, "ask once, or raise the temperature: at 0 the samples are copies of one answer")


def _no_limit(source: Source) -> Iterator[Hit]:
    outline = source.outline
    if not source.has_fields() or "max_tokens" in outline.parameters:
        return
    gates = source.around.gates
    if gates and all("max_tokens" in gate.parameters for gate in gates):
        return
    line = source.line_of("modelParameters") if outline.format == "github" else source.line_of("model")
    yield Hit(line, 1, "nothing limits how long an answer may be", "give the most tokens an answer may have")


def _over_budget(source: Source) -> Iterator[Hit]:
    outline = source.outline
    models = dict.fromkeys((outline.model, *(gate.model for gate in source.around.gates or ())))
    known = [(model, family) for model in models if model and (family := family_of(model)) is not None]
    if not known or not outline.parts:
        return
    model, family = min(known, key=lambda pair: pair[1].context)
    answer = outline.parameters.get("max_tokens", (0, 1))[0]
    if not isinstance(answer, int) or isinstance(answer, bool):
        answer = 0
    counted = static_tokens(source) + _input_tokens(source)
    if counted + answer > family.context:
        kind = "text counted, inputs estimated" if source.around.tokens else "estimate"
        said = (
            f"the prompt needs up to {counted:,} tokens ({kind}) and {answer:,} for the answer; "
            f"{bare_name(model)} holds {family.context:,}"
        )
        line = outline.parameters["max_tokens"][1] if "max_tokens" in outline.parameters else outline.parts[0].line
        yield Hit(line, 1, said, "shorten the text, lower the limit of the answer, or take a model with a larger context")


def static_tokens(source: Source) -> int:
    """Tokens of the fixed text: counted, or one for three bytes of UTF-8, which is rather too many."""
    text = "\n".join(PLACEHOLDER.sub("", part.content) for part in source.outline.parts)
    return source.around.tokens(text) if source.around.tokens else estimate(text)


def estimate(text: str) -> int:
    """Tokens of a text without a tokenizer: a third of its bytes, rounded up. An estimate, on the high side for prose."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)


def _input_tokens(source: Source) -> int:
    """The largest inputs that the file declares: `maxLength`, else its longest example or test value."""
    total = 0
    outline = source.outline
    declared = {one.name: one for one in outline.declared or ()}
    for name in dict.fromkeys(found.group(1) for part in outline.parts for found in PLACEHOLDER.finditer(part.content)):
        one = declared.get(name)
        longest = one.schema.get("maxLength") if one else None
        if isinstance(longest, int) and not isinstance(longest, bool):
            total += -(-longest // _BYTES_PER_TOKEN)
            continue
        values = [row[name] for row in outline.test_data if name in row]
        values += [one.default, one.example] if one else []
        total += max((estimate(value) for value in values if isinstance(value, str)), default=0)
    return total


_PARAMETERS = "{temperature: 0, maxCompletionTokens: 64}"
_REASONING = ("openai/gpt-4o-2024-08-06", "openai/o3-mini-2025-01-31")
_THRICE = Surroundings(gates=(GateUse("sample-gate", ("question",), 3, "gpt-4o-2024-08-06", {}),))

RULES = (
    Rule(
        "EP401",
        "parameter-not-taken",
        LintSeverity.ERROR,
        "A parameter that the model does not take.",
        "The provider refuses the request, or drops the parameter without a word.",
        _not_taken,
        github(_REASONING),
        github(_REASONING, ("temperature: 0, ", "")),
    ),
    Rule(
        "EP402",
        "unpinned-model",
        LintSeverity.WARNING,
        "A model name that may mean another model tomorrow.",
        "A recording made with it cannot be made again, and a change of the model looks like one of the prompt.",
        _unpinned,
        github(("gpt-4o-2024-08-06", "gpt-4o")),
        github(),
    ),
    Rule(
        "EP403",
        "samples-are-copies",
        LintSeverity.WARNING,
        "Temperature 0, and a gate that asks for several samples of each case.",
        "Copies of one answer cost money and say nothing about how much answers vary.",
        _copies,
        replace(github(around=_THRICE), note="A gate uses it with `samples: 3`."),
        github(("temperature: 0", "temperature: 0.7, seed: 7"), around=_THRICE),
    ),
    Rule(
        "EP404",
        "no-seed",
        LintSeverity.INFO,
        "A temperature above 0 without a seed.",
        "With a seed most providers repeat an answer as far as they can.",
        _no_seed,
        github(("temperature: 0", "temperature: 0.7")),
        github(("temperature: 0", "temperature: 0.7, seed: 7")),
    ),
    Rule(
        "EP405",
        "no-answer-limit",
        LintSeverity.WARNING,
        "Nothing limits how long an answer may be.",
        "One answer that does not end costs as much as a whole run.",
        _no_limit,
        github((_PARAMETERS, "{temperature: 0}")),
        github(),
    ),
    Rule(
        "EP406",
        "token-budget",
        LintSeverity.ERROR,
        "Text, largest declared inputs and answer together are larger than the model's context.",
        "The provider refuses the request or cuts the prompt. Tokens are an estimate: a third of the bytes of UTF-8.",
        _over_budget,
        github((_PARAMETERS, "{temperature: 0, maxCompletionTokens: 128000}")),
        github((_PARAMETERS, "{temperature: 0, maxCompletionTokens: 16384}")),
    ),
    Rule(
        "EP407",
        "parameter-invalid",
        LintSeverity.ERROR,
        "A parameter that does not exist, or a value outside its range.",
        "The provider refuses the request.",
        _invalid,
        github(("temperature: 0", "temperature: 0, topP: 3")),
        github(),
    ),
)
