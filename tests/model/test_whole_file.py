"""A file that is kept is whole or the old one; links, pipes and devices stay what they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model import whole_file as writing
from model.cli import answers
from model.probe.question import Answer, Named, Question
from model.subject import Subject
from model.tensor_file import write_tensors
from model.tokenizer.tokenizer import Tokenizer
from model.whole_file import WriteError, whole_file, write_whole
from tests.full_disk import FULL, room_for


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Numbers(Answer):
    def arrays(self) -> dict[str, Named]:
        values = np.random.default_rng(0).normal(size=5000)
        return {"weight": Named(values, ("key",))}


def an_answer(path: Path) -> None:
    answers.write(Numbers(subject=Subject(0, None, (1,)), question=Question()), path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "a.txt": lambda path: write_whole(path, "x" * 20_000),
    "a.safetensors": lambda path: write_tensors(path, {"x": torch.ones(5000)}, {}),
    "a.csv": an_answer,
    "a.npz": an_answer,
    "tokenizer.json": lambda path: Tokenizer.train_bpe("the king " * 9, 300).save(path.parent),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file_and_no_half_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("old")
    with room_for(4096), pytest.raises(WriteError) as refused:
        WRITERS[name](path)
    assert str(refused.value) == f"{path} can't be written: {FULL}."
    assert path.read_text() == "old"
    assert names(tmp_path) == [name]
    WRITERS[name](path)
    assert path.stat().st_size > 4096, "the limit was what it failed at"


def test_a_block_that_fails_changes_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with whole_file(tmp_path / "new.txt") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert names(tmp_path) == []


def test_two_that_write_one_file_at_once_leave_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "world.txt"
    with whole_file(path) as one, whole_file(path) as other:
        one.write(b"one" * 9000)
        other.write(b"other")
    assert path.read_bytes() == b"one" * 9000, "the last one to end"
    assert names(tmp_path) == ["world.txt"]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "world.txt").write_text("old")
    (tmp_path / "by").symlink_to("real/world.txt")
    link = tmp_path / "link.txt"
    link.symlink_to("by")
    write_whole(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "by").is_symlink()
    assert (tmp_path / "real" / "world.txt").read_text() == "new"
    assert names(tmp_path / "real") == ["world.txt"]


def test_a_link_to_what_is_not_there_yet_makes_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to("real/world.txt")
    write_whole(tmp_path / "link.txt", "new")
    assert (tmp_path / "real" / "world.txt").read_text() == "new"
    assert (tmp_path / "link.txt").is_symlink()


def test_a_link_that_leads_to_itself_is_refused_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to("link.txt")
    with pytest.raises(WriteError, match=r"link\.txt can't be written: Too many levels"):
        write_whole(link, "new")
    assert link.is_symlink()


@pytest.mark.parametrize("write", [an_answer, WRITERS["a.safetensors"]])
def test_a_pipe_is_written_to(tmp_path: Path, write: Callable[[Path], object]) -> None:
    pipe = tmp_path / "pipe.npz"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe)  # less than a pipe holds
        read = os.read(reader, 2**16)
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    whole = tmp_path / "whole.npz"
    write(whole)
    assert read
    assert read == whole.read_bytes()


def test_a_pipe_that_nobody_reads_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "READER_SECONDS", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WriteError, match="nobody reads from this pipe"):
        write_whole(tmp_path / "pipe", "new")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_where_nobody_can_wait_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(WriteError, match="a pipe or a device; choose an ordinary file"):
            write_whole(tmp_path / name, "new", ordinary=True)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_device_is_written_to() -> None:
    """A terminal of the test's own: a broken writer would replace one that others use."""
    master, slave = os.openpty()
    try:
        write_whole(os.ttyname(slave), "through")
        assert os.read(master, 100) == b"through"
        assert stat.S_ISCHR(Path(os.ttyname(slave)).stat().st_mode)
    finally:
        os.close(master)
        os.close(slave)


def test_a_pipe_whose_reader_leaves_is_a_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    def write() -> None:
        with whole_file(tmp_path / "pipe") as file:
            os.close(reader)
            file.write(b"x" * 100_000)

    with pytest.raises(WriteError, match=r"pipe can't be written: Broken pipe\."):
        write()


def test_what_a_process_has_open_is_written_to_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "output.txt"
    with path.open("w+") as file:
        before = path.stat().st_ino
        write_whole(f"/dev/fd/{file.fileno()}", "through")
        assert path.stat().st_ino == before
        assert file.read() == "through"
    assert names(tmp_path) == ["output.txt"]


def test_a_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="can't be written: it is a folder"):
        write_whole(tmp_path, "new")
    with pytest.raises(WriteError, match="No such file or directory"):
        write_whole(tmp_path / "gone" / "a.txt", "new")
    assert names(tmp_path) == []


def test_an_older_file_gives_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, "old")
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode, "as any new file has it"
    path.chmod(0o640)
    write_whole(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_name_as_long_as_the_disk_allows_is_written(tmp_path: Path) -> None:
    for name in ("a" * 255, "ü模" * 51):
        write_whole(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"


def test_every_kind_of_activation_comes_back(tmp_path: Path) -> None:
    kept = {
        "ids": torch.arange(4),
        "mask": torch.tensor([True, False]),
        "places": torch.arange(3, dtype=torch.int32),
        "half": torch.ones(2, dtype=torch.bfloat16),
    }
    kept |= {"again": kept["ids"], "turned": torch.arange(6).reshape(2, 3).T}
    write_tensors(tmp_path / "a.safetensors", kept, {})
    read = load_file(tmp_path / "a.safetensors")
    assert all(torch.equal(read[name], tensor) for name, tensor in kept.items())
    assert read["half"].dtype == torch.bfloat16
