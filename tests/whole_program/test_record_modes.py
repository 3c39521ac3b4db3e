"""Whole runs in the modes that call a model, over real HTTP: what is asked, what is kept, and what the verdict rests on."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import upstream_stub as stub

KEY = "sk-canary-9f8e7d6c5b4a39281706"
WALL_S = 60.0
pytestmark = pytest.mark.usefixtures("wall")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses, a key, no secret of another test, no address yet."""
    for module in ("caller", "limiter"):
        monkeypatch.setattr(f"evalgate.proxy.upstream.{module}.BACKOFF_S", 0.01)
    monkeypatch.setattr("evalgate.proxy.upstream.limiter.GUESSED_LATENCY_S", 0.01)
    monkeypatch.setattr("evalgate.proxy.upstream.breaker.PAUSES_S", (0.02, 0.03))
    monkeypatch.setattr("evalgate.core.credentials._known", set())
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Start a server that answers as the project's recording does: `with model(made) as server`."""

    def start(made: Any, act: Callable[[Any, Any], Any] = lambda request, good: good, delay: float = 0.0) -> Any:
        def script(request: Any) -> Any:
            arm, number = request.content.split()[0], int(request.content.split()[1])
            said = made.line(arm, number)["response"]
            good = stub.answer(request, said["text"], usage=said["usage"], delay=delay)
            return act(request, good)

        server = stub.Stub(script)
        started = server.__enter__

        def entered() -> Any:
            started()
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            return server

        return _Entered(entered, server.__exit__)

    return start


class _Entered:
    def __init__(self, enter: Callable[[], Any], leave: Callable[..., None]) -> None:
        self._enter, self._leave = enter, leave

    def __enter__(self) -> Any:
        return self._enter()

    def __exit__(self, *error: object) -> None:
        self._leave(*error)


def unrecorded(made: Any) -> Any:
    """Take the recording away, but keep its verdict in mind: `made.expected`."""
    out = made.root / "replayed"
    ran = made.run("--out", str(out))
    assert ran.code in (0, 1, 4), ran.err
    made.expected, made.expected_code = (out / "verdict.json").read_bytes(), ran.code
    shutil.rmtree(made.tape.parent)
    return made


def proxy(made: Any, **settings: Any) -> Any:
    """Add keys to `proxy:` of the configuration."""
    text = made.config.read_text(encoding="utf-8")
    more = "".join(f", {name}: {json.dumps(value)}" for name, value in settings.items())
    made.config.write_text(text.replace("recording: sums}", f"recording: sums{more}}}"), encoding="utf-8")
    return made


def verdict(made: Any, out: str) -> bytes:
    return (made.root / out / "verdict.json").read_bytes()


def recorded(made: Any) -> dict[str, str]:
    """Key → text of every good line, of whichever segment."""
    lines = [
        json.loads(line) for path in sorted(made.tape.parent.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    return {line["key"]: line["response"]["text"] for line in lines if line["response"]["status"] == "ok"}


def recordings(made: Any) -> list[str]:
    return sorted(p.name for p in made.tape.parent.parent.iterdir())


# Record.


def test_record_and_then_replay_with_the_server_stopped_give_the_same_bytes(project, model, monkeypatch) -> None:
    made = unrecorded(project())
    with model(made) as server:
        ran = made.run("--mode", "record", "--out", str(made.root / "recorded"))
    assert ran.code == made.expected_code, ran.err
    assert len(server.requests) == 80
    assert "80 of 80 answers, 80 calls, 480 tokens" in ran.err
    assert recordings(made) == ["sums"]
    monkeypatch.delenv("OPENAI_API_KEY")
    assert made.run("--out", str(made.root / "again")).code == made.expected_code
    assert verdict(made, "recorded") == verdict(made, "again") == made.expected


def test_record_asks_only_for_what_is_missing(project, model) -> None:
    made = project()
    lines = made.tape.read_text(encoding="utf-8").splitlines(keepends=True)
    made.tape.write_text("".join(lines[:50]), encoding="utf-8")
    with model(made) as server:
        ran = made.run("--mode", "record")
    assert ran.code == 0, ran.err
    missing = {json.loads(line)["request"]["messages"][0]["content"] for line in lines[50:]}
    assert sorted(r.content for r in server.requests) == sorted(missing)
    assert made.tape.read_text(encoding="utf-8").startswith("".join(lines[:50])), "what was recorded was touched"


def test_record_with_nothing_missing_needs_no_key_and_opens_no_socket(project, monkeypatch) -> None:
    made = project()
    before = made.tape.read_bytes()
    made.run("--out", str(made.root / "replayed"))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setattr(socket, "socket", refuse)
    ran = made.run("--mode", "record", "--out", str(made.root / "recorded"))
    assert ran.code == 0, ran.err
    assert verdict(made, "recorded") == verdict(made, "replayed")
    assert made.tape.read_bytes() == before
    assert [p.name for p in made.tape.parent.iterdir()] == ["0001.jsonl"]


def test_another_key_address_and_client_ask_nothing_again(project, model, monkeypatch) -> None:
    made = unrecorded(project(cases=10, base=5, right=9))
    with model(made):
        made.run("--mode", "record")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another-0123456789abcdef")
    with model(made) as server:
        made.config.write_text(
            made.config.read_text().replace("{temperature: 0}", "{temperature: 0.0, stream: false, user: ann}")
        )
        assert made.run("--mode", "record").code in (0, 4)
    assert server.requests == []


@pytest.mark.parametrize("change", ["{temperature: 0.1}", "{temperature: 0, seed: 1}", "{temperature: 0, max_tokens: 5}", "{}"])
def test_a_changed_parameter_asks_everything_again(change: str, project, model) -> None:
    made = project(cases=10, base=5, right=9)
    made.config.write_text(made.config.read_text().replace("parameters: {temperature: 0}", f"parameters: {change}"))
    with model(made) as server:
        made.run("--mode", "record")
    assert len(server.requests) == 20


def test_a_changed_prompt_asks_only_for_its_own_variant(project, model) -> None:
    made = project(cases=10, base=5, right=9)
    prompt = made.root / "configs" / "prompts" / "sum" / "2.prompt.yml"
    prompt.write_text(prompt.read_text().replace("}}", "}} please"), encoding="utf-8")
    with model(made) as server:
        made.run("--mode", "record")
    assert len(server.requests) == 10
    assert all(r.content.endswith("please") for r in server.requests)


def test_f65_every_order_of_answers_gives_the_same_bytes(project, model) -> None:
    import random

    made = unrecorded(proxy(project(cases=12, base=4, right=11), concurrency=8))
    for seed in range(20):
        chance = random.Random(seed)
        with model(made, lambda r, good, chance=chance: stub.Act((chance.uniform(0, 0.008), *good.steps), status=200)):
            ran = made.run("--mode", "record", "--out", str(made.root / f"out{seed}"))
        assert ran.code == made.expected_code, ran.err
        assert verdict(made, f"out{seed}") == made.expected, f"seed {seed}"
        shutil.rmtree(made.tape.parent)


def test_samples_are_calls_of_their_own_and_replay(project, model) -> None:
    made = project(cases=6, base=3, right=6, extra="samples: 3\n")
    shutil.rmtree(made.tape.parent)
    with model(made) as server:
        ran = made.run("--mode", "record", "--out", str(made.root / "recorded"))
    assert ran.code in (0, 4), ran.err
    assert len(server.requests) == 2 * 6 * 3
    assert sorted(set(server.counts().values())) == [3]
    assert len(recorded(made)) == 36
    made.run("--out", str(made.root / "replayed"))
    assert verdict(made, "recorded") == verdict(made, "replayed")


def test_both_variants_ask_about_a_case_side_by_side_and_take_turns(project, model) -> None:
    made = unrecorded(proxy(project(cases=20, base=10, right=18), concurrency=1))
    with model(made) as server:
        made.run("--mode", "record")
    order = [(r.content.split()[0], int(r.content.split()[1])) for r in server.requests]
    expected = [(arm, case) for case in range(20) for arm in (("Sum:", "Add:") if case % 2 == 0 else ("Add:", "Sum:"))]
    assert order == expected


def test_with_many_in_flight_the_variants_stay_side_by_side(project, model) -> None:
    made = unrecorded(proxy(project(cases=60, base=30, right=50), concurrency=8))
    with model(made, delay=0.003) as server:
        made.run("--mode", "record")
    at: dict[int, list[int]] = {}
    for position, request in enumerate(server.requests):
        at.setdefault(int(request.content.split()[1]), []).append(position)
    assert max(abs(first - second) for first, second in at.values()) <= 16, "8 in flight"


# Failures.


def test_f66_a_server_that_dies_leaves_what_was_answered_and_the_same_command_goes_on(project, model) -> None:
    made = unrecorded(proxy(project(), concurrency=4))

    def dying(request: Any, good: Any) -> Any:
        if request.number > 30:
            server.die()
        return good

    with model(made, dying, delay=0.002) as server:
        ran = made.run("--mode", "record", "--out", str(made.root / "out"), "--json")
    assert ran.code == 3
    assert not (made.root / "out" / "verdict.json").exists()
    kept = recorded(made)
    assert 20 <= len(kept) <= 30
    assert f"{len(kept)} new answers are recorded and will not be asked for again" in ran.err
    assert "same command continues" in ran.err
    assert ran.document["schema"] == "evalgate.error/1"
    with model(made) as again:
        ran = made.run("--mode", "record", "--out", str(made.root / "out"))
    assert ran.code == made.expected_code, ran.err
    assert len(again.requests) == 80 - len(kept)
    assert kept.items() <= recorded(made).items()
    assert verdict(made, "out") == made.expected


@pytest.mark.parametrize("cases", [1, 20])
@pytest.mark.parametrize("mode", ["record", "refresh", "live"])
def test_f60_a_refusal_is_told_with_its_cause_and_nothing_is_kept(mode: str, cases: int, project, model) -> None:
    made = project(cases=cases, base=0, right=cases)
    before = made.tape.read_bytes()
    if mode == "record":
        shutil.rmtree(made.tape.parent)
    with model(made, lambda r, good: stub.status(400, {"error": {"message": "no such model m"}})) as server:
        ran = made.run("--mode", mode)
    assert ran.code == 3
    assert "HTTP 400: no such model m" in ran.err
    assert "Traceback" not in ran.err
    assert len(server.requests) <= min(2 * cases, 40)
    if mode == "record":
        assert recorded(made) == {}
    else:
        assert made.tape.read_bytes() == before, "the old recording was touched"


def test_a_lost_answer_is_told_never_passes_and_is_asked_for_again(project, model) -> None:
    made = unrecorded(project())
    with model(made, lambda r, good: stub.status(400) if r.content == "Add: 3 + 1" else good) as server:
        ran = made.run("--mode", "record")
    assert ran.code == 3
    assert "c3" in ran.err
    assert "HTTP 400" in ran.err
    assert len(server.requests) == 80
    with model(made) as again:
        ran = made.run("--mode", "record", "--out", str(made.root / "out"))
    assert ran.code == made.expected_code, ran.err
    assert [r.content for r in again.requests] == ["Add: 3 + 1"]
    assert verdict(made, "out") == made.expected


def test_bad_days_of_every_kind_end_in_the_same_verdict(project, model) -> None:
    made = unrecorded(proxy(project(), concurrency=8, attempts=8, timeout_s=0.5, deadline_s=20.0))
    seen: dict[str, int] = {}
    bad: list[Callable[[Any], Any]] = [
        lambda r: stub.status(429, None, {"Retry-After-Ms": "5"}),
        lambda r: stub.status(500),
        lambda r: stub.status(503, None, {"Retry-After": "0"}),
        lambda r: stub.Act((), "close"),
        lambda r: stub.Act((), "reset"),
        lambda r: stub.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
        lambda r: stub.answer(r, error={"message": "overloaded"}),
        lambda r: stub.Act((b"HTTP/1.1 200 OK\r\n",), "hang"),
    ]

    def act(request: Any, good: Any) -> Any:
        seen[request.content] = seen.get(request.content, 0) + 1
        number = int(request.content.split()[1])
        return bad[number % len(bad)](request) if seen[request.content] == 1 else good

    with model(made, act):
        ran = made.run("--mode", "record", "--out", str(made.root / "out"))
    assert ran.code == made.expected_code, ran.err
    assert verdict(made, "out") == made.expected


def test_a_budget_stops_the_run_and_the_same_command_continues(project, model) -> None:
    made = unrecorded(proxy(project(), budget={"calls": 30}))
    codes, total = [], 0
    for _ in range(3):
        with model(made) as server:
            ran = made.run("--mode", "record", "--out", str(made.root / "out"))
        codes.append(ran.code)
        total += len(server.requests)
        if ran.code == 3:
            assert len(server.requests) == 30
            assert "the budget of 30 calls is used up" in ran.err
            assert "raise the budget, and the same command continues" in ran.err
    assert codes == [3, 3, made.expected_code]
    assert total == 80
    assert verdict(made, "out") == made.expected


def test_f67_a_dead_proxy_of_the_environment_does_not_matter_here(project, model, monkeypatch) -> None:
    made = unrecorded(project(cases=10, base=5, right=9))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{stub.refused_port()}")
    with model(made) as server:
        assert made.run("--mode", "record").code == made.expected_code
    assert len(server.requests) == 20


@pytest.mark.parametrize("mode", ["record", "refresh", "live", "mock"])
def test_a_place_that_cannot_be_written_is_refused_before_any_call(mode: str, project, model) -> None:
    made = project()
    (made.root / "file").write_text("x", encoding="utf-8")
    (made.root / "home").mkdir()
    (made.root / "home" / "thesis.txt").write_text("mine", encoding="utf-8")
    shutil.rmtree(made.tape.parent)
    with model(made) as server:
        for out in ("file", "file/below", "home"):
            ran = made.run("--mode", mode, "--out", str(made.root / out))
            assert ran.code == 2, ran.err
    assert server.connections == 0
    assert recordings(made) == []
    assert [p.name for p in (made.root / "home").iterdir()] == ["thesis.txt"]


def test_f13_a_recording_has_one_writer(project, model) -> None:
    import os

    made = unrecorded(project())
    made.tape.parent.mkdir()
    lock = made.tape.parent / ".lock"
    lock.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": "now"}), encoding="utf-8")
    with model(made) as server:
        ran = made.run("--mode", "record")
        assert ran.code == 2
        assert "locked by process" in ran.err
        assert server.connections == 0
        dead = {"pid": 2**22 + 5, "host": socket.gethostname(), "since": "then"}
        lock.write_text(json.dumps(dead), encoding="utf-8")
        lock.with_name(".lock.1").write_text(json.dumps(dead), encoding="utf-8")
        lock.with_name(".lock.2").write_text(json.dumps({**dead, "host": "elsewhere"}), encoding="utf-8")
        assert made.run("--mode", "record").code == made.expected_code
    assert sorted(p.name for p in lock.parent.iterdir()) == [".lock.2", "0001.jsonl"], "another machine may be about to take it"


# Refresh.


def test_refresh_asks_everything_anew_and_keeps_the_old_recording_aside(project, model) -> None:
    made = project()
    old = made.tape.read_bytes()
    made.answers[("Add:", 39)] = "39 + 1 is 40"
    with model(made) as server:
        ran = made.run("--mode", "refresh", "--out", str(made.root / "out"))
    assert ran.code == 0, ran.err
    assert len(server.requests) == 80
    aside, place = recordings(made)[1], recordings(made)[0]
    assert place == "sums"
    assert aside.startswith("sums.")
    assert len(aside) == len("sums.") + 8
    assert (made.tape.parent.parent / aside / "0001.jsonl").read_bytes() == old
    assert "39 + 1 is 40" in recorded(made).values()
    made.run("--out", str(made.root / "replayed"))
    assert verdict(made, "out") == verdict(made, "replayed")


def test_a_refresh_that_was_broken_off_leaves_the_old_in_place_and_continues(project, model) -> None:
    made = proxy(project(), concurrency=4)
    old = made.tape.read_bytes()

    def dying(request: Any, good: Any) -> Any:
        if request.number > 30:
            server.die()
        return good

    with model(made, dying, delay=0.001) as server:
        assert made.run("--mode", "refresh").code == 3
    assert made.tape.read_bytes() == old
    assert made.run("--out", str(made.root / "old")).code == 0, "the old recording still replays"
    with model(made) as again:
        assert made.run("--mode", "refresh").code == 0
    assert 50 <= len(again.requests) <= 60
    assert not {r.content for r in server.paid[:20]} & {r.content for r in again.requests}
    assert len(recordings(made)) == 2


def test_a_refresh_without_an_old_recording_is_a_recording(project, model) -> None:
    made = unrecorded(project())
    with model(made):
        ran = made.run("--mode", "refresh", "--out", str(made.root / "out"))
    assert ran.code == made.expected_code, ran.err
    assert recordings(made) == ["sums"]
    assert verdict(made, "out") == made.expected


def test_refreshing_twice_keeps_both(project, model) -> None:
    made = project(cases=8, base=4, right=8)
    for _ in range(3):
        with model(made) as server:
            assert made.run("--mode", "refresh").code in (0, 4)
        assert len(server.requests) == 16
    assert len(recordings(made)) == 4


def test_a_damaged_recording_can_be_refreshed(project, model) -> None:
    made = project(cases=8, base=4, right=8)
    made.tape.write_text("<<<<<<< HEAD\n" + made.tape.read_text(encoding="utf-8"), encoding="utf-8")
    damaged = made.tape.read_bytes()
    with model(made):
        ran = made.run("--mode", "refresh")
    assert ran.code in (0, 4), ran.err
    (aside,) = (name for name in recordings(made) if name != "sums")
    assert (made.tape.parent.parent / aside / "0001.jsonl").read_bytes() == damaged
    assert made.run().code in (0, 4)


# Live and mock.


def test_live_records_nothing_and_says_so(project, model) -> None:
    made = unrecorded(project())
    with model(made) as server:
        ran = made.run("--mode", "live", "--out", str(made.root / "out"), "--json")
    assert ran.code == made.expected_code, ran.err
    assert len(server.requests) == 80
    assert ran.document["mode"] == "live"
    assert recordings(made) == []
    assert [p.name for p in (made.root / "out").iterdir() if p.name.startswith(".")] == []
    assert "Live answers of a model" in (made.root / "out" / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("out", [True, False])
def test_a_live_run_that_was_broken_off_continues(out: bool, project, model) -> None:
    made = unrecorded(proxy(project(), concurrency=4))
    arguments = ["--out", str(made.root / "out")] if out else []

    def dying(request: Any, good: Any) -> Any:
        if request.number > 30:
            server.die()
        return good

    with model(made, dying, delay=0.001) as server:
        assert made.run("--mode", "live", *arguments).code == 3
    with model(made) as again:
        ran = made.run("--mode", "live", *arguments)
    assert ran.code == made.expected_code, ran.err
    assert 50 <= len(again.requests) <= 60
    place = made.root / "out" if out else made.root / "reports" / "sums"
    assert not [p.name for p in place.rglob(".answers*")]
    with model(made) as anew:
        assert made.run("--mode", "live", *arguments).code == made.expected_code
    assert len(anew.requests) == 80, "a finished live run left answers behind"


def test_mock_is_the_same_every_time_and_says_so(project, monkeypatch) -> None:
    made = unrecorded(project())

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("somebody was called")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("OPENAI_API_KEY")
    codes = {made.run("--mode", "mock", "--out", str(made.root / out)).code for out in ("one", "two", "one")}
    assert len(codes) == 1
    assert codes <= {0, 1, 4}
    assert verdict(made, "one") == verdict(made, "two")
    assert json.loads(verdict(made, "one"))["mode"] == "mock"
    assert recordings(made) == []
    assert not list((made.root / "one").rglob(".answers*"))


def test_mock_with_bad_days_gives_the_same_answers(project) -> None:
    made = unrecorded(project(cases=20, base=10, right=18))
    assert made.run("--mode", "mock", "--out", str(made.root / "good")).code in (0, 1, 4)
    bad = [{"kind": kind, "first_attempts": 1} for kind in ("server_error", "reset")]
    proxy(made, mock={"faults": bad})
    ran = made.run("--mode", "mock", "--out", str(made.root / "bad"))
    assert ran.code in (0, 1, 4), ran.err
    good, after = json.loads(verdict(made, "good")), json.loads(verdict(made, "bad"))
    assert good["metrics"] == after["metrics"]


# Replay.

HOOKED = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append((event, args)) if event.startswith("socket.") else None)
from evalgate.cli.main import main
code = main(sys.argv[1:])
print("SOCKETS", opened, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_replay_opens_no_socket_and_needs_no_key(backend: str, project, monkeypatch) -> None:
    made = project()
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    command = [sys.executable, "-c", HOOKED, "run", str(made.config), "--backend", backend, "--out", str(made.root / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "SOCKETS []" in [
        line.replace("('socket.gethostname', ()), ", "").replace("('socket.gethostname', ())", "")
        for line in done.stderr.splitlines()
    ]


def test_f53_a_miss_in_replay_asks_nobody(project, model) -> None:
    made = project()
    lines = made.tape.read_text(encoding="utf-8").splitlines(keepends=True)
    made.tape.write_text("".join(lines[:-1]), encoding="utf-8")
    with model(made) as server:
        ran = made.run()
    assert ran.code == 3
    assert server.connections == 0
    assert "--mode record" in ran.err


# Secrets.


def traces(made: Any, *said: str) -> list[str]:
    """Where the key stands: in any file of the project or in what was said, plain, in Base64 or URL-encoded, whole or in part."""
    import base64
    from urllib.parse import quote

    forms = {KEY, quote(KEY, safe=""), KEY.encode().hex(), KEY[3:15], KEY[-12:]}
    for lead in range(3):
        forms.add(base64.b64encode(b"\0" * lead + KEY.encode()).decode()[lead + 1 : -4])
    texts = {str(path): path.read_bytes().decode("utf-8", "replace") for path in made.root.rglob("*") if path.is_file()}
    texts |= {f"output {number}": text for number, text in enumerate(said)}
    return [f"{form} in {name}" for name, text in texts.items() for form in forms if form in text]


def echo(request: Any, good: Any) -> Any:
    """The key comes back wherever a server can put it."""
    import base64
    from urllib.parse import quote

    given = request.headers["authorization"].removeprefix("Bearer ")
    number = int(request.content.split()[1])
    form = (given, base64.b64encode(b"user:" + given.encode()).decode(), quote(given, safe=""))[number % 3]
    if number % 7 == 3:
        return stub.status(400, {"error": {"message": f"{'x' * (280 + number)}{form}", "code": form}}, {"X-Echo": form})
    body = {"debug": {form: [form]}, "model": form, "choice": {"finish_reason": form}}
    return stub.answer(request, f"the key is {form}", headers={"X-Request-Id": form, "Set-Cookie": form}, **body)


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--verbose"]])
@pytest.mark.parametrize("mode", ["record", "live", "refresh"])
def test_no_secret_in_any_byte_of_a_run_that_ends_well(mode: str, arguments: list[str], project, model) -> None:
    rules = ("{run: error_rate, max: 99%}", "{metric: exact_match, min: 0}")
    made = unrecorded(project(cases=30, base=10, right=20, thresholds=rules))
    with model(made, echo) as server:
        ran = made.run("--mode", mode, "--out", str(made.root / "out"), *arguments)
    assert ran.code in (0, 1, 4), ran.err
    assert {r.headers["authorization"] for r in server.requests} == {f"Bearer {KEY}"}
    assert (made.root / "out" / "report.html").exists()
    assert traces(made, ran.out, ran.err) == []
    if mode == "record":
        assert "[redacted]" in made.tape.read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--verbose"]])
@pytest.mark.parametrize("status", [400, 401, 500, 200])
def test_no_secret_in_any_byte_of_a_run_that_fails(status: int, arguments: list[str], project, model) -> None:
    made = unrecorded(proxy(project(cases=10, base=5, right=9), attempts=2))

    def act(request: Any, good: Any) -> Any:
        given = request.headers["authorization"]
        return stub.status(status, {"error": {"message": f"Incorrect API key provided: {given}"}}, {"WWW-Authenticate": given})

    with model(made, act):
        ran = made.run("--mode", "record", *arguments)
    assert ran.code == 3
    assert "[redacted" in ran.err
    assert traces(made, ran.out, ran.err) == []


@pytest.mark.parametrize("where", ["collect.line_of", "collect.Caller.answer", "http_provider.answer_of"])
@pytest.mark.parametrize("arguments", [[], ["--json"], ["--verbose"]])
def test_no_secret_in_any_byte_of_a_run_that_crashes(where: str, arguments: list[str], project, model, monkeypatch) -> None:
    """A bug of our own whose message and traceback hold what a server said."""
    made = unrecorded(project(cases=10, base=5, right=9))

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"{'x' * 485} {KEY} and more")

    monkeypatch.setattr(f"evalgate.proxy.upstream.{where}", broken)
    with model(made):
        ran = made.run("--mode", "record", *arguments)
    assert ran.code == 70, ran.err
    assert "internal error: RuntimeError" in ran.err
    assert traces(made, ran.out, ran.err) == []


@pytest.mark.parametrize("form", ["plain", "base64", "url", "hex"])
def test_a_prompt_that_holds_the_key_is_refused_before_anything_is_sent(form: str, project, model) -> None:
    import base64
    from urllib.parse import quote

    made = unrecorded(project())
    shown = {
        "plain": KEY,
        "base64": base64.b64encode(b"id:" + KEY.encode()).decode(),
        "url": quote(KEY),
        "hex": KEY.encode().hex(),
    }[form]
    prompt = made.root / "configs" / "prompts" / "sum" / "1.prompt.yml"
    prompt.write_text(prompt.read_text(encoding="utf-8").replace("Sum:", f"Use {shown}:"), encoding="utf-8")
    with model(made) as server:
        ran = made.run("--mode", "record")
    assert ran.code == 2
    assert "the request holds the value of a secret" in ran.err
    assert "case c0, baseline" in ran.err
    assert server.connections == 0
    assert recordings(made) == []
    prompt.unlink()
    assert traces(made, ran.out, ran.err) == []


def test_a_case_that_holds_the_key_is_never_sent_nor_recorded(project, model) -> None:
    made = unrecorded(proxy(project(), concurrency=1))
    made.data.write_text(made.data.read_text("utf-8").replace('"30 + 1"', f'"30 + 1 {KEY}"'), encoding="utf-8")
    with model(made) as server:
        ran = made.run("--mode", "record")
    assert ran.code == 2
    assert "case c30" in ran.err
    assert not [r for r in server.requests if KEY.encode() in r.raw]
    assert len(recorded(made)) == len(server.requests), "what was answered before is kept"
    made.data.unlink()
    assert traces(made, ran.out, ran.err) == []


@pytest.mark.parametrize("key", ["sk-canary\n9f8e7d6c5b4a39281706", "two words of a key", "sk-canary-\u00e9-9f8e7d6c5b4a"])
def test_a_key_that_cannot_be_one_is_refused(key: str, project, model, monkeypatch) -> None:
    made = unrecorded(project())
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with model(made) as server:
        ran = made.run("--mode", "record")
    assert ran.code == 2
    assert "OPENAI_API_KEY holds white space or characters that no key has" in ran.err
    assert key not in ran.err
    assert server.connections == 0
