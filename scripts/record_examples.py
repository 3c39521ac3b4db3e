"""Record the answers of the example gates: `python scripts/record_examples.py configs/help-bot.yaml --base-url URL`.

Asks an OpenAI-compatible server for every request of both variants that is not recorded yet and appends one line per
exchange; running it again continues. Several --base-url share the work, one request at a time each. The server of the
shipped recordings is scripts/model_server.py.
"""

from __future__ import annotations

import argparse
import json
import queue
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalgate.config.load import load_settings
from evalgate.core.canonical import json_line
from evalgate.core.files import read_json_lines
from evalgate.golden.cases import read_cases
from evalgate.golden.tables import read_rows
from evalgate.pipeline.subject import read_card, read_prompt
from evalgate.prompts.template import render
from evalgate.proxy.request import canonical_request, request_key

SEGMENT = "0001.jsonl"


def wanted_requests(config: Path) -> Iterator[dict[str, Any]]:
    """Every request of a gate, case by case, baseline before candidate."""
    settings = load_settings(config)
    card = read_card(settings, config.parent)
    variants = [
        (settings.models[choice.model], read_prompt(choice, settings.root, config.parent))
        for choice in (settings.baseline, settings.candidate)
    ]
    for case in read_cases(card, read_rows(card.data)):
        for model, prompt in variants:
            messages = [{"role": m.role, "content": m.content} for m in render(prompt, case.inputs)]
            for sample in range(settings.samples):
                parameters = {**model.parameters, **prompt.parameters}
                yield canonical_request(model=model.name, messages=messages, parameters=parameters, sample=sample)


def ask(request: dict[str, Any], base_url: str) -> dict[str, Any]:
    """Send one request and give the recording line."""
    body = {"model": request["model"], "messages": request["messages"], **request["parameters"]}
    url = base_url.rstrip("/") + "/" + request["endpoint"]
    message = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    started = time.monotonic()
    with urllib.request.urlopen(message, timeout=300) as answer:
        received = json.loads(answer.read())
    elapsed = (time.monotonic() - started) * 1000
    choice = received["choices"][0]
    if received["model"] != request["model"] or not isinstance(choice["message"]["content"], str):
        raise SystemExit(f"unexpected answer: {received}")
    response = {
        "status": "ok",
        "text": choice["message"]["content"],
        "finish": choice["finish_reason"],
        "usage": {name: received["usage"][name] for name in ("prompt_tokens", "completion_tokens")},
        "body": received,
    }
    return {
        "v": 1,
        "key": request_key(request),
        "request": request,
        "response": response,
        "latency_ms": round(elapsed, 1),
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def record(config: Path, base_urls: list[str]) -> None:
    """Record what is missing for one gate, in the order of its cases."""
    settings = load_settings(config)
    segment = settings.root / "datasets" / "recordings" / settings.proxy.recording / SEGMENT
    segment.parent.mkdir(parents=True, exist_ok=True)
    known = {line.value["key"] for line in read_json_lines(segment)} if segment.exists() else set()
    missing = {request_key(request): request for request in wanted_requests(config)}
    pending = [request for key, request in missing.items() if key not in known]
    free: queue.Queue[str] = queue.Queue()
    for base_url in base_urls:
        free.put(base_url)

    def one(request: dict[str, Any]) -> dict[str, Any]:
        base_url = free.get()
        try:
            return ask(request, base_url)
        finally:
            free.put(base_url)

    print(f"{config}: {len(missing) - len(pending)} recorded, {len(pending)} to record", flush=True)
    with ThreadPoolExecutor(len(base_urls)) as pool, segment.open("a", encoding="utf-8", newline="\n") as out:
        for number, line in enumerate(pool.map(one, pending), start=1):
            out.write(json_line(line))
            out.flush()
            if number % 50 == 0:
                print(f"  {number} of {len(pending)}", flush=True)


def main() -> None:
    """Record every configuration named on the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("configs", nargs="+", type=Path)
    arguments.add_argument("--base-url", action="append", required=True, help="http://127.0.0.1:18101/v1; repeatable")
    options = arguments.parse_args()
    for config in options.configs:
        record(config, options.base_url)


if __name__ == "__main__":
    main()
