"""Settings: which source wins, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support import ROOT

from scenograph.runtime.settings import load_settings, variables
from scenograph.runtime.settings_table import with_table
from scenograph.scene.errors import InvalidInput


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*variables(), "SCENOGRAPH_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def toml(folder: Path, text: str) -> Path:
    path = folder / "scenograph.toml"
    path.write_text(text)
    return path


def test_defaults() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.pack) == ("127.0.0.1", 7700, "default")
    assert settings.gateway.redis_url == ""


def test_command_line_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'port = 1\nhost = "a"\npack = "x"\n[gateway]\ncache_bytes = 1\nredis_url = "redis://file"\n'
    config = toml(tmp_path, text)
    monkeypatch.setenv("SCENOGRAPH_PORT", "2")
    monkeypatch.setenv("SCENOGRAPH_HOST", "b")
    monkeypatch.setenv("SCENOGRAPH_GATEWAY_REDIS_URL", "redis://environment")
    settings = load_settings(config, port=3, host=None)
    assert (settings.port, settings.host, settings.pack) == (3, "b", "x")
    assert (settings.gateway.redis_url, settings.gateway.cache_bytes) == ("redis://environment", 1)


def test_the_file_may_be_named_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENOGRAPH_CONFIG", str(toml(tmp_path, "[sessions]\nthreads = 3\n")))
    assert load_settings().sessions.threads == 3


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(load_settings(), "port", 1)  # noqa: B010


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", r"prot: no such setting; did you mean port\?"),
        (
            "[gateway]\nredis_uri = ''",
            r"gateway.redis_uri: no such setting; did you mean gateway.redis_url\?",
        ),
        ("port = 70000", r"port: .*less than or equal to 65535"),
        ("log_level = 'LOUD'", r"log_level: .*'DEBUG'"),
        ("port = ", r"scenograph.toml: Invalid value"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_settings(toml(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere\.toml: No such file"):
        load_settings(tmp_path / "nowhere.toml")


def test_an_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENOGRAPH_GATEWAY_REDISURL", "redis://x")
    with pytest.raises(
        InvalidInput, match=r"REDISURL: no such setting; did you mean SCENOGRAPH_GATEWAY_REDIS_URL\?"
    ):
        load_settings()


def test_every_variable_reaches_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in variables():
        monkeypatch.setenv(variable, "not a value of any type but text")
    with pytest.raises(InvalidInput) as caught:
        load_settings()
    for name in ("port", "sessions.threads", "images.max_pixels", "gateway.cache_bytes", "unary_deadline_s"):
        assert f" {name}: " in str(caught.value)


def test_the_guide_has_every_setting() -> None:
    """Made anew by: python -m scenograph.runtime.settings_table docs/guides/operate.md"""
    page = (ROOT / "docs" / "guides" / "operate.md").read_text(encoding="utf-8")
    assert with_table(page) == page
    assert all(f"`{variable}`" in page for variable in variables())


def test_the_deployed_file_loads() -> None:
    settings = load_settings(ROOT / "deploy" / "scenograph.toml")
    assert settings.host == "0.0.0.0" and settings.log_format == "json"
    assert settings.gateway.redis_url.startswith("redis://")
