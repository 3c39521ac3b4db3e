"""secrets finds what detect-secrets finds, where it finds it, more besides, and nothing in ordinary sentences."""

from __future__ import annotations

import base64
import json
import random
import re
import socket
import string
import time
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import pytest
from detect_secrets.core.scan import _process_line_based_plugins
from detect_secrets.settings import default_settings, get_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import Case, Output, Severity
from evalgate.safety.secret_formats import FORMATS, load, long_pieces
from evalgate.safety.secret_quotes import NAMED, RANDOM
from evalgate.safety.secret_strings import RULES, library_places, make_secrets
from evalgate.testing.detector_laws import check_detector

CASE = Case("1", {}, {}, (), {})
LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
PREFIX_ONLY = ("GitHub Token", "GitLab Token")
"""The library keeps `ghp` of a whole token."""


def found(text: str, **parameters: Any) -> list[tuple[str, str]]:
    return [(f.rule, text[f.start : f.end]) for f in make_secrets(parameters).findings(Output(text), CASE)]


@pytest.fixture(autouse=True, scope="module")
def library() -> Iterator[None]:
    """All of its plugins and filters, as its command line has them."""
    with default_settings():
        yield


def by_the_library(text: str) -> list[tuple[str, str, int]]:
    """Type, value and line number of all that detect-secrets finds with its default plugins and filters."""
    lines = list(enumerate(re.split(r"\r\n|\r|\n", text), start=1))
    secrets = _process_line_based_plugins(lines, "answer.txt")
    return [(secret.type, str(secret.secret_value), secret.line_number) for secret in secrets]


def missed(text: str) -> list[tuple[str, str, int]]:
    """What the library finds and the detector does not: the same value, under the same rule, in the same line."""
    rules = {load(form.plugin).secret_type: form.rule for form in FORMATS}
    rules |= {load(plugin).secret_type: rule for rule, (plugin, _) in RANDOM.items()} | {"Secret Keyword": NAMED}
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    ours: dict[tuple[str, int], list[str]] = {}
    for rule, start, end in library_places(text, long_pieces(text)):
        ours.setdefault((rule, sum(place <= start for place in starts)), []).append(text[start:end])
    shown = make_secrets({}).findings(Output(text), CASE)
    out = []
    for kind, value, line in by_the_library(text):
        values = ours.get((rules[kind], line), [])
        same = any(value in held for held in values) if kind in PREFIX_ONLY else value in values
        if not same or not any(f.rule == rules[kind] and value in text[f.start : f.end] for f in shown):
            out.append((kind, value, line))
    return out


def seeded(draw: random.Random) -> Iterator[tuple[str, str]]:
    """A secret of every kind the library knows, with the name it gives it."""

    def some(letters: str, size: int) -> str:
        return "".join(draw.choices(letters, k=size))

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    yield "Artifactory Credentials", f" AKC{some(LETTERS, 20)} "
    yield "Artifactory Credentials", f'"AP{some("ABCDEF", 1)}{some(LETTERS, 16)}"'
    for prefix in ("AKIA", "ASIA", "ABIA", "ACCA", "A3TX"):
        yield "AWS Access Key", prefix + some(string.ascii_uppercase + string.digits, 16)
    yield "AWS Access Key", f"aws_secret_access_key = '{some(LETTERS + '/+', 40)}'"
    yield "Azure Storage Account access key", f"AccountKey={some(LETTERS + '+/', 86)}=="
    yield "Basic Auth Credentials", f"postgres://{some(LETTERS, 6)}:{some(LETTERS, 10)}@db.example.org/x"
    yield "Cloudant Credentials", f"cloudant_password={some(HEX, 64)}"
    yield "Cloudant Credentials", f"cl_key: '{some(string.ascii_lowercase, 24)}'"
    yield "Cloudant Credentials", f"https://acct-1:{some(HEX, 64)}@acct-1.cloudant.com"
    yield "Discord Bot Token", f"M{some(LETTERS, 23)}.{some(LETTERS, 6)}.{some(LETTERS + '_-', 27)}"
    for prefix in ("ghp", "gho", "ghu", "ghs", "ghr"):
        yield "GitHub Token", f"{prefix}_{some(LETTERS, 36)}"
    yield "GitLab Token", f"glpat-{some(LETTERS, 20)}"
    yield "GitLab Token", f"GR1348941{some(LETTERS, 20)}"
    yield "GitLab Token", f"glcbt-{some(HEX, 2)}_{some(LETTERS, 20)}"
    yield "GitLab Token", f"glagent-{some(LETTERS, 50)}"
    yield "Base64 High Entropy String", f"'{some(LETTERS + '+/', 60)}'"
    yield "Hex High Entropy String", f'"{some(HEX, 40)}"'
    yield "IBM Cloud IAM Key", f"ibm_cloud_iam_api_key   =   {some(LETTERS + '_-', 43)}x"
    yield "IBM COS HMAC Credentials", f"cos_hmac_secret_access_key => {some(HEX, 48)}"
    yield "JSON Web Token", f"{part({'alg': 'HS256'})}.{part({'sub': some(LETTERS, 8)})}.{some(LETTERS, 43)}"
    yield "Secret Keyword", f'db_password = "{some(LETTERS, 9)}"'
    yield "Secret Keyword", f'"api_key": "x{some(LETTERS, 9)}",'
    yield "Secret Keyword", f"if ('q{some(LETTERS, 9)}' == my_secret_x) {{"
    yield "Secret Keyword", f"private_key `z{some(LETTERS, 9)}`;"
    yield "Secret Keyword", f"passwd => 'k{some(LETTERS, 9)}'"
    yield "Mailchimp Access Key", f"{some(HEX, 32)}-us{draw.randint(1, 30)}"
    yield "NPM tokens", f"//registry.npmjs.org/:_authToken=npm_{some(LETTERS, 36)}"
    yield "OpenAI Token", f"sk-proj-{some(LETTERS, 20)}T3BlbkFJ{some(LETTERS, 20)}"
    for kind in ("DSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "PRIVATE KEY", "SSH2 ENCRYPTED PRIVATE KEY"):
        yield "Private Key", f"-----BEGIN {kind}-----"
    yield "Private Key", "PuTTY-User-Key-File-2: ssh-rsa"
    yield "PyPI Token", f"pypi-AgEIcHlwaS5vcmc{some(LETTERS, 70)}"
    yield "SendGrid API Key", f"SG.{some(LETTERS, 22)}.{some(LETTERS, 43)}"
    yield "Slack Token", f"xoxb-{some(string.digits, 10)}-{some(string.digits, 10)}-{some(LETTERS, 24)}"
    yield "Slack Token", f"https://hooks.slack.com/services/T{some(LETTERS, 8)}/B{some(LETTERS, 8)}/{some(LETTERS, 24)}"
    yield "SoftLayer Credentials", f"softlayer_api_key = {some(HEX, 64)}"
    yield "SoftLayer Credentials", f"https://api.softlayer.com/soap/v3/{some(HEX, 64)}"
    yield "Square OAuth Secret", f"sq0csp-{some(LETTERS + '_-', 43)}"
    yield "Stripe Access Key", f"{draw.choice('sr')}k_live_{some(LETTERS, 24)}"
    yield "Telegram Bot Token", f"{some(string.digits, 9)}:{some(LETTERS + '_-', 35)}"
    yield "Twilio API Key", f"AC{some(HEX, 32)}"
    yield "Twilio API Key", f"SK{some(HEX, 32)}"


FRAMES = (
    "{}", "The value is {} as you asked.", "const x = {};", "  - {}", '{{"a": 1, "k": {}}}', "export T={}", "\t{} # note",
    "see `{}`, please", "user_id: {}", "é ſ {} ñ", "{}\r", "<b>{}</b>", "{}{}", "{}: {}",
)  # fmt: skip


def test_every_kind_is_found_wherever_it_stands() -> None:
    draw = random.Random(6)
    kinds = {load(form.plugin).secret_type for form in FORMATS} | {load(name).secret_type for name, _ in RANDOM.values()}
    seen = set()
    for frame in FRAMES:
        for kind, secret in seeded(draw):
            text = f"Here you are:\n{frame.format(secret, secret)}\nBye"
            assert missed(text) == [], (kind, text)
            seen |= {found_kind for found_kind, *_ in by_the_library(text)}
    assert seen == kinds | {"Secret Keyword"}


def test_every_plugin_of_the_library_has_its_rule() -> None:
    names = set(get_settings().plugins)
    ours = {form.plugin.rpartition(".")[2] for form in FORMATS} | {name.rpartition(".")[2] for name, _ in RANDOM.values()}
    # Addresses have no letter, so a default filter of the library drops all that this plugin finds.
    assert names - ours == {"IPPublicDetector", "KeywordDetector"}
    assert by_the_library("connect to 8.8.8.8 or 203.0.113.7:8080") == []


PIECES = [
    "password", "secret", "my_api_key", "pwd", "contraseña", "CONTRASEÑA", "\u017fecret", "ap\u0131_key", "\u212aey", "cl", "cloudant",
    "sl", "softlayer", "ibm", "cos", "hmac", "aws_key", "-", "_", "=", "==", "!=", "!==", "=>", ":", ":=", "::", "'", '"', "`", ";", ",",
    "]", "[", "(", ")", "{", "}", "<", ">", "$", "a", "x9", "hunter2", "é", "\u0663", "_id", "id", "userid", "//", "/:_authToken=",
    "npm_", "eyJ", "eyJhIjoxfQ", ".", "sk-", "T3BlbkFJ", "://", "@", "AKIA", "AKC", "APB", "AC", "SK", "xoxb-", "12-",
    "a1b2c3d4e5f60718", "abcdefghijklmnopqrstuvwx", "A" * 20, HEX * 3, " ", "  ", "\t", "\xa0", "\x0b", "\x1f", "\n", "\r", "\ud800",
    "Zm9vYmFyQmF6UXV4MTIzNDU2Nzg5MA",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@settings(max_examples=300)
def test_any_text_of_their_pieces_gives_all_that_the_library_finds(text: str) -> None:
    assert missed(text) == []


NAMES = ("password", "my_api_key", "pwdx", "\u017fecret", "clpwd", "sl_key", "key", "cos-hmac-secret-access-key", "AWSPassword")
VALUES = (
    "hunter2",
    "a",
    "x,",
    "x`",
    "é",
    "a`b",
    "$x",
    "{y}",
    HEX * 3,
    HEX * 4,
    "abcdefghijklmnopqrstuvwx",
    "x y z",
    " pad",
    "b\x0bc",
)
ASSIGNMENT = st.tuples(
    st.sampled_from(["", "userid: ", "x_id ", "é", "_", "\n", "(", "'", '"', "foo("]),
    st.sampled_from(NAMES),
    st.sampled_from(["", "'", '"]', " "]),
    st.sampled_from(["", " ", "\t", "\xa0", "   "]),
    st.sampled_from(["=", ":", "==", "!==", "=>", ":=", "::", " ", "=a(b)"]),
    st.sampled_from(["", " ", "\x1f"]),
    st.sampled_from(["'{}'", '"{}"', "`{}`", "{}", "'{}\"", "`{}`;"]),
    st.sampled_from(VALUES),
    st.booleans(),
)


@given(st.lists(ASSIGNMENT, min_size=1, max_size=3))
@settings(max_examples=250)
def test_any_assignment_gives_all_that_the_library_finds(parts: list[tuple[Any, ...]]) -> None:
    text = ""
    for before, name, closing, blank, operator, gap, quotes, value, reverse in parts:
        quoted = quotes.format(value)
        text += before + (quoted + gap + operator + blank + name if reverse else name + closing + blank + operator + gap + quoted)
    assert missed(text) == []


@given(st.text(max_size=200))
@settings(max_examples=100)
def test_any_text_gives_all_that_the_library_finds(text: str) -> None:
    assert missed(text) == []


NAMES_OF_PEOPLE = ["Anna", "Boris", "Chloé", "Dmitri", "Esther", "Farid", "Gülay", "Hans", "Ines", "Jürgen", "Kofi", "Lena", "Marek", "Núria", "Olga", "Pavel"]  # fmt: skip
PLACES = ["Lisbon", "Kraków", "Nairobi", "Osaka", "Toronto", "Zürich", "Bogotá", "Hyderabad"]  # fmt: skip
THINGS = ["password reset link", "API key", "secret garden", "private key signature", "database password policy", "access token", "bearer bond", "client secret", "monthly report", "train ticket", "warranty card", "parcel", "invoice", "old lighthouse", "recipe", "risk-free rate", "sk-learn-compatible estimator", "state-of-the-art language-independent transformer", "counter-revolutionaries' manifesto", "user id", "checksum"]  # fmt: skip
SENTENCES = (
    "{name} moved the {thing} to {place} on {day} {month} {year}.",
    "Please send the {thing} to {name} at {place}, room {number}, before {hour}:{minute}.",
    "The {thing} costs ${price}, which is {percent}% more than in {year}.",
    "\"It's {name}'s {thing},\" said {other}, 'not mine.'",
    "For the {thing} see https://www.example.org/{year}/{word}/{word}-{number}.html?page={number}#part-{number}.",
    "Password: the one you chose when {name} opened the account in {year}.",
    "Your secret is safe: only {name} and {other} know about the {thing}.",
    "To reset your password, choose \"Forgot password\" and follow the {thing} within {number} minutes.",
    "Version {number}.{number}.{number} fixes the {thing} ({word}_{word} = {number}, was {number}).",
    "Token limit: {number}; the {thing} used {number} tokens in {price} seconds.",
    "Call {name} on +44 20 7946 0{number} or write to {word}.{word}@example.com about the {thing}.",
    "{word} {word} {word} {name} {word}, {word} {word} \u2014 {word} {word}; {word} {word} {word}?",
    "The key: patience. The password policy asks for {number} characters, {name} wrote in '{thing}'.",
    "- **{thing}**: {name} / {other}, {day}.{number}.{year}, `{word}_{word}({word})`",
    "Between {year}-{month2}-{day2} and {year}-{month2}-{day2}T{hour}:{minute}:00Z, {name} read the {thing} aloud.",
    "The secret key to {place} is a good map, and the API key is explained on page {number}.",
)  # fmt: skip
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]  # fmt: skip


def ordinary(sentences: int) -> Iterator[str]:
    """Seeded sentences as they stand in answers: names, dates, prices, addresses, quotations, words that sound secret."""
    draw = random.Random(42)
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvw" for vowel in ("a", "e", "i", "o", "ou")]
    told: set[str] = set()
    while len(told) < sentences:
        sentence = draw.choice(SENTENCES)
        while "{" in sentence:
            sentence = re.sub(r"\{(\w+)\}", lambda m: _word(m[1], draw, syllables), sentence, count=1)
        if sentence not in told:
            told.add(sentence)
            yield sentence


def _word(kind: str, draw: random.Random, syllables: list[str]) -> str:
    choices: dict[str, Any] = {
        "name": NAMES_OF_PEOPLE, "other": NAMES_OF_PEOPLE, "place": PLACES, "thing": THINGS, "month": MONTHS,
        "day": range(1, 29), "year": range(1850, 2030), "number": range(1, 400), "hour": range(10, 24), "minute": range(10, 60),
        "month2": ["01", "07", "11"], "day2": ["02", "17", "28"], "percent": range(1, 99),
    }  # fmt: skip
    if kind == "price":
        return f"{draw.randint(1, 9000)}.{draw.randint(10, 99)}"
    if kind == "word":
        return "".join(draw.choices(syllables, k=draw.randint(1, 5)))
    return str(draw.choice(choices[kind]))


def test_nothing_in_ten_thousand_ordinary_sentences() -> None:
    detector = make_secrets({})
    sentences = list(ordinary(10_000))
    assert len(set(sentences)) == 10_000
    assert [s for s in sentences if detector.findings(Output(s), CASE)] == []
    assert detector.findings(Output("\n".join(sentences)), CASE) == ()


OWN = [
    ("anthropic_key", "sk-ant-api03-" + "aB3-" * 20 + "Q9xY7wVu5tSr"),
    ("openai_key", "sk-proj-4f9Xk27LmQz8Rt5Yw1Ab3Cd6Ef"),
    ("github_token", "github_pat_11ABCDEFG0" + "a1B2" * 12),
    ("google_key", "AIza" + "Sy4" * 11 + "xQ"),
    ("google_oauth_token", "GOCSPX-" + "a1B2" * 7),
    ("huggingface_token", "hf_" + "aB3d" * 9),
    ("inference_key", "gsk_" + "a1B2" * 13),
    ("inference_key", "xai-" + "a1B2" * 20),
    ("databricks_token", "dapi" + HEX * 2),
    ("digitalocean_token", "dop_v1_" + HEX * 4),
    ("shopify_token", "shpat_" + HEX * 2),
    ("vault_token", "hvs." + "CAESI" * 6),
    ("langsmith_key", f"lsv2_pt_{HEX * 2}_0123456789"),
    ("service_token", "lin_api_" + "a1B2" * 10),
    ("service_token", f"glsa_{'aB3d' * 8}_01234567"),
    ("stripe_key", "sk_test_" + "a1B2" * 6),
    ("age_key", "AGE-SECRET-KEY-1" + "QPZRY9X8" * 7 + "GF"),
    ("npm_token", "npm_" + "a1B2" * 9),
    ("gitlab_token", "glcbt-" + "a1B2" * 6),
    ("bearer_token", "Authorization: Bearer " + "a1B2c3D4e5F6g7H8"),
    ("private_key", "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"),
    ("unquoted_secret", "DB_PASSWORD=hunter2024"),
    ("unquoted_secret", "export DB_PWD=hunter2"),
    ("unquoted_secret", "  api_key: 8fK2mQ9xLw"),
    ("unquoted_secret", "The password: Sommer2019."),
    ("unquoted_secret", "aws_secret_access_key = kJ8dXUtnFEMI/K7MDENG/bPxRfiCYq93hZ1dQ8ab"),
    ("unquoted_secret", "**Password:** hunter2024"),
    ("unquoted_secret", "**Password**: `hunter2024`"),
    ("unquoted_secret", '"password: hunter2024"'),
    ("unquoted_secret", "password:hunter2024"),
    ("unquoted_secret", "API Key: 8fK2mQ9xLw"),
    ("unquoted_secret", "DB_PASS=hunter2024"),
    ("npm_token", "//r.example/:_authToken=12345678-abcd-4321-abcd-0123456789ab"),
]


@pytest.mark.parametrize(("rule", "text"), OWN)
def test_more_than_the_library_knows(rule: str, text: str) -> None:
    assert rule in [name for name, _ in found(f"Use this:\n{text}\nthen go on")]


@pytest.mark.parametrize(
    "text",
    [
        "secret: configs/prompts/Sentiment2/release",
        "token: https://x.org/abc123def",
        "The token: see chapter2",
        "pass: 1st2nd3rd",
    ],
)
def test_paths_and_prose_are_no_secrets(text: str) -> None:
    assert found(text) == []


def test_a_span_holds_all_of_a_secret() -> None:
    token = "ghp_" + "a1B2" * 9
    assert found(f"{token} and {token}") == [("github_token", token)] * 2
    key = "-----BEGIN PRIVATE KEY-----\nMIIEow\n-----END PRIVATE KEY-----"
    assert found(f"so {key}!") == [("private_key", key)]
    assert found("x = y; password='hunter2', secret='swordfish'") == [(NAMED, "hunter2"), (NAMED, "swordfish")]
    assert found("https://bob:s3cr.et@db.example.org") == [("basic_auth", "s3cr.et")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password = '${DB_PASSWORD}'",
        'password = "{password}"',
        "password = '<your password>'",
        "password = '********'",
        'secret = get_secret("db")',
        "api_key = os.environ['API_KEY']",
        "PASSWORD=$(cat file)",
        "token: <token>",
        "password: required",
        "secret: see-section-4b",
        "created by token at 2024-03-17T10:15:00Z",
        "key=abcdefgh",
        'request_id: "8c1f0e4e-6a57-4b5e-9b57-8b1d3a4c2f10"',
        "sk-learn-compatible-estimators-are-nice",
        "a bearer responsibilities-and-duties list",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        'id "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"',
        "sha256 of the file: e3b0c44298fc1c149afbf4c8996fb924",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA",
        "https://example.org/reset?token=abc",
    ],
)
def test_leaves_placeholders_and_identifiers_alone(text: str) -> None:
    assert found(text) == []


def test_a_text_cannot_excuse_itself() -> None:
    assert found("password = 'hunter2'  # pragma: allowlist secret") == [(NAMED, "hunter2")]
    assert [rule for rule, _ in found("k = f(x) AKIA" + "Q1W2" * 4)] == ["aws_key"]
    long_line = "_id " + "x " * 5_000 + "'" + HEX * 2 + "0a1b'"
    assert by_the_library(long_line) == [] != found(long_line)


@pytest.mark.parametrize(
    "piece",
    ["secret`x ", "clkey   ", "key    ", "eyJ", "//", "sk-", "`", "=a(", "`x`,", "password=", "awskey", '"9f86d081884c7d",'],
)
@pytest.mark.parametrize("end", ["", "/:_authToken=x T3BlbkFJ 'password\"`= :;eyJ://"])
def test_hostile_texts_take_linear_time(piece: str, end: str) -> None:
    text = piece * (100_000 // len(piece)) + end
    detector = make_secrets({})
    started = time.process_time()
    detector.findings(Output(text), CASE)
    assert time.process_time() - started < 1


def test_a_token_nested_too_deep_to_look_at_is_a_finding() -> None:
    deep = base64.urlsafe_b64encode(b'{"a":' + b"[" * 100_000).decode().rstrip("=")
    assert "json_web_token" in [rule for rule, _ in found(f"{deep}.{deep}")]


def test_the_laws_of_a_detector_hold() -> None:
    texts = ["", "password = 'hunter2'", "ghp_" + "a1B2" * 9 + " \ud800 é AKIA" + "Q1W2" * 4]
    check_detector(make_secrets({}), [Output(text) for text in texts], [CASE] * len(texts))


def test_parameters() -> None:
    text = "password = 'hunter2' ghp_" + "a1B2" * 9
    findings = make_secrets({"category": "keys"}).findings(Output(text), CASE)
    assert [(f.rule, f.severity, f.category) for f in findings] == [
        (NAMED, Severity.MEDIUM, "keys"),
        ("github_token", Severity.HIGH, "keys"),
    ]
    assert {f.severity for f in make_secrets({"severity": "low"}).findings(Output(text), CASE)} == {Severity.LOW}
    assert found(text, ignore=[NAMED]) == [("github_token", text[-40:])]
    ignoring = make_secrets({"ignore": [NAMED]}).spec
    assert ignoring.sensitive and ignoring.signature != make_secrets({}).spec.signature
    assert {form.rule for form in FORMATS} <= set(RULES)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"ignore": "secret_keyword"}, "list"),
        ({"ignore": ["secret_keywords"]}, "cannot hold"),
        ({"ignore": [3]}, "cannot hold"),
        ({"ignored": []}, "did you mean ignore"),
        ({"severity": "worst"}, "severity"),
        ({"category": ""}, "category"),
        ({"verify": True}, "unknown parameter"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_secrets(parameters)


def test_without_the_library_the_run_is_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.safety.secret_strings.importlib.util.find_spec", lambda name: None)
    with pytest.raises(Incomplete, match="detect-secrets"):
        make_secrets({})


def test_the_version_of_the_library_is_part_of_the_recipe() -> None:
    assert f"detect-secrets:{metadata.version('detect-secrets')}|" in make_secrets({}).spec.signature


def test_looking_for_a_secret_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a secret must never be sent anywhere")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    draw = random.Random(7)
    assert all(found(secret) for _, secret in seeded(draw))
