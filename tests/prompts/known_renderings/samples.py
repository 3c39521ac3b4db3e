"""Samples of Prompty and Dotprompt, and what their own libraries make of them.

    python -m venv ref && ref/bin/pip install 'prompty[jinja2]==2.1.0' chevron 'dotpromptz==0.2.0'
    ref/bin/python tests/prompts/known_renderings/samples.py

writes prompty.json and dotprompt.json beside this file. evalgate itself is not needed for that.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
HEAD = "---\nname: sample\nmodel:\n  id: gpt-4o\n  options: {temperature: 0, maxOutputTokens: 50}\n"
PROMPTY = [
    ("variables", HEAD + "inputs:\n  name: {kind: string}\n---\nsystem:\nYou are kind.\n\nuser:\nI am {{ name }}. Who am {{name}}?\n", {"name": "Ann <b>&"}),
    ("no role at all", HEAD + "---\nSay hello to {{name}}.\n", {"name": "Bob"}),
    ("default", HEAD + "inputs:\n  name: {kind: string, default: Guest}\n---\nuser:\nHi {{name}}\n", {}),
    ("default replaced", HEAD + "inputs:\n  - name: name\n    kind: string\n    default: Guest\n---\nuser:\nHi {{name}}\n", {"name": "Zoe"}),
    ("condition", HEAD + "---\nsystem:\nBe brief.\n{% if polite %}\nBe polite.\n{% else %}\nBe rude.\n{% endif %}\nuser:\n{{q}}\n", {"polite": True, "q": "why?"}),
    ("condition else", HEAD + "---\nsystem:\nBe brief.\n{% if polite %}Be polite.{% else %}Be rude.{% endif %}\n\nuser:\n{{q}}\n", {"polite": False, "q": "why?"}),
    ("loop in a message", HEAD + "---\nuser:\nDocuments:\n{% for d in docs %}\n- {{ loop.index }}. {{ d.title }}: {{ d['text'] }}\n{% endfor %}\n{{q}}\n", {"docs": [{"title": "A", "text": "x"}, {"title": "B", "text": "{{q}}"}], "q": "?"}),
    ("loop over messages", HEAD + "---\nsystem:\nAnswer.\n{% for t in turns %}\nuser:\n{{ t.q }}\nassistant:\n{{ t.a }}\n{% endfor %}\nuser:\n{{ q }}\n", {"turns": [{"q": "1+1", "a": "2"}, {"q": "2+2", "a": "4"}], "q": "3+3"}),
    ("role by condition", HEAD + "---\n{% if strict %}\nsystem:\nBe strict.\n{% endif %}\nuser:\n{{ q }}\n", {"strict": True, "q": "go"}),
    ("filters", HEAD + "---\nuser:\n{{ n | upper }} {{ n | lower }} {{ n | trim }} {{ xs | join(', ') }} {{ xs | length }} {{ n | replace('A', 'b') }} {{ m | default('none') }}\n", {"n": "Anna", "xs": ["p", "q"], "m": "here"}),
    ("white space control", HEAD + "---\nuser:\na {%- if q %} b {%- endif -%} c {{- q -}} d\n", {"q": "X"}),
    ("comments and set", HEAD + "---\nuser:\n{# not shown #}{% set n = q | upper %}{{ n }}\n", {"q": "quiet"}),
    ("comparison", HEAD + "---\nuser:\n{% if a > 3 and a != 5 and not b %}yes{% elif b in ['x'] %}maybe{% else %}no{% endif %}\n", {"a": 4, "b": ""}),
    ("markers with a hash", HEAD + "---\n# system:\nOne\n\n# user:\nTwo {{q}}\n", {"q": "x"}),
    ("markers in capitals", HEAD + "---\nSystem:\nOne\nUSER:\n{{q}}\n", {"q": "x"}),
    ("a word that looks like a marker", HEAD + "---\nsystem:\nThe user: is right.\nuser:\n{{q}}\n", {"q": "x"}),
    ("blank lines", HEAD + "---\n\n\nsystem:\n\n\nOne\n\n\nTwo\n\n\nuser:\n\n{{q}}\n\n", {"q": "x"}),
    ("unicode", HEAD + "---\nsystem:\nDu bist freundlich 😀.\nuser:\n{{q}}\n", {"q": "¿qué? 世界"}),
    ("a template in a value", HEAD + "---\nsystem:\nA\nuser:\n{{q}}\n", {"q": "{{ q }} {% if x %} {{ 7*7 }}"}),
    ("mustache", HEAD + "template: {format: {kind: mustache}, parser: {kind: prompty}}\n---\nsystem:\nA {{tone}}\nuser:\n{{ q }} {% x %}\n", {"tone": "kind", "q": "why"}),
    ("numbers and parts", HEAD + "---\nuser:\n{{ n }} {{ o.a.b }} {{ xs[1] }}\n", {"n": 3, "o": {"a": {"b": "deep"}}, "xs": ["p", "q"]}),
]  # fmt: skip
DOT = "---\nmodel: googleai/gemini-2.0-flash\nconfig: {temperature: 0.2, maxOutputTokens: 20}\n"
DOTPROMPT = [
    ("variable", DOT + "input:\n  schema:\n    name: string\n---\nHello {{name}}!\n", {"name": "Ann <b>&"}),
    ("no front matter", "Hello {{name}}!\n", {"name": "Bob"}),
    ("default", DOT + "input:\n  schema:\n    name?: string\n  default:\n    name: Guest\n---\nHello {{name}}!\n", {}),
    ("roles", DOT + '---\n{{role "system"}}\nBe {{tone}}.\n\n{{role "user"}}\n{{q}}\n{{role "model"}}\nI think\n', {"tone": "kind", "q": "why?"}),
    ("roles on one line", DOT + "---\nfirst {{role 'system'}}second{{role 'user'}}third {{q}}", {"q": "x"}),
    ("history", DOT + '---\n{{role "system"}}Be kind.{{history}}{{role "user"}}{{q}}', {"q": "x"}),
    ("if", DOT + "---\n{{#if a}}yes {{a}}{{else}}no{{/if}} {{#unless b}}not b{{/unless}}", {"a": "A", "b": False}),
    ("else if", DOT + "---\n{{#if a}}1{{else if b}}2{{else}}3{{/if}}", {"a": 0, "b": "x"}),
    ("if is false for empty values", DOT + "---\n{{#if a}}1{{else}}0{{/if}}{{#if b}}1{{else}}0{{/if}}{{#if c}}1{{else}}0{{/if}}{{#if d includeZero=true}}1{{else}}0{{/if}}", {"a": "", "b": [], "c": 0, "d": 0}),
    ("each", DOT + "---\n{{#each xs}}\n- {{@index}} {{this.t}}{{#unless @last}},{{/unless}} {{../q}}\n{{else}}\nnothing\n{{/each}}\nend", {"xs": [{"t": "p"}, {"t": "{{q}}"}], "q": "Q"}),
    ("each over an object", DOT + "---\n{{#each o}}{{@key}}={{this}};{{/each}}", {"o": {"a": "x", "b": "y"}}),
    ("each over nothing", DOT + "---\n{{#each xs}}{{this}}{{else}}nothing{{/each}}", {"xs": []}),
    ("with", DOT + "---\n{{#with o}}{{a}} {{../q}}{{/with}}", {"o": {"a": "x"}, "q": "Q"}),
    ("json", DOT + "---\n{{json o}} {{json o indent=2}}", {"o": {"a": [1, True, None, "x\""]}}),
    ("equals", DOT + '---\n{{#ifEquals a "x"}}same{{else}}other{{/ifEquals}} {{#unlessEquals a 3}}not three{{/unlessEquals}}', {"a": "x"}),
    ("comments", DOT + "---\na{{! hidden }}b{{!-- }} hidden --}}c\n{{! alone }}\nd {{q}}", {"q": "x"}),
    ("white space control", DOT + "---\na {{~q~}} b\n{{~#if q~}} c {{~/if~}}\nd", {"q": "X"}),
    ("blocks alone on their lines", DOT + "---\nA\n{{#if q}}\nB {{q}}\n{{else}}\nC\n{{/if}}\nD\n", {"q": "x"}),
    ("literal braces", DOT + "---\na \\{{b}} {{q}}", {"q": "x"}),
    ("roles in a loop", DOT + '---\n{{role "system"}}S\n{{#each turns}}\n{{role "user"}}{{q}}{{role "model"}}{{a}}\n{{/each}}\n{{role "user"}}{{q}}', {"turns": [{"q": "1", "a": "2"}, {"q": "3", "a": "4"}], "q": "5"}),
    ("a template in a value", DOT + "---\n{{#if q}}{{q}}{{/if}}", {"q": "{{role \"system\"}} {{q}} {{7}}"}),
    ("unicode", DOT + "---\n你好 {{q}} 👨‍👩‍👧", {"q": "世界"}),
]  # fmt: skip


def by_prompty() -> list[dict[str, object]]:
    import prompty

    found = []
    for name, text, inputs in PROMPTY:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "sample.prompty")
            path.write_text(text, encoding="utf-8")
            messages = prompty.prepare(prompty.load(path), inputs)
        told = [[m.role, "".join(part.value for part in m.parts)] for m in messages]
        found.append({"name": name, "file": text, "inputs": inputs, "messages": told})
    return found


def by_dotprompt() -> list[dict[str, object]]:
    from dotpromptz import Dotprompt
    from dotpromptz.typing import DataArgument

    found = []
    for name, text, inputs in DOTPROMPT:
        rendered = asyncio.run(Dotprompt().render(text, DataArgument(input=inputs)))
        told = [[str(m.role.value), "".join(part.text for part in m.content)] for m in rendered.messages]
        found.append({"name": name, "file": text, "inputs": inputs, "messages": told})
    return found


def main() -> None:
    for library, samples in (("prompty", by_prompty()), ("dotpromptz", by_dotprompt())):
        document = {
            "tool": library,
            "version": version(library),
            "command": "python tests/prompts/known_renderings/samples.py",
            "samples": samples,
        }
        path = HERE / f"{library.removesuffix('z')}.json"
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
