"""Settings of the commands: each from an option, the environment, a file, or its default."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from byleave.sdk.networks import GOALS_PER_NETWORK
from byleave.server.errors import ServerError
from byleave.server.storage import shown

#: The file that is read from the working directory, if it is there.
FILE: Final = Path("byleave.toml")
PREFIX: Final = "BYLEAVE_"
#: How much of a variable's name is that of a setting when it must be a slip of the pen.
_ALIKE: Final = 0.8


class SettingError(ServerError):
    """A setting that cannot be used; the message names it and where it comes from."""


def _a_network(text: str) -> str:
    ip_network(text)
    return text


def _a_proxy(text: str) -> str:
    return text if text == "*" else _a_network(text)


def _an_address(text: str) -> str:
    if text and not text.startswith(("https://", "http://")):
        raise ValueError("expected https://")
    return text


def _separated(value: object) -> object:
    """Return the parts of a text such as `a, b`; anything else as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


T = TypeVar("T")
Listed = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_separated)]


class Settings(BaseSettings):
    """What a server is run with.

    Attributes:
        definitions: The folder of definitions.
        database: The SQLite file, made if absent, or a postgresql:// address.
        host: The address to listen on.
        port: The port to listen on; 0 takes any free one.
        connections: Connections beyond so many are answered with 503.
        trusted_proxies: Addresses or networks of proxies whose word on who the client is counts;
            '*' for whoever connects.
        goals_per_network: How many goals browsers of one network, that send events by
            themselves, may reach a day; 0 sets no limit.
        oidc_issuer: The provider of OpenID Connect by which people sign in to the console, as
            well as by their passwords; '' for none.
        oidc_client_id: What the provider knows this server by.
        oidc_client_secret: What the provider gave this server to prove that; '' for none.
        outbound_allow: Networks of one's own that webhooks, and the provider, may be in, such as
            10.1.2.0/24.
        log: How the log is written: for people, or one JSON object a line.
        log_level: The least that is logged.

    Lists are written with commas in the environment, and what is empty there is not set.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    definitions: Path = Path("byleave")
    database: Annotated[str, Field(min_length=1)] = "byleave.db"
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8401
    connections: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    trusted_proxies: Listed[Annotated[str, AfterValidator(_a_proxy)]] = ()
    goals_per_network: Annotated[int, Field(ge=0, le=10**9)] = GOALS_PER_NETWORK
    oidc_issuer: Annotated[str, AfterValidator(_an_address)] = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    outbound_allow: Listed[Annotated[str, AfterValidator(_a_network)]] = ()
    log: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _names_the_provider_whole(self) -> Self:
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise ValueError("oidc_issuer and oidc_client_id go together")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given: `read_settings` has asked every source, and knows which said what."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it comes from."""

    name: str
    value: object
    origin: str


def read_settings(
    options: Mapping[str, object] | None = None, *, file: Path | None = None
) -> tuple[Settings, list[Setting]]:
    """Return the settings, and each of them with its origin.

    Args:
        options: What was said on the command line; None stands for nothing said.
        file: The file to read; by default `byleave.toml`, if it is there.

    Raises:
        SettingError: A value cannot be used, or the file cannot be read.
    """
    if file is not None and not file.is_file():
        raise SettingError(f"there is no file {file}")
    _require_no_slip(os.environ)
    said = {name: value for name, value in (options or {}).items() if value is not None}
    path = FILE if file is None else file
    try:
        written = TomlConfigSettingsSource(Settings, toml_file=path)()
        around = EnvSettingsSource(Settings, env_ignore_empty=True)()
    except (SettingsError, ValueError, OSError) as error:
        raise SettingError(f"settings that cannot be read: {error}") from None
    origins = {
        **dict.fromkeys(Settings.model_fields, "default"),
        **dict.fromkeys(written, str(path)),
        **{name: f"environment {PREFIX}{name.upper()}" for name in around},
        **dict.fromkeys(said, "command line"),
    }
    try:
        settings = Settings(**{**written, **around, **said})
    except ValidationError as error:
        faults = "; ".join(
            _told(each["loc"], each["msg"], origins)
            for each in error.errors(include_input=False, include_url=False)
        )
        raise SettingError(f"settings that cannot be used: {faults}") from None
    found = [
        Setting(name, _shown(name, getattr(settings, name)), origins[name])
        for name in Settings.model_fields
    ]
    return settings, found


def _told(place: Sequence[int | str], message: str, origins: Mapping[str, str]) -> str:
    """Return what is wrong with a setting, and where its value comes from."""
    if not place:
        return f"settings: {message}"
    name = ".".join(map(str, place))
    return f"{name} ({origins[str(place[0])]}): {message}"


def _require_no_slip(environment: Iterable[str]) -> None:
    """Refuse a variable that is a setting but for a letter or two: its value would not count.

    Others that begin alike may be anybody's, such as those that Kubernetes makes of a service.
    """
    for variable in environment:
        name = variable.lower().removeprefix(PREFIX.lower())
        if name == variable.lower() or name in Settings.model_fields:
            continue
        if close := get_close_matches(name, Settings.model_fields, n=1, cutoff=_ALIKE):
            raise SettingError(
                f"{variable} is no setting. Did you mean {PREFIX}{close[0].upper()}?"
            )


def _shown(name: str, value: object) -> object:
    """Return a value without the password that it may hold."""
    if name == "oidc_client_secret" and value:
        return "***"
    return shown(str(value)) if name == "database" else value
