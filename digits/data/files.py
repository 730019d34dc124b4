"""Files that are either complete or absent: written next to their final path, then renamed."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DECIMALS = 6


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; it becomes `path` unless the block raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, numbers: Any) -> None:
    """Write JSON with sorted keys and floats rounded to DECIMALS places, of NumPy's numbers too.

    Raises ValueError for nan and infinity.
    """
    exact = json.dumps(numbers, default=lambda number: number.item(), allow_nan=False)
    rounded = json.loads(exact, parse_float=lambda digits: round(float(digits), DECIMALS))
    write_text(path, json.dumps(rounded, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV without its index, floats with DECIMALS places after the point."""
    write_text(path, table.to_csv(index=False, float_format=f"%.{DECIMALS}f", lineterminator="\n"))


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy, C order."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)


def read_array(path: Path) -> np.ndarray:
    """Open a .npy file memory-mapped and read-only."""
    return np.load(path, mmap_mode="r", allow_pickle=False)
