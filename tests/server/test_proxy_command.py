"""`evalgate proxy` as a program: what it prints, how it ends, and that nothing it writes holds a secret."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.proxy.upstream.interface import Reply

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Name a colour."}], "temperature": 0}
TOKEN = "test-token-of-the-proxy-0123456789"
BLUE = Reply("Blue.", "stop", 3, 1, 4.5, None)


def recorded(tmp_path, name: str) -> bytes:
    return b"".join(
        path.read_bytes() for path in sorted((tmp_path / "datasets" / "recordings" / name).glob("*")) if path.is_file()
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_replay_from_start_to_end(program, store, make_line, number, code) -> None:
    folder = store(make_line("chat/completions", ASK, {"text": "Blue."}))
    running = program("--recording", str(folder))
    status, data, _ = running.ask(ASK, "any key")
    assert (status, json.loads(data)["choices"][0]["message"]["content"]) == (200, "Blue.")
    assert running.ask({**ASK, "seed": 1})[0] == 404
    ended, out, err = running.end(number)
    assert (ended, out) == (code, "")
    lines = err.splitlines()
    assert lines[0] == "evalgate: replay, rec, 1 exchanges"
    assert lines[1].startswith("evalgate: miss: chat/completions m ")
    assert lines[2] == "evalgate: 1 answered from the recording, 0 recorded, 1 missed"
    assert lines[3] == f"evalgate: {'terminated' if code == 143 else 'interrupted'}"
    assert running.token not in err


def test_record_by_name_then_replay_with_no_secret_anywhere(program, recording, tmp_path) -> None:
    source, upstream = recording(lambda call: Reply(f"Blue, and your key is {TOKEN}.", "stop", 3, 1, 4.5, None), "source")
    env = {"MY_KEY": TOKEN, "OPENAI_API_KEY": "of-another-provider", "OPENAI_BASE_URL": f"http://127.0.0.1:{source.port}/v1"}
    running = program("--mode", "record", "--recording", "shop", "--api-key-env", "MY_KEY", env=env)
    assert running.ask(ASK, "sk-wrong")[0] == 401
    assert running.ask({**ASK, "user": TOKEN})[0] == 400
    status, data, headers = running.ask(ASK)
    assert (status, headers["x-evalgate-source"]) == (200, "upstream")
    assert b"your key is [redacted]." in data
    code, out, err = running.end(signal.SIGTERM)
    assert (code, out) == (143, "")
    assert f"record, shop, 0 exchanges, upstream http://127.0.0.1:{source.port}/v1" in err
    assert "0 answered from the recording, 1 recorded, 0 missed" in err
    assert "the same command continues" in err
    written = recorded(tmp_path, "shop")
    for secret in (TOKEN, running.token):
        assert secret.encode() not in written
        assert secret not in err + data.decode()
    again = program("--recording", "shop")
    assert again.ask({**ASK, "stream": False})[:2] == (200, data)
    assert len(upstream.calls) == 1
    assert again.end(signal.SIGTERM)[0] == 143


def test_what_was_answered_survives_a_kill(program, recording, tmp_path) -> None:
    source, upstream = recording(lambda call: BLUE, "source")
    env = {"OPENAI_API_KEY": TOKEN}
    flags = ("--mode", "record", "--recording", "shop", "--upstream", f"http://127.0.0.1:{source.port}/v1", "--quiet")
    running = program(*flags, env=env)
    data = running.ask(ASK)[1]
    running.process.kill()
    running.process.communicate(timeout=30)
    again = program(*flags, env=env)
    assert again.ask(ASK)[:2] == (200, data)
    assert len(upstream.calls) == 1


def test_a_running_call_is_finished_before_the_end(program, recording, tmp_path) -> None:
    source, upstream = recording(lambda call: BLUE, "source", gated=True)
    running = program(
        "--mode",
        "record",
        "--recording",
        "shop",
        "--upstream",
        f"http://127.0.0.1:{source.port}/v1",
        env={"OPENAI_API_KEY": TOKEN},
    )
    got: list[Any] = []
    client = threading.Thread(target=lambda: got.append(running.ask(ASK)))
    client.start()
    while not upstream.calls:
        pass
    running.process.send_signal(signal.SIGTERM)
    upstream.gate.set()
    client.join(30)
    assert running.process.wait(30) == 143
    assert got[0][0] == 200
    assert b"Blue." in recorded(tmp_path, "shop")


@pytest.mark.parametrize("signals", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM)])
def test_a_call_that_does_not_end_is_broken_off(program, recording, signals) -> None:
    source, upstream = recording(lambda call: BLUE, "source", gated=True)
    running = program(
        "--mode",
        "record",
        "--recording",
        "shop",
        "--upstream",
        f"http://127.0.0.1:{source.port}/v1",
        env={"OPENAI_API_KEY": TOKEN},
    )
    got: list[Any] = []

    def ask() -> None:
        try:
            got.append(running.ask(ASK)[0])
        except (OSError, http.client.HTTPException) as error:
            got.append(type(error).__name__)

    client = threading.Thread(target=ask)
    client.start()
    while not upstream.calls:
        pass
    for number in signals:
        running.process.send_signal(number)
    _, err = running.process.communicate(timeout=30)
    client.join(30)
    upstream.gate.set()
    assert running.process.returncode in {signal.SIGTERM: (143,), signal.SIGINT: (130, 143)}[signals[0]], (
        "two at once come in either order"
    )
    assert got[0] != 200
    assert "Traceback" not in err


def test_a_token_of_the_environment_is_not_printed(program, store, make_line) -> None:
    folder = store(make_line("chat/completions", ASK, {"text": "Blue."}))
    running = program("--recording", str(folder), "--token-env", "PROXY_TOKEN", env={"PROXY_TOKEN": TOKEN})
    assert running.ask(ASK)[0] == 200
    code, out, err = running.end(signal.SIGTERM)
    assert (code, out) == (143, "")
    assert TOKEN not in err


REFUSED = [
    ([], "needs a recording"),
    (["--mode", "record"], "needs a recording"),
    (["--mode", "refresh", "--recording", "x"], "no mode refresh"),
    (["--mode", "live"], "no mode live"),
    (["--recording", "nothing-here"], "no recording 'nothing-here'"),
    (["--recording", "some/where"], "no recording at"),
    (["--recording", ""], "not a folder"),
    (["--recording", "file.jsonl/"], "not a folder"),
    (["--recording", "./file.jsonl"], "not a folder"),
    (["--recording", "./empty"], "no exchanges"),
    (["--recording", "./broken"], "0001.jsonl:1"),
    (["--recording", "./empty", "--upstream", "http://127.0.0.1:1/v1"], "--upstream: mode "),
    (["--recording", "./empty", "--api-key-env", "X"], "--api-key-env: mode "),
    (["--recording", "./empty", "--mock", "x.yaml"], "--mock: mode "),
    (["--mode", "mock", "--recording", "x"], "--recording: mode "),
    (["--mode", "mock", "--host", ""], "host is empty"),
    (["--mode", "mock", "--host", "no-such-host.invalid"], "cannot listen"),
    (["--mode", "mock", "--token-env", "EVALGATE_NO_SUCH"], "no usable token"),
    (["--mode", "mock", "--token-env", "EVALGATE_SHORT"], "no usable token"),
    (["--mode", "mock", "--token-env", "EVALGATE_BLANKS"], "no usable token"),
    (["--mode", "record", "--recording", "new", "--upstream", "ftp://x/v1"], "is not the address"),
    (["--mode", "record", "--recording", "new", "--upstream", "http://user:pass-word@x/v1"], "must not hold"),
    (["--mode", "record", "--recording", "new", "--upstream", "http://[::1/v1"], "is not an address"),
    (["--mode", "record", "--recording", "new", "--upstream", "http://h:99999/v1"], "is not an address"),
    (["--mode", "record", "--recording", "new", "--upstream", ""], "asked without a key"),
    (["--mode", "record", "--recording", "new", "--upstream", "https://api.openai.com/v1"], "asked without a key"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(tmp_path, monkeypatch, capsys, arguments, said) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OPENAI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EVALGATE_SHORT", "short")
    monkeypatch.setenv("EVALGATE_BLANKS", "long enough but with blanks")
    (tmp_path / "file.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "0001.jsonl").write_text("{}\n", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    assert main(["proxy", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "pass-word" not in captured.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_proxy_does_not_call_itself(tmp_path, monkeypatch, capsys, serve, replaying, make_line) -> None:
    from evalgate.proxy.server.running import bound

    with bound("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://localhost:{port}/v1")
    assert main(["proxy", "--mode", "record", "--recording", "new", "--port", str(port)]) == 2
    assert "is this proxy itself" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "65536"],
        ["--port", "-1"],
        ["--port", "x"],
        ["--max-body", "10"],
        ["--max-body", "999999999999"],
        ["--mode", "other"],
    ],
)
def test_usage_errors(capsys, arguments) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["proxy", *arguments])
    assert stop.value.code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("upstream", "key_env", "sent"),
    [(None, None, True), ("https://models.example/v1", None, False), ("https://models.example/v1", "OPENAI_API_KEY", True), ("http://127.0.0.1:9/v1", None, True)],
)  # fmt: skip
def test_the_key_goes_to_the_address_it_was_set_for(
    upstream: str | None, key_env: str | None, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalgate.pipeline.serve import ServeOptions, _upstream
    from evalgate.proxy.redaction import Redactor
    from evalgate.proxy.upstream.http_provider import make_openai
    from evalgate.proxy.upstream.interface import ProviderContext

    monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.example/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-gateway-123456")
    chosen, shown = _upstream(
        ServeOptions(mode="record", recording="r", upstream=upstream, api_key_env=key_env), "http://127.0.0.1:1/v1"
    )
    assert shown == (upstream or "https://gateway.example/v1")
    assert ("Authorization" in make_openai(chosen, ProviderContext(1, Redactor()))._headers) is sent
