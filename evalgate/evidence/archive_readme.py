"""README.txt of an exported run: how somebody without evalgate checks it."""

from __future__ import annotations

from dataclasses import dataclass

SUMS = "SHA256SUMS"
README = "README.txt"


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """What the README says of the run in the archive."""

    gate: str
    run_id: str
    root: str
    verdict: str
    engine: str
    """Version of evalgate that made the run."""
    materials: tuple[str, ...]
    """Files of the project in the archive, sorted."""
    left_out: tuple[str, ...]
    """What the run used and is not in the archive, with the reason."""
    attested: bool
    """Whether a signature stands beside the run."""


def archive_readme(facts: ArchiveFacts) -> str:
    """The text; every line that begins with `$ ` is a command for a POSIX shell, in the folder of this file.

    Commands need sha256sum (coreutils), jq 1.6 or later, and openssl 3 for the signature.
    """
    return "\n".join([*_head(facts), *_FILES, *_ROOT, *(_SIGNED if facts.attested else _UNSIGNED), *_again(facts), *_LIMITS, ""])


def _head(facts: ArchiveFacts) -> list[str]:
    return [
        "Evidence of an evaluation run",
        "=============================",
        "",
        f"gate      {facts.gate}",
        f"run       {facts.run_id}",
        f"verdict   {facts.verdict}",
        f"root      {facts.root}",
        f"made by   evalgate {facts.engine}",
        "",
        "run/      the folder of the run: verdict.json, reports, rows (Parquet), manifest.json",
        "project/  what the run used, as paths of the project" if facts.materials else "project/  is not in this archive",
        *(f"          {name}" for name in facts.materials),
        *(f"not here  {said}" for said in facts.left_out),
        "",
        "The root is one digest over everything that was used and everything that was found. Compare it with the one that",
        "was reviewed, or with the one in a signature. All commands below are for a shell in the folder of this file.",
        "",
    ]


_FILES = [
    "1. No file was changed, none is missing",
    "---------------------------------------",
    "Every file of the archive:",
    f"$ sha256sum --check --strict --quiet {SUMS}",
    "Every file of the run, against its manifest:",
    '$ jq -r \'.products | to_entries[] | (.value | ltrimstr("sha256:")) + "  run/" + .key\' run/manifest.json > products.sums',
    "$ sha256sum --check --strict --quiet products.sums",
    "",
]
_ROOT = [
    "2. The root belongs to them",
    "---------------------------",
    "The root is the SHA-256 of materials and results, as JSON with sorted keys and without white space (RFC 8785):",
    "$ jq -cS '{materials, results}' run/manifest.json | tr -d '\\n' | sha256sum | sed 's/ .*//;s/^/sha256:/' > root.found",
    "$ jq -r .root run/manifest.json | cmp - root.found",
    "verdict.json names that root:",
    "$ jq -r .evidence.manifest_digest run/verdict.json | cmp - root.found",
    "The digest of verdict.json under the root is the one of the file with the root taken out of it:",
    "$ sed \"s/$(cat root.found)//\" run/verdict.json | sha256sum | sed 's/ .*//;s/^/sha256:/' > verdict.found",
    "$ jq -r .results.verdict run/manifest.json | cmp - verdict.found",
    "The configuration, where it is in the archive: its SHA-256 stands in the manifest under config:",
    "$ jq -r '.materials.inputs | to_entries[] | .key + \"  \" + .value' run/manifest.json",
    "The digest of the plan is over run/plan.json by RFC 8785; any library for it will do. The digests of prompts, dataset and",
    "recording are over their content, not over the bytes of their files: step 4 derives them.",
    "",
]
_UNSIGNED = [
    "3. Signature",
    "------------",
    "The run was not signed when it was exported.",
    "",
]
_SIGNED = [
    "3. Signature",
    "------------",
    "run/attestation.dsse.json is a DSSE envelope. What is signed:",
    "$ jq -r .payload run/attestation.dsse.json | base64 -d > payload",
    "$ jq -r '.signatures[0].sig' run/attestation.dsse.json | base64 -d > signature",
    "$ jq -j .payloadType run/attestation.dsse.json > type",
    "$ { printf 'DSSEv1 %d ' $(wc -c < type); cat type; printf ' %d ' $(wc -c < payload); cat payload; } > signed",
    "It must name the root:",
    '$ grep -qF "$(cat root.found)" payload',
    "With the public key of the signer, which is not in this archive, as KEY.pem:",
    "  openssl pkeyutl -verify -rawin -pubin -inkey KEY.pem -sigfile signature -in signed",
    "",
]


def _again(facts: ArchiveFacts) -> list[str]:
    replay = [
        "  evalgate verify run --level scores",
        "  evalgate verify run --level replay --project project" if facts.materials else "  (replay needs what the run used)",
    ]
    return [
        "4. The verdict follows from it",
        "------------------------------",
        f"That needs evalgate {facts.engine} and the versions under .materials.engine of the manifest:",
        "  evalgate verify run --level decision",
        *replay,
        "",
    ]


_LIMITS = [
    "What this does not prove",
    "------------------------",
    "That the recorded answers came from the models named in them; that the run is the only one that was made (see",
    "run/attempts.json); that dataset and thresholds were good ones; when the run was made.",
]
