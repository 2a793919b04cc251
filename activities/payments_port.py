"""What the product asks of a payments provider, and the answers it understands.

Nothing here knows Stripe's SDK: the adapter in `adapters/stripe_gateway.py` speaks it. A lost
answer is `unknown`, never `refused`: only a definite refusal may lead to a new attempt.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

RetriableAfter = Literal["funds", "payee", "never"]
OutcomeKind = Literal["sent", "refused", "try_later", "unknown"]

WEBHOOK_PATHS = {
    "platform": "/webhooks/stripe",
    "connect": "/webhooks/stripe/connect",
    "thin": "/webhooks/stripe/thin",
}
"""Where the service takes Stripe's events, below its public address, by kind of endpoint."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class WebhookForged(ValueError):
    """The message was not signed by Stripe for this endpoint, or not now. Nothing may be done with it."""


class TransferRequest(_Answer):
    """One attempt to pay a payout. Built from stored columns only, so that a repeat is identical.

    `amount` is in the smallest unit of `currency` (ISO 4217, any case). `metadata` holds ids, never
    names, addresses or e-mails. `attempt` rises only after a definite refusal.
    """

    payout_id: str
    attempt: int = Field(ge=1)
    amount: int = Field(gt=0)
    currency: str = Field(min_length=3, max_length=3)
    destination: str
    metadata: dict[str, str] = {}

    @property
    def idempotency_key(self) -> str:
        """Return the key under which Stripe remembers this attempt."""
        return f"payout:{self.payout_id}:{self.attempt}"


class TransferOutcome(_Answer):
    """What is known about one attempt after one call.

    sent       the transfer exists: `transfer_id`
    refused    it does not exist and will not under this key: `code`, `message` (at most 500
               characters), `retriable_after`: a new attempt makes sense once there are funds, once
               the payee can receive, or never without a person
    try_later  nothing had begun; repeat the same attempt after a wait
    unknown    it may exist: repeat the same attempt, or look it up, but never raise its number
    """

    kind: OutcomeKind
    transfer_id: str = ""
    code: str = ""
    message: str = ""
    retriable_after: RetriableAfter | None = None

    @property
    def reason(self) -> str:
        """Return `funds` or `payee` where waiting for them helps, otherwise the code."""
        return self.retriable_after if self.retriable_after in ("funds", "payee") else self.code


class ReversalRequest(_Answer):
    """One clawback: so much of one transfer, under a key of its own. Built from stored columns only."""

    payout_id: str
    number: int = Field(ge=1)
    transfer_id: str
    amount: int = Field(gt=0)

    @property
    def idempotency_key(self) -> str:
        """Return the key under which Stripe remembers this clawback."""
        return f"clawback:{self.payout_id}:{self.number}"


class FoundTransfer(_Answer):
    """A transfer that exists at the provider. Amounts in the smallest unit of `currency`."""

    transfer_id: str
    payout_id: str
    attempt: int | None
    amount: int
    amount_reversed: int
    reversed: bool
    currency: str
    destination: str
    created: datetime
    metadata: dict[str, str]


class Receipt(_Answer):
    """What a transfer was when it arrived in the creator's account. Minor units, `currency` in capitals."""

    transfer_id: str
    account: str
    payment_id: str
    """The payment that the transfer made there (`py_...`)."""
    row_id: str
    """Its balance transaction."""
    amount: int
    currency: str
    fee: int
    """What Stripe kept of it there."""
    exchange_rate: str
    """As Stripe wrote it, decimal; empty when nothing was converted."""
    created: datetime


class StripeRow(_Answer):
    """One change of the platform's balance. Minor units, out is below zero; `currency` in capitals."""

    id: str
    type: str
    category: str
    amount: int
    fee: int
    net: int
    currency: str
    source: str
    transfer_group: str
    status: str
    created: datetime
    available_on: datetime


class RowPage(_Answer):
    """Some rows, newest first, and whether there are more on the far side."""

    rows: list[StripeRow]
    more: bool


class RowGone(LookupError):
    """Stripe does not know the row that a page was asked for from."""


class PayeeStatus(_Answer):
    """Whether an account can receive money now, in the provider's words, and what it waits for."""

    account_id: str
    can_receive: bool
    status: str
    requirements_due: list[str]
    disabled_reason: str | None


class WebhookEvent(_Answer):
    """A verified event: ids and codes only, nothing personal.

    `account` is the connected account it is about, `object_id` the object. For transfers `data`
    holds `payout_id`, `attempt`, `amount`, `currency`, `reversed`.
    """

    id: str
    type: str
    livemode: bool
    account: str | None
    object_id: str | None
    created: datetime
    idempotency_key: str | None
    data: dict[str, Any]

    def inbox_body(self) -> dict[str, Any]:
        """Return what the inbox keeps of it."""
        return {"account": self.account, "object_id": self.object_id, **self.data}


class WebhookSecrets(_Answer):
    """The signing secrets of the three endpoints; Stripe shows each once. Never logged."""

    platform: str = Field(repr=False)
    connect: str = Field(repr=False)
    thin: str = Field(repr=False)


class PaymentsGateway(Protocol):
    """The payments provider, as activities see it."""

    def create_account(self, creator_ref: str, country: str, email: str | None, idempotency_key: str) -> str:
        """Make an account that can be paid, and return its id."""
        ...

    def onboarding_link(self, account_id: str, return_url: str, refresh_url: str) -> str:
        """Return a single-use address for onboarding; it is a bearer token: never store or log it."""
        ...

    def payee_status(self, account_id: str) -> PayeeStatus:
        """Ask whether an account can receive money now."""
        ...

    def create_transfer(self, request: TransferRequest) -> TransferOutcome:
        """Try to pay; never raises for what the provider or the network does."""
        ...

    def find_transfers(self, payout_id: str) -> list[FoundTransfer]:
        """Return every transfer that exists for a payout, newest first."""
        ...

    def reverse_transfer(self, request: ReversalRequest) -> TransferOutcome:
        """Try to take back; never raises for what the provider or the network does."""
        ...

    def find_reversal(self, request: ReversalRequest) -> str | None:
        """Return the id of the reversal that this clawback made, if there is one."""
        ...

    def balance(self, currency: str) -> int:
        """Return what can be spent now, in the smallest unit of a currency."""
        ...

    def receipt(self, transfer_id: str) -> Receipt | None:
        """Return what a transfer was when it arrived; None while nobody knows."""
        ...

    def rows(self, *, newer_than: str = "", older_than: str = "", limit: int = 100) -> RowPage:
        """Return a page of rows: the newest, or the nearest to the named row. Raises `RowGone`."""
        ...

    def row(self, row_id: str) -> StripeRow | None:
        """Return one row as it is now; None when there is no such row."""
        ...

    def whole_balance(self) -> dict[str, int]:
        """Return what the platform holds in each currency (capitals), available or not, minor units."""
        ...

    def verify_webhook(self, payload: bytes, header: str, secret: str, *, thin: bool) -> WebhookEvent:
        """Return the event of a message, or raise `WebhookForged`."""
        ...

    def register_webhooks(self, base_url: str) -> WebhookSecrets:
        """Have events sent to the service at this address, and return the secrets."""
        ...
