"""gate.env: the verdict as variables for the jobs that follow on GitLab.

Source: https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv: `KEY=value`, no quotes, spaces, comments or
blank lines, at most 5 KB and 20 variables.
"""

from __future__ import annotations

from evalgate.core.record import RunRecord
from evalgate.report.github_outputs import plain_facts


def render_dotenv(record: RunRecord) -> str:
    """`EVALGATE_VERDICT=pass` and the like.

    Raises: BadInput when the record holds an id that could be more than one value.
    """
    return "".join(f"EVALGATE_{name.upper()}={value}\n" for name, value in plain_facts(record).items())
