"""The plugins of detect-secrets that know a service's format, each behind a look that is cheap and misses nothing.

The formats are those of the library; only how they are looked for is ours. Nothing is ever verified over a network.
Source: detect-secrets 1.5, https://github.com/Yelp/detect-secrets.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalgate.safety.plain_bytes import as_bytes, byte_pattern, for_bytes
from evalgate.safety.rule_places import Place

SHORTEST_KEY = 15
_LONG_WORD = re.compile(r"[\w-]{20}")
"""What every format marked `long_word` has inside."""


@dataclass(frozen=True, slots=True)
class Format:
    """One plugin: what a text must hold before the plugin's own patterns are worth trying."""

    rule: str
    plugin: str
    """`module.Class` of detect_secrets.plugins."""
    marks: tuple[str, ...]
    """One of these must be there; lower case where `any_case`."""
    any_case: bool = False
    long_word: bool = True
    linear: bool = True
    """Whether the plugin's own patterns take linear time; the others run in RE2."""
    whole: bool = False
    """All of a match counts and nothing excuses it: the library keeps but the prefix of some tokens, and drops npm's older ones
    as UUIDs."""

    def may_match(self, text: str, folded: str) -> bool:
        """Whether a closer look is worth it; no is certain."""
        subject = folded if self.any_case else text
        return any(mark in subject for mark in self.marks)


_KEYS = ("key", "pwd", "pw", "password", "pass", "token")
FORMATS = (
    Format("artifactory_credentials", "artifactory.ArtifactoryDetector", ("AKC", "AP"), long_word=False),
    Format("aws_key", "aws.AWSKeyDetector", ("a3t", "abia", "acca", "akia", "asia", "aws"), any_case=True),
    Format("azure_storage_key", "azure_storage_key.AzureStorageKeyDetector", ("AccountKey=",), long_word=False),
    Format("basic_auth", "basic_auth.BasicAuthDetector", ("://",), long_word=False),
    Format("cloudant_credentials", "cloudant.CloudantDetector", ("cl",), any_case=True, linear=False),
    Format("discord_bot_token", "discord.DiscordBotTokenDetector", (".",)),
    Format("github_token", "github_token.GitHubTokenDetector", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), whole=True),
    Format("gitlab_token", "gitlab_token.GitLabTokenDetector", ("gl", "GR1348941"), whole=True),
    Format("ibm_cloud_iam_key", "ibm_cloud_iam.IbmCloudIamDetector", _KEYS, any_case=True, linear=False),
    Format("ibm_cos_credentials", "ibm_cos_hmac.IbmCosHmacDetector", ("secret",), any_case=True, linear=False),
    Format("json_web_token", "jwt.JwtTokenDetector", ("eyJ",), long_word=False, linear=False),
    Format("mailchimp_key", "mailchimp.MailchimpDetector", ("-us",)),
    Format("npm_token", "npm.NpmDetector", ("/:_authToken=",), long_word=False, linear=False, whole=True),
    Format("openai_key", "openai.OpenAIDetector", ("T3BlbkFJ",), linear=False),
    Format("private_key", "private_key.PrivateKeyDetector", ("PRIVATE KEY", "PuTTY-User-Key-File-2"), long_word=False),
    Format("pypi_token", "pypi_token.PypiTokenDetector", ("pypi-Ag",)),
    Format("sendgrid_key", "sendgrid.SendGridDetector", ("SG.",)),
    Format("slack_token", "slack.SlackDetector", ("xox", "hooks.slack.com"), any_case=True, long_word=False),
    Format("softlayer_credentials", "softlayer.SoftlayerDetector", ("softlayer", "sl"), any_case=True, linear=False),
    Format("square_oauth_secret", "square_oauth.SquareOAuthDetector", ("sq0csp-",), long_word=False),
    Format("stripe_key", "stripe.StripeDetector", ("k_live_",)),
    Format("telegram_bot_token", "telegram_token.TelegramBotTokenDetector", (":",)),
    Format("twilio_key", "twilio.TwilioKeyDetector", ("AC", "SK")),
)
_WITHOUT_LONG_WORD = tuple(form for form in FORMATS if not form.long_word)


def long_pieces(text: str) -> list[str]:
    """Stretches without white space that are long enough for the shortest key (`xoxb-` and ten more): a look that costs less
    than any pattern."""
    return [piece for piece in text.split() if len(piece) >= SHORTEST_KEY]


def candidates(text: str, folded: str, pieces: list[str]) -> tuple[Format, ...]:
    """The formats that a text may hold; those left out it cannot."""
    long_word = any(_LONG_WORD.search(piece) for piece in pieces)
    return tuple(form for form in (FORMATS if long_word else _WITHOUT_LONG_WORD) if form.may_match(text, folded))


def places(form: Format, line: str) -> Iterator[Place]:
    """Where one plugin finds a secret in a line that has passed `may_match`."""
    plugin = load(form.plugin)
    holds = getattr(plugin, "is_formally_valid", None)
    for regex in plugin.denylist:
        for start, end in _linear(regex, line, form.whole) if form.linear else _through_re2(regex, line):
            if end > start and (holds is None or _formally_valid(holds, line[start:end])):
                yield form.rule, start, end


@lru_cache(maxsize=64)
def load(plugin: str) -> Any:
    """A plugin of the library."""
    module, _, name = plugin.rpartition(".")
    return getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)()


def _linear(regex: re.Pattern[str], line: str, whole: bool) -> Iterator[tuple[int, int]]:
    for match in regex.finditer(line):
        if whole or not regex.groups:
            yield match.span()
        else:
            yield from (match.span(group) for group in range(1, regex.groups + 1) if match.group(group))


def _through_re2(regex: re.Pattern[str], line: str) -> Iterator[tuple[int, int]]:
    ignore_case = bool(regex.flags & re.IGNORECASE)
    pattern = byte_pattern(for_bytes(regex.pattern), ignore_case)
    subject = as_bytes(line, ignore_case)
    kept = min(1, pattern.groups)
    place = 0
    while (match := pattern.search(subject, place)) is not None:
        yield match.span(kept)
        place = max(match.end(kept), match.start() + 1)


def _formally_valid(holds: Any, token: str) -> bool:
    try:
        return bool(holds(token))
    except RecursionError:
        return True  # nested too deep to look at: what cannot be ruled out counts
