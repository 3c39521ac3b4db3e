"""A storage: whole objects by name, in a folder or in whatever fsspec knows, with errors that say what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.runner import storage as module
from evalgate.runner.storage import Missing, Storage


@pytest.fixture(params=["folder", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    address = {"folder": f"{tmp_path}/store", "file": f"file://{tmp_path}/store", "memory": f"memory://{tmp_path.name}/store"}
    made = Storage.at(address[request.param])
    yield made
    made.clear()


def test_what_is_written_is_read(store: Storage, tmp_path: Path) -> None:
    store.write("work/a.json", b"one")
    store.write("work/a.json", b"two")
    (tmp_path / "big").write_bytes(b"x" * 100_000)
    store.send(tmp_path / "big", "work/deep/big")
    store.fetch("work/deep/big", tmp_path / "back")
    assert store.read("work/a.json") == b"two"
    assert (tmp_path / "back").read_bytes() == b"x" * 100_000
    assert store.names("work") == {"a.json", "deep"}
    assert store.below("work").read("a.json") == b"two"


def test_what_is_not_there_is_said(store: Storage, tmp_path: Path) -> None:
    assert store.names("none") == frozenset()
    with pytest.raises(Missing, match="is not there"):
        store.read("none")
    with pytest.raises(Missing):
        store.fetch("none", tmp_path / "none")
    with pytest.raises(Missing):
        store.remove("none")
    store.clear()


def test_what_is_removed_is_gone(store: Storage) -> None:
    store.write("a/one", b"1")
    store.write("a/two", b"2")
    store.remove("a/one")
    assert store.names("a") == {"two"}
    store.clear()
    assert store.names("a") == frozenset()


def test_others_writing_there_are_seen(store: Storage) -> None:
    """A list that was kept from before would hide what workers have finished since."""
    store.write("a/one", b"1")
    assert store.names("a") == {"one"}
    Storage(store.url).write("a/two", b"2")
    assert store.names("a") == {"one", "two"}


@given(data=st.binary(max_size=2000), name=st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}\.bin", fullmatch=True))
def test_any_bytes_under_any_name(data: bytes, name: str) -> None:
    store = Storage.at("memory://any")
    store.write(name, data)
    assert store.read(name) == data


@pytest.mark.parametrize(
    "address",
    ["s3://", "s3:///", "://x", "s3://key:secret@bucket/x", "simplecache::s3://bucket", "gs://user@bucket", "s3:/bucket"],
)
def test_no_folder_of_a_store(address: str) -> None:
    with pytest.raises(BadInput) as refused:
        Storage.at(address)
    assert "secret" not in str(refused.value)


def test_a_scheme_that_nobody_knows() -> None:
    with pytest.raises(BadInput, match="scheme"):
        Storage.at("nowhere://bucket/x").read("a")


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec.core

    def refuse(place: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    with pytest.raises(Incomplete, match="Install s3fs") as refused:
        Storage.at("s3://bucket/x").read("a")
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("call", ["read", "write", "names", "clear", "remove"])
def test_a_store_that_refuses_is_incomplete_and_says_where(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        protocol = "s3"

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("AccessDenied for this role")

    monkeypatch.setattr(module, "_system", lambda place: (Refusing(), place))
    arguments = {"read": ("a",), "write": ("a", b""), "names": ("a",), "clear": (), "remove": ("a",)}[call]
    with pytest.raises(Incomplete, match=r"s3://bucket/x.*AccessDenied.*same command continues"):
        getattr(Storage.at("s3://bucket/x"), call)(*arguments)
