"""The command line of `evalgate verify`."""

from __future__ import annotations

import argparse

from evalgate.cli.parser_parts import Commands, command
from evalgate.cli.policy_verify import add_policy_options

LEVELS = ("integrity", "decision", "scores", "replay")
_EPILOG = """levels (each includes those before it, and trusts less):
  integrity  every file of the folder is the one that the run left, and they belong together under the root digest
  decision   statistics, thresholds, verdict and reports, derived again from the rows by the rules of plan.json
  scores     rows and findings of every case, measured again on the texts that the run kept
  replay     the whole run again from configuration, prompts, dataset and recording; the root digests are compared

exit codes:
  0  everything that was asked for matches; this says nothing about the verdict itself
  2  bad input: no finished run, or its manifest or verdict cannot be understood
  3  incomplete: something could not be looked at (a plugin or the data is missing, other versions measured)
  5  the evidence does not match, or a policy does not allow it: every difference is named
 70  internal error (a bug)"""


def add_verify(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "verify", "is a finished run what it says, and does its verdict follow from it?")
    parser.epilog = _EPILOG
    parser.add_argument("run", metavar="RUN", help="folder of a finished run (reports/<gate>/<run-id>), or its exported archive")
    parser.add_argument("--level", choices=LEVELS, default="integrity", help="how far (default: integrity)")
    project = "replay: the project with the configuration (default: the one around RUN, else this folder)"
    parser.add_argument("--project", metavar="DIR", help=project)
    compared = parser.add_argument_group("replay of a comparison")
    compared.add_argument("--baseline", metavar="FILE", help="outputs of the baseline, or the folder of its run")
    compared.add_argument("--candidate", metavar="FILE", help="outputs of the candidate, or the folder of its run")
    compared.add_argument("--references", metavar="FILE", action="append", default=[], help="reference file; repeatable")
    add_policy_options(parser)
    parser.add_argument("--json", action="store_true", help="the verification as JSON on stdout, the summary on stderr")
