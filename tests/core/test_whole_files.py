"""Files are written whole; what is no file is written to, and stays what it is."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.files import read_text, write_whole


def test_a_device_is_never_replaced_by_a_file() -> None:
    write_whole(Path(os.devnull), "gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert not list(Path(os.devnull).parent.glob(".null.*"))


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, "said")
    reader.join(10)
    assert got == [b"said"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_full_device_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(Incomplete, match="No space left"):
        write_whole(Path("/dev/full"), "x")


def test_a_file_is_replaced_and_a_folder_is_not(tmp_path: Path) -> None:
    place = tmp_path / "new" / "file"
    write_whole(place, "one")
    write_whole(place, b"two")
    assert place.read_bytes() == b"two"
    with pytest.raises(Incomplete, match="cannot be written"):
        write_whole(tmp_path / "new", "x")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


def test_threads_that_write_one_file_leave_one_of_their_texts(tmp_path: Path) -> None:
    texts = [str(number) * 20_000 for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            list(pool.map(lambda text: write_whole(tmp_path / "one.json", text), texts))
            assert (tmp_path / "one.json").read_text() in texts
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


def test_a_missing_file_is_named_once(tmp_path: Path) -> None:
    for place, said in ((tmp_path / "none", "does not exist"), (tmp_path, "is not a regular file")):
        with pytest.raises(BadInput) as raised:
            read_text(place, "shown")
        assert str(raised.value) == f"shown: {said}"
