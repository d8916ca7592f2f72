"""Checks what a recipe gives a component against the component's signature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from scenograph.components.registry import Registry, near
from scenograph.components.signatures import Parameter
from scenograph.scene.errors import InvalidInput, NotFound


def checked(
    registry: Registry,
    name: str,
    parameters: Mapping[str, Any],
    *,
    where: str,
    extra: Iterable[Path] = (),
) -> dict[str, Any]:
    """The parameters as the component's types (a list given for a tuple is a tuple).

    `where` names file and table in errors. Errors: InvalidInput (unknown component; unknown, missing or
    ill-typed parameter).
    """
    try:
        signature = registry.signature(name, extra)
    except NotFound as error:
        raise InvalidInput(f"{where}: {error.message}", field="name") from None
    known = {parameter.name: parameter for parameter in signature.parameters}
    for key in parameters:
        if key not in known:
            takes = ", ".join(str(parameter) for parameter in signature.parameters) or "nothing"
            hint = near(key, known)
            raise InvalidInput(
                f'{where}: {key}: "{name}" has no such parameter{hint}; it takes {takes}', field=key
            )
    for parameter in signature.parameters:
        if parameter.required and parameter.name not in parameters:
            raise InvalidInput(
                f'{where}: {parameter.name}: "{name}" needs it ({parameter})', field=parameter.name
            )
    return {key: _converted(value, known[key], f"{where}: {key}") for key, value in parameters.items()}


def _converted(value: Any, parameter: Parameter, where: str) -> Any:
    if parameter.type is None:
        raise InvalidInput(f"{where}: a recipe cannot give a {parameter.annotation}", field=parameter.name)
    try:
        return msgspec.convert(value, parameter.type)
    except msgspec.ValidationError as error:
        message = str(error).replace("`", "").replace(" - at $", ", at ")
        raise InvalidInput(f"{where} = {value!r}: {message} ({parameter})", field=parameter.name) from None
