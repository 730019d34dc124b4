"""Describe what can change the last bits of a float: processor features, threads and library versions."""

import argparse
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from digits.pipeline.settings import read

ROOT = Path(__file__).resolve().parents[1]
RECORDED = Path("metrics") / "fingerprint.json"
LIBRARIES = ("keras", "matplotlib", "numpy", "pandas", "pillow", "scikit-learn", "scipy", "tensorflow")
FEATURES = ("sse4_1", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


def main() -> None:
    """Write this machine's fingerprint to metrics/fingerprint.json, beside the results made on it."""
    argparse.ArgumentParser(prog="python -m tools.fingerprint", description=main.__doc__).parse_args()
    (ROOT / RECORDED).write_text(json.dumps(fingerprint(), indent=2, sort_keys=True) + "\n")


def fingerprint() -> dict[str, Any]:
    """Return processor (vendor, features), compute settings and library versions."""
    processor = _processor()
    flags = processor.get("flags", "").split()
    return {
        "compute": read(ROOT / "params.yaml")["compute"],
        "features": [feature for feature in FEATURES if feature in flags],
        "libraries": {library: version(library) for library in LIBRARIES},
        "machine": platform.machine(),
        "vendor": processor.get("vendor_id", "unknown"),
    }


def differences(repository: Path = ROOT) -> list[str]:
    """Return one line for each difference between this machine and the recorded one."""
    recorded, here = json.loads((repository / RECORDED).read_text()), fingerprint()
    unlike = [key for key in here if recorded.get(key) != here[key]]
    return [f"{key}: recorded {recorded.get(key)}, here {here[key]}" for key in unlike]


def _processor() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


if __name__ == "__main__":
    main()
