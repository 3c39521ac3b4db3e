"""The official clients, Python and Node, against `evalgate proxy`: record from a mock upstream, then replay.

`EVALGATE_OPENAI_PYTHON` names interpreters that have the `openai` package (several with `:` between them); without it the
running one is taken if it has the package. `EVALGATE_NODE_CLIENT` names a folder with `node_modules/openai`; without it and
with `EVALGATE_LIVE=1` the package is installed into a temporary folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).with_name("client_python.py")
NODE = """
import OpenAI from "openai";
import { readFileSync } from "node:fs";
const version = JSON.parse(readFileSync("node_modules/openai/package.json", "utf8")).version;
const client = new OpenAI();
const chat = { model: "m", messages: [{ role: "user", content: "Name a colour, please." }], temperature: 0, max_tokens: 60 };
const ask = { model: "m", input: "Name a flavour, please." };
const words = { model: "e", input: ["one", "two"] };
const whole = await client.chat.completions.create(chat);
let text = "", finish = [], usage = [];
for await (const c of await client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } })) {
  if (c.choices.length) { text += c.choices[0].delta.content ?? ""; if (c.choices[0].finish_reason) finish.push(c.choices[0].finish_reason); }
  if (c.usage) usage.push(c.usage.total_tokens);
}
const response = await client.responses.create(ask);
let said = "", last;
for await (const e of await client.responses.create({ ...ask, stream: true })) {
  if (e.type === "response.output_text.delta") said += e.delta;
  last = e;
}
const helped = await client.chat.completions.stream(chat).finalContent();
const embeddings = (await client.embeddings.create(words)).data.map((d) => Array.from(d.embedding));
const models = [];
for await (const m of client.models.list()) models.push(m.id);
const result = { version, chat: [whole.choices[0].message.content, whole.choices[0].finish_reason, whole.usage.total_tokens, whole.id],
  request_id: whole._request_id, chat_stream: [text, finish, usage], chat_helper: helped, response: [response.output_text, response.status],
  response_stream: [said, last.type, last.response.output[0].content[0].text], embeddings, models: models.sort() };
if (process.argv.includes("errors")) {
  result.errors = {};
  const asked = { miss: () => client.chat.completions.create({ ...chat, seed: 12345 }),
    miss_stream: () => client.chat.completions.create({ ...chat, seed: 12345, stream: true }),
    wrong: () => client.chat.completions.create({ ...chat, messages: "text" }),
    token: () => client.withOptions({ apiKey: "sk-wrong" }).chat.completions.create(chat) };
  for (const [name, go] of Object.entries(asked)) {
    try { await go(); result.errors[name] = ["answered"]; } catch (e) { result.errors[name] = [e.constructor.name, e.code ?? null, e.status ?? null]; }
  }
}
console.log(JSON.stringify(result));
"""


def interpreters() -> list[str]:
    named = [each for each in os.environ.get("EVALGATE_OPENAI_PYTHON", "").split(os.pathsep) if each]
    return named or ([sys.executable] if importlib.util.find_spec("openai") is not None else [])


@pytest.fixture(params=interpreters() or [None])
def python_client(request: pytest.FixtureRequest) -> Any:
    if request.param is None:
        pytest.skip("no openai package: install it, or name an interpreter that has it with EVALGATE_OPENAI_PYTHON")
    return lambda running, *arguments: output([request.param, str(SCRIPT), *arguments], running)


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("node") is None:
        pytest.skip("no node on this machine")
    given = os.environ.get("EVALGATE_NODE_CLIENT")
    if given is None and os.environ.get("EVALGATE_LIVE") != "1":
        pytest.skip("set EVALGATE_NODE_CLIENT to a folder with node_modules/openai, or EVALGATE_LIVE=1 to install it")
    folder = Path(given) if given else tmp_path_factory.mktemp("node")
    if given is None:
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "openai"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
    return folder


@pytest.fixture
def node_client(node_folder: Path) -> Any:
    # Standard input: the script finds the package in the folder it runs in, and nothing is written there.
    return lambda running, *arguments: output(["node", "--input-type=module", "-", *arguments], running, NODE, node_folder)


def output(command: list[str], running: Any, text: str = "", folder: Path | None = None) -> Any:
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env |= {"OPENAI_BASE_URL": running.base, "OPENAI_API_KEY": running.token}
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=env, cwd=folder, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def health(running: Any) -> dict[str, Any]:
    return running.get("/v1/health")


def recorded_and_replayed(program: Any, client: Any) -> tuple[Any, Any, dict[str, Any]]:
    upstream = program("--mode", "mock")
    record = program(
        "--mode", "record", "--recording", "shop", "--upstream", upstream.base, env={"OPENAI_API_KEY": "of-the-upstream-123"}
    )
    first = client(record)
    assert health(record)["recorded"] == 3, "every request was asked once, whoever asked and however"
    assert record.end(signal.SIGTERM)[0] == upstream.end(signal.SIGTERM)[0] == 143
    replay = program("--recording", "shop")
    again = client(replay)
    assert health(replay)["misses"] == 0
    errors = client(replay, "errors")["errors"]
    return first, again, {**errors, "misses": health(replay)["misses"]}


def test_the_python_client(program: Any, python_client: Any) -> None:
    first, again, errors = recorded_and_replayed(program, python_client)
    print("openai", first["version"])
    assert first == again
    sync, other = first["sync"], first["async"]
    text, finish, tokens, _ = sync["chat"]
    assert text
    assert sync["request_id"].startswith("req_")
    assert sync["chat_stream"] == other["chat_stream"] == [text, [finish], [tokens]]
    assert sync["chat_helper"] == text
    assert other["chat"] == [text]
    said = sync["response"][0]
    assert sync["response_stream"] == other["response_stream"] == [said, "response.completed", said]
    assert sync["response_helper"] == other["response"] == said
    assert sync["embeddings"] == other["embeddings"]
    assert len(sync["embeddings"]) == 2
    assert sync["models"] == other["models"] == ["e", "m"]
    for name in ("miss", "miss_stream", "miss_response", "miss_embeddings"):
        assert errors[name] == ["NotFoundError", "recording_not_found", 404]
    assert errors["misses"] == 4, "a miss is not asked again"
    assert errors["wrong"] == ["BadRequestError", "invalid_value", 400]
    assert errors["unknown"] == ["NotFoundError", "unknown_url", 404]
    assert errors["no_model"] == ["NotFoundError", "model_not_found", 404]
    assert errors["token"] == ["answered"], "in replay on the loopback any key will do"


def test_the_node_client(program: Any, node_client: Any) -> None:
    first, again, errors = recorded_and_replayed(program, node_client)
    print("openai (npm)", first["version"])
    assert first == again
    text, finish, tokens, _ = first["chat"]
    assert text
    assert first["request_id"].startswith("req_")
    assert first["chat_stream"] == [text, [finish], [tokens]]
    assert first["chat_helper"] == text
    assert first["response_stream"] == [first["response"][0], "response.completed", first["response"][0]]
    assert len(first["embeddings"]) == 2
    assert first["models"] == ["e", "m"]
    assert errors["miss"] == errors["miss_stream"] == ["NotFoundError", "recording_not_found", 404]
    assert errors["misses"] == 2, "a miss is not asked again"
    assert errors["wrong"] == ["BadRequestError", "invalid_value", 400]


def test_python_and_node_have_the_same_recording(program: Any, python_client: Any, node_client: Any) -> None:
    """Recorded by one language, replayed by the other, except embeddings: each client asks for another encoding."""
    upstream = program("--mode", "mock")
    record = program(
        "--mode", "record", "--recording", "shop", "--upstream", upstream.base, env={"OPENAI_API_KEY": "of-the-upstream-123"}
    )
    first, other = python_client(record)["sync"], node_client(record)
    assert health(record)["recorded"] <= 4
    for name in ("chat", "chat_stream", "response_stream", "request_id"):
        assert first[name] == other[name]


def test_a_wrong_token_is_an_authentication_error(program: Any, python_client: Any) -> None:
    upstream = program("--mode", "mock")
    record = program(
        "--mode", "record", "--recording", "shop", "--upstream", upstream.base, env={"OPENAI_API_KEY": "of-the-upstream-123"}
    )
    assert python_client(record, "errors")["errors"]["token"] == ["AuthenticationError", "invalid_api_key", 401]
