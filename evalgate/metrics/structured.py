"""Is an answer JSON, and does it have the declared form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import canonical_json, digest_bytes
from evalgate.core.parameters import Parameters
from evalgate.core.values import Expectation, Output
from evalgate.metrics.interface import Metric
from evalgate.metrics.json_answer import StrictJsonError, read_json
from evalgate.metrics.json_form import JsonForm, compile_form
from evalgate.metrics.mean_rows import MeanMetric, share_spec


def make_json_valid(parameters: Mapping[str, Any]) -> Metric:
    """Share of answers that are one strict JSON value and nothing else; needs no reference.

    No NaN, no duplicate keys, at most 1,000,000 characters and 64 levels.
    Parameters: `fenced` false (default) or true: one Markdown code fence around the JSON is accepted.
    Raises: BadInput for an unknown parameter or wrong value.
    """
    given = Parameters("json_valid", parameters)
    fenced = given.take("fenced", bool, False)
    given.finish()
    spec = share_spec("json_valid", f"strict|fenced:{_yes(fenced)}", needs_reference=False)
    return MeanMetric(spec, _JsonAnswer(fenced, None))


def make_json_schema(parameters: Mapping[str, Any]) -> Metric:
    """Share of answers that are strict JSON and conform to a JSON Schema; needs no reference.

    Parameters: `schema` (required): a schema of draft 2020-12, written inline; `fenced` as for `json_valid`.
    Nothing is ever fetched; `pattern` is RE2; `format` is an annotation, as the draft has it by default.
    Raises: BadInput for an unknown parameter, or a schema that is invalid or refers to something outside itself.
    """
    given = Parameters("json_schema", parameters)
    schema = given.need("schema", dict[str, Any], low=1)
    fenced = given.take("fenced", bool, False)
    given.finish()
    form = compile_form(schema, where="metric json_schema")
    signature = f"draft:2020-12|schema:{digest_bytes(canonical_json(schema))}|fenced:{_yes(fenced)}"
    return MeanMetric(share_spec("json_schema", signature, needs_reference=False), _JsonAnswer(fenced, form))


@dataclass(frozen=True, slots=True)
class _JsonAnswer:
    """1 where the answer is JSON, of the form if there is one."""

    fenced: bool
    form: JsonForm | None

    def __call__(self, output: Output, expectation: Expectation) -> float:
        try:
            value = read_json(output.text, fenced=self.fenced)
        except StrictJsonError:
            return 0.0
        return float(self.form is None or self.form.fits(value))


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
