"""The upper half of the report: verdict, thresholds, metrics, slices, what changed."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.core.record import PromptRecord, RunRecord
from evalgate.core.settings import Bound, TargetKind
from evalgate.core.verdict import Decision, MetricResult, ThresholdResult
from evalgate.report import figures, phrases
from evalgate.report.escape import anchor, shortened
from evalgate.report.forest import forest
from evalgate.report.markup import Markup, Part, details, element, facts, join, section, table, text, unbroken
from evalgate.report.page_attempts import attempts_banner
from evalgate.report.page_pictures import histograms
from evalgate.report.page_slices import slices_banner
from evalgate.report.ranking import bad_cases
from evalgate.report.word_diff import word_diff

LOOK_FIRST = 5
_WORDS = "words"
_LONG = frozenset({"characters", "tokens"})
"""Units that stand beside the name of the metric alone: beside each of its numbers they would take the room of other columns."""
_URGENCY = {Decision.FAIL: 0, Decision.INCONCLUSIVE: 1, Decision.PASS: 2}


def banner(record: RunRecord) -> Markup:
    """The verdict, in words first."""
    verdict, identity = record.verdict, record.identity
    dataset, number = f"{identity.dataset_name}@{identity.dataset_version}", figures.counted(verdict.cases.total, "case")
    about = f"{dataset} · {number} · run {identity.run_id}"
    return element(
        "header",
        element("p", "evalgate report", class_="kicker"),
        element("h1", identity.gate),
        element("p", element("strong", phrases.word(verdict.decision)), f" exit code {int(verdict.exit_code)}", class_="verdict"),
        element("p", verdict.reason, class_="reason"),
        slices_banner(record),
        element("p", about, class_="about"),
        attempts_banner(record),
        element("p", phrases.mode(record), class_="mode"),
        _difference(record),
        _look_first(record),
        class_=f"banner {verdict.decision.value}",
    )


def _difference(record: RunRecord) -> Markup:
    """What differs between the variants, in a line; the texts stand in their own section."""
    pair = record.identity.baseline, record.identity.candidate
    if record.prompts:
        prompts = record.prompts["baseline"], record.prompts["candidate"]
        changed = prompts[0].parameters != prompts[1].parameters
        parameters = "parameters differ" if changed else "the same parameters"
    else:
        parameters = ""
    prompt = f"{pair[0].prompt} → {pair[1].prompt}"
    if pair[0].prompt_digest == pair[1].prompt_digest:
        prompt = f"{pair[1].prompt}, the same on both sides"
    model = f"model {pair[0].model} → {pair[1].model}" if pair[0].model != pair[1].model else "the same model"
    model = model if pair[0].model or pair[1].model else ""
    listed = "; ".join(part for part in (prompt, model, parameters, "the same dataset") if part)
    return element("p", element("a", "What changed", href="#changed"), f": {listed}", class_="about")


def _look_first(record: RunRecord) -> Markup:
    """The worst cases by name, for a reader who wants to see what went wrong."""
    bad = bad_cases(record)
    if not bad:
        return Markup("")
    links: list[Part] = []
    for case in bad[:LOOK_FIRST]:
        links += [", " if links else "", element("a", shortened(case.id, 60), href=f"#{anchor('case', case.id)}")]
    number = f"{figures.count(len(bad))}{' or more' if record.cases_omitted else ''}"
    return element("p", f"Cases that got worse, {number} in this report; the worst: ", *links, class_="about")


def thresholds(record: RunRecord) -> Markup:
    """Every threshold with its picture."""
    worst_first = sorted(record.verdict.thresholds, key=lambda result: _URGENCY[result.decision])
    rows = [_threshold_row(record, result) for result in worst_first]
    header = ("target", "result", "asks", "observed", "bound and interval", "p", "why")
    return section(
        "thresholds",
        "Thresholds",
        element("p", phrases.interval_note(record), class_="note"),
        element("p", phrases.P_NOTE, class_="note"),
        table("Every declared condition and what it came to", header, rows, told=True),
    )


def _threshold_row(record: RunRecord, result: ThresholdResult) -> tuple[Part, ...]:
    always = element("small", " always in force") if result.threshold.implicit else Markup("")
    doubt = element("span", "methods disagree", class_="badge inconclusive")
    other = phrases.second_interval(record, result)
    why = join([result.reason, " ", doubt]) if result.methods_disagree else result.reason
    return (
        join([phrases.target(result), always]),
        element("span", phrases.outcome(result), class_=f"badge {result.decision.value}"),
        phrases.asks(result.threshold),
        _observed(record, result),
        join([forest(record, result), element("small", "second opinion ", unbroken(other)) if result.second else ""]),
        phrases.p_value(result),
        element("span", why, class_="why"),
    )


def _observed(record: RunRecord, result: ThresholdResult) -> Markup:
    """The number held against the bound; where lower is better its sign is that of the improvement, which has to be said."""
    shown = phrases.observed(record, result)
    metric = record.verdict.results.metrics.get(result.threshold.name)
    turned = result.threshold.kind is TargetKind.METRIC and result.threshold.bound in (
        Bound.MIN_IMPROVEMENT,
        Bound.MAX_REGRESSION,
    )
    note = element("small", " + is better") if turned and metric is not None and not metric.higher_is_better else ""
    return join([unbroken(shown), note])


def metrics(record: RunRecord) -> Markup:
    """Every metric, baseline against candidate."""
    found = record.verdict.results.metrics
    if not found:
        return section("metrics", "Metrics", element("p", "No metric was measured."))
    level = figures.level(record.settings.confidence)
    header = ("metric", "baseline", "candidate", "delta", f"{level} interval", "relative", "p", "n", "method")
    rows = [_metric_row(metric) for metric in found.values()]
    lost = [note for note in map(phrases.answered_note, found.values()) if note]
    counts = record.verdict.cases
    moved = f"By {counts.by}: {counts.improved:,} cases improved, {counts.regressed:,} regressed, {counts.unchanged:,} unchanged."
    return section(
        "metrics",
        "Metrics",
        table("Quality of both variants", header, rows),
        element("p", moved, class_="note") if counts.by else "",
        element("p", f"Answers were lost. {'; '.join(lost)}.", class_="note") if lost else "",
        *(element("p", note, class_="lost") for metric in found.values() for note in phrases.judgement_notes(metric)),
        histograms(record),
        _speed(record),
        _methods(tuple(found.values())),
    )


def _speed(record: RunRecord) -> Markup:
    """How long answers took and what they cost, as far as anything is known of it."""
    known = [m for m in record.verdict.results.metrics.values() if m.unit in ("ms", "USD", "tokens")]
    rows: list[tuple[str, Part | None]] = [
        (m.name, f"{figures.figure(m.baseline.value, m.unit)} → {figures.figure(m.candidate.value, m.unit)}, see the table above")
        for m in known
    ]
    if not any(m.unit == "ms" for m in known):
        rows.append(("latency", _latencies(record) or phrases.missing("latency_ms under metrics: of the configuration")))
    if not any(m.unit == "USD" for m in known):
        rows.append(("cost", phrases.missing("cost under metrics: of the configuration")))
    return join([element("h3", "Latency and cost"), facts(rows)])


def _latencies(record: RunRecord) -> str | None:
    """Of the answers in this report; when they were taken is not known, so nothing is decided on them."""
    sides = (("baseline", [c.baseline for c in record.cases]), ("candidate", [c.candidate for c in record.cases]))
    told = []
    for name, arms in sides:
        times = sorted(arm.latency_ms for arm in arms if arm.latency_ms is not None)
        if times:
            middle, late = times[len(times) // 2], times[min(len(times) - 1, len(times) * 95 // 100)]
            shown = f"median {figures.figure(middle, 'ms')}, p95 {figures.figure(late, 'ms')}"
            told.append(f"{name} {shown} ({figures.counted(len(times), 'answer')})")
    return f"{'; '.join(told)}; as recorded with the answers, and part of no threshold" if told else None


def _methods(found: Sequence[MetricResult]) -> Markup:
    """How every figure was made, and what a second method says of the same data."""
    facts_of = [(m.name, m.method + (f"; {m.reason}" if m.reason else "")) for m in found]
    rows: list[tuple[Part, ...]] = []
    for m in found:
        other = m.second
        ends = other.delta if other else None
        rows.append(
            (
                m.name,
                other.method if other else "no second opinion",
                unbroken(figures.interval(ends, m.unit, signed=True)) if ends else "–",
                other.randomisation if other else "–",
                f"{figures.p_value(other.p_higher)} / {figures.p_value(other.p_lower)}" if other else "–",
                element("small", m.signature, class_="signature"),
            )
        )
    header = ("metric", "second method", "its interval of the delta", "randomisation", "p higher / lower", "signature")
    caption = "A second opinion at the level that decides, and signatures"
    return join([details("Methods and signatures", facts(facts_of), table(caption, header, rows))])


def _metric_row(metric: MetricResult) -> tuple[Part, ...]:
    arrow = "higher is better" if metric.higher_is_better else "lower is better"
    name = join([metric.name, element("small", f" {metric.unit}, {arrow}")])
    unit = _WORDS if metric.unit in _LONG else metric.unit
    return (
        name,
        figures.figure(metric.baseline.value, unit),
        figures.figure(metric.candidate.value, unit),
        figures.figure(metric.delta.value, unit, signed=True),
        unbroken(figures.interval(metric.delta.reading, unit, signed=True)),
        figures.percent(metric.relative.value, signed=True),
        figures.p_value(metric.p_value),
        figures.count(metric.n),
        element("small", metric.method.partition(";")[0]),
    )


def changed(record: RunRecord) -> Markup:
    """What differs between the variants."""
    if not record.prompts:
        pair = [("baseline", record.identity.baseline.prompt), ("candidate", record.identity.candidate.prompt)]
        return section("changed", "What was compared", facts(pair))
    before, after = record.prompts["baseline"], record.prompts["candidate"]
    rows = [
        ("prompt", before.reference, after.reference),
        ("prompt digest", before.digest, after.digest),
        ("model", before.model, after.model),
        ("parameters", _parameters(before), _parameters(after)),
        ("dataset", *[f"{record.identity.dataset_name}@{record.identity.dataset_version}"] * 2),
    ]
    old, new = word_diff(_prompt_text(before), _prompt_text(after))
    sides = element(
        "div",
        element("div", element("h3", "Baseline prompt"), element("pre", old)),
        element("div", element("h3", "Candidate prompt"), element("pre", new)),
        class_="sides",
    )
    note: Part = ""
    if (before.digest, before.model, before.parameters) == (after.digest, after.model, after.parameters):
        note = element("p", "Both variants are the same: no improvement can be shown.", class_="lost")
    both = table("Both variants", ("what", "baseline", "candidate"), rows, class_="digests")
    return section("changed", "What changed", note, both, sides)


def _parameters(prompt: PromptRecord) -> Markup:
    return text(", ".join(f"{name}={value!r}" for name, value in sorted(prompt.parameters.items())) or "none")


def _prompt_text(prompt: PromptRecord) -> str:
    return "\n\n".join(f"[{role}]\n{content}" for role, content in prompt.messages)
