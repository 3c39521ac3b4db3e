"""The user's whole application as a command or a function: every way to answer, every way to fail, and nobody stays behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from upstream_asking import ask, call, context, gather, limits

from evalgate.core.errors import BadInput
from evalgate.core.settings import ModelChoice, Upstream
from evalgate.proxy.upstream import command_provider, function_provider
from evalgate.proxy.upstream.caller import Caller
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, Reply

OPENAI_SHAPED = {
    "choices": [{"message": {"content": "from a body"}, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4},
}
KEY = "sk-canary-9f8e7d6c5b4a39281706"


def command(*words: str, number: int = 0, **upstream: Any) -> Call:
    return call(
        number, model=ModelChoice("m", "command", "app", {"temperature": 0}), upstream=Upstream(command=words, **upstream)
    )


def shell(text: str, number: int = 0) -> Call:
    return command("sh", "-c", text, number=number)


def script(root: Path, text: str, number: int = 0) -> Call:
    (root / "app.py").write_text(text, encoding="utf-8")
    return command(sys.executable, "-S", "app.py", number=number)


def function(root: Path, text: str, number: int = 0, name: str = "answer", **upstream: Any) -> Call:
    (root / "app_under_test.py").write_text(text, encoding="utf-8")
    given = Upstream(function=f"app_under_test:{name}", **upstream)
    return call(number, model=ModelChoice("m", "python", "app", {"temperature": 0}), upstream=given)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


def gone(pid: int) -> bool:
    for _ in range(100):
        if not running(pid):
            return True
        time.sleep(0.02)
    return False


# The command.


@pytest.mark.parametrize(
    ("printed", "text", "finish"),
    [
        ("plain", "plain", "stop"),
        ("", "", "stop"),
        ("one line\n", "one line", "stop"),
        ("two\n\n", "two\n", "stop"),
        ("windows\r\n", "windows", "stop"),
        (" spaces stay ", " spaces stay ", "stop"),
        ("h\u00e9 \U0001f600\u2028", "h\u00e9 \U0001f600\u2028", "stop"),
        (json.dumps({"text": "an object"}), "an object", "stop"),
        (json.dumps({"text": "", "finish": "length"}), "", "length"),
        (json.dumps(OPENAI_SHAPED), "from a body", "length"),
        (json.dumps({"answer": 42}), '{"answer": 42}', "stop"),
        ("[1, 2]", "[1, 2]", "stop"),
        ("42", "42", "stop"),
        ('{"text": "not closed', '{"text": "not closed', "stop"),
        ('{"text": "half \\ud83d"}', "half \ufffd", "stop"),
        (json.dumps({"text": "x", "prompt_tokens": 5, "completion_tokens": 6, "latency_ms": 12.5}), "x", "stop"),
    ],
)
def test_what_a_command_prints_is_the_answer(printed: str, text: str, finish: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(printed.encode())
    reply = ask([shell("cat out")], root=tmp_path).only
    assert isinstance(reply, Reply), reply
    assert (reply.text, reply.finish) == (text, finish)
    assert reply.latency_ms >= 0


def test_figures_of_a_command_count(tmp_path: Path) -> None:
    (tmp_path / "out").write_text(json.dumps({"text": "x", "prompt_tokens": 5, "completion_tokens": 6, "latency_ms": 12.5}))
    reply = ask([shell("cat out")], root=tmp_path).only
    assert (reply.prompt_tokens, reply.completion_tokens, reply.latency_ms) == (5, 6, 12.5)


def test_a_command_is_given_the_request_as_json(tmp_path: Path) -> None:
    one = replace(
        shell("cat > given; pwd > where; echo done"),
        body={"model": "app", "messages": [{"role": "user", "content": "h\u00e9 \u2028 $(x)"}]},
    )
    assert ask([one], root=tmp_path).only.text == "done"
    given = json.loads((tmp_path / "given").read_text(encoding="utf-8"))
    assert given == {"model": "app", "messages": [{"role": "user", "content": "h\u00e9 \u2028 $(x)"}], "sample": 0}
    assert (tmp_path / "where").read_text().strip() == str(tmp_path)


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_command_need_not_read_its_request(size: int, tmp_path: Path) -> None:
    one = shell("echo fine")
    assert ask([replace(one, body={"x": "y" * size})], root=tmp_path).only.text == "fine"


@pytest.mark.parametrize(
    ("text", "said", "attempts"),
    [
        ("exit 3", "the program ended with 3: ", 2),
        ("echo half an answer; echo why >&2; exit 1", "the program ended with 1: why", 2),
        ("kill -SEGV $$", "the program ended with -11: ", 2),
        ("kill -9 $$", "the program ended with -9: ", 2),
        ("printf '\\377\\376'", "the program printed bytes that are not UTF-8", 1),
        ('echo \'{"error": "no model"}\'', "the response holds an error: no model", 1),
        ("echo '{\"choices\": []}'", "the response has no choices", 1),
        ("echo '{\"text\": 7}'", "the answer object cannot be read: it has no text", 1),
        ("echo '{\"text\": null}'", "the answer object cannot be read: it has no text", 1),
        ('echo \'{"text": "x", "txet": 1}\'', "the answer object cannot be read: unknown field 'txet'", 1),
    ],
)
def test_what_is_no_answer_of_a_command(text: str, said: str, attempts: int, tmp_path: Path) -> None:
    failure = ask([shell(f"echo x >> tries; {text}")], limits(attempts=2), root=tmp_path).only
    assert isinstance(failure, Failure), failure
    assert failure.message.startswith(said), failure.message
    assert (tmp_path / "tries").read_text().count("x") == attempts


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    one = shell("sleep 300 & echo $! > child; echo $$ > self; sleep 300")
    failure = ask([one], limits(timeout_s=0.3, attempts=1), root=tmp_path).only
    assert failure.message == "the program gave no answer within 0.3 s"
    assert gone(int((tmp_path / "child").read_text()))
    assert gone(int((tmp_path / "self").read_text()))


def test_what_a_command_leaves_running_is_ended_when_it_has_answered(tmp_path: Path) -> None:
    one = shell("sleep 300 > /dev/null 2>&1 & echo $! > child; echo fine")
    assert ask([one], root=tmp_path).only.text == "fine"
    assert gone(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize(
    "text",
    ["yes", "yes >&2 & yes", "head -c 3000000 /dev/zero; sleep 300", "head -c 3000000 /dev/zero | tr '\\0' x"],
)
def test_a_command_that_prints_without_end_is_ended_at_once(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_provider, "MAX_OUTPUT", 1 << 20)
    failure = ask([shell(f"echo x >> tries; {text}")], limits(timeout_s=20.0), root=tmp_path).only
    assert failure.message == "the program printed more than 1 MiB"
    assert failure.kind is FailureKind.PERMANENT
    assert (tmp_path / "tries").read_text().count("x") == 1


def test_a_command_may_complain_as_much_as_it_likes(tmp_path: Path) -> None:
    """More than a pipe holds, before it answers."""
    assert ask([shell("head -c 5000000 /dev/zero >&2; echo fine")], root=tmp_path).only.text == "fine"


@pytest.mark.parametrize("at", [-20, 0, 280, 290, 295])
def test_a_command_that_tells_a_key_does_not_tell_it_on(at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evalgate.core.credentials import remember

    remember(KEY)
    monkeypatch.setenv("THE_KEY", KEY)
    for text in (
        f"printf '%s%s' \"$THE_KEY\" {'x' * max(0, at)} >&2; exit 1",
        'echo "{\\"error\\": \\"$THE_KEY\\"}"',
        'echo "{\\"$THE_KEY\\": 1, \\"text\\": 7}"',
    ):
        done = gather(
            tmp_path / f"tape{at}", [shell("echo fine"), shell(text, 1)], limits(attempts=1, concurrency=1), root=tmp_path
        )
        said = json.dumps([str(p) for p in done.found.failures]) + str(done.errors()) if done.found else ""
        assert KEY not in said
        assert KEY[5:15] not in said
        assert KEY[-10:] not in said


@pytest.mark.parametrize(
    "words", [(), ("no-such-program-7",), ("./no-such-file",), ("/no/such/file",), ("data.txt",), ("",), ("folder",)]
)
def test_a_command_that_is_not_there_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("not to be run")
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match=r"needs a command|is not found"):
        _ = ask([command(*words)], root=tmp_path).only


@pytest.mark.parametrize("word", ["app.sh", "./app.sh", "bin/../app.sh"])
def test_a_program_of_the_project_is_found_from_anywhere(word: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "app.sh").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "app.sh").chmod(0o755)
    assert ask([command(word)], root=tmp_path).only.text == "mine"


def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    (tmp_path / "app").write_bytes(b"\x7fELF, but not really")
    (tmp_path / "app").chmod(0o755)
    failure = ask([command("./app")], root=tmp_path).only
    assert failure.message.startswith("the program cannot be started: ")
    assert failure.kind is FailureKind.PERMANENT


def test_no_shell_is_involved(tmp_path: Path) -> None:
    assert ask([command("echo", "$HOME; ls `x` > y")], root=tmp_path).only.text == "$HOME; ls `x` > y"


def test_as_many_commands_at_a_time_as_are_declared(tmp_path: Path) -> None:
    text = "mkdir slot-1 2>/dev/null && s=1 || { mkdir slot-2 2>/dev/null && s=2; } || exit 9; sleep 0.05; rmdir slot-$s; echo ok"
    asked = ask(
        [replace(shell(text, n), upstream=Upstream(command=("sh", "-c", text), processes=2)) for n in range(8)],
        limits(concurrency=8),
        root=tmp_path,
    )
    assert [reply.text for reply in asked.replies] == ["ok"] * 8, asked.failures
    assert asked.caller.retries == 0


# The function.


@pytest.mark.parametrize(
    ("body", "text", "finish"),
    [
        ("return 'plain'", "plain", "stop"),
        ("return ''", "", "stop"),
        ("return ' kept \\n'", " kept \n", "stop"),
        ("return {'text': 'an object', 'finish': 'length'}", "an object", "length"),
        (f"return {OPENAI_SHAPED!r}", "from a body", "length"),
        ("return request['messages'][0]['content'] + ' ' + str(request['sample'])", "question 0 0", "stop"),
        ("print('to stdout'); import sys; sys.stdout.flush(); return 'returned'", "returned", "stop"),
        ("import os; os.write(1, b'{\"value\": \"forged\"}\\n'); return 'returned'", "returned", "stop"),
        ("import subprocess; subprocess.run(['echo', '{\"value\": \"forged\"}']); return 'returned'", "returned", "stop"),
        (
            "import subprocess; return subprocess.run(['cat'], capture_output=True, timeout=5).stdout.decode() + 'end'",
            "end",
            "stop",
        ),
        ("return 'half \\ud83d'", "half \ufffd", "stop"),
        ("return 'nul \\x00 \\u2028 \\U0001f600'", "nul \x00 \u2028 \U0001f600", "stop"),
    ],
)
def test_what_a_function_returns_is_the_answer(body: str, text: str, finish: str, tmp_path: Path) -> None:
    reply = ask([function(tmp_path, f"def answer(request):\n    {body}\n")], root=tmp_path).only
    assert isinstance(reply, Reply), reply
    assert (reply.text, reply.finish) == (text, finish)


def test_an_async_function_is_awaited(tmp_path: Path) -> None:
    text = "import asyncio\nasync def answer(request):\n    await asyncio.sleep(0.01)\n    return 'later'\n"
    assert [r.text for r in ask([function(tmp_path, text, n) for n in range(3)], root=tmp_path).replies] == ["later"] * 3


@pytest.mark.parametrize(
    ("body", "said", "attempts"),
    [
        ("raise ValueError('bad day')", "the function failed: ValueError: bad day", 2),
        ("return 1 / 0", "the function failed: ZeroDivisionError", 2),
        ("raise SystemExit(0)", "the function's process died", 2),
        ("import sys; sys.exit('bye')", "the function's process died", 2),
        ("import os; os._exit(0)", "the function's process died", 2),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "the function's process died", 2),
        ("raise KeyboardInterrupt", "the function's process died", 2),
        ("return f(request)", "the function failed: NameError", 2),
        ("return (lambda f: f(f))(lambda f: f(f))", "the function failed: RecursionError", 2),
        ("return None", "the answer is NoneType, neither a text nor an object", 1),
        ("return 7", "the answer is int, neither a text nor an object", 1),
        ("return ['a']", "the answer is list, neither a text nor an object", 1),
        ("return b'bytes'", "the function failed: TypeError", 2),
        ("return float('nan')", "the function failed: ValueError", 2),
        ("return {'text': 'x', 'score': float('inf')}", "the function failed: ValueError", 2),
        ("return {'message': 'x'}", "the answer object cannot be read: unknown field 'message'", 1),
        ("return {'choices': []}", "the response has no choices", 1),
        ("return {'error': 'no'}", "the response holds an error: no", 1),
        ("return input()", "the function failed: EOFError", 2),
    ],
)
def test_what_is_no_answer_of_a_function(body: str, said: str, attempts: int, tmp_path: Path) -> None:
    text = f"def answer(request):\n    open('tries', 'a').write('x')\n    {body}\n"
    failure = ask([function(tmp_path, text)], limits(attempts=2), root=tmp_path).only
    assert isinstance(failure, Failure), failure
    assert failure.message.startswith(said), failure.message
    assert (tmp_path / "tries").read_text().count("x") == attempts


def test_a_function_that_dies_now_and_then_is_started_again(tmp_path: Path) -> None:
    text = (
        "import os\nfrom pathlib import Path\ndef answer(request):\n    said = request['messages'][0]['content']\n"
        "    mark = Path(said.replace(' ', '-'))\n    if said.endswith(('3', '5')) and not mark.exists():\n"
        "        mark.touch()\n        os._exit(1)\n    return said\n"
    )
    asked = ask([function(tmp_path, text, n, processes=2) for n in range(8)], root=tmp_path)
    assert sorted(reply.text for reply in asked.replies) == [f"question {n}" for n in range(8)]
    assert asked.caller.retries == 2


def test_a_function_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    text = (
        "import os, subprocess, time\ndef answer(request):\n    child = subprocess.Popen(['sleep', '300'])\n"
        "    open('pids', 'w').write(f'{os.getpid()} {child.pid}')\n    time.sleep(300)\n"
    )
    failure = ask([function(tmp_path, text)], limits(timeout_s=1.5, attempts=1), root=tmp_path).only
    assert failure.message == "the function gave no answer within 1.5 s"
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_workers_are_ended_at_the_end(tmp_path: Path) -> None:
    text = "import os\ndef answer(request):\n    return str(os.getpid())\n"
    asked = ask([function(tmp_path, text, n, processes=2) for n in range(12)], limits(concurrency=8), root=tmp_path)
    pids = {int(reply.text) for reply in asked.replies}
    assert len(pids) <= 2, "more workers than declared, or one for each call"
    assert all(gone(pid) for pid in pids)


def test_a_worker_ends_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    """As after kill -9 of the run: the function is still busy, and its own children are there."""
    text = (
        "import os, subprocess, time\ndef answer(request):\n    child = subprocess.Popen(['sleep', '300'])\n"
        "    open('part', 'w').write(str(child.pid))\n    os.rename('part', 'pid')\n    time.sleep(300)\n"
    )
    function(tmp_path, text)
    started = [sys.executable, "-m", "evalgate.proxy.upstream.function_worker", "app_under_test:answer", str(tmp_path)]
    worker = subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(b"{}\n")
    worker.stdin.flush()
    while not (tmp_path / "pid").exists():
        time.sleep(0.02)
    worker.stdin.close()
    assert worker.wait(timeout=10) == -signal.SIGKILL
    worker.stdout.close()
    assert gone(int((tmp_path / "pid").read_text()))


def test_the_output_of_a_function_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_provider, "MAX_LINE", 1 << 16)
    text = "def answer(request):\n    open('tries', 'a').write('x')\n    return 'x' * 300_000\n"
    failure = ask([function(tmp_path, text)], root=tmp_path).only
    assert failure.message.startswith("the function gave more than ")
    assert failure.kind is FailureKind.PERMANENT
    assert (tmp_path / "tries").read_text() == "x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('at import')", "RuntimeError: at import"),
        ("def other(request): return 1", "AttributeError"),
        ("def answer(request) return 1", "SyntaxError"),
        ("import no_such_module_7", "ModuleNotFoundError"),
    ],
)
def test_a_function_that_cannot_be_loaded_stops_the_run_early(text: str, said: str, tmp_path: Path) -> None:
    wanted = [function(tmp_path, text, n) for n in range(40)]
    done = gather(tmp_path / "tape", wanted, root=tmp_path)
    assert f"every call fails the same way: the function failed: cannot be loaded: {said}" in done.said
    assert len(done.recording) == 0


@pytest.mark.parametrize("name", ["", "module", "module:", ":f", "a.b", "a b:c", "a:b.c", "../a:b", "a:b()", "a-b:c", "1a:b"])
def test_what_names_no_function_is_refused(name: str, tmp_path: Path) -> None:
    one = call(0, model=ModelChoice("m", "python", "app", {}), upstream=Upstream(function=name))
    with pytest.raises(BadInput, match="is no function"):
        _ = ask([one], root=tmp_path).only


def test_what_a_function_raises_is_told_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evalgate.core.credentials import remember

    remember(KEY)
    monkeypatch.setenv("THE_KEY", KEY)
    for pad in (0, 250, 265, 280):
        text = f"import os\ndef answer(request):\n    raise ValueError('x' * {pad} + os.environ['THE_KEY'])\n"
        said = ask([function(tmp_path, text)], limits(attempts=1), root=tmp_path).only.message
        assert KEY[5:15] not in said
        assert KEY not in said


def test_answers_of_functions_and_commands_are_recorded_like_any_other(tmp_path: Path) -> None:
    text = "def answer(request):\n    return request['messages'][0]['content'].upper()\n"
    wanted = [function(tmp_path, text, n) for n in range(6)]
    done = gather(tmp_path / "tape", wanted, root=tmp_path)
    assert sorted(done.texts().values()) == [f"QUESTION {n}" for n in range(6)]
    (tmp_path / "app_under_test.py").unlink()
    assert gather(tmp_path / "tape", wanted, root=tmp_path).error is None, "asked again for what is recorded"


def test_no_process_can_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    one = function(tmp_path, "def answer(request): return 'x'\n")
    monkeypatch.setattr(asyncio, "create_subprocess_exec", refused)
    for each in (one, shell("echo x")):
        failure = ask([each], limits(attempts=1), root=tmp_path).only
        assert "cannot be started: Resource temporarily unavailable" in failure.message


@pytest.mark.parametrize("kind", ["command", "function"])
def test_a_call_that_is_broken_off_leaves_no_process(kind: str, tmp_path: Path) -> None:
    text = "import os, time\ndef answer(request):\n    open('pid', 'w').write(str(os.getpid()))\n    time.sleep(300)\n"
    one = function(tmp_path, text) if kind == "function" else shell("echo $$ > pid; sleep 300")

    async def run() -> None:
        from evalgate.core.settings import Budget

        caller = Caller(limits(timeout_s=100.0), Budget(), context(tmp_path))
        task = asyncio.create_task(caller.answer(one))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await caller.close()

    asyncio.run(run())
    pid = int((tmp_path / "pid").read_text())
    assert gone(pid)
    assert pid != os.getpid()
