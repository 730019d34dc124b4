"""Compute the same small pipeline on 1, 2 and 4 cores and on emulated processors, and compare every file.

Emulated processors compute approximate instructions exactly, as no real one does. So equal bytes do not prove
that none is used; the emulator's log of all instructions does. Needs qemu-x86_64 (Debian: qemu-user).
"""

import argparse
import re
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from unittest.mock import Mock

from digits.compute import CORES
from digits.pipeline import processes, settings
from digits.pipeline.declaration import declare, read_pipeline
from digits.pipeline.stage import settings_model
from digits.tracking.digest import md5
from tools import verify
from tools.sandbox import SMALL, Sandbox

EMULATOR, PROCESSORS = "qemu-x86_64", ("Haswell", "Skylake-Client", "EPYC-Rome")
APPROXIMATE = "v?r(sqrt|cp)(14|28)?[ps][sd]"  # 1/x and 1/sqrt(x), accurate to 12, 14 or 28 bits
LOG = Path("instructions.log")  # square roots, which every run takes, and what is approximate
EMULATED = f"""
mkfifo pipe; grep -Eow 'v?sqrt[ps][sd]|{APPROXIMATE}' < pipe > {LOG} &
{EMULATOR} -cpu "$0" -d in_asm -D pipe "$@"; code=$?; wait; exit $code
"""
SIZES = {  # several parts of a batch, a short last batch, several pieces of predictions and distortions
    "preprocess": {"train": 2300, "val": 600, "test": 600},
    **{f"train-{name}": {"batch_size": 150} for name in ("mlp", "cnn", "ae")},
}
FOLDERS = ("models", "data", "metrics", "plots")


def main() -> int:
    """Compute and compare; return 1 where a file differs or an instruction is approximate."""
    parser = argparse.ArgumentParser(prog="python -m tools.processors", description=__doc__)
    parser.add_argument("--only", choices=PROCESSORS, help="emulate this processor and no other")
    parser.add_argument("--here", action="store_true", help="compute in this folder and compare nothing")
    arguments = parser.parse_args()
    if arguments.here:
        return compute()
    if not shutil.which(EMULATOR):
        sys.exit(f"{EMULATOR} is not installed: sudo apt install qemu-user")
    with tempfile.TemporaryDirectory(prefix="processors-") as folder:
        reference = run(Path(folder) / "reference", 1)
        others = {f"{cores} cores": run(Path(folder) / str(cores), cores) for cores in (2, 4)}
        emulated = [arguments.only] if arguments.only else PROCESSORS
        others |= {processor: run(Path(folder) / processor, 2, processor) for processor in emulated}
        faults = [f"{name}: {fault}" for name, other in others.items() for fault in compare(reference, other)]
    print(*faults or ["Same bytes everywhere, and no approximate instruction."], sep="\n")
    return 1 if faults else 0


def compute() -> int:
    """Run all stages in this process, those whose outputs are there excepted."""
    for stage in read_pipeline(Path())["stages"]:
        name = f"stages.{stage.replace('-', '_')}"
        module = import_module(name if Path(f"{name.replace('.', '/')}.py").exists() else f"{name}.__main__")
        paths, _, outputs = declare(stage, {}, Path())
        chosen = settings.load(settings_model(module.main, {}))
        if hasattr(chosen, "compute"):
            import_module("digits.compute").pin(chosen.compute)
        if not all(Path(path).exists() for path in outputs):
            module.main(paths, Mock(), **dict(chosen))
    return 0


def run(folder: Path, cores: int, processor: str = "") -> Path:
    """Compute in a copy of the working tree, on an emulated processor if one is named."""
    print(f"{processor or 'this processor'}, {cores} cores", flush=True)
    sandbox = Sandbox.create(folder, SMALL)
    sandbox.set(SIZES)
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    raw = folder.parent / "reference" / "data" / "raw"
    if raw.exists():  # downloading needs no emulation
        shutil.copytree(raw, folder / "data" / "raw")
    emulated = ["bash", "-c", EMULATED, processor] if processor else []
    command = [*emulated, sys.executable, "-m", "tools.processors", "--here"]
    processes.run(command, cwd=folder, env=sandbox.environment() | {CORES: str(cores)}, own=True, check=True)
    return folder


def compare(reference: Path, other: Path) -> list[str]:
    """Return a line for each file that differs, and for each approximate instruction that was met."""
    files = [path for folder in FOLDERS for path in sorted((reference / folder).rglob("*")) if path.is_file()]
    faults = []
    for path in files:
        name = path.relative_to(reference)
        if not (other / name).exists():
            faults.append(f"{name} is missing")
        elif md5(path) != md5(other / name):
            model = name.suffix == ".keras"
            faults.append(f"{name}: {verify.compare_models(path, other / name) if model else 'differs'}")
    return faults + (judge((other / LOG).read_text()) if (other / LOG).exists() else [])


def judge(log: str) -> list[str]:
    """Return a line for each approximate instruction in an emulator's log, and if it has no root at all."""
    met = set(log.split())
    approximate = {each for each in met if re.fullmatch(APPROXIMATE, each)}
    faults = [f"approximate instruction {each}" for each in sorted(approximate)]
    return faults if met - approximate else [*faults, "no instruction is logged: qemu cannot disassemble"]


if __name__ == "__main__":
    sys.exit(main())
