"""Run a small pipeline on 1, 2 and 4 cores and on emulated processors, and compare every output.

Emulated processors compute approximate instructions exactly, as no real one does. So equal bytes do not prove
that none is used; the emulator's log of all instructions does. Needs qemu-x86_64 (Debian: qemu-user).
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from digits.compute import CORES
from tools import verify
from tools.sandbox import SMALL, Sandbox

EMULATOR, PROCESSORS = "qemu-x86_64", ("Haswell", "Skylake-Client", "EPYC-Rome")
APPROXIMATE = "v?r(sqrt|cp)(14|28)?[ps][sd]"  # reciprocals and reciprocal square roots, up to 12 or 28 bits
PYTHON = """#!/bin/bash
exec {emulator} -cpu {processor} -d in_asm -D >(grep -Eo '{approximate}.*' >> '{log}') '{python}' "$@"
"""


def main() -> int:
    """Run and compare; return 1 where an output differs or an instruction is approximate."""
    parser = argparse.ArgumentParser(prog="python -m tools.processors", description=__doc__)
    parser.add_argument("--only", choices=PROCESSORS, help="emulate this processor and no other")
    only = parser.parse_args().only
    if not shutil.which(EMULATOR):
        sys.exit(f"{EMULATOR} is not there. Install it (`sudo apt install qemu-user`), and try again.")
    with tempfile.TemporaryDirectory(prefix="processors-") as folder:
        reference = run(Path(folder) / "1", "1")
        faults = [
            *compare("2 cores", reference, run(Path(folder) / "2", "2")),
            *compare("4 cores", reference, run(Path(folder) / "4", "4")),
        ]
        for processor in [only] if only else PROCESSORS:
            copy = Path(folder) / processor
            faults += compare(processor, reference, run(copy, "2", processor))
            faults += [f"{processor}: approximate: {line}" for line in met(copy)]
    print(*faults or ["Same bytes everywhere, and no approximate instruction."], sep="\n")
    return 1 if faults else 0


def run(folder: Path, cores: str, processor: str = "") -> Path:
    """Run the small pipeline in a copy of the working tree, on an emulated processor if one is named."""
    print(f"{folder.name}: {'emulated' if processor else 'native'}, {cores} cores", flush=True)
    sandbox = Sandbox.create(folder, SMALL)
    raw, environment = folder.parent / "1" / "data" / "raw", {CORES: cores}
    if raw.exists():
        environment["MNIST_MIRROR"] = str(raw)
    if processor:
        shim = folder / ".emulated" / "python"
        shim.parent.mkdir()
        names = {"emulator": EMULATOR, "processor": processor, "python": sys.executable}
        shim.write_text(PYTHON.format(**names, approximate=APPROXIMATE, log=folder / ".emulated" / "log"))
        shim.chmod(0o755)
        environment["PATH"] = os.pathsep.join([str(shim.parent), sandbox.environment()["PATH"]])
    sandbox.dvc("repro", **environment)
    return folder


def met(folder: Path) -> list[str]:
    """Return the approximate instructions that the emulator of this run has met, each once."""
    log = folder / ".emulated" / "log"
    return sorted(set(log.read_text().splitlines())) if log.exists() else []


def compare(name: str, reference: Path, other: Path) -> list[str]:
    """Return a line for each output that differs, and where the first difference is."""
    unlike = list(verify.compare_bytes(reference, other))
    first = [f"{name}: {verify.pinpoint(reference, other, unlike[0])}"] if unlike else []
    return [f"{name}: {each}" for each in unlike] + first


if __name__ == "__main__":
    sys.exit(main())
