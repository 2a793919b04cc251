"""The mark that a form carries from its page to its answer: made once a rendering, signed, never stored.

It says at which stage and sequence number the form was shown. It is the request id of the command, so a
double click and the back button give the same answer instead of a second act.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer

from domain.errors import Refused
from domain.stages import Stage


class Nonce(NamedTuple):
    """A form as it was shown."""

    text: str
    stage: Stage
    sequence: int
    mark: str

    @property
    def request_id(self) -> str:
        """The id under which the command counts once."""
        return f"form:{self.mark}"


class NonceRefused(Refused):
    """The form does not come from a page of this collaboration."""

    code = "form_unknown"
    status = 400


class Nonces:
    """Makes and reads marks; each belongs to one collaboration."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def make(self, collaboration_id: str, stage: Stage, sequence: int) -> str:
        """A fresh mark for a form that is shown now."""
        return self._signer(collaboration_id).dumps([stage.value, sequence, secrets.token_urlsafe(12)])

    def read(self, collaboration_id: str, text: str) -> Nonce:
        """The mark as it was made. Raises `NonceRefused` for anything else."""
        try:
            stage, sequence, mark = self._signer(collaboration_id).loads(text[:200])
            return Nonce(text, Stage(stage), int(sequence), str(mark))
        except (BadSignature, ValueError, TypeError) as error:
            raise NonceRefused("this form is not one of ours; open the page again") from error

    def _signer(self, collaboration_id: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=f"handsel form {collaboration_id}")
