"""`evalgate proxy`: put a recording, an upstream or the mock behind an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import re
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from evalgate.core.credentials import remember, secret_from_environment, setting_from_environment
from evalgate.core.errors import BadInput, Interrupted, Terminated
from evalgate.core.files import NAME
from evalgate.core.settings import Budget, CallLimits, MockChoice, Upstream
from evalgate.proxy.recording import open_recording, place_of_recording, recording_folder
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.server.access import LOOPBACK_NAMES, Access, access_for
from evalgate.proxy.server.answerers import RecordAnswerer, ReplayAnswerer
from evalgate.proxy.server.app import MAX_BODY, Desk
from evalgate.proxy.server.interface import Answerer
from evalgate.proxy.server.renewed_caller import RenewedCaller
from evalgate.proxy.server.running import base_url, bound
from evalgate.proxy.server.running import serve as serve_until_signal
from evalgate.proxy.upstream.addresses import is_loopback
from evalgate.proxy.upstream.caller import Caller
from evalgate.proxy.upstream.catalog import make_provider
from evalgate.proxy.upstream.http_provider import OPENAI
from evalgate.proxy.upstream.interface import ProviderContext

_INSTEAD = {
    "refresh": "delete the recording, or record into one of another name, with --mode record",
    "live": "let the application call the provider itself, or use --mode record so that nothing is paid twice",
}
_TOKEN = re.compile(r"[!-~]{16,512}")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `evalgate proxy` was asked for."""

    mode: str = "replay"
    recording: str | None = None
    """A plain name under `datasets/recordings/`, or a path."""
    upstream: str | None = None
    api_key_env: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    token_env: str | None = None
    mock: str | None = None
    """A file with the rules of the mock."""
    max_body: int = MAX_BODY


@dataclass(frozen=True, slots=True)
class Ready:
    """What is told once the server listens."""

    base_url: str
    token: str | None
    """None when it was taken from the environment: whoever set it knows it, and a log need not."""
    summary: str


@dataclass(frozen=True, slots=True)
class _Service:
    """An answerer that can be made inside an event loop, and a line about it."""

    make: Callable[[], Answerer]
    summary: str


def serve(options: ServeOptions, root: Path, announce: Callable[[Ready], None], say: Say) -> NoReturn:
    """Serve until a signal ends it.

    Raises:
        Interrupted, Terminated: the server was ended, everything it recorded is on disk.
        BadInput: the options cannot be used, nothing was written.
        Incomplete: the recording cannot be written.
    Side effects: listens on a socket; in mode `record` calls the upstream and writes the recording.
    """
    _check(options)
    token = _token(options.token_env)
    with closing(bound(options.host, options.port)) as made:
        url = base_url(options.host, made)
        with _service(options, root, url, say) as service:
            shown = token if options.token_env is None else None
            ready = Ready(url, shown, service.summary)
            access = access_for(options.host, token, spends=options.mode == "record")
            number = asyncio.run(_served(options, service, access, made, lambda: announce(ready), say))
    said = "a recorded answer stays recorded: the same command continues" if options.mode == "record" else None
    raise Interrupted("interrupted", hint=said) if number == signal.SIGINT else Terminated("terminated", hint=said)


async def _served(
    options: ServeOptions, service: _Service, access: Access, made: socket.socket, ready: Callable[[], None], say: Say
) -> int:
    desk = Desk(service.make(), access, options.max_body, say)
    if not is_loopback(options.host):
        say("other machines can reach this proxy; every request needs its token")
    number = await serve_until_signal(desk, made, ready)
    tally = desk.tally
    say(f"{tally.hits} answered from the recording, {tally.recorded} recorded, {tally.misses} missed")
    return number


@contextmanager
def _service(options: ServeOptions, root: Path, url: str, say: Say) -> Iterator[_Service]:
    if options.mode == "mock":
        from evalgate.proxy.server.mock_answerer import MockAnswerer

        choice = _mock(options.mock)
        yield _Service(lambda: MockAnswerer(choice), f"mock, {len(choice.rules)} rules, {len(choice.faults)} faults")
    elif options.mode == "replay":
        folder, name = _place(options.recording, root, must_exist=True)
        recording = open_recording(folder, name)
        yield _Service(lambda: ReplayAnswerer(recording, Redactor()), f"replay, {name}, {len(recording)} exchanges")
    else:
        folder, name = _place(options.recording, root, must_exist=False)
        upstream, shown = _upstream(options, url)
        with RecordingWriter(folder, name) as writer:
            for problem in writer.repaired:
                say(str(problem))
            recording = open_recording(folder, name, may_be_empty=True)
            yield _Service(
                lambda: RecordAnswerer(recording, writer, RenewedCaller(_caller), upstream),
                f"record, {name}, {len(recording)} exchanges, upstream {shown}",
            )


def _check(options: ServeOptions) -> None:
    """Refuse what cannot be meant.

    Raises: BadInput with all of it.
    """
    mode = options.mode
    if mode in _INSTEAD:
        raise BadInput(f"the proxy has no mode {mode}", where="--mode", hint=_INSTEAD[mode])
    if mode != "mock" and options.recording is None:
        raise BadInput(f"mode {mode} needs a recording", where="--recording", hint="a name under datasets/recordings/, or a path")
    strange = {
        "--recording": mode == "mock" and options.recording is not None,
        "--upstream": mode != "record" and options.upstream is not None,
        "--api-key-env": mode != "record" and options.api_key_env is not None,
        "--mock": mode != "mock" and options.mock is not None,
    }
    for flag in (flag for flag, given in strange.items() if given):
        raise BadInput(f"mode {mode} does not use it", where=flag, hint="leave it out, or choose another --mode")
    if not options.host.strip():
        raise BadInput("the host is empty", where="--host", hint="127.0.0.1 is this machine alone")


def _token(name: str | None) -> str:
    """The token of this run: made anew, or taken from the environment; kept out of everything that is written."""
    if name is None:
        token = secrets.token_urlsafe(32)
        remember(token)
        return token
    given = secret_from_environment(name)
    if given is None or not _TOKEN.fullmatch(given):
        hint = "16 to 512 visible ASCII characters, such as the output of: openssl rand -hex 24"
        raise BadInput(f"the variable {name} holds no usable token", where="--token-env", hint=hint)
    return given


def _place(recording: str | None, root: Path, *, must_exist: bool) -> tuple[Path, str]:
    """Folder and name of a recording.

    Raises: BadInput when it must exist and does not.
    """
    text = recording or ""
    if NAME.fullmatch(text):
        return (recording_folder(text, root, "--recording") if must_exist else place_of_recording(text, root)), text
    folder = Path(text)
    if not text or (folder.exists() and not folder.is_dir()):
        raise BadInput(f"{text!r} is not a folder", where="--recording", hint="the folder of the recording, not a file in it")
    if must_exist and not folder.is_dir():
        raise BadInput(f"there is no recording at {text!r}", where="--recording", hint="record it with --mode record")
    return folder, folder.resolve().name or text


def _upstream(options: ServeOptions, own: str) -> tuple[Upstream, str]:
    """The fixed upstream, proved usable before anything is written, and its address.

    Raises: BadInput when the address is unusable, a key is missing, or the address is this proxy's own.
    """
    address = options.upstream or setting_from_environment("OPENAI_BASE_URL") or OPENAI
    shown = Redactor().message(address)
    try:
        here, there = urlsplit(own), urlsplit(address)
        itself = there.port == here.port and there.hostname in {here.hostname, *LOOPBACK_NAMES}
    except ValueError as error:
        hint = "such as http://127.0.0.1:8080/v1"
        raise BadInput(f"{shown!r} is not an address: {error}", where="--upstream", hint=hint) from error
    if itself:
        # An environment that still names an earlier proxy must not make this one call itself.
        raise BadInput("the upstream is this proxy itself", where="--upstream", hint="name the address of the provider")
    # An address of the environment stays there: it is the one that the environment's key was set for.
    upstream = Upstream(base_url=options.upstream, api_key_env=options.api_key_env)
    make_provider("openai", upstream, _context())
    return upstream, shown


def _caller() -> Caller:
    return Caller(CallLimits(), Budget(), _context())


def _context() -> ProviderContext:
    return ProviderContext(concurrency=CallLimits().concurrency, redactor=Redactor())


def _mock(file: str | None) -> MockChoice:
    if file is None:
        return MockChoice()
    from evalgate.config.mock_rules import load_mock

    return load_mock(Path(file))
