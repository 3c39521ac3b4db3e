"""`evalgate recording`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalgate.cli.output import tell, tell_lines
from evalgate.core.canonical import json_line, pretty_json
from evalgate.core.errors import BadInput, Problem
from evalgate.core.visible import terminal, terminal_line

if TYPE_CHECKING:
    from evalgate.pipeline.recording_import import Imported
    from evalgate.pipeline.recording_prune import Pruning

SHOWN = 20


def handle(options: argparse.Namespace) -> int:
    """Do one of the actions; 0 when it is done."""
    actions: Mapping[str, Callable[[argparse.Namespace], int]] = {
        "show": _show,
        "verify": _verify,
        "import": _import,
        "export": _export,
        "prune": _prune,
    }
    return actions[options.action](options)


def _show(options: argparse.Namespace) -> int:
    from evalgate.pipeline.recording_show import show_exchange, show_recording
    from evalgate.pipeline.recordings import named_recording

    named = named_recording(options.recording, Path.cwd())
    document = show_recording(named) if options.key is None else show_exchange(named, options.key)
    if options.json or options.key is not None:
        text = pretty_json(document)
        return tell(0, text if options.json else terminal(text), None, product=True)
    return _said(_summary(document), product=True)


def _verify(options: argparse.Namespace) -> int:
    from evalgate.pipeline.recording_verify import verified, verify_recording
    from evalgate.pipeline.recordings import every_recording, named_recording

    root = Path.cwd()
    wanted = [named_recording(name, root) for name in options.recordings] or every_recording(root)
    proofs = [verify_recording(named) for named in wanted]
    problems = [problem for proof in proofs for problem in proof.problems]
    code = 0
    if options.json and not problems:
        code = tell(code, pretty_json(verified(proofs)), None)
    elif not options.json and not options.quiet:
        lines = []
        for proof in proofs:
            if not proof.problems:
                unsealed = f", {proof.unsealed_lines} lines carry no digest" if proof.unsealed_lines else ""
                counts = f"{proof.exchanges} exchanges, {proof.errors} errors, {proof.segments} segments{unsealed}"
                lines.append(f"ok  {terminal_line(proof.recording)}  {counts}, {proof.digest}")
        code = tell_lines(code, lines)
    if problems:
        raise BadInput(problems)
    return code


def _import(options: argparse.Namespace) -> int:
    from evalgate.pipeline.recording_import import Import, import_file, override

    task = Import(
        source=Path(options.file),
        into=options.into,
        root=Path.cwd(),
        format=options.format,
        requests=None if options.requests is None else Path(options.requests),
        config=None if options.config is None else Path(options.config),
        variant=options.variant,
        sample=options.sample,
        override=override(options.model, options.parameter),
        repeats=options.repeats,
    )
    result = import_file(task)
    if options.json:
        return tell(0, pretty_json(result.document()), None)
    return _said([] if options.quiet else _imported(result))


def _export(options: argparse.Namespace) -> int:
    from evalgate.pipeline.recording_export import exported_lines, exported_outputs, write_lines
    from evalgate.pipeline.recording_gates import read_gate
    from evalgate.pipeline.recordings import named_recording

    if (options.config is None) is not (options.variant is None):
        raise BadInput("--config and --variant go together", hint="without both, the recording itself is exported")
    named = named_recording(options.recording, Path.cwd())
    if options.config is None:
        lines = exported_lines(named)
    else:
        lines = exported_outputs(named, read_gate(Path(options.config)), options.variant, options.sample)
    if options.out == "-":
        return tell(0, None, lambda out: out.writelines(lines), product=True)
    count = write_lines(Path(options.out), lines, named)
    return _said([] if options.quiet else [f"export: {count} lines in {options.out}"])


def _prune(options: argparse.Namespace) -> int:
    from evalgate.pipeline.recording_gates import read_gate
    from evalgate.pipeline.recording_prune import prune
    from evalgate.pipeline.recordings import named_recording

    gates = [read_gate(Path(config)) for config in options.config]
    result = prune(named_recording(options.recording, Path.cwd()), gates, apply=options.apply)
    product = not options.apply
    if options.json:
        return tell(0, pretty_json(result.document()), None, product=product)
    return _said([] if options.quiet else _pruned(result), product=product)


def _said(lines: Sequence[str], *, product: bool = False) -> int:
    return tell_lines(0, map(terminal_line, lines), product=product)


def _summary(document: Mapping[str, Any]) -> list[str]:
    counted = [
        f"{name}: " + ", ".join(f"{value} ({count})" for value, count in list(document[name].items())[:SHOWN])
        for name in ("models", "endpoints", "samples", "imported")
        if document[name]
    ]
    tokens, latency, times = document["tokens"], document["latency_ms"], document["recorded_at"]
    lines = [
        f"recording {document['recording']} in {document['folder']}",
        f"exchanges: {document['exchanges']}, of which {document['errors']} are errors",
        *counted,
        f"tokens: {tokens['prompt']} asked, {tokens['completion']} answered",
    ]
    if latency["count"]:
        shown = ", ".join(f"{name} {latency[name]:g}" for name in ("p50", "p95", "p99", "max"))
        lines.append(f"latency in ms: {shown} ({latency['count']} measured)")
    if times["first"] is not None:
        lines.append(f"recorded: {times['first']} to {times['last']}")
    for segment in document["segments"]:
        unsealed = f", {segment['unsealed_lines']} lines carry no digest" if segment["unsealed_lines"] else ""
        lines.append(f"segment {segment['name']}: {segment['bytes']} bytes, {segment['digest']}{unsealed}")
    for torn in document["torn"]:
        said = "no record; cut off when something is next recorded or imported"
        lines.append(f"torn tail of {torn['segment']}: {torn['bytes']} bytes from byte {torn['at']} are {said}")
    lines.append(f"answers: {document['digest']}")
    provenance = document["provenance"]
    if isinstance(provenance, Mapping):
        for name, value in list(provenance.items())[:SHOWN]:
            lines.append(f"provenance {name}: {value if isinstance(value, str) else json_line(value).strip()}")
    return lines


def _imported(result: Imported) -> list[str]:
    document = result.document()
    names = ("imported", "already_there", "errors", "unusable", "unanswered", "redacted")
    counts = ", ".join(f"{document[name]} {name.replace('_', ' ')}" for name in names)
    lines = [f"import of {result.format} into {result.recording}: {counts}"]
    lines += [_problem(problem) for problem in (*result.repaired, *result.skipped[:SHOWN])]
    left = sum(result.counts.values()) - min(len(result.skipped), SHOWN)
    return [*lines, f"and {left} more that are not taken"] if left > 0 else lines


def _pruned(result: Pruning) -> list[str]:
    dropped = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in result.dropped.items())
    does = "dropped" if result.aside else "would be dropped"
    lines = [_problem(problem) for problem in result.repaired]
    lines.append(f"prune {result.recording}: {result.kept} lines stay for {result.keys} requests of {', '.join(result.gates)}")
    lines += [f"  {other} asks this recording too and was not named" for other in result.others]
    if not result.drops:
        return [*lines, "nothing is dropped: every line is needed"]
    lines.append(f"{result.drops} lines {does} ({result.bytes} bytes): {dropped}")
    lines += [f"  {example['kind'].replace('_', ' ')}: {example['key']} {example['asked']}" for example in result.examples]
    return [*lines, f"they stand in {result.aside} now" if result.aside else "nothing was changed: --apply does it"]


def _problem(problem: Problem) -> str:
    return f"  {problem.where}: {problem.message}" if problem.where else f"  {problem.message}"
