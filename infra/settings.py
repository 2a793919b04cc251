"""Every setting of Handsel, in one class, read from the environment.

In local mode the file `env` in the state directory, written by `handsel up`, fills what the
environment leaves open. Outside local mode nothing is filled in: a missing, weak or local value
refuses the start and is named (`infra/refusals.py`). A secret must never appear in a
representation, a log line or an error of this module.
"""

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

LOCAL_ENV_FILE = "env"
"""Name of the file in the state directory that `handsel up` writes for the other commands."""


class Settings(BaseSettings):
    """What one Handsel process needs to know. Field `x` is read from `HANDSEL_X`.

    Settings that belong to a vendor keep the vendor's own name (`STRIPE_API_KEY`,
    `TEMPORAL_ADDRESS`); `env_name` gives the name of any field.
    """

    model_config = SettingsConfigDict(
        env_prefix="HANDSEL_",
        extra="ignore",
        populate_by_name=True,
        use_attribute_docstrings=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    # The installation

    mode: Literal["local", "production"] = "local"
    """`local`: everything on this machine, loopback only, test money only. `production`: anything
    else; refuses local defaults and weak secrets."""
    state_dir: Path = Path(".handsel")
    """Folder of the local stack: data, logs, ports, generated secrets. Unused in production."""
    public_url: str = "http://127.0.0.1:8000"
    """Address under which people reach the pages, without a trailing slash. Links in e-mails and
    signatures start with it. https outside local mode."""
    secret_key: str = Field(default="", repr=False)
    """Signs links, forms and sessions. At least 32 characters. Changing it makes every link that
    was mailed so far invalid."""
    vault_key: str = Field(default="", repr=False)
    """Wraps the per-creator keys of personal data: urlsafe base64 of 32 random bytes. Several,
    separated by commas, while a key is being replaced: the first wraps, all unwrap. Losing it
    loses the personal data."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is logged."""

    # The web front

    api_host: str = "127.0.0.1"
    """Address `handsel serve` listens on."""
    api_port: int = Field(default=8000, ge=1, le=65535)
    """Port `handsel serve` listens on."""
    api_processes: int = Field(default=1, ge=1, le=64)
    """Processes of `handsel serve`. They share nothing; one a core is a good start."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose `X-Forwarded-*` headers are believed, separated by commas. The address
    recorded with a consent comes from them."""

    session_idle_hours: int = Field(default=12, ge=1, le=720)
    """Hours after which an unused session of the console ends."""
    session_days: int = Field(default=14, ge=1, le=90)
    """Days after which a session of the console ends, used or not."""

    # Database

    database_url: str = Field(default="", repr=False)
    """PostgreSQL 15 or newer: `postgresql+psycopg://user:password@host:port/name`."""
    database_owner_url: str = Field(default="", repr=False)
    """The same database with the role that owns the tables, for `handsel migrate` alone. Empty:
    `HANDSEL_DATABASE_URL`. Where it is set, the other processes' role can add to the history and
    the ledger, and neither change nor delete it."""
    database_pool: int = Field(default=10, ge=1, le=200)
    """Connections one process keeps open."""
    database_pool_overflow: int = Field(default=10, ge=0, le=200)
    """Connections one process may open beyond the pool under load."""

    # Temporal

    temporal_address: str = Field(
        default="", validation_alias=AliasChoices("temporal_address", "TEMPORAL_ADDRESS")
    )
    """`host:port` of the Temporal frontend. TLS, API key and profile come from the other
    `TEMPORAL_*` variables, which Temporal's own client reads."""
    temporal_namespace: str = Field(
        default="default",
        validation_alias=AliasChoices("temporal_namespace", "TEMPORAL_NAMESPACE"),
    )
    """Namespace that holds the collaborations."""
    codec_keys: str = Field(default="", repr=False)
    """Keys that encrypt payloads on their way to Temporal: `name:key` pairs separated by commas,
    the first encrypts, all decrypt; key as in `HANDSEL_VAULT_KEY`. Empty: payloads, which hold
    ids only, travel as they are."""
    worker_activity_slots: int = Field(default=20, ge=1, le=500)
    """Activities one worker of the queue `collaborations` runs at once, each in a thread."""
    payment_activity_slots: int = Field(default=4, ge=1, le=100)
    """Activities one worker of the queue `payments` runs at once."""
    payment_rate: float = Field(default=20.0, gt=0, le=1000)
    """Calls to Stripe per second over all workers, in slots of equal distance, and payment activities
    started per second. Stripe allows 25 a second and endpoint, and 25 in all in a sandbox."""
    worker_cached_workflows: int = Field(default=1000, ge=0, le=100_000)
    """Workflows one worker keeps in memory between their tasks."""

    # Objects

    s3_endpoint: str = ""
    """S3 address as Handsel reaches it. Empty: Amazon's own for the region."""
    s3_public_endpoint: str = ""
    """S3 address as browsers reach it, when it is another. Presigned links carry it."""
    s3_bucket: str = "handsel"
    """Private bucket of drafts, assets and evidence."""
    s3_region: str = "us-east-1"
    """Region signed into requests."""
    s3_access_key: str = Field(default="", repr=False)
    """Access key. Empty together with the secret key: the machine's own role."""
    s3_secret_key: str = Field(default="", repr=False)
    """Secret key."""

    # Mail

    smtp_url: str = Field(default="", repr=False)
    """`smtp://[user:password@]host:port`, `smtps://...`, or `smtp://...?starttls=required`."""
    mail_from: str = "Handsel <hello@handsel.localhost>"
    """Sender of every notice, as `Name <address>`."""
    mail_reply_to: str = ""
    """Where answers to notices go. Empty: to the sender."""

    # Money

    stripe_api_key: str = Field(
        default="",
        repr=False,
        validation_alias=AliasChoices("stripe_api_key", "STRIPE_API_KEY"),
    )
    """Secret or restricted key. Only the `payments` worker and the payment link page need it."""
    stripe_api_base: str = Field(
        default="", validation_alias=AliasChoices("stripe_api_base", "STRIPE_API_BASE")
    )
    """Address of the local Stripe simulator. Empty: Stripe itself."""
    stripe_webhook_secret: str = Field(
        default="",
        repr=False,
        validation_alias=AliasChoices("stripe_webhook_secret", "STRIPE_WEBHOOK_SECRET"),
    )
    """Signing secret of the platform's webhook. Empty: its route does not exist."""
    stripe_connect_webhook_secret: str = Field(
        default="",
        repr=False,
        validation_alias=AliasChoices("stripe_connect_webhook_secret", "STRIPE_CONNECT_WEBHOOK_SECRET"),
    )
    """Signing secret of the Connect webhook. Empty: its route does not exist."""
    stripe_thin_webhook_secret: str = Field(
        default="",
        repr=False,
        validation_alias=AliasChoices("stripe_thin_webhook_secret", "STRIPE_THIN_WEBHOOK_SECRET"),
    )
    """Signing secret of the v2 event destination. Empty: its route does not exist."""
    stripe_accounts_api: Literal["v2", "v1"] = Field(
        default="v2",
        validation_alias=AliasChoices("stripe_accounts_api", "STRIPE_ACCOUNTS_API"),
    )
    """Which accounts API creates creators' Stripe accounts."""

    # Audit log

    audit_root_hours: int = Field(default=24, ge=1, le=720)
    """Hours between two roots of a brand's audit log that nobody asked for."""
    audit_mail_to: str = ""
    """Address that every root of the audit log is mailed to, best one outside your own systems.
    Empty: roots go to the object store only."""

    # Personal data

    address_days: int = Field(default=30, ge=0, le=3650)
    """Days after its delivery, or after the end of the collaboration, for which the address of a
    parcel is kept. 0: until the creator is erased."""

    # Carriers and posts

    carrier_webhook_secret: str = Field(default="", repr=False)
    """HMAC-SHA256 key of carriers' tracking webhooks. Empty: the route does not exist."""
    post_hosts: dict[str, str] = {}
    """Platform name to base address, as JSON: where posts are read instead of the platforms
    themselves. For the local stack's social network only."""
    youtube_api_key: str = Field(default="", repr=False)
    """Key of YouTube's Data API. Empty: only titles are read, and the creator's proof is asked for."""
    platform_apis: dict[str, str] = {}
    """Door to base address, as JSON: `youtube`, `youtube_oembed`, `tiktok`, `tiktok_oembed`,
    `instagram`, where another than the platform's own is to be asked."""
    platform_budgets: dict[str, int] = {"youtube": 9000, "tiktok": 5000, "instagram": 4000}
    """Calls to each platform a day (UTC), as JSON, over all workers; what is above waits."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then (local mode only) the stack's own file."""
        if os.environ.get("HANDSEL_MODE", "local") != "local":
            return (init_settings, env_settings)
        file = Path(os.environ.get("HANDSEL_STATE_DIR", ".handsel")) / LOCAL_ENV_FILE
        return (init_settings, env_settings, DotEnvSettingsSource(settings_cls, env_file=file))

    @property
    def is_local(self) -> bool:
        """Whether this process may use the local stack's defaults."""
        return self.mode == "local"

    @property
    def migration_url(self) -> str:
        """Address that migrations use."""
        return self.database_owner_url or self.database_url

    @property
    def vault_keys(self) -> tuple[str, ...]:
        """Vault keys, the one that wraps first."""
        return tuple(key.strip() for key in self.vault_key.split(",") if key.strip())

    @property
    def codec_keyring(self) -> tuple[tuple[str, str], ...]:
        """Codec keys as (name, key), the one that encrypts first. Empty: no codec."""
        pairs = (pair.strip().partition(":") for pair in self.codec_keys.split(",") if pair.strip())
        return tuple((name, key) for name, _, key in pairs)


VENDOR_PREFIXES = ("temporal_", "stripe_")


def env_name(field: str) -> str:
    """Name of the environment variable that sets `field`."""
    return field.upper() if field.startswith(VENDOR_PREFIXES) else f"HANDSEL_{field.upper()}"


class GivenSettings(Settings):
    """Settings from arguments alone: neither the environment nor a file is read."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base class's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments only."""
        return (init_settings,)


def settings_from(variables: Mapping[str, str]) -> Settings:
    """Settings from these environment variables and nothing else; unknown names are ignored."""
    given: dict[str, object] = {
        field: variables[env_name(field)] for field in Settings.model_fields if env_name(field) in variables
    }
    for field in ("post_hosts", "platform_apis", "platform_budgets"):
        if field in given:
            given[field] = json.loads(variables[env_name(field)])
    return GivenSettings.model_validate(given)


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, checked once.

    Raises `SettingsRefused`, listing every problem, when they must not be used. Tests that change
    the environment call `get_settings.cache_clear()`.
    """
    from infra.refusals import refuse_weak_settings

    settings = Settings()
    refuse_weak_settings(settings)
    return settings
