"""The command lines of `evalgate attest` and `evalgate approve`."""

from __future__ import annotations

import argparse

from evalgate.cli.parser_parts import Commands, command

_EPILOG = """exit codes:
  0  signed and written; this says nothing about the verdict
  2  bad input: no finished run, another prompt than the judged one, a key that cannot be used
  3  incomplete: the package for signatures is missing, or the disk is full
  5  the run is not what it was when it ended: nothing was signed
 70  internal error (a bug)"""


def add_attest(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add `attest` to the parser."""
    parser = command(commands, shared, "attest", "sign that a run tested a prompt, and what came of it")
    _signed(parser)
    author = "who wrote the prompt; they cannot approve where a policy forbids it; repeatable"
    parser.add_argument("--author", metavar="NAME", action="append", default=[], help=author)
    parser.add_argument("--url", metavar="URL", help="page of the CI run")
    parser.add_argument("--out", metavar="FILE|-", help="file to write (default: attestation.dsse.json in the run's folder)")


def add_approve(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add `approve` to the parser."""
    parser = command(commands, shared, "approve", "sign that a reviewer accepts a run; its verdict stays what it is")
    _signed(parser)
    parser.add_argument("--role", metavar="ROLE", required=True, help="in which role, such as owner or risk")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="what was looked at, and why it is acceptable")
    parser.add_argument("--by", metavar="NAME", help="who approves; must be the name of the key among the trusted keys")


def _signed(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EPILOG
    parser.add_argument("run", metavar="RUN", help="folder of a finished run (reports/<gate>/<run-id>)")
    parser.add_argument("--key", metavar="FILE", required=True, help="private Ed25519 key (PEM, PKCS #8)")
    named = "environment variable that holds the passphrase of an encrypted key"
    parser.add_argument("--passphrase-env", metavar="VARIABLE", help=named)
    where = "the candidate's prompt (default: where the run read it, seen from here or from above the run)"
    parser.add_argument("--prompt", metavar="FILE", help=where)
