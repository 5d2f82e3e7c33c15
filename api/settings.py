"""All configuration, read once from options and `SANQUAN_*` variables. Durations are seconds, sizes bytes."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from limits import parse_many
from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_OTHER_VARIABLES = {"SANQUAN_STATE", "SANQUAN_PROFILE", "SANQUAN_LANG", "SANQUAN_URL", "SANQUAN_TEST_POSTGRES"}
"""Variables that clients and tests read; not settings of a server."""
RATE_OFF_LOOPBACK = "6000/minute"
REQUESTS_OFF_LOOPBACK = "12000/minute"


class SettingError(ValueError):
    """A setting that cannot be; in both languages, as a start says it."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.zh = zh


class Settings(BaseSettings):
    """Contract section 10: each option of `sanquan serve` is also a variable."""

    model_config = SettingsConfigDict(env_prefix="SANQUAN_", frozen=True, extra="forbid")

    data: Annotated[Path, Field(description="The data folder.")] = Path("sanquan-data")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    origin: Annotated[str | None, Field(description="Name of the log; required off loopback.")] = None
    name: Annotated[str | None, Field(description="Name of the registrar at the first start.")] = None
    continues: Annotated[
        Path | None, Field(description="At the first start: what `sanquan recover --end` wrote of the log before.")
    ] = None
    database: Annotated[str | None, Field(description="SQLAlchemy URL; default a SQLite file in the data folder.")] = (
        None
    )
    admission: Annotated[
        Literal["open", "verified"] | None, Field(description="Default: open on loopback, else verified.")
    ] = None
    visibility: Annotated[
        Literal["public", "members"],
        Field(description="Who reads the register: everybody, or parties that say who asks."),
    ] = "public"
    policy: Annotated[
        Path | None, Field(description="A file: which witnesses cosign what is published (tlog-policy).")
    ] = None
    witness_deadline: Annotated[
        float, Field(ge=10, description="Time after which a checkpoint is published without its quorum.")
    ] = 10
    simulated_clock: Annotated[str | None, Field(description="A clock that stands still; only for tests.")] = None
    hosts: Annotated[
        str | None,
        Field(
            description="Names by which callers know this server, a comma between; signed requests to others do not count."
        ),
    ] = None
    quota_party: Annotated[str | None, Field(description="Statements of one party, like 6000/minute.")] = None
    quota_address: Annotated[str | None, Field(description="Statements from one address, like 6000/minute.")] = None
    quota_token: Annotated[str | None, Field(description="Requests with one token, like 6000/minute.")] = None
    quota_requests: Annotated[str | None, Field(description="Requests from one address, like 12000/minute.")] = None
    head_timeout: Annotated[float, Field(gt=0, description="Time for the head of a request.")] = 10
    body_timeout: Annotated[float, Field(gt=0, description="Time for which a body may stall.")] = 20
    max_file_bytes: Annotated[int, Field(gt=0, description="Size of one NDJSON request.")] = 64 * 1024 * 1024
    max_drafts: Annotated[int, Field(gt=0, description="Open drafts of one party.")] = 200
    max_document_bytes: Annotated[int, Field(gt=0, description="Size of one document.")] = 256 * 1024 * 1024

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK

    @property
    def only_for_here(self) -> bool:
        """Whether everybody is admitted because nobody said otherwise: good for one's own machine only."""
        return self.on_loopback and self.admission is None

    @property
    def verified_only(self) -> bool:
        """Whether unverified parties may only send `party.*` and `key.*`."""
        return (self.admission or ("open" if self.on_loopback else "verified")) == "verified"

    def is_named(self, host: str | None) -> bool:
        """Whether callers know this server by the name; by any if none are set."""
        names = {name.strip().lower() for name in (self.hosts or "").split(",")} - {""}
        return not names or (host or "").lower() in names

    def quota(self, kind: Literal["party", "address", "token", "requests"]) -> str | None:
        """The limit for one party, address or token; on loopback none unless one is set."""
        wanted: str | None = getattr(self, f"quota_{kind}")
        off_loopback = REQUESTS_OFF_LOOPBACK if kind == "requests" else RATE_OFF_LOOPBACK
        return wanted or (None if self.on_loopback else off_loopback)

    @field_validator("quota_party", "quota_address", "quota_token", "quota_requests")
    @classmethod
    def _is_limit(cls, text: str | None) -> str | None:
        if text is not None and len(parse_many(text)) != 1:
            raise SettingError("a limit is written like 6000/minute", "限额的写法如 6000/minute")
        return text

    @model_validator(mode="after")
    def _fail_closed(self) -> Self:
        known = {f"SANQUAN_{name.upper()}" for name in type(self).model_fields} | _OTHER_VARIABLES
        if unknown := {key for key in os.environ if key.startswith("SANQUAN_")} - known:
            raise SettingError(
                f"unknown settings: {', '.join(sorted(unknown))}", f"未知的设置：{'、'.join(sorted(unknown))}"
            )
        if not self.on_loopback and not self.origin:
            raise SettingError(
                "off loopback an origin is required: --origin NAME or SANQUAN_ORIGIN",
                "对外监听时必须写明账本名称：--origin NAME 或 SANQUAN_ORIGIN",
            )
        if self.simulated_clock is not None and not (
            self.on_loopback and (self.origin is None or self.origin.endswith(".test"))
        ):
            raise SettingError(
                "a simulated clock needs loopback and an origin that ends in .test",
                "模拟时钟只用于本机地址，且账本名称须以 .test 结尾",
            )
        return self


def make_settings(**options: Any) -> Settings:
    """Settings from options that were given (others None) over the environment."""
    return Settings(**{name: value for name, value in options.items() if value is not None})
