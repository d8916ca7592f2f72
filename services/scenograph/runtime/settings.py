"""What an operator may set, read once in main: command line over environment over TOML file over defaults.

`port` is SCENOGRAPH_PORT; `gateway.redis_url` is SCENOGRAPH_GATEWAY_REDIS_URL, in TOML `[gateway] redis_url`.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from scenograph.scene.errors import InvalidInput

PREFIX = "SCENOGRAPH_"
CONFIG_VARIABLE = "SCENOGRAPH_CONFIG"
# Where tests find data sets; what the command line sends as credentials.
_OTHER_VARIABLES = frozenset({CONFIG_VARIABLE, "SCENOGRAPH_DATA", "SCENOGRAPH_KEY", "SCENOGRAPH_KEY_FILE"})
_OF_TESTS = "SCENOGRAPH_TEST_"  # what a run of the tests asks for; the servers that it starts inherit it

MIB = 1024 * 1024


class Section(BaseModel):
    """A part of the settings: a table of the TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SessionSettings(Section):
    """How models run in one process."""

    threads: int = Field(default=1, ge=1, description="ONNX Runtime threads of one run")
    workers: int = Field(default=2, ge=1, description="runs and image decodes at the same time")
    batch_rows: int = Field(default=1, ge=1, description="images in one run of a vision model")
    batch_wait_ms: float = Field(default=0.0, ge=0, description="how long a batch waits to fill")
    max_queue: int = Field(
        default=256, ge=1, description="images waiting for a model before calls are refused"
    )


class ImageSettings(Section):
    """Limits of one image, and what finds faces in it."""

    max_pixels: int = Field(default=64_000_000, ge=1, description="largest image, in pixels")
    max_bytes: int = Field(default=64 * MIB, ge=1, description="largest image file, uploaded in chunks")
    face_detector: str = Field(
        default="",
        description="file of the detector that blurs faces, made by `scenograph pack faces`; empty:"
        " faces/centerface.onnx in the folder of the model packs",
    )


class TextualSettings(Section):
    """How sentences are read."""

    parser: Literal["neural", "rules"] = Field(
        default="rules",
        description="parser of calls that name none; a pack without the neural one has the rules alone",
    )


class TracingSettings(Section):
    """Traces: what each part of a call took."""

    exporter: Literal["off", "otlp", "file"] = Field(
        default="off", description="where spans go: nowhere, to a collector (OTLP over gRPC), to a file"
    )
    endpoint: str = Field(
        default="http://localhost:4317", description="the collector; https:// for an encrypted connection"
    )
    file: str = Field(default="", description="file that lines of JSON are added to, a span each")
    sample: float = Field(
        default=1.0, ge=0, le=1, description="share of calls traced, where the caller has not decided"
    )

    @model_validator(mode="after")
    def _a_file_has_a_name(self) -> Self:
        if self.exporter == "file" and not self.file:
            raise ValueError("tracing.file is empty")
        return self


class MetricsSettings(Section):
    """Metrics for Prometheus."""

    address: str = Field(
        default="",
        description="host:port to serve metrics at over HTTP, port 0 any free one; empty: not at all",
    )
    tls: bool = Field(
        default=False, description="serve them over HTTPS, with what `tls` says of certificates and callers"
    )


class TlsSettings(Section):
    """Encryption of what goes over the network. All are PEM files, read again when they change."""

    certificate: str = Field(
        default="",
        description="this server's certificate with its chain: it serves over TLS alone, and shows it to "
        "other services; empty: without encryption",
    )
    key: str = Field(default="", description="the certificate's private key, without a password")
    client_ca: str = Field(
        default="", description="authorities, one of which must have signed the certificates of all callers"
    )
    ca: str = Field(
        default="",
        description='authorities that other services\' certificates are checked by, or "system": '
        "they are called over TLS; empty: without encryption",
    )
    server_name: str = Field(
        default="", description="the name in other services' certificates, where it is not their address's"
    )

    @model_validator(mode="after")
    def _what_goes_together(self) -> Self:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("tls.certificate and tls.key go together")
        if self.client_ca and not self.certificate:
            raise ValueError("tls.client_ca asks for tls.certificate")
        if self.client_ca == "system":
            raise ValueError("tls.client_ca is a file: anyone may have a certificate of public authorities")
        if self.server_name and not self.ca:
            raise ValueError("tls.server_name asks for tls.ca")
        return self


class InferenceSettings(Section):
    """The models of the encoder, hashing and matching services by name."""

    enabled: bool = Field(
        default=True,
        description="serve the models of encoder, hashing and matching by the Open Inference Protocol",
    )


class IndexSettings(Section):
    """Where collections are, how they are searched, and encrypted."""

    url: str = Field(
        default="",
        description="Milvus to keep collections in, as milvus://[user:password@]host[:port][/database];"
        " empty: the data folder",
    )
    milvus_timeout_s: float = Field(default=10.0, gt=0, description="how long one call of Milvus may take")
    milvus_reads: Literal["strong", "session"] = Field(
        default="strong",
        description="what reads of Milvus see: all that was acknowledged before, or at least what this"
        " process wrote (sooner by up to Milvus' proxy.timeTickInterval)",
    )
    exact_up_to: int = Field(
        default=2_000_000,
        ge=0,
        description="entries up to which a search looks at every one; of a larger collection, at a part",
    )
    recall: float = Field(
        default=0.97, gt=0, lt=1, description="share of the nearest entries that it then finds, on average"
    )
    key: SecretStr = Field(
        default=SecretStr(""),
        description="key (32 bytes in base64) that records and uploads are encrypted by; old ones after it",
    )
    key_file: str = Field(default="", description="file of such keys instead, one a line, the newest first")


class GatewaySettings(Section):
    """The gateway: where other services are (empty: in this process), its cache, its limits."""

    visual_address: str = Field(default="", description="host:port of the visual service")
    textual_address: str = Field(default="", description="host:port of the textual service")
    encoder_address: str = Field(default="", description="host:port of the encoder service")
    hashing_address: str = Field(default="", description="host:port of the hashing service")
    matching_address: str = Field(default="", description="host:port of the matching service")
    index_address: str = Field(default="", description="host:port of the index service")
    redis_url: str = Field(default="", description="Redis for answers; empty: a cache in this process")
    cache_bytes: int = Field(
        default=256 * MIB, ge=0, description="bound of the cache in this process; 0: no cache"
    )
    answers_bytes: int = Field(
        default=64 * MIB, ge=0, description="bound of the answers kept in this process as they were sent"
    )
    query_ttl_s: float = Field(
        default=3600.0, gt=0, description="how long a query's parsed and embedded form is kept"
    )
    ranking_ttl_s: float = Field(
        default=900.0, gt=0, description="how long a ranking is kept for its next pages"
    )
    keep_images: bool = Field(
        default=True,
        description="keep the files of images beside the records, so that collections can be re-encoded",
    )
    searches: int = Field(
        default=4,
        ge=1,
        description="searches, and ranks, worked on at the same time, those answered by the cache apart",
    )
    waiting_searches: int = Field(
        default=64,
        ge=0,
        description="searches, and ranks, that wait for their turn before others are refused",
    )
    search_wait_s: float = Field(
        default=1.0, ge=0, description="longest expected wait that a search or a rank is taken in with"
    )
    circuit_failures: int = Field(
        default=5,
        ge=0,
        description="failures in a row after which a service is not called for a while; 0: always called",
    )
    circuit_wait_s: float = Field(
        default=1.0, gt=0, description="how long the first while is; each is twice the one before, up to 30 s"
    )
    max_uploads_bytes: int = Field(default=1024 * MIB, ge=0, description="all uploads that wait to be used")
    upload_ttl_s: float = Field(default=3600.0, gt=0, description="how long an upload waits to be used")

    def addresses(self) -> dict[str, str]:
        """Service -> host:port, or "" where it is in this process."""
        suffix = "_address"
        fields = self.model_dump()
        return {name.removesuffix(suffix): fields[name] for name in fields if name.endswith(suffix)}


class SecuritySettings(Section):
    """Who may call. Without principals and tokens nobody is asked, and everybody may do everything."""

    principals: str = Field(
        default="", description="TOML file of those who may call, read again when it changes"
    )
    jwt_jwks: str = Field(default="", description="JWKS file of the keys that tokens are signed with")
    jwt_issuer: str = Field(default="", description="who must have made a token: its `iss`")
    jwt_audience: str = Field(default="", description="whom a token must be for: one of its `aud`")
    jwt_leeway_s: float = Field(
        default=30.0, ge=0, description="how far the clocks of this server and of a token's maker may differ"
    )
    jwt_calls_per_s: float = Field(
        default=0.0, ge=0, description="calls in a second that each holder of a token may make; 0: any number"
    )
    jwt_concurrent: int = Field(
        default=0, ge=0, description="calls at the same time of each holder of a token; 0: any number"
    )
    service_key: SecretStr = Field(
        default=SecretStr(""),
        description="secret that scenograph's own processes share, to know one another; a `scenograph key`",
    )
    service_key_file: str = Field(default="", description="file with the same, in the place of `service_key`")
    reflection: bool = Field(
        default=True, description="tell which services there are (gRPC reflection), to whoever may call them"
    )

    @model_validator(mode="after")
    def _tokens_are_for_somebody(self) -> Self:
        if self.jwt_jwks and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("security.jwt_jwks needs security.jwt_issuer and security.jwt_audience")
        if self.service_key.get_secret_value() and self.service_key_file:
            raise ValueError("security.service_key and security.service_key_file are both given")
        return self


class AuditSettings(Section):
    """The audit log."""

    file: str = Field(
        default="", description="file that the audit log is added to, a line of JSON each; empty: none"
    )


class AnomalySettings(Section):
    """What raises an alarm, by principal or by peer; 0: nothing does."""

    read_items: int = Field(default=10_000, ge=0, description="items that a principal read in the window")
    read_window_s: float = Field(default=3600.0, gt=0, description="that window")
    burst_calls: int = Field(default=600, ge=0, description="least calls in a minute that are a burst")
    burst_factor: float = Field(
        default=5.0, ge=1, description="and so many times what the principal usually makes"
    )
    failed_logins: int = Field(
        default=10, ge=0, description="calls with wrong credentials or none, from one address in the window"
    )
    failed_logins_in_all: int = Field(default=100, ge=0, description="the same, from all addresses together")
    failed_window_s: float = Field(default=300.0, gt=0, description="that window")


class Settings(BaseSettings):
    """Settings of a serving process."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="_", env_nested_max_split=1
    )

    host: str = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 for all")
    port: int = Field(default=7700, ge=0, le=65535, description="port to listen on; 0 for any free one")
    processes: int = Field(
        default=1,
        ge=1,
        description="processes that serve on the port together; from 2 on, one more for the index",
    )
    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("scenograph") / "data",
        description="folder of the index and of uploads",
    )
    packs: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("scenograph") / "packs",
        description="folder of the model packs",
    )
    pack: str = Field(
        default="default", description='model pack: "name" for its newest build, or "name@version"'
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="least level logged"
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="log lines for people or for machines"
    )
    unary_deadline_s: float = Field(default=60.0, gt=0, description="deadline of calls whose client set none")
    stream_deadline_s: float = Field(default=3600.0, gt=0, description="the same for streaming calls")
    drain_delay_s: float = Field(
        default=0.0, ge=0, description="between NOT_SERVING and refusing calls at the end"
    )
    drain_grace_s: float = Field(
        default=30.0, ge=0, description="how long running calls may go on at the end"
    )
    max_connection_age_s: float = Field(
        default=0.0,
        ge=0,
        description="age at which a client is asked to connect anew, which fails no call; 0: never",
    )
    max_connection_grace_s: float = Field(
        default=3600.0, ge=0, description="how long calls on such a connection may go on"
    )
    tls: TlsSettings = TlsSettings()
    tracing: TracingSettings = TracingSettings()
    metrics: MetricsSettings = MetricsSettings()
    sessions: SessionSettings = SessionSettings()
    images: ImageSettings = ImageSettings()
    textual: TextualSettings = TextualSettings()
    inference: InferenceSettings = InferenceSettings()
    index: IndexSettings = IndexSettings()
    gateway: GatewaySettings = GatewaySettings()
    security: SecuritySettings = SecuritySettings()
    audit: AuditSettings = AuditSettings()
    anomalies: AnomalySettings = AnomalySettings()

    @model_validator(mode="after")
    def _https_has_a_certificate(self) -> Self:
        if self.metrics.tls and not self.tls.certificate:
            raise ValueError("metrics.tls asks for tls.certificate")
        return self


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """From `overrides` (None: not given), environment, and the TOML file `config` or SCENOGRAPH_CONFIG.

    Errors: InvalidInput, which names each unknown key and each bad value and where it came from.
    """
    path = config or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    _check_file(path)
    _check_environment(os.environ)

    class Configured(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)

    try:
        return Configured(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        where = f" (command line, environment {PREFIX}*" + (f", {path})" if path else ")")
        problems = "; ".join(_problem(found["loc"], found["msg"], found["type"]) for found in error.errors())
        raise InvalidInput(f"settings{where}: {problems}") from error


def variables() -> dict[str, str]:
    """Environment variable -> dotted setting, for all settings."""
    return {PREFIX + name.replace(".", "_").upper(): name for name in names()}


def names() -> list[str]:
    """The dotted name of every setting, in order of declaration."""
    found = []
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            found += [f"{name}.{inner}" for inner in section.model_fields]
        else:
            found.append(name)
    return found


def _check_file(path: Path | None) -> None:
    if path is None:
        return
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"settings file {path}: {error}") from error


def _check_environment(environment: Mapping[str, str]) -> None:
    known = variables()
    for name in environment:
        ours = name.startswith(PREFIX) and not name.startswith(_OF_TESTS)
        if ours and name not in _OTHER_VARIABLES and name not in known:
            raise InvalidInput(f"environment variable {name}: no such setting{_nearest(name, known)}")


def _problem(location: tuple[int | str, ...], message: str, kind: str) -> str:
    name = ".".join(map(str, location))
    if kind == "extra_forbidden":
        return f"{name}: no such setting{_nearest(name, names())}"
    return f"{name}: {message}"


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
