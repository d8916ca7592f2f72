"""The principals file: who may call, how they show who they are, and what they may."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from scenograph.runtime.principal import SYSTEM, Principal, Role
from scenograph.runtime.security.forwarding import check_fits
from scenograph.runtime.settings import Section
from scenograph.scene.errors import InvalidInput

ALL_LABELS = "*"
SERVICE_NAME = "service"
"""The principal of scenograph's own processes, which share `security.service_key`."""
RESERVED = frozenset((SYSTEM.name, SERVICE_NAME))

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
"""Without a colon, which the names of token holders have."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]
RoleName = Literal["none", "reader", "writer", "admin"]


class Quota(Section):
    """What a principal may use up; 0: no bound."""

    calls_per_s: float = Field(default=0.0, ge=0)
    burst: int = Field(default=0, ge=0)
    concurrent: int = Field(default=0, ge=0)


NO_QUOTA = Quota()


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whose credentials were good, and their quota."""

    principal: Principal
    quota: Quota = NO_QUOTA


class _Entry(Section):
    name: Name
    key_sha256: tuple[Sha256, ...] = ()
    certificate: tuple[str, ...] = ()
    roles: dict[str, RoleName] = Field(default_factory=dict)
    labels: tuple[Label, ...] | None = ()
    service: bool = False
    quota: Quota = NO_QUOTA

    @field_validator("labels", mode="before")
    @classmethod
    def _all(cls, value: Any) -> Any:
        return None if value == ALL_LABELS else value

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.name in RESERVED:
            raise ValueError(f"the name {self.name!r} is scenograph's own")
        if not self.key_sha256 and not self.certificate:
            raise ValueError(f"{self.name!r} has neither key_sha256 nor certificate: nobody could be it")
        return self


class _File(Section):
    principal: tuple[_Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Principals:
    """Those of a file, by the SHA-256 (hex) of their keys and by the names in their certificates."""

    by_key: Mapping[str, Identity] = field(default_factory=dict)
    by_certificate: Mapping[str, Identity] = field(default_factory=dict)


def parse_principals(text: str) -> Principals:
    """Reads a principals file. Errors: InvalidInput, which names the entry and what is wrong with it."""
    try:
        read = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"not TOML: {error}") from error
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors())
        raise InvalidInput("; ".join(problems)) from error
    _once((entry.name for entry in read.principal), "name")
    _once((key for entry in read.principal for key in entry.key_sha256), "key_sha256")
    _once((name for entry in read.principal for name in entry.certificate), "certificate")
    by_key: dict[str, Identity] = {}
    by_certificate: dict[str, Identity] = {}
    for entry in read.principal:
        identity = Identity(_principal(entry), entry.quota)
        by_key |= dict.fromkeys(entry.key_sha256, identity)
        by_certificate |= dict.fromkeys(entry.certificate, identity)
    return Principals(by_key, by_certificate)


def roles_of(names: Mapping[str, str]) -> dict[str, Role]:
    """Roles by collection, from their names. Errors: InvalidInput."""
    try:
        return {collection: Role[name.upper()] for collection, name in names.items()}
    except (KeyError, AttributeError) as error:
        raise InvalidInput(f"roles are none, reader, writer and admin, not {error}") from error


def _principal(entry: _Entry) -> Principal:
    labels = None if entry.labels is None else frozenset(entry.labels)
    principal = Principal(entry.name, roles_of(entry.roles), labels, service=entry.service)
    check_fits(principal)
    return principal


def _once(values: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise InvalidInput(f"two principals have the {what} {value}")
        seen.add(value)
