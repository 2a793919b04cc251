"""Settings: documented, read from where they should be, and refused when they are weak."""

import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from infra.refusals import (
    SettingsRefused,
    find_refusals,
    missing_settings,
    refuse_weak_settings,
)
from infra.settings import Settings, env_name, get_settings, settings_from

STRONG = {
    "HANDSEL_MODE": "production",
    "HANDSEL_DATABASE_URL": "postgresql+psycopg://app:kD83hs9Qp2LwZx7e@db.example.org/handsel",
    "HANDSEL_PUBLIC_URL": "https://collabs.example.org",
    "HANDSEL_SECRET_KEY": "pV4Tz0uWb8Kx2mQeR7sYcN1aLhJ6gD3f",
    "HANDSEL_VAULT_KEY": Fernet.generate_key().decode(),
    "HANDSEL_S3_ACCESS_KEY": "AKIAEXAMPLE",
    "HANDSEL_S3_SECRET_KEY": "w8Jx2LqPz0Vb7NcR4tYk",
    "HANDSEL_SMTP_URL": "smtp://u:p@mail.example.org:587?starttls=required",
    "HANDSEL_MAIL_FROM": "Brand <hello@brand.example.com>",
    "HANDSEL_CARRIER_WEBHOOK_SECRET": "Zq9nT3kXw7Lm2RvB8pHs5JdYc0Fa6GeU",
    "STRIPE_API_KEY": "sk_live_51Habcdefghijklmnopqrstuvwx",
    "STRIPE_WEBHOOK_SECRET": "whsec_a1b2c3d4e5f6g7h8i9j0",
    "TEMPORAL_ADDRESS": "temporal.example.org:7233",
}


def refused(**changes: str) -> dict[str, str]:
    """Setting to reason, for strong settings with these changes."""
    return {one.setting: one.reason for one in find_refusals(settings_from(STRONG | changes))}


def test_strong_settings_are_accepted() -> None:
    assert refused() == {}


LOCAL_KEY = "bG9jYWwta3pMoP69OMgAUuZWJCZfcQckOIReLn4_JpY="
OTHER_KEY = "oyf8YHoX5YDt3stRVJBFeor2YN_d5qhqisXA6r_f7tA="
LOCAL_SECRET = "local-6W9h9Cp2tPDhyQtpTbt3rgn_Yony7DxEnI1TOvjxHLk"
"""As `handsel up` makes them; always this one, so that tests have the same name in every process."""


@pytest.mark.parametrize(
    "name",
    [
        "HANDSEL_DATABASE_URL",
        "HANDSEL_SECRET_KEY",
        "HANDSEL_VAULT_KEY",
        "HANDSEL_SMTP_URL",
        "TEMPORAL_ADDRESS",
    ],
)
def test_production_names_what_is_missing(name: str) -> None:
    assert "is not set" in refused(**{name: ""})[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HANDSEL_SECRET_KEY", "short"),
        ("HANDSEL_SECRET_KEY", "a" * 64),
        ("HANDSEL_SECRET_KEY", "changeme-changeme-changeme-0123456789"),
        ("HANDSEL_SECRET_KEY", LOCAL_SECRET),
        ("HANDSEL_VAULT_KEY", "not base64 at all"),
        ("HANDSEL_VAULT_KEY", "A" * 43 + "="),
        ("HANDSEL_VAULT_KEY", LOCAL_KEY),
        ("HANDSEL_VAULT_KEY", f"{OTHER_KEY},{LOCAL_KEY}"),
        ("HANDSEL_CODEC_KEYS", "one:tooshort"),
        ("HANDSEL_PUBLIC_URL", "http://collabs.example.org"),
        ("HANDSEL_PUBLIC_URL", "https://127.0.0.1"),
        ("HANDSEL_DATABASE_URL", "postgresql+psycopg://app:short@db.example.org/handsel"),
        ("HANDSEL_DATABASE_URL", f"postgresql+psycopg://app:{LOCAL_SECRET}@127.0.0.1/handsel"),
        ("HANDSEL_S3_SECRET_KEY", LOCAL_SECRET),
        ("HANDSEL_S3_SECRET_KEY", ""),
        ("HANDSEL_S3_ENDPOINT", "http://s3.example.org"),
        ("HANDSEL_SMTP_URL", "smtp://mail.example.org:25"),
        ("HANDSEL_MAIL_FROM", "Handsel <hello@handsel.localhost>"),
        ("HANDSEL_CARRIER_WEBHOOK_SECRET", LOCAL_SECRET),
        ("HANDSEL_POST_HOSTS", '{"instagram": "http://127.0.0.1:9"}'),
        ("STRIPE_API_KEY", "sk_test_localabcdefghijklmnopqrstuvwxyz"),
        ("STRIPE_API_KEY", "pk_live_51Habcdefghijklmnopqrstuvwx"),
        ("STRIPE_API_BASE", "http://127.0.0.1:9"),
        ("STRIPE_WEBHOOK_SECRET", "secret"),
    ],
)
def test_production_refuses_local_and_weak_values_and_names_the_setting(name: str, value: str) -> None:
    reasons = refused(**{name: value})
    assert list(reasons) == [name]
    if len(value) > 8:
        assert value not in reasons[name]


def test_two_secrets_must_not_be_equal() -> None:
    reasons = refused(HANDSEL_CARRIER_WEBHOOK_SECRET=STRONG["HANDSEL_SECRET_KEY"])
    assert "equals HANDSEL_SECRET_KEY" in reasons["HANDSEL_CARRIER_WEBHOOK_SECRET"]


def test_every_problem_is_listed_at_once() -> None:
    with pytest.raises(SettingsRefused) as problem:
        refuse_weak_settings(settings_from({"HANDSEL_MODE": "production"}))
    for name in ("HANDSEL_DATABASE_URL", "HANDSEL_SECRET_KEY", "HANDSEL_PUBLIC_URL", "TEMPORAL_ADDRESS"):
        assert f"{name}: " in str(problem.value)


def test_local_mode_takes_test_money_and_this_machine_only() -> None:
    local = {"HANDSEL_PUBLIC_URL": "https://collabs.example.org", "STRIPE_API_KEY": STRONG["STRIPE_API_KEY"]}
    reasons = {one.setting for one in find_refusals(settings_from(local))}
    assert reasons == {"HANDSEL_PUBLIC_URL", "STRIPE_API_KEY"}
    assert "handsel up" in missing_settings(settings_from({}))[0].reason


def test_the_stacks_file_fills_what_the_environment_leaves_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").write_text("HANDSEL_SECRET_KEY=from-file\nTEMPORAL_ADDRESS=file:1\n")
    monkeypatch.setenv("HANDSEL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "environment:2")
    settings = Settings()
    assert (settings.secret_key, settings.temporal_address) == ("from-file", "environment:2")
    monkeypatch.setenv("HANDSEL_MODE", "production")
    assert Settings().secret_key == ""


def test_production_does_not_start_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSEL_MODE", "production")
    get_settings.cache_clear()
    try:
        with pytest.raises(SettingsRefused):
            get_settings()
    finally:
        get_settings.cache_clear()


def test_no_secret_is_shown_by_printing_settings() -> None:
    shown = repr(settings_from(STRONG))
    for name in (
        "HANDSEL_SECRET_KEY",
        "HANDSEL_VAULT_KEY",
        "HANDSEL_DATABASE_URL",
        "STRIPE_API_KEY",
        "HANDSEL_SMTP_URL",
    ):
        assert STRONG[name] not in shown


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert re.match(r"^[`A-Z0-9]", field.description), name
        assert env_name(name).startswith(("HANDSEL_", "STRIPE_", "TEMPORAL_"))
