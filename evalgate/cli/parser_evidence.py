"""The command line of `evalgate evidence`."""

from __future__ import annotations

import argparse

from evalgate.cli.parser_parts import Commands, action, command

_EPILOG = """exit codes:
  0  the archive was written; this says nothing about the verdict in it
  2  bad input: no finished run, or a place inside its folder
  3  incomplete: the run cannot be derived here, or the disk is full
  5  the run is not what it says, or the project no longer has what it used: nothing is written
 70  internal error (a bug)"""


def add_evidence(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "evidence", "a run for a record system")
    parser.epilog = _EPILOG
    actions: Commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    summary = "one archive with the run, what it used, and how to check it without evalgate"
    export = action(actions, shared, "export", summary)
    export.epilog = _EPILOG
    export.formatter_class = argparse.RawDescriptionHelpFormatter
    export.add_argument("run", metavar="RUN", help="folder of a finished run (reports/<gate>/<run-id>)")
    export.add_argument("out", metavar="OUT.zip", help="the archive; one that is there is replaced")
    project = "the project with what the run used (default: the one around RUN, else this folder)"
    export.add_argument("--project", metavar="DIR", help=project)
    without = "without configuration, prompts, dataset and recording: nobody can replay it then"
    export.add_argument("--without-data", action="store_true", help=without)
