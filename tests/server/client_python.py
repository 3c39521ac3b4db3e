"""What the `openai` Python client makes of a server: run as a program, prints JSON. Not a test by itself."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import openai

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "Name a colour, please."}],
    "temperature": 0,
    "max_tokens": 60,
}
ASK: dict[str, Any] = {"model": "m", "input": "Name a flavour, please."}
WORDS: dict[str, Any] = {"model": "e", "input": ["one", "two"]}


def joined_chat(chunks: list[Any]) -> list[Any]:
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    finish = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
    usage = [c.usage.total_tokens for c in chunks if c.usage]
    return [text, finish, usage]


def joined_response(events: list[Any]) -> list[Any]:
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    return [text, events[-1].type, events[-1].response.output_text]


def sync(client: openai.OpenAI) -> dict[str, Any]:
    whole = client.chat.completions.create(**CHAT)
    chunks = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    with client.chat.completions.stream(**CHAT) as stream:
        helped = stream.get_final_completion().choices[0].message.content
    response = client.responses.create(**ASK)
    with client.responses.stream(**ASK) as stream:
        helped_response = stream.get_final_response().output_text
    return {
        "chat": [whole.choices[0].message.content, whole.choices[0].finish_reason, whole.usage.total_tokens, whole.id],
        "request_id": whole._request_id,
        "chat_stream": joined_chat(chunks),
        "chat_helper": helped,
        "response": [response.output_text, response.status, response.usage.total_tokens],
        "response_stream": joined_response(list(client.responses.create(**ASK, stream=True))),
        "response_helper": helped_response,
        "embeddings": [item.embedding for item in client.embeddings.create(**WORDS).data],
        "models": sorted(model.id for model in client.models.list()),
        "model": client.models.retrieve("m").id,
    }


async def asynchronous(client: openai.AsyncOpenAI) -> dict[str, Any]:
    async with client:
        many = await asyncio.gather(*(client.chat.completions.create(**CHAT, user=str(n)) for n in range(32)))
        chunks = [
            c async for c in await client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True})
        ]
        response = await client.responses.create(**ASK)
        events = [e async for e in await client.responses.create(**ASK, stream=True)]
        words = await client.embeddings.create(**WORDS)
        return {
            "chat": sorted({each.choices[0].message.content for each in many}),
            "chat_stream": joined_chat(chunks),
            "response": response.output_text,
            "response_stream": joined_response(events),
            "embeddings": [item.embedding for item in words.data],
            "models": sorted([model.id async for model in client.models.list()]),
        }


def errors(client: openai.OpenAI) -> dict[str, Any]:
    """Error classes: a miss in every form, a wrong request, an unknown endpoint, a wrong token."""
    other = {**CHAT, "seed": 12345}
    asked = {
        "miss": lambda: client.chat.completions.create(**other),
        "miss_stream": lambda: client.chat.completions.create(**other, stream=True),
        "miss_response": lambda: client.responses.create(**{**ASK, "input": "something else"}),
        "miss_embeddings": lambda: client.embeddings.create(**{**WORDS, "input": "three"}),
        "wrong": lambda: client.chat.completions.create(**{**CHAT, "extra_body": {"messages": "text"}}),
        "unknown": lambda: client.files.list(),
        "no_model": lambda: client.models.retrieve("nothing"),
    }
    found = {}
    for name, ask in asked.items():
        try:
            ask()
            found[name] = ["answered"]
        except openai.APIStatusError as error:
            found[name] = [type(error).__name__, error.code, error.status_code]
    try:
        client.with_options(api_key="sk-wrong").chat.completions.create(**CHAT)
        found["token"] = ["answered"]
    except openai.APIStatusError as error:
        found["token"] = [type(error).__name__, error.code, error.status_code]
    return found


def main() -> None:
    client = openai.OpenAI()
    result = {"version": openai.__version__, "sync": sync(client), "async": asyncio.run(asynchronous(openai.AsyncOpenAI()))}
    if "errors" in sys.argv:
        result["errors"] = errors(client)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
