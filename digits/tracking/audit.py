"""Holds the two ledgers against each other: files and git on one side, MLflow on the other."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlflow.entities import Run

from digits.tracking.batches import NOT_IN_NAMES
from digits.tracking.digest import md5
from digits.tracking.history import History
from digits.tracking.ledger import INPUT, Ledger, declared, tagged
from digits.tracking.pipeline import STATE
from digits.tracking.run import numbers

METRICS = "metrics"
STUDIES = Path(METRICS) / "studies"


@dataclass
class Audit:
    """What an audit found; sound where there are no contradictions and nothing is unrecorded."""

    numbers: int = 0
    committed: int = 0
    of_experiments: int = 0
    uncommitted: int = 0
    unrecorded: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)  # of studies, whose numbers came with git
    contradictions: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether the two ledgers agree."""
        return self.numbers > 0 and not self.unrecorded and not self.contradictions


def audit(ledger: Ledger, history: History, outputs: Iterable[str]) -> Audit:
    """Compare every number in metrics/ with MLflow's, place every recorded output, and runs with runs."""
    found = Audit()
    for path in map(Path, sorted(outputs)):
        if path.parts[0] == METRICS and path.exists():
            _compare_numbers(ledger, path, found)
    for digest in {digest for run in ledger.runs for digest in declared(run).values()}:
        place = history.find(digest)
        if place is None:
            found.uncommitted += 1
        elif place.experiment:
            found.of_experiments += 1
        else:
            found.committed += 1
    found.contradictions += _unlike_twins(ledger)
    return found


def _compare_numbers(ledger: Ledger, path: Path, found: Audit) -> None:
    makers = ledger.makers(md5(path))
    if not makers:
        (found.not_run if path.is_relative_to(STUDIES) else found.unrecorded).append(str(path))
        return
    recorded = makers[0].data.metrics
    for name, value in numbers(path).items():
        found.numbers += 1
        other = recorded.get(NOT_IN_NAMES.sub("_", name))
        if other is None or not math.isclose(other, value, rel_tol=1e-12, abs_tol=1e-12):
            run_id = makers[0].info.run_id
            found.contradictions.append(f"{path}: {name} is {value}, run {run_id} says {other}")


def _unlike_twins(ledger: Ledger) -> Iterator[str]:
    """Yield a line for each two runs of one stage, state and inputs that made unlike outputs."""
    twins: dict[tuple[str, ...], list[Run]] = defaultdict(list)
    for run in ledger.runs:
        if run.info.status == "FINISHED" and declared(run) and STATE in run.data.tags:
            tags = run.data.tags  # another device rounds otherwise
            key = tags["stage"], tags[STATE], tags.get("device", ""), str(tagged(run, INPUT))
            twins[key].append(run)
    for (stage, *_), runs in twins.items():
        for run in runs[1:]:
            first, other = declared(runs[0]), declared(run)
            for path in sorted(first.keys() & other.keys()):
                if first[path] != other[path]:
                    yield (
                        f"{stage}: {path} has other bytes in run {runs[0].info.run_id} than in run "
                        f"{run.info.run_id}, with the same settings, code and inputs"
                    )
                    break
