"""The pump in a process of its own, so that it can be killed: `python -m tests.mail.pump_process`.

Reads the settings from the environment, and runs until it is ended.
"""

from __future__ import annotations

from activities.adapters.mailer import SmtpMailer
from activities.notices import Notices
from infra.database import make_sessions
from infra.settings import get_settings
from infra.vault import Vault

if __name__ == "__main__":
    settings = get_settings()
    mailer = SmtpMailer(settings.smtp_url)
    Notices(make_sessions(settings), Vault(settings.vault_key), mailer, settings).deliver(
        lambda: False, lambda: None
    )
