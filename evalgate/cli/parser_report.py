"""The command line of `evalgate report`."""

from __future__ import annotations

import argparse

from evalgate.cli.parser_parts import Commands, command

FORMATS = "html, junit, markdown, github, gitlab, sarif, json, csv, or the report of an installed package"
_EPILOG = """parts (the first is what a file or standard output gets; a folder gets all of them):
  html      page; of a folder of runs: index.html
  junit     default (for GitHub and GitLab), strict (for the schema of Jenkins; only when it is named)
  markdown  summary (for the page of a job), comment (for a pull request)
  github    annotations (for the log of a job), outputs (for $GITHUB_OUTPUT)
  gitlab    codequality, metrics, dotenv
  sarif     results
  json      verdict
  csv       cases

exit codes:
  0  the report was made; this says nothing about the verdict in it
  2  bad input: no finished run, a damaged or foreign record, no such report
  3  incomplete: an installed report failed, or the disk is full
 70  internal error (a bug)"""


def add_report(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "report", "any report of a finished run, from its folder; nothing is measured again")
    parser.epilog = _EPILOG
    run = "folder of a finished run (reports/<gate>/<run-id>); for html also a folder of runs, such as reports/: its history"
    parser.add_argument("run", metavar="RUN", help=run)
    parser.add_argument("--format", metavar="FORMAT", required=True, help=FORMATS)
    parser.add_argument("--part", metavar="PART", help="one file of the report, see below")
    out = "file, folder (one that exists, or a name that ends with /), or - for standard output (the default; of a folder of"
    out += " runs: index.html in it)"
    parser.add_argument("--out", metavar="FILE|DIR|-", help=out)
