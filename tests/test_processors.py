"""The same bytes on any number of cores and any processor, and how an approximate instruction is found."""

import shutil
import sys

import pytest

from digits.pipeline import processes
from tests.support.helpers import ROOT
from tools.processors import EMULATOR, judge


@pytest.mark.parametrize(
    ("log", "faults"),
    [
        ("sqrtps\nvsqrtps\n", []),
        ("vsqrtsd\nvrsqrtps\nrcpss\n", ["approximate instruction rcpss", "approximate instruction vrsqrtps"]),
        ("", ["no instruction is logged: qemu cannot disassemble"]),
    ],
)
def test_an_emulators_log_tells_what_is_approximate(log: str, faults: list[str]) -> None:
    assert judge(log) == faults


@pytest.mark.slow
def test_a_cnn_is_the_same_on_any_number_of_cores_and_on_an_emulated_processor() -> None:
    if not shutil.which(EMULATOR):
        pytest.skip(f"{EMULATOR} is not installed (Debian: qemu-user)")
    command = [sys.executable, "-m", "tools.processors", "--only", "Haswell", "train-cnn"]
    done = processes.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "Same bytes everywhere, and no approximate instruction." in done.stdout
