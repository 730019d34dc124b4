"""Settings: read from params.yaml and checked before a stage touches anything."""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from digits.pipeline import StageError
from digits.pipeline.declaration import declared_settings

PARAMS = Path("params.yaml")


class ParameterError(StageError):
    """A setting that cannot be used; the message names file, key, value and what is allowed."""


class Block(BaseModel):
    """A group of settings: immutable, unknown keys refused, no silent conversion between types.

    A setting without effect is refused unless it has its default value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def idle(self) -> Iterator[tuple[str, str]]:
        """Yield each setting that has no effect, given the others: its name, and in which case."""
        yield from ()

    @model_validator(mode="after")
    def _refuse_idle(self) -> Self:
        faults = []
        for name, case in self.idle():
            value, default = getattr(self, name), type(self).model_fields[name].default
            if value != default:
                remedy = f"set it to {json.dumps(default).strip(chr(34))}"
                faults.append(f"{name} = {value!r}: has no effect {case}; {remedy}")
        if faults:
            raise PydanticCustomError(
                "no_effect", "{message}", {"message": "; ".join(faults), "faults": faults}
            )
        return self


Seed = Annotated[int, Field(ge=0, lt=2**32, description="seed of every random draw")]
Confidence = Annotated[float, Field(gt=0, lt=1, description="level of all intervals")]
Model = TypeVar("Model", bound=BaseModel)


class Experiment(Block):
    """The experiment under which every stage is recorded."""

    dataset: str = Field(description="name of the data set")


def load(model: type[Model], folder: Path = Path()) -> Model:
    """Read the keys that `model` names (by alias, as in the file) from params.yaml and check them.

    An alias may name a key within a block: `block.key`.
    folder: of the studies, whose params.yaml holds blocks of their own beside the pipeline's.
    Raises ParameterError, with every fault of each file in one message.
    """
    files = [PARAMS] if folder == Path() else [folder / PARAMS, PARAMS]
    documents = {path: read(path) for path in files}
    faults = {path: list(_unknown_blocks(path, document)) for path, document in documents.items()}
    keys = [field.alias or name for name, field in model.model_fields.items()]
    homes = {key: _home(key, documents) for key in keys}
    found = {key: _look_up(documents[homes[key]], key) for key in keys}
    present = {key: value for key, value in found.items() if value is not None}
    try:
        # By way of JSON, because only there does strict checking take a list for a tuple.
        parameters = model.model_validate_json(json.dumps(present, default=str))
    except ValidationError as error:
        for fault in error.errors():
            faults[homes[str((fault["loc"] or keys)[0])]] += _describe(fault, model)
    lines = [[f"{path} has settings that cannot be used:", *found] for path, found in faults.items() if found]
    if lines:
        raise ParameterError("\n".join("\n  ".join(each) for each in lines))
    return parameters


def _look_up(document: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key, None where there is none."""
    value: Any = document
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def read(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping (so 1e-3 is a number, as it is for DVC), unchecked."""
    try:
        document = YAML(typ="safe").load(path)
    except (OSError, YAMLError) as error:
        raise ParameterError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise ParameterError(f"{path} should hold `name: value` lines; it holds {document!r}")
    return document


def flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ("block.key", value) pairs of a nested mapping."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _home(key: str, documents: Mapping[Path, Mapping[str, Any]]) -> Path:
    """Return the file that holds a key, or else the one beside the dvc.yaml that declares it."""
    block = key.partition(".")[0]
    holding = [path for path, document in documents.items() if block in document]
    declaring = [path for path in documents if block in declared_settings(path.parent)]
    return next(iter([*holding, *declaring, *documents]))


def _unknown_blocks(path: Path, document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a fault for each block that no stage of the dvc.yaml beside the file declares."""
    known = sorted(declared_settings(path.parent))
    for key in document if known else ():
        if key not in known:
            yield f"{key}: no such block{_suggestion(str(key), known)}"


def _describe(fault: Any, model: type[BaseModel]) -> list[str]:
    key = ".".join(str(part) for part in fault["loc"])
    owner, meaning = _find(fault["loc"], model)
    if fault["type"] == "no_effect":
        return [f"{key}.{each}" for each in fault["ctx"]["faults"]]
    if fault["type"] == "missing":
        return [f"{key}: missing ({meaning})"]
    if fault["type"] == "extra_forbidden":
        return [f"{key}: no such setting{_suggestion(str(fault['loc'][-1]), list(owner.model_fields))}"]
    allowed = fault["msg"].replace("Input should be", "should be")
    return [f"{key} = {fault['input']!r}: {allowed}" + (f" ({meaning})" if meaning else "")]


def _find(location: tuple[int | str, ...], model: type[BaseModel]) -> tuple[type[BaseModel], str]:
    """Return the block that holds the key at `location`, and the meaning of that key."""
    meaning = ""
    for part in location:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if part not in fields:
            break
        meaning = fields[str(part)].description or meaning
        inner = fields[str(part)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return model, meaning


def _suggestion(word: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(word, allowed, n=1)
    return f"; did you mean {near[0]}?" if near else f"; allowed: {', '.join(allowed)}"
