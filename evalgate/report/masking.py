"""Mask what detectors found before any report sees it: no surface can show what it was never given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evalgate.core.record import ArmRecord, CaseRecord, PromptRecord, TextMark
from evalgate.core.settings import PluginChoice
from evalgate.core.values import JsonValue
from evalgate.core.waivers import FoundFinding
from evalgate.report.folded_text import folded_forms, folded_text

SHORTEST = 4
"""Characters from which a text that was found is also masked where it stands elsewhere; a shorter one stands everywhere."""
MOST = 2_000
"""Different texts in one case beyond which all its texts are withheld: looking for each everywhere would take for ever."""
HASH_SHOWN = 6
NAME_LIMIT = 40
HIDDEN_RULE = "masked"
_LAST = "[…]"
_KINDS = r"\b(?:HTTP [1-5]\d\d|(?i:timeout|timed out|rate[_ ]limit|content[_ ]filter|connection))\b"
"""What the message of an error may say of itself."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What reports may show."""

    sensitive: frozenset[str]
    """Safety categories whose findings are masked."""
    shown: bool = False
    """Whether everything may be shown; then it is highlighted."""

    def hides(self, one: FoundFinding) -> bool:
        """Whether the text of a finding is masked."""
        return not self.shown and one.finding.category in self.sensitive


@dataclass(slots=True)
class _Masker:
    """Replaces the texts that were found in one case, wherever they stand."""

    marks: dict[str, str]
    """Folded text → the mark that stands for it."""
    pattern: re.Pattern[str] | None
    """Finds the texts of four characters and more in a folded text; None where there is none."""
    too_many: bool = False
    used: set[str] = field(default_factory=set)

    def mark(self, text: str) -> str:
        """The mark that stands for a text."""
        mark = self.marks.get(folded_text(text), _LAST)
        self.used.add(mark)
        return mark

    def text(self, text: str) -> str:
        """A text with every occurrence replaced."""
        if self.too_many and text:
            return self._withheld()
        places = self._places(text)
        done = _spliced(text, _merged(places))
        # A mark and its neighbours must not make up the text again.
        return self._withheld() if places and self.finds(done) else done

    def value(self, value: JsonValue) -> JsonValue:
        """A structured value with every text in it replaced, also where only its printed form would show one."""
        if self.pattern is None and not self.too_many:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool) or value is None:
            return value
        done: JsonValue = value
        if isinstance(value, Mapping):
            done = {self.text(str(key)): self.value(item) for key, item in value.items()}
        elif isinstance(value, list | tuple):
            done = [self.value(item) for item in value]
        printed = json.dumps(done, ensure_ascii=False, sort_keys=True)
        return self.text(printed) if self.too_many or self.finds(printed) else done

    def output(self, text: str, spans: Sequence[tuple[int, int, str]]) -> tuple[str, list[tuple[int, int, str, str]]]:
        """An output as it may be shown, and (start, end, mark, label) of what is masked, in the places of the raw text.

        `spans`: (start, end, label) of what was found in it.
        """
        if self.too_many and text:
            withheld = self._withheld()
            return withheld, [(0, len(text), withheld, "")]
        found = [(start, end, self.mark(text[start:end]), label) for start, end, label in spans if end > start]
        found += self._places(text)
        merged = _merged(found)
        done = _spliced(text, merged)
        if merged and self.finds(done):
            withheld = self._withheld()
            return withheld, [(0, len(text), withheld, "")]
        return done, merged

    def finds(self, text: str) -> bool:
        """Whether something that was found stands in a text."""
        return self.pattern is not None and self.pattern.search(folded_text(text)) is not None

    def _places(self, text: str) -> list[tuple[int, int, str, str]]:
        """(start, end, mark, label) of every occurrence of what was found, in any letter case and Unicode form."""
        folded = folded_text(text)
        matches = [] if self.pattern is None else list(self.pattern.finditer(folded))
        if not matches:
            return []
        # Characters fold to one or more, never to none: equal lengths mean equal places.
        plain = len(folded) == len(text)
        origin = range(len(text)) if plain else [at for at, one in enumerate(text) for _ in folded_text(one)]
        label = "found elsewhere in this run"
        return [(origin[m.start()], origin[m.end() - 1] + 1, self.mark(m.group()), label) for m in matches]

    def _withheld(self) -> str:
        mark = "[withheld]"
        mark = _LAST if self.finds(mark) else mark
        self.used.add(mark)
        return mark


def masked_cases(cases: Sequence[CaseRecord], policy: Policy) -> tuple[CaseRecord, ...]:
    """The cases as every report may show them: what sensitive detectors found in any of them is masked in all their texts.

    A case's id stays: it is its name, and waivers are written with it.
    """
    index: dict[str, dict[str, tuple[FoundFinding, str]]] = {}
    for case in cases:
        for one, text in _hidden(case, policy):
            for folded in _forms(text):
                index.setdefault(folded[: _reach(len(folded))], {}).setdefault(folded, (one, text))
    return tuple(
        _masked(case, policy, _masker_of([*_hidden(case, policy), *_elsewhere(case, index)])) if index or _told(case) else case
        for case in cases
    )


def _told(case: CaseRecord) -> bool:
    """Whether anything was found in a case, or its errors may tell something; else it is shown as it is."""
    return any(arm.found or arm.error is not None for arm in (case.baseline, case.candidate))


def _elsewhere(
    case: CaseRecord, index: Mapping[str, Mapping[str, tuple[FoundFinding, str]]]
) -> Iterator[tuple[FoundFinding, str]]:
    """What was found anywhere in the run and stands in this case; `index` is by how the texts begin."""
    text = folded_text(_everything(case)) if index else ""
    begin = {text[at : at + size] for size in {len(key) for key in index} for at in range(len(text) - size + 1)}
    for beginning in sorted(begin & index.keys()):
        yield from (pair for folded, pair in index[beginning].items() if folded in text)


def _reach(length: int) -> int:
    """How much of the beginning of a text it is looked up by: one of two sizes."""
    return SHORTEST if length < 2 * SHORTEST else 2 * SHORTEST


def _masked(case: CaseRecord, policy: Policy, masker: _Masker) -> CaseRecord:
    arms = {name: _arm(arm, policy, masker) for name, arm in (("baseline", case.baseline), ("candidate", case.candidate))}
    return replace(
        case,
        slices={name: masker.text(value) for name, value in case.slices.items()},
        group=None if case.group is None else masker.text(case.group),
        inputs={name: masker.value(value) for name, value in case.inputs.items()},
        references=tuple(masker.value(value) for value in case.references),
        baseline=arms["baseline"],
        candidate=arms["candidate"],
        masks=tuple(sorted(masker.used)),
    )


def _everything(case: CaseRecord) -> str:
    """Every text of a case, one below the other; structured values also as they are printed."""
    values: list[JsonValue] = [case.inputs, case.references, case.slices, case.group]
    for arm in (case.baseline, case.candidate):
        values += [arm.text, arm.error, arm.messages, [one.finding.rule for one in arm.found]]
    printed = json.dumps([dict(case.inputs), list(case.references)], ensure_ascii=False, sort_keys=True, default=str)
    return f"{_texts(values)}\n{printed}"


def masked_prompts(prompts: Mapping[str, PromptRecord], cases: Iterable[CaseRecord], policy: Policy) -> dict[str, PromptRecord]:
    """The prompts without what was found in the (unmasked) cases that are shown: a leaked prompt leaks here too."""
    texts = (text for one in prompts.values() for text in (*(content for _, content in one.messages), *one.use.values()))
    mask = _shared_masker(cases, policy, "\n".join(texts)).text
    return {
        name: replace(one, messages=tuple((r, mask(t)) for r, t in one.messages), use={k: mask(t) for k, t in one.use.items()})
        for name, one in prompts.items()
    }


def masked_choices(choices: Iterable[PluginChoice], cases: Iterable[CaseRecord], policy: Policy) -> tuple[PluginChoice, ...]:
    """Detectors as reports name them: a term of a list that was found does not stand among the parameters."""
    listed = tuple(choices)
    printed = "\n".join(json.dumps(dict(one.parameters), ensure_ascii=False, default=str) for one in listed)
    masker = _shared_masker(cases, policy, f"{printed}\n{_texts([one.parameters for one in listed])}")
    return tuple(replace(one, parameters=masker.value(one.parameters)) for one in listed)


def _shared_masker(cases: Iterable[CaseRecord], policy: Policy, within: str) -> _Masker:
    return _masker_of([pair for case in cases for pair in _hidden(case, policy)] if within else [], within)


def _texts(value: JsonValue) -> str:
    """Every text in a structured value, one below the other."""
    if isinstance(value, Mapping):
        return "\n".join(_texts([key, item]) for key, item in value.items())
    return "\n".join(map(_texts, value)) if isinstance(value, list | tuple) else str(value)


def _hidden(case: CaseRecord, policy: Policy) -> list[tuple[FoundFinding, str]]:
    sides = (case.baseline, case.candidate)
    pairs = [pair for arm in sides for pair in zip(arm.found, arm.found_texts, strict=True)]
    return [(one, text) for one, text in pairs if text and policy.hides(one)]


def _masker_of(pairs: Sequence[tuple[FoundFinding, str]], within: str | None = None) -> _Masker:
    """`within`: the only text that will be looked at; what does not stand in it need not be looked for."""
    texts = {text for _, text in pairs}
    if within is not None:
        folded = folded_text(within)
        texts = {text for text in texts if any(form in folded for form in (folded_text(text), *_forms(text)))}
    if len(texts) > MOST:
        return _Masker({}, None, too_many=True)
    forms = {form for text in texts for form in _forms(text)}
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None
    marks: dict[str, str] = {}
    for one, text in pairs:
        if text in texts:
            mark = _mark(one, text, pattern)
            for form in (folded_text(text), *_forms(text)):
                marks.setdefault(form, mark)
    return _Masker(marks, pattern)


def _mark(one: FoundFinding, text: str, pattern: re.Pattern[str] | None) -> str:
    """`[email #3fa9c1]`; a rule that is itself the text (a term of a list) does not stand in it."""
    number = f"#{one.hash[:HASH_SHOWN]}"
    for name in (one.finding.rule, one.finding.category, "masked"):
        mark = f"[{' '.join(name.split())[:NAME_LIMIT]} {number}]"
        if folded_text(text) not in folded_text(mark) and (pattern is None or not pattern.search(folded_text(mark))):
            return mark
    return _LAST


def _arm(arm: ArmRecord, policy: Policy, masker: _Masker) -> ArmRecord:
    own = [one for one in arm.found if one.sample == 0 and one.finding.end > one.finding.start]
    hidden = [(one.finding.start, one.finding.end, _label(one)) for one in own if policy.hides(one)]
    plain = [
        (one.finding.start, one.finding.end, _label(one, masker.text(one.finding.rule))) for one in own if not policy.hides(one)
    ]
    shown, masked = masker.output(arm.text, hidden)
    marks = _placed(masked, plain)
    texts = arm.found_texts or ("",) * len(arm.found)
    found = tuple(_named(one, text, policy, masker) for one, text in zip(arm.found, texts, strict=True))
    return replace(
        arm,
        text=shown,
        marks=tuple(mark for mark in marks if mark.end <= len(shown)),
        error=None if arm.error is None else masker.text(_error(arm.error, policy)),
        messages=tuple((role, masker.text(content)) for role, content in arm.messages),
        findings=tuple(one.finding for one in found),
        found=found,
        found_texts=(),
    )


def _error(error: str, policy: Policy) -> str:
    """Why there is no answer. The words are a provider's and may repeat the request, and detectors look at answers only."""
    if policy.shown or not policy.sensitive:
        return error
    kinds = dict.fromkeys(kind if kind.startswith("HTTP") else kind.lower() for kind in re.findall(_KINDS, error))
    return f"{', '.join(kinds)}{'; ' if kinds else ''}the message is withheld, as no detector looked at it"


def _named(one: FoundFinding, text: str, policy: Policy, masker: _Masker) -> FoundFinding:
    """The finding without a rule that would say what was found."""
    rule = one.finding.rule
    tells = policy.hides(one) and text and folded_text(text) in folded_text(rule)
    if not tells and not masker.finds(rule):
        return one
    return replace(one, finding=replace(one.finding, rule=HIDDEN_RULE))


def _label(one: FoundFinding, rule: str = "") -> str:
    finding = one.finding
    doubt = ", undecided" if finding.undecided else ""
    waived = ", waived" if one.waiver is not None else ""
    return f"{finding.category}{f': {rule}' if rule else ''} ({finding.severity}{doubt}{waived})"


def _merged(spans: Sequence[tuple[int, int, str, str]]) -> list[tuple[int, int, str, str]]:
    """The spans in order, those that overlap as one; the first names the mark, and all of them the label."""
    merged: list[tuple[int, int, str, str]] = []
    for start, end, mark, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            first, last, name, labels = merged[-1]
            known = label in labels.split("; ") or label.startswith("found elsewhere")
            merged[-1] = (first, max(last, end), name, labels if known else f"{labels}; {label}")
        else:
            merged.append((start, end, mark, label))
    return merged


def _spliced(text: str, spans: Sequence[tuple[int, int, str, str]]) -> str:
    parts, position = [], 0
    for start, end, mark, _ in spans:
        parts += [text[position:start], mark]
        position = end
    return "".join([*parts, text[position:]])


def _placed(masked: Sequence[tuple[int, int, str, str]], plain: Sequence[tuple[int, int, str]]) -> list[TextMark]:
    """All marks in the places of the masked text; what is highlighted gives way to what is masked."""
    marks: list[TextMark] = []
    shift = 0
    moves: list[tuple[int, int, int]] = []
    for start, end, mark, label in masked:
        marks.append(TextMark(start + shift, start + shift + len(mark), label, masked=True))
        shift += len(mark) - (end - start)
        moves.append((start, end, shift))
    highlighted = _merged([(start, end, "", label) for start, end, label in plain])
    for start, end, _, label in highlighted:
        marks += [TextMark(a + by, b + by, label, masked=False) for a, b, by in _left_over(start, end, moves)]
    return sorted(marks, key=lambda mark: mark.start)


def _left_over(start: int, end: int, moves: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """(start, end, shift) of the parts of a span between what is masked."""
    parts, position, shift = [], start, 0
    for first, last, after in moves:
        if last <= position:
            shift = after
        elif first < end:
            if position < first:
                parts.append((position, first, shift))
            position, shift = max(position, last), after
    if position < end:
        parts.append((position, end, shift))
    return parts


def _forms(text: str) -> set[str]:
    """What is looked for to find a text; empty for one that is too short."""
    return folded_forms(text) if len(text) >= SHORTEST else set()
