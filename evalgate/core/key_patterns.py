"""What the keys of well-known services look like: for redaction before a write, and for secrets inside datasets."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from evalgate.core.patterns import compile_pattern

KEY_PATTERNS = (
    ("github_token", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
    ("aws_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    ("google_key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("slack_token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("huggingface_token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("anthropic_key", r"\bsk-ant-[a-z]{2,8}[0-9]{2}-[A-Za-z0-9_-]{24,}"),
    ("openai_key", r"\bsk-[A-Za-z0-9_-]{16,}"),
    ("google_oauth_token", r"\b(?:ya29\.[A-Za-z0-9_-]{30,}|GOCSPX-[A-Za-z0-9_-]{28})"),
    ("gitlab_token", r"\bgl(?:pat|dt|rt|ptt|soat|cbt|imt|agent)-[A-Za-z0-9_-]{20,}"),
    ("npm_token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("pypi_token", r"\bpypi-AgE[A-Za-z0-9_-]{60,}"),
    ("stripe_key", r"\b(?:[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{32,})"),
    (
        "inference_key",
        r"\b(?:gsk_[A-Za-z0-9]{48,}|xai-[A-Za-z0-9]{64,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{37}|tvly-[A-Za-z0-9]{28,})",
    ),
    ("langsmith_key", r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}\b"),
    ("databricks_token", r"\bdapi[0-9a-f]{32}\b"),
    ("digitalocean_token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    ("shopify_token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    ("vault_token", r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}"),
    (
        "service_token",
        r"\b(?:ATATT3[A-Za-z0-9_=-]{50,}|lin_api_[A-Za-z0-9]{40}|ntn_[A-Za-z0-9]{40,}|sbp_[0-9a-f]{40}|figd_[A-Za-z0-9_-]{40,}"
        r"|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|NRAK-[A-Z0-9]{27}|dp\.pt\.[A-Za-z0-9]{40,}|sntry[su]_[A-Za-z0-9+/=_-]{40,})",
    ),
    ("sendgrid_key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("azure_key", r"\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}"),
    ("age_key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    ("bearer_token", r"\b[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}=*"),
    ("json_web_token", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    (
        "private_key",
        r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s]*"
        r"(?:-----END [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
)
"""RE2, because a model or a stranger decides what they are held against: no text can make them slow."""
HAPHAZARD = re.compile(r"[0-9]|[A-Za-z0-9]{16}")
"""What a key has after its prefix, and words with hyphens (`sk-learn-compatible`) have not."""
_MARKS = (
    "sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "AKIA", "ASIA", "AIza", "xox", "hf_", "earer", "eyJ", "ya29.",
    "GOCSPX-", "glpat-", "gldt-", "glrt-", "glptt-", "glsoat-", "glcbt-", "glimt-", "glagent-", "npm_", "pypi-AgE", "k_live_",
    "k_test_", "whsec_", "gsk_", "xai-", "pplx-", "r8_", "tvly-", "lsv2_", "dapi", "_v1_", "shpat_", "shpca_", "shppa_",
    "shpss_", "hvs.", "hvb.", "hvr.", "ATATT3", "lin_api_", "ntn_", "sbp_", "figd_", "PMAK-", "glsa_", "NRAK-", "dp.pt.",
    "sntrys_", "sntryu_", "AGE-SECRET-KEY-1", "PRIVATE KEY", "ABIA", "ACCA", "SG.",
    "AccountKey=", "SharedAccessKey=",
)  # fmt: skip
"""Every pattern needs one of these; looking for them first is fifty times faster."""


def may_hold_key(text: str) -> bool:
    """Whether a closer look is worth it."""
    return any(mark in text for mark in _MARKS)


@lru_cache(maxsize=1)
def any_key() -> Any:
    """All of them as one compiled pattern; the name of the group that matched is the kind."""
    return compile_pattern("|".join(f"(?P<{name}>{pattern})" for name, pattern in KEY_PATTERNS)).compiled
