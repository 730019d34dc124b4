"""Brings MLflow up to date: sends waiting journals, enters results that no run here made."""

import json
import sys
from os.path import relpath
from pathlib import Path
from typing import Any

from mlflow.entities import Run

from digits.pipeline import StageError, processes
from digits.pipeline.declaration import is_code
from digits.pipeline.settings import PARAMS, Experiment, flatten, load
from digits.tracking import provenance, replay
from digits.tracking.digest import LOCK, STUDIES, STUDIES_LOCK, kind_of, locked_stages, md5
from digits.tracking.run import Entry, append_results, begin, read_metrics
from digits.tracking.store import Ledger


def sync() -> tuple[int, list[str], list[str], list[str]]:
    """Send every journal that no process is writing; enter the stages of dvc.lock that no run made.

    A stage whose results are older than its settings or code is left out, and named unless it is a study:
    git brings the studies' lock to those who never run them. Doing it twice is the same as once.
    Returns how many runs were sent, which could not be, and the stages that were entered and left out.
    """
    sent, unsent = replay.send_all()
    lock, studies = locked_stages(), locked_stages(lock=STUDIES_LOCK)
    stale = stale_stages() if lock else []
    stale_studies = stale_stages(STUDIES) if studies else []
    ledger = Ledger()
    restored = [
        _restored(stage, entry, folder)
        for folder, stages, left_out in ((Path(), lock, stale), (STUDIES, studies, stale_studies))
        for stage, entry in stages.items()
        if stage not in left_out and not _makers(ledger, entry)
    ]
    for entry in restored:
        journal = begin(entry, restored="true")
        append_results(journal, entry)
        journal.append("end", status="FINISHED")
        replay.send(journal)
        journal.close()
    if lock and not lock.keys() & set(stale):
        _complete_pipeline(Ledger(), lock)
    return sent, unsent, [entry.stage for entry in restored], stale


def stale_stages(folder: Path = Path()) -> list[str]:
    """Return the stages of the folder's dvc.yaml that `dvc repro` would run."""
    command = [sys.executable, "-m", "dvc", "status", "--json", "dvc.yaml"]
    done = processes.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise StageError(f"`dvc status` failed: {done.stderr.strip().splitlines()[-1]}")
    return sorted(json.loads(done.stdout))


def _makers(ledger: Ledger, locked: dict[str, Any]) -> list[Run]:
    """Return the runs that made all outputs of the stage."""
    return ledger.makers(*(out["md5"] for out in locked.get("outs", [])))


def _restored(stage: str, locked: dict[str, Any], folder: Path) -> Entry:
    """Return a stage whose results came without a journal as the folder's dvc.lock describes it."""
    inputs, outputs = ([Path(item["path"]) for item in locked.get(key, [])] for key in ("deps", "outs"))
    files = locked.get("params", {}).values()
    return Entry(
        stage=stage,
        experiment=load(Experiment).dataset,
        settings={key: value for file in files for key, value in flatten(file)},
        inputs={path: kind_of(path) for path in inputs if not is_code(relpath(path, folder))},
        outputs={path: kind_of(path) for path in outputs},
        params=PARAMS if folder == Path() else None,
    )


def _complete_pipeline(ledger: Ledger, lock: dict[str, Any]) -> None:
    """Log metrics of all stages, links to their runs and dvc.lock on the run of the current state."""
    state = provenance.read_state(PARAMS)
    makers = {stage: _makers(ledger, entry)[0] for stage, entry in lock.items()}
    newest = max(makers.values(), key=lambda run: run.info.start_time).info
    client, began, tags = ledger.client, newest.start_time, provenance.tags()
    run_id = replay.enter(client, newest.experiment_id, began, state, tags, PARAMS)
    known = client.get_run(run_id).data.tags
    for stage, entry in lock.items():
        link, made = f"{replay.LINK}{stage}", makers[stage].info.run_id
        for path in (Path(out["path"]) for out in entry["outs"] if known.get(link) != made):
            if kind_of(path) == "metrics":
                replay.log_metrics(client, run_id, read_metrics(path), began, prefix=f"{stage}.")
        client.set_tag(run_id, link, made)
    if known.get("dvc.lock") != md5(LOCK):
        client.log_artifact(run_id, str(LOCK))
        client.set_tag(run_id, "dvc.lock", md5(LOCK))
