"""Why Handsel may refuse its settings.

Outside local mode a program that starts with a guessable secret or with the local stack's
addresses is worse than one that does not start. Every problem is reported at once, each naming
its setting; a value is never repeated in a message, since it may be a secret.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from infra.settings import Settings, env_name

LOCAL_MARK = "local-"
"""Every secret that `handsel up` makes starts with this, so production can recognise it."""

SHORTEST_SECRET = 32
"""Characters. 32 random urlsafe characters hold 192 bits."""

FEWEST_DIFFERENT = 10
"""Different characters a secret must have; `aaaa...` and `12341234...` have fewer."""

KNOWN_DEFAULTS = ("changeme", "change-me", "secret", "password", "example", "default", "test")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECRET_FIELDS = (
    "secret_key",
    "vault_key",
    "s3_secret_key",
    "carrier_webhook_secret",
    "stripe_api_key",
    "stripe_webhook_secret",
    "stripe_connect_webhook_secret",
    "stripe_thin_webhook_secret",
)


class Refusal(NamedTuple):
    """One setting that must not be used as it is."""

    setting: str
    """Name of the environment variable."""
    reason: str
    """What is wrong and what would be right, without the value."""


class SettingsRefused(Exception):
    """The settings must not be used. `refusals` lists every reason."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = refusals
        lines = "\n".join(f"  {setting}: {reason}" for setting, reason in refusals)
        super().__init__(f"Handsel does not start with these settings:\n{lines}")


def new_secret() -> str:
    """A fresh secret of the local stack."""
    return LOCAL_MARK + secrets.token_urlsafe(32)


def new_local_key() -> str:
    """A fresh 32-byte key of the local stack, as `HANDSEL_VAULT_KEY` wants it."""
    return base64.urlsafe_b64encode(LOCAL_MARK.encode() + secrets.token_bytes(26)).decode()


def refuse_weak_settings(settings: Settings) -> None:
    """Raise `SettingsRefused` when `settings` must not be used in their mode."""
    refusals = list(find_refusals(settings))
    if refusals:
        raise SettingsRefused(refusals)


def find_refusals(settings: Settings) -> Iterator[Refusal]:
    """Every reason to refuse `settings` in their mode."""
    checks = LOCAL_CHECKS if settings.is_local else PRODUCTION_CHECKS
    for check in checks:
        yield from check(settings)


def missing_settings(settings: Settings) -> list[Refusal]:
    """What a server process needs and nobody has set, in either mode."""
    needed = ["database_url", "secret_key", "vault_key", "smtp_url"]
    if not (os.environ.get("TEMPORAL_PROFILE") or os.environ.get("TEMPORAL_CONFIG_FILE")):
        needed.append("temporal_address")
    where = "run `handsel up` or set it" if settings.is_local else "set it"
    return [Refusal(env_name(name), f"is not set; {where}") for name in needed if not getattr(settings, name)]


def weakness(secret: str) -> str | None:
    """Why `secret` is too weak to sign or protect anything, or None."""
    plain = secret.lower()
    if secret.startswith(LOCAL_MARK):
        return "was made by the local stack; make a fresh one for this installation"
    if len(secret) < SHORTEST_SECRET:
        return f"is short; use at least {SHORTEST_SECRET} random characters"
    if len(set(secret)) < FEWEST_DIFFERENT or any(plain.startswith(w) for w in KNOWN_DEFAULTS):
        return "is a known default or easy to guess; use random characters"
    return None


def key_fault(key: str) -> str | None:
    """Why `key` is not a usable 32-byte key outside local mode, or None."""
    try:
        raw = base64.b64decode(key.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return "is not urlsafe base64 of 32 random bytes"
    if len(raw) != 32:
        return "is not urlsafe base64 of 32 random bytes"
    if raw.startswith(LOCAL_MARK.encode()):
        return "was made by the local stack; make a fresh one for this installation"
    if len(set(raw)) < FEWEST_DIFFERENT:
        return "is easy to guess; use random bytes"
    return None


def _is_loopback(url: str) -> bool:
    try:
        return (urlsplit(url).hostname or "") in LOOPBACK
    except ValueError:
        return False


def _local_stays_local(settings: Settings) -> Iterator[Refusal]:
    if not _is_loopback(settings.public_url):
        yield Refusal(
            "HANDSEL_PUBLIC_URL",
            "is not on this machine, which local mode is for; set HANDSEL_MODE=production",
        )
    if "_live_" in settings.stripe_api_key:
        yield Refusal("STRIPE_API_KEY", "is a live key; local mode takes test keys only")


def _required(settings: Settings) -> Iterator[Refusal]:
    yield from missing_settings(settings)


def _addresses(settings: Settings) -> Iterator[Refusal]:
    if urlsplit(settings.public_url).scheme != "https" or _is_loopback(settings.public_url):
        yield Refusal("HANDSEL_PUBLIC_URL", "must be the https address that people use")
    if settings.database_url and not settings.database_url.startswith("postgresql+psycopg://"):
        yield Refusal("HANDSEL_DATABASE_URL", "must start with postgresql+psycopg://")
    for name in ("s3_endpoint", "s3_public_endpoint"):
        url = getattr(settings, name)
        if url and urlsplit(url).scheme != "https" and not _is_loopback(url):
            yield Refusal(env_name(name), "must be https: it carries people's files")
    if settings.stripe_api_base:
        yield Refusal("STRIPE_API_BASE", "is for the local simulator; leave it empty")
    if any(urlsplit(base).scheme != "https" for base in settings.platform_apis.values()):
        yield Refusal("HANDSEL_PLATFORM_APIS", "must be https: keys and tokens go there")
    if settings.post_hosts:
        yield Refusal("HANDSEL_POST_HOSTS", "is for the local social network; leave it empty")


def _mail(settings: Settings) -> Iterator[Refusal]:
    address = settings.mail_from.rpartition("@")[2].rstrip("> ")
    if not address or address.endswith(("localhost", ".invalid", ".local", ".test")):
        yield Refusal("HANDSEL_MAIL_FROM", "must be an address of a domain that you send from")
    url = urlsplit(settings.smtp_url)
    tls = url.scheme == "smtps" or parse_qs(url.query).get("starttls") == ["required"]
    if settings.smtp_url and not tls and not _is_loopback(settings.smtp_url):
        yield Refusal("HANDSEL_SMTP_URL", "must be smtps:// or end with ?starttls=required")


def _secrets(settings: Settings) -> Iterator[Refusal]:
    for name in ("secret_key", "carrier_webhook_secret"):
        value = getattr(settings, name)
        if value and (fault := weakness(value)):
            yield Refusal(env_name(name), fault)
    for name in ("database_url", "database_owner_url"):
        password = urlsplit(getattr(settings, name)).password
        if password is not None and (password.startswith(LOCAL_MARK) or len(password) < 12):
            yield Refusal(env_name(name), "carries a local or short password (12 at least)")
    keys = [("HANDSEL_VAULT_KEY", key) for key in settings.vault_keys]
    keys += [("HANDSEL_CODEC_KEYS", key) for _, key in settings.codec_keyring]
    for setting, key in keys:
        if fault := key_fault(key):
            yield Refusal(setting, fault)


def _s3(settings: Settings) -> Iterator[Refusal]:
    if bool(settings.s3_access_key) != bool(settings.s3_secret_key):
        yield Refusal("HANDSEL_S3_SECRET_KEY", "and HANDSEL_S3_ACCESS_KEY come together or not")
    if settings.s3_secret_key.startswith(LOCAL_MARK) or 0 < len(settings.s3_secret_key) < 16:
        yield Refusal("HANDSEL_S3_SECRET_KEY", "is local or short (16 characters at least)")


def _stripe(settings: Settings) -> Iterator[Refusal]:
    key = settings.stripe_api_key
    kinds = ("sk_live_", "rk_live_", "sk_test_", "rk_test_")
    if key and (not key.startswith(kinds) or LOCAL_MARK.rstrip("-") in key or len(key) < 24):
        yield Refusal("STRIPE_API_KEY", "is not a key of a Stripe account")
    for name in ("webhook", "connect_webhook", "thin_webhook"):
        secret = getattr(settings, f"stripe_{name}_secret")
        if secret and (not secret.startswith("whsec_") or len(secret) < 24):
            yield Refusal(env_name(f"stripe_{name}_secret"), "is not a signing secret of Stripe")


def _all_different(settings: Settings) -> Iterator[Refusal]:
    for one, other in combinations(SECRET_FIELDS, 2):
        value = getattr(settings, one)
        if value and value == getattr(settings, other):
            yield Refusal(env_name(other), f"equals {env_name(one)}; each needs its own")


Check = Callable[[Settings], Iterator[Refusal]]

LOCAL_CHECKS: tuple[Check, ...] = (_local_stays_local,)
PRODUCTION_CHECKS: tuple[Check, ...] = (
    _required,
    _addresses,
    _mail,
    _secrets,
    _s3,
    _stripe,
    _all_different,
)
