"""The JSON Schemas of a policy and of a list of trusted keys, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from evalgate.config.editor_schema import choices_schema, thresholds_schema, without_empty

_DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def policy_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a policy file."""
    from evalgate.config.policy_models import PolicyFile

    schema = _schema(PolicyFile, "evalgate policy")
    tier = schema["$defs"]["TierEntry"]["properties"]
    tier["thresholds"] = thresholds_schema(tier["thresholds"]["description"])
    for key, word in (("metrics", "metric"), ("detectors", "detector")):
        tier[key] = {**choices_schema(tier[key]["description"], word), "minItems": 1}
    return schema


def keys_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a list of trusted keys."""
    from evalgate.config.policy_models import KeysFile

    return _schema(KeysFile, "evalgate trusted keys")


def _schema(model: Any, title: str) -> dict[str, Any]:
    schema: dict[str, Any] = model.model_json_schema()
    for entry in (schema, *schema["$defs"].values()):
        without_empty(entry)
    return {**_DIALECT, **schema, "title": title}
