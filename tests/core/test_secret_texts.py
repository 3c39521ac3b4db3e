"""What is a secret in a text that people write, and what only sounds like one."""

from __future__ import annotations

import base64
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.key_patterns import any_key
from evalgate.core.secret_texts import secrets_in
from evalgate.golden.staging_masks import Masks
from evalgate.proxy.redaction import Redactor

AZURE = "q5Zr" * 21 + "Qw=="
BASIC = base64.b64encode(b"alice:sw0rdfish").decode()
SECRETS = [
    ("DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=%s;EndpointSuffix=core.windows.net", f"AccountKey={AZURE}", "azure_key"),
    ("Endpoint=sb://shop.example/;SharedAccessKey=%s", "SharedAccessKey=" + "q5Zr" * 10 + "Qwe=", "azure_key"),
    ("password: %s", "hunter2", "password"), ("password=%s&user=bob", "hunter2x", "password"), ("The password is %s.", "Tr0ub4dor&3", "password"),
    ('{"password": "%s"}', "hunter2", "password"), ('{\\"password\\": \\"%s\\"}', "hunter2", "password"), ("DB_PASSWORD=%s", "hunter2024", "password"),
    ("DB_PASSWORD_PROD = '%s'", "x7Kq-99-Lw3Tz8", "password"), ("Kennwort: %s", "Sommer2024", "password"), ("dbPassword: %s", "a1b2c3d4", "password"),
    ("**Password:** %s", "hunter2", "password"), ("pwd=%s;", "s3cretW0rd", "password"), ("Passwort ist: hier; passwd: %s", "Ab12!x", "password"),
    ("api_key = %s", "9f8a7b6c5d4e3f2a1b0c9d8e", "named_key"), ("token: %s", "Zx81kQp03mVb77LwTa92", "named_key"), ("X-Api-Key: %s", "abc123def456", "named_key"),
    ("clientSecret='%s'", "Zx81kQp0-3mVb77_LwTa92", "named_key"), ("Authorization: Token %s", "9944b09199c62bcf9418ad846dd0e4bb", "named_key"),
    ("secret: %s", "123e4567-e89b-12d3-a456-426614174000", "named_key"), ("AZURE_STORAGE_ACCOUNT_KEY: %s", "q5ZrQw12abCD", "named_key"),
    ("clone https://%s@host.example/x.git", "user:hunter2", "url_password"), ("postgres://%s@db.example:5432/shop", "shop:PASSWORD", "url_password"),
    ("redis://%s@cache.example", ":p4ss", "url_password"), ("https://%s@host.example/", "user:pa:ss", "url_password"),
    ("Authorization: Basic %s", BASIC, "basic_credentials"), ("curl -H 'authorization: basic %s'", BASIC, "basic_credentials"),
    ("pay with %s", "sk_live_51H8xQ2eZvKYlo2C0a", "stripe_key"), ("clone with %s", "glpat-x1y2z3a4b5c6d7e8f9g0", "gitlab_token"),
    ("npm %s", "npm_" + "a1B2c3D4e5F6" * 3, "npm_token"), ("mail %s", "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihY", "sendgrid_key"),
    ("aws %s", "ACCAABCDEFGHIJKLMNOP", "aws_key"), ("%s", "-----BEGIN PGP PRIVATE KEY BLOCK-----", "private_key"),
    ("Bearer %s", "", ""), ("use %s", "Bearer a1b2c3d4e5f6g7h8i9", "bearer_token"), ("api_key = %s now", "sk-a1b2c3d4e5f6g7h8i9", "openai_key"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "secret", "kind"), SECRETS)
def test_a_secret_is_found_once_where_it_stands(text: str, secret: str, kind: str) -> None:
    whole = text.replace("%s", secret)
    expected = [(kind, whole.index(secret), whole.index(secret) + len(secret))] if secret else []
    assert list(secrets_in(whole)) == expected
    assert [(k, s - 5, e - 5) for k, s, e in secrets_in(f"😀\n\n{{\ud800{whole}")] == expected


WORDS = [
    "tokenization_model_v2_fast", "secretary-of-state-2024", "secret: my-company-secret-santa-2024", "password: please never ask for it",
    "The secret of good tea is time.", "Use the token count 1234567890123456 wisely.", "token: model-v20240806", "token_count: 12345678901234ab",
    "the bearer responsibilities-and-duties-of-office", "Bearer internationalization", "sk-learn-compatible-estimators-are-fine",
    "Authorization: Basic authentication required", "Basic information", "basic knowledge of 2024ab", "password: {{password1}}", "password=${PASSWORD1}",
    "password: <your-password1>", "password: ********", "https://example.com:8080/a@b1", "mailto:a@b.example", "https://{user}:{password}@host",
    "http://host/path:8080@2x.png", "https://user@host.example", "key: value, keys: many", "the key is under_the_mat_2024", "api key: ask", "secret is 2024",
    "password=None, user=user", "password=os.environ['PASSWORD1']", "passwordless: abc123def", "a monkey = abc123def456", "tokens: 128000abc", "passt: h1unter2",
    "secret: Überraschung", "access_key_id: documentation", "npm_config_registry_is_a_setting_of_npm", "pypi-package-with-a-long-name-indeed",
    "pagination token: next-page-token-2024-11-25", "SG.is.short", "AccountKey=<key>",
]  # fmt: skip


@pytest.mark.parametrize("text", WORDS)
def test_words_are_no_secret(text: str) -> None:
    assert list(secrets_in(text)) == []
    assert any_key().search(text) is None or "sk-learn" in text or "earer" in text


@pytest.mark.parametrize(("text", "secret", "kind"), SECRETS)
def test_what_is_staged_holds_no_secret(text: str, secret: str, kind: str) -> None:
    masked = Masks(Redactor().text).text(text.replace("%s", secret))
    assert not secret or secret.removeprefix("AccountKey=").removeprefix("SharedAccessKey=") not in masked
    assert bool(secret) == ("[redacted" in masked)
    assert Masks(Redactor().text).text(masked) == masked


@given(st.text(alphabet=st.sampled_from("pasword: =tkensc1aB2/@\n\"'\\{$\ud800\0é"), max_size=60), st.text(max_size=20))
def test_places_lie_in_the_text_and_in_order(text: str, more: str) -> None:
    places = list(secrets_in(f"{text} password: hunter2 {more}"))
    assert all(0 <= start < end <= len(text) + len(more) + 20 for _, start, end in places)
    assert all(first[2] <= second[1] for first, second in pairwise(places))


@pytest.mark.parametrize(
    "piece", ["password: a1b2c3", "password:", "://a:b@", "a://", "basic ", "token", "=", "key='", "://:", "A1", "is ", "sk-1"]
)
def test_no_text_is_slow(piece: str) -> None:
    begin = time.process_time()
    list(secrets_in(piece * (1_000_000 // len(piece))))
    assert time.process_time() - begin < 8
