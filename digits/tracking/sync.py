"""Brings MLflow up to date with what lies here: journals not yet sent, results that no run here made."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import Run

from digits.pipeline import StageError, processes
from digits.pipeline.settings import Experiment, flatten, load
from digits.tracking import pipeline, provenance, replay
from digits.tracking.digest import LOCK, STUDIES_LOCK, digests, locked_stages, md5
from digits.tracking.journal import PARAMS, Journal
from digits.tracking.ledger import Ledger
from digits.tracking.run import numbers
from digits.tracking.state import CODE, read_state

STUDIES = "studies/dvc.yaml:"  # how DVC names their stages


@dataclass(frozen=True)
class Synced:
    """What a synchronisation did: runs sent or not, stages entered as restored or left out as stale."""

    sent: int
    unsent: list[str]
    restored: list[str]
    stale: list[str]


def sync(params: Path) -> Synced:
    """Send every journal that is not being written; enter the stages of dvc.lock that no run made.

    A stage whose results are older than its settings or code is left out; so, in silence, is a study whose
    data are not here, since git brings its numbers to those who never run it. Twice is the same as once.
    """
    sent, unsent = 0, []
    try:
        sent = replay.send_all()
    except ExceptionGroup as group:
        unsent = [str(error) for error in group.exceptions]
    lock = locked_stages()
    studies = {f"{STUDIES}{name}": entry for name, entry in locked_stages(lock=STUDIES_LOCK).items()}
    changed = stale_stages() if lock else []
    stale = [stage for stage in changed if ":" not in stage]
    ledger = Ledger()
    restored = {}
    for stage, entry in (lock | studies).items():
        if stage not in changed and not _made(ledger, entry):
            restored[stage] = _journal_restored(stage, entry, params)
    for journal in restored.values():
        replay.send(journal)
        journal.close()
    if lock and not lock.keys() & set(stale):
        _complete_pipeline(Ledger(), lock, params)
    return Synced(sent, unsent, list(restored), stale)


def stale_stages() -> list[str]:
    """Return the stages that `dvc repro` would run, those of the studies as `studies/dvc.yaml:NAME`."""
    done = processes.run([sys.executable, "-m", "dvc", "status", "--json"], capture_output=True, text=True)
    if done.returncode:
        raise StageError(f"`dvc status` failed: {done.stderr.strip().splitlines()[-1]}")
    return sorted(json.loads(done.stdout))


def _made(ledger: Ledger, entry: dict[str, Any]) -> bool:
    """Whether one run made all outputs of the stage."""
    return bool(_makers(ledger, entry))


def _makers(ledger: Ledger, entry: dict[str, Any]) -> list[Run]:
    return ledger.makers(*(out["md5"] for out in entry["outs"]))


def _journal_restored(stage: str, entry: dict[str, Any], params: Path) -> Journal:
    """Write the journal of a stage whose results came without one."""
    name = stage.removeprefix(STUDIES)
    journal = Journal.create(name)
    state = read_state(params) if name == stage else None
    journal.keep(params, PARAMS)
    inputs = {dep["md5"]: dep["path"] for dep in entry.get("deps", []) if not dep["path"].startswith(CODE)}
    journal.append(
        "start",
        stage=name,
        experiment=load(Experiment).dataset,
        settings=dict(flatten(entry.get("params", {}).get(params.name, {}))),
        tags={"stage": name, "restored": "true", **provenance.tags()},
        inputs=inputs,
        data={},
        state={"key": state.key, "settings": state.settings} if state else None,
    )
    paths = [Path(out["path"]) for out in entry["outs"]]
    found = {out["md5"]: out["path"] for out in entry["outs"]} | digests(paths)
    journal.append("tags", tags={f"output.{digest}": path for digest, path in found.items()})
    for path in _metrics_files(paths):
        journal.append("headline", values=numbers(path))
    for path in paths:
        if path.parts[0] == "plots" and path.is_dir():
            journal.keep(path, "plots")
            journal.append("artifacts", files="plots")
    journal.append("end", status="FINISHED")
    return journal


def _metrics_files(paths: list[Path]) -> Iterator[Path]:
    return (path for path in paths if path.parts[0] == "metrics" and path.exists())


def _complete_pipeline(ledger: Ledger, lock: dict[str, Any], params: Path) -> None:
    """Put figures of and links to all stages on the run of the working tree's state, and dvc.lock."""
    state = read_state(params)
    makers = {stage: _makers(ledger, entry)[0] for stage, entry in lock.items()}
    newest = max(makers.values(), key=lambda run: run.info.start_time)
    start = {
        "time": newest.info.start_time,
        "tags": provenance.tags(),
        "state": {"key": state.key, "settings": state.settings},
    }
    files = params.parent
    run_id = pipeline.enter(ledger.client, newest.info.experiment_id, start, files)
    known = ledger.client.get_run(run_id).data
    for stage, entry in lock.items():
        if known.tags.get(f"{pipeline.LINK}{stage}") == makers[stage].info.run_id:
            continue
        for path in _metrics_files([Path(out["path"]) for out in entry["outs"]]):
            pipeline.add(ledger.client, run_id, stage, numbers(path), start["time"])
        pipeline.link(ledger.client, run_id, stage, makers[stage].info.run_id)
    if known.tags.get("dvc.lock") != md5(LOCK):
        ledger.client.log_artifact(run_id, str(LOCK))
        ledger.client.set_tag(run_id, "dvc.lock", md5(LOCK))
