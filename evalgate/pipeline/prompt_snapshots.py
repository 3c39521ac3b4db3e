"""Snapshot files on disk: read, judged against, written anew on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.core.files import read_text, write_whole
from evalgate.core.refusal import refused
from evalgate.core.text_changes import LineChange, changed_lines
from evalgate.prompts.snapshots import ENDING, FOLDER, parse_snapshot, snapshot_text
from evalgate.prompts.template_tests import TEST_ENDINGS

_UPDATE = "evalgate prompt test --update"


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """The snapshots of one test file."""

    path: Path
    sections: dict[str, str]
    """As the file says, by the names of the cases."""
    taken: dict[str, str]
    """As rendered now, when they are to be written."""

    @classmethod
    def of(cls, tests: Path, stem: str) -> SnapshotFile:
        """The snapshots beside a test file; none when there is no file yet.

        Raises: BadInput for a file that is no snapshot, or a folder that leads elsewhere.
        """
        folder = tests.parent / FOLDER
        path = folder / f"{stem}{ENDING}"
        if folder.is_symlink() or path.is_symlink():
            raise BadInput("is a symbolic link", where=str(path if path.is_symlink() else folder), hint="put the files there")
        sections = parse_snapshot(read_text(path, str(path)), str(path)) if path.exists() else {}
        return cls(path, sections, {})

    def judge(self, name: str, section: str) -> tuple[list[str], tuple[LineChange, ...]]:
        """What is wrong with a case whose snapshot is missing or differs, and how it differs."""
        known = self.sections.get(name)
        if known is None:
            return [f"there is no snapshot of it in {self.path}; after a look at the prompt: {_UPDATE}"], ()
        if known == section:
            return [], ()
        said = f"it is not rendered as in the snapshot {self.path}; when the change is meant: {_UPDATE}"
        return [said], changed_lines(known, section)

    def write(self, wanted: Sequence[str]) -> bool:
        """Write the sections that were taken, in the order of the test file; a case that cannot be rendered keeps its own.

        Returns: whether anything changed on disk.
        """
        sections = {**self.sections, **self.taken}
        kept = {name: sections[name] for name in wanted if name in sections}
        if kept == self.sections and list(kept) == list(self.sections):
            return False
        if kept:
            write_whole(self.path, snapshot_text(kept))
        else:
            remove_snapshot(self.path)
        return True


def orphaned_files(files: Iterable[Path]) -> Iterator[Path]:
    """Those of some files that are snapshots whose test file is gone."""
    for path in files:
        if path.parent.name != FOLDER or not path.name.endswith(ENDING) or path.is_symlink():
            continue
        stem = path.name.removesuffix(ENDING)
        if not any((path.parent.parent / f"{stem}{ending}").is_file() for ending in TEST_ENDINGS):
            yield path


def remove_snapshot(path: Path) -> None:
    """Remove a file that holds snapshots and nothing else.

    Raises: BadInput when it is something else; Incomplete when the disk refuses.
    """
    parse_snapshot(read_text(path, str(path)), str(path))
    try:
        path.unlink()
    except OSError as error:
        raise refused(error, path, "cannot be removed") from error
