"""How often one sender may try something at the doors of the console (`api/limits.py` counts).

An office stands behind one address, so the limits on addresses are generous; those on an e-mail address or a
browser are not. What one address may be mailed is bounded in the database too (`domain/sign_in.py`).
"""

from __future__ import annotations

from api.limits import Window

QUARTER: float = 15 * 60


class ConsoleLimits:
    """The windows of the console, in the memory of one process."""

    def __init__(self) -> None:
        self.asks_by_address = Window(60, QUARTER)
        """Codes asked for from one IP address."""
        self.asks_by_email = Window(10, QUARTER)
        """Codes asked for with one e-mail address, known or not."""
        self.codes_by_address = Window(120, QUARTER)
        self.codes_by_browser = Window(20, QUARTER)
        """Codes typed."""
        self.links_by_address = Window(120, QUARTER)
        """Links opened or sent: of sign-in, invitation and set-up."""
        self.forms_by_session = Window(240, 60)
        """Forms sent by one signed-in person."""
