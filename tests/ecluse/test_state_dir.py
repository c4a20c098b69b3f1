"""One supervisor per state directory, and a killed one's children are found again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ecluse.state_dir import StateDirUnavailable, command_line, end_leftovers, owned, record_children, write_whole
from tests.ecluse.small_programs import STAY, alive, python, wait_until


def test_a_second_owner_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    with (
        owned(tmp_path / "state") as directory,
        pytest.raises(StateDirUnavailable, match="another ecluse"),
        owned(directory),
    ):
        pass
    with owned(tmp_path / "state"):
        pass


def test_the_directory_is_private(tmp_path: Path) -> None:
    with owned(tmp_path / "a" / "state") as directory:
        assert directory.stat().st_mode & 0o077 == 0


def test_a_place_that_cannot_be_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateDirUnavailable, match="file"), owned(tmp_path / "file"):
        pass


def test_recorded_children_of_a_killed_supervisor_are_ended(tmp_path: Path) -> None:
    child = subprocess.Popen(python(STAY))
    wait_until(lambda: "time.sleep" in command_line(child.pid))
    with owned(tmp_path) as directory:
        record_children(directory, {"worker": child.pid})
        recorded = (directory / "children.json").read_text()
    (tmp_path / "children.json").write_text(recorded)
    with owned(tmp_path):
        child.wait(10)
    assert not alive(child.pid)


def test_a_process_that_got_the_number_of_a_dead_child_is_spared(tmp_path: Path) -> None:
    with subprocess.Popen(python(STAY)) as stranger:
        (tmp_path / "children.json").write_text(json.dumps({str(stranger.pid): "python -m queue_worker"}))
        assert end_leftovers(tmp_path) == []
        assert alive(stranger.pid)
        stranger.kill()


def test_a_record_that_cannot_be_read_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "children.json").write_text("{")
    assert end_leftovers(tmp_path) == []


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "info.json"
    path.write_text("old and much longer")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["info.json"]


def test_a_process_that_is_gone_has_no_command_line() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert command_line(done.pid) == ""
