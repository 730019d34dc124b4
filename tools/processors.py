"""Compute stages of a small pipeline on 1, 2 and 4 cores and on emulated processors, and compare every file.

Emulated processors compute approximate instructions exactly, as no real one does. So equal bytes do not prove
that none is used; the emulator's log of all instructions does. Needs qemu-x86_64 (Debian: qemu-user).
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from unittest.mock import Mock

from digits.compute import CORES, pin
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
NATIVE = ("download", "preprocess")  # computed once, as networks and analyses take most of the time
FOLDERS = ("models", "data", "metrics", "plots")


def main() -> int:
    """Compute and compare; return 1 where a file differs or an instruction is approximate."""
    every = [stage for stage in read_pipeline(Path())["stages"] if stage not in NATIVE]
    parser = argparse.ArgumentParser(prog="python -m tools.processors", description=__doc__)
    parser.add_argument("stages", nargs="*", help=f"of {', '.join(every)}; the trainings if none is named")
    parser.add_argument("--only", choices=PROCESSORS, help="emulate this processor and no other")
    parser.add_argument("--here", action="store_true", help="compute in this folder and compare nothing")
    arguments = parser.parse_args()
    stages = arguments.stages or [stage for stage in every if stage.startswith("train-")]
    if arguments.here:
        return compute(stages)
    if not shutil.which(EMULATOR):
        sys.exit(f"{EMULATOR} is not installed: sudo apt install qemu-user")
    with tempfile.TemporaryDirectory(prefix="processors-") as folder:
        reference = run(Path(folder) / "reference", [*NATIVE, *stages], 1)
        others = {f"{cores} cores": run(Path(folder) / str(cores), stages, cores) for cores in (2, 4)}
        for processor in [arguments.only] if arguments.only else PROCESSORS:
            others[processor] = run(Path(folder) / processor, stages, 2, processor)
        faults = [f"{name}: {fault}" for name, other in others.items() for fault in compare(reference, other)]
    print(*faults or ["Same bytes everywhere, and no approximate instruction."], sep="\n")
    return 1 if faults else 0


def compute(stages: Sequence[str]) -> int:
    """Run these stages in this process, in the order of dvc.yaml."""
    for stage in read_pipeline(Path())["stages"]:
        if stage in stages:
            name = f"stages.{stage.replace('-', '_')}"
            single = Path(f"{name.replace('.', '/')}.py").exists()
            module = import_module(name if single else f"{name}.__main__")
            paths, _, _ = declare(stage, {})
            chosen = settings.load(settings_model(module.main, {}))
            if hasattr(chosen, "compute"):
                pin(chosen.compute)
            module.main(paths, Mock(), **dict(chosen))
    return 0


def run(folder: Path, stages: Sequence[str], cores: int, processor: str = "") -> Path:
    """Compute the stages in a copy of the working tree, on an emulated processor if one is named."""
    print(f"{processor or 'this processor'}, {cores} cores", flush=True)
    sandbox, reference = Sandbox.create(folder, SMALL), folder.parent / "reference"
    sandbox.set(SIZES)
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    if folder != reference:
        for path in [each for stage in NATIVE for each in declare(stage, {})[2]]:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (reference / path).is_dir() else shutil.copyfile
            copy(reference / path, folder / path)
    emulated = ["bash", "-c", EMULATED, processor] if processor else []
    command = [*emulated, sys.executable, "-m", "tools.processors", "--here", *stages]
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
