"""Cross-checks the two ledgers: files and git on one side, MLflow on the other."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlflow.entities import Run

from digits.tracking.digest import INPUT, STUDIES, kind_of, md5
from digits.tracking.history import Revision
from digits.tracking.provenance import STATE
from digits.tracking.replay import metric_name
from digits.tracking.run import read_metrics
from digits.tracking.store import Ledger, outputs, tagged


@dataclass
class Audit:
    """What an audit found; sound where there are no contradictions and nothing is untracked."""

    numbers: int = 0
    outputs: Counter[str] = field(default_factory=Counter)  # committed, of an experiment, or neither
    untracked: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)  # of studies, whose numbers came with git
    contradictions: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether the two ledgers agree."""
        return self.numbers > 0 and not self.untracked and not self.contradictions


def audit(ledger: Ledger, history: Mapping[str, Revision], locked: Iterable[str]) -> Audit:
    """Compare every number in metrics/ with MLflow's, find the commit of every output, compare equal runs.

    locked: paths of the outputs in dvc.lock.
    """
    found = Audit(contradictions=list(_unlike_twins(ledger)))
    for path in map(Path, sorted(locked)):
        if kind_of(path) == "metrics" and path.exists():
            _compare_numbers(ledger, path, found)
    for digest in {digest for run in ledger.runs for digest in outputs(run).values()}:
        revision = history.get(digest)
        held = ("experiment" if revision.experiment else "committed") if revision else "neither"
        found.outputs[held] += 1
    return found


def _compare_numbers(ledger: Ledger, path: Path, found: Audit) -> None:
    makers = ledger.makers(md5(path))
    if not makers:
        (found.not_run if path.is_relative_to(STUDIES) else found.untracked).append(str(path))
        return
    run = makers[0]
    for name, value in read_metrics(path).items():
        found.numbers += 1
        other = run.data.metrics.get(metric_name(name))
        if other is None or not math.isclose(other, value, rel_tol=1e-12, abs_tol=1e-12):
            found.contradictions.append(f"{path}: {name} is {value}, run {run.info.run_id} says {other}")


def _unlike_twins(ledger: Ledger) -> Iterator[str]:
    """Yield a line for each run with the stage, state and inputs of another, but other outputs."""
    twins: dict[tuple[str, ...], list[Run]] = defaultdict(list)
    for run in ledger.runs:
        if run.info.status == "FINISHED" and outputs(run) and STATE in run.data.tags:
            tags = run.data.tags  # another device may round differently
            twins[tags["stage"], tags[STATE], tags.get("device", ""), str(tagged(run, INPUT))].append(run)
    for (stage, *_), (first, *others) in twins.items():
        for run in others:
            ours, theirs = outputs(first), outputs(run)
            unlike = [path for path in sorted(ours.keys() & theirs.keys()) if ours[path] != theirs[path]]
            if unlike:
                yield (
                    f"{stage}: {unlike[0]} has other bytes in run {first.info.run_id} than in run "
                    f"{run.info.run_id}, with the same settings, code and inputs"
                )
