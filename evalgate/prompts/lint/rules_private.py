"""Rules about what must not stand in a prompt: keys, people's data, addresses of the inside.

Patterns after detect-secrets (https://github.com/Yelp/detect-secrets) and the providers' own documentation. No finding
repeats what it found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.core.lint_report import LintSeverity
from evalgate.core.patterns import encodable
from evalgate.core.personal_data import personal_data
from evalgate.core.secret_texts import secrets_in
from evalgate.prompts.lint.patterns import walk
from evalgate.prompts.lint.readings import spotted
from evalgate.prompts.lint.skeleton import github, prompty
from evalgate.prompts.lint.values import Hit, Rule, Source

_NAMES: Mapping[str, str] = {
    "anthropic_key": "a key of Anthropic",
    "openai_key": "a key of OpenAI or a service like it",
    "github_token": "a GitHub token",
    "gitlab_token": "a GitLab token",
    "npm_token": "an npm token",
    "pypi_token": "a PyPI token",
    "aws_key": "an AWS access key",
    "azure_key": "an Azure key",
    "google_key": "a Google key",
    "slack_token": "a Slack token",
    "stripe_key": "a Stripe key",
    "sendgrid_key": "a SendGrid key",
    "huggingface_token": "a Hugging Face token",
    "bearer_token": "a bearer token",
    "json_web_token": "a JSON web token",
    "private_key": "a private key",
    "url_password": "a password in an address",
    "basic_credentials": "a user name with its password",
    "password": "what looks like a password",
    "named_key": "what looks like a key or token",
}
_BEFORE_NUMBER = " \t\r\n\"',;:<>[]{}/=*-."
_PERSONAL = ("e-mail address", "phone number", "payment card number", "IBAN", "US social security number")
_INSIDE = re.compile(
    r"(?i)(?P<host>(?<![\w.-])(?:[a-z0-9-]+\.)+(?:internal|intranet|corp|lan|local|localdomain|private|home\.arpa)\b(?!\.[a-z]))"
    r"|(?P<local>\bhttps?://(?:localhost|intranet|wiki|jira|confluence|gitlab|jenkins)(?=[:/\s\"']|\Z))"
    r"|(?<![\d.])(?<![vV])(?<!ersion )(?P<ip>(?:10|127)(?:\.\d{1,3}){3}"
    r"|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}"
    r"|169\.254(?:\.\d{1,3}){2})(?![\d.]*\d)"
)
_CREDENTIAL = re.compile(r"(?i)(?:^|_)(?:api_?key|access_?key|secret|password|token|authorization|connection_?string)\Z")
_ENDPOINT = re.compile(r"(?i)(?:^|_)(?:endpoint|base_?url|api_?base|azure_?endpoint|host)\Z")
_REFERENCE = re.compile(r"\$\{|\{\{|\A<[^>]+>\Z|\A\Z")


def _secret(source: Source) -> Iterator[Hit]:
    for kind, line, column in spotted(source, secrets_in):
        what = _NAMES.get(kind, "a key")
        yield Hit(line, column, f"{what} stands in the file", "revoke it, and keep keys in the environment")


def _personal(source: Source) -> Iterator[Hit]:
    for kind, line, column in spotted(source, _people):
        article = "an" if kind[0] in "eI" else "a"
        hint = "use an invented one: example.com, or a placeholder"
        yield Hit(line, column, f"{article} {kind} stands in the file", hint)


def _people(text: str) -> Iterator[tuple[str, int, int]]:
    text = encodable(text)
    for kind in _PERSONAL:
        for start, end in personal_data(kind, text):
            # The pattern of numbers takes the character before along.
            yield kind, start + len(text[start:end]) - len(text[start:end].lstrip(_BEFORE_NUMBER)), end


def _inside(source: Source) -> Iterator[Hit]:
    for what, line, column in spotted(source, _internal):
        yield Hit(line, column, f"{what} stands in the file", "use a placeholder, or a public address")


def _internal(text: str) -> Iterator[tuple[str, int, int]]:
    for found in _INSIDE.finditer(text):
        address = found.group("ip")
        if not address or all(int(part) <= 255 for part in address.split(".")):
            yield ("a private IP address" if address else "an address of an internal host"), *found.span()


def _inline(source: Source) -> Iterator[Hit]:
    if source.document is None:
        return
    for path, value in walk(source.document.value):
        if not path or path[0] in ("messages", "testData", "inputs", "jsonSchema", "evaluators") or not isinstance(value, str):
            continue
        key = _snake(str(path[-1]))
        what = "a credential" if _CREDENTIAL.search(key) else "an endpoint" if _ENDPOINT.search(key) else ""
        if what and not _REFERENCE.search(value):
            yield Hit(source.line_of(*path), 1, f"{'.'.join(map(str, path))} holds {what}", "write ${env:NAME} instead")


def _snake(key: Any) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(key)).replace("-", "_").lower()


_SYSTEM = "content: Name one product."

RULES = (
    Rule(
        "EP305",
        "secret",
        LintSeverity.ERROR,
        "A key, token or password.",
        "Prompts are sent to providers, logged and kept in version control: whoever reads one has the key.",
        _secret,
        github((_SYSTEM, "content: Name one product. AKIAIOSFODNN7EXAMPLE")),
        github((_SYSTEM, "content: Name one product. The key is kept in the safe.")),
    ),
    Rule(
        "EP306",
        "personal-data",
        LintSeverity.WARNING,
        "An e-mail address, phone number, payment card, IBAN or US social security number.",
        "It goes to the provider with every case, and a model may repeat it to strangers.",
        _personal,
        github((_SYSTEM, "content: Name one product. Cards like 4929 1234 5678 0006 are taken.")),
        github((_SYSTEM, "content: Name one product. Write to help@example.com with order 4929 1234 5678 0007.")),
    ),
    Rule(
        "EP307",
        "internal-address",
        LintSeverity.WARNING,
        "The address of an internal host, or a private IP address.",
        "It tells strangers how the inside is built, and means nothing to the model.",
        _inside,
        github((_SYSTEM, "content: Name one product. See http://wiki.shop.internal/pumps.")),
        github((_SYSTEM, "content: Name one product. See https://example.com/pumps, version 10.0.1.")),
    ),
    Rule(
        "EP308",
        "inline-credential-or-endpoint",
        LintSeverity.ERROR,
        "A credential or an endpoint is written into the settings of the file.",
        "A changed endpoint carries keys and inputs to another host; both belong into the environment.",
        _inline,
        prompty(("  id: gpt", "  connection: {kind: key, endpoint: https://models.example.com/v1}\n  id: gpt")),
        prompty(("  id: gpt", '  connection: {kind: key, endpoint: "${env:MODELS_ENDPOINT}"}\n  id: gpt')),
    ),
)
