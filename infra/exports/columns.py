"""The columns of every export. They are stable: a new one is added at the end, none is renamed or moved.

docs/exports.md explains each; a test holds the two together. Nothing personal stands in any of them.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class Kind(Enum):
    """What a column holds, and so how each format writes it."""

    TEXT = "text"
    WHOLE = "whole number"
    AMOUNT = "decimal number"
    """Major units, derived from the column of the same name with `_minor`."""
    MOMENT = "moment"
    DAY = "day"


class Column(NamedTuple):
    """One column."""

    name: str
    kind: Kind
    meaning: str


def _text(name: str, meaning: str) -> Column:
    return Column(name, Kind.TEXT, meaning)


def _money(name: str, meaning: str) -> tuple[Column, Column]:
    return (
        Column(f"{name}_minor", Kind.WHOLE, f"{meaning}, in minor units"),
        Column(name, Kind.AMOUNT, "the same in major units"),
    )


def _moment(name: str, meaning: str) -> Column:
    return Column(name, Kind.MOMENT, meaning)


_CURRENCY: Final = _text("currency", "ISO 4217")
_COLLABORATION: Final = _text("collaboration_id", "whose; empty for none")

COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "payouts": (
        _text("payout_id", "the promise to pay"),
        _COLLABORATION,
        Column("part", Kind.WHOLE, "which of the collaboration's payments, from 1"),
        _text("campaign_id", "of which campaign"),
        _text("creator_id", "to whom"),
        _text("state", "ready, waiting, sending, unknown, sent, confirmed"),
        _CURRENCY,
        *_money("amount", "what is to be paid"),
        _moment("created_at", "when it was earned; rows are chosen by it"),
        _moment("pay_by", "when it is due"),
        Column("attempts", Kind.WHOLE, "tries at Stripe"),
        _text("transfer_id", "Stripe's transfer; empty until it is sent"),
        _text("destination", "Stripe account it was sent to"),
        _moment("sent_at", "when it was sent"),
        _moment("confirmed_at", "when Stripe's own message confirmed it"),
        _text("kind", "fee, tail, late_fee or again"),
        Column("of_part", Kind.WHOLE, "the part that was late, or that came back; empty for the fee"),
        _text("received_currency", "what it arrived in at Stripe; empty while not known"),
        Column("received_amount_minor", Kind.WHOLE, "what arrived, in minor units of that currency"),
        _text("exchange_rate", "as Stripe wrote it; empty when nothing was converted"),
    ),
    "ledger": (
        Column("number", Kind.WHOLE, "order of posting"),
        _text("entry_id", "the entry"),
        _moment("at", "its date in the books; rows are chosen by it"),
        _text("kind", "see docs/ledger.md"),
        _text("key", "what it is about; counts once"),
        _COLLABORATION,
        Column("line", Kind.WHOLE, "line of the entry, from 1"),
        _text("source", "the account that gives"),
        _text("destination", "the account that takes"),
        _CURRENCY,
        *_money("amount", "above zero"),
        _text("reason", "why, or Stripe's id"),
        _text("actor", "by whose hand"),
        _text("reverses_id", "the entry that it takes back"),
    ),
    "statement": (
        Column("number", Kind.WHOLE, "order of posting; empty for opening and closing"),
        _text("entry_id", "the entry"),
        _moment("at", "its date in the books"),
        _text("kind", "opening, closing, or the kind of entry"),
        _text("others", "the accounts on the other side"),
        _COLLABORATION,
        _CURRENCY,
        *_money("amount", "below zero for what the account gave"),
        *_money("balance", "of the account after it"),
        _text("reason", "why, or Stripe's id"),
        _text("actor", "by whose hand"),
    ),
    "reconciliation": (
        _text("difference_id", "the item"),
        _text("list", "see docs/reconciliation.md"),
        _text("subject", "what differs"),
        _CURRENCY,
        *_money("our_amount", "what we have; empty for nothing"),
        *_money("their_amount", "what Stripe has; empty for nothing"),
        _moment("occurred_at", "when the money moved; rows are chosen by it"),
        _moment("first_seen_at", "when it was found"),
        _text("state", "open, settled, cleared"),
        _text("owner", "who looks after it"),
        _text("note", "what they noted"),
        _text("reason", "why it was settled"),
        _moment("ended_at", "when it was settled or gone"),
        _text("ended_by", "by whom"),
    ),
    "audit": (
        Column("sequence", Kind.WHOLE, "place in the brand's chain"),
        _moment("at", "when it happened; rows are chosen by it"),
        _text("subject_kind", "collaboration, member, period, difference, ..."),
        _text("subject_id", "which"),
        _text("event", "what happened"),
        _text("actor_kind", "whose hand"),
        _text("actor_id", "which member, key, creator or event"),
        _text("data", "ids, codes and amounts as JSON; empty for a collaboration, whose event hash seals it"),
        _text("digest", "SHA-256 of the line's content"),
        _text("previous_hash", "hash of the line before"),
        _text("hash", "hash of this line"),
    ),
    "journal": (
        Column("number", Kind.WHOLE, "of the entry; its lines balance"),
        Column("day", Kind.DAY, "date in the zone of the file"),
        Column("line", Kind.WHOLE, "line of the journal entry, from 1"),
        _text("account_code", "as the brand's accounting has it"),
        _text("account_name", "as the brand's accounting has it"),
        _CURRENCY,
        *_money("debit", "what the account takes; empty on the other side"),
        *_money("credit", "what the account gives; empty on the other side"),
        _text("kind", "kind of entry"),
        _text("entry_id", "the entry"),
        _text("ledger_account", "the account in docs/ledger.md"),
        _COLLABORATION,
        _text("reason", "why, or Stripe's id"),
    ),
}
"""Export to its columns, in order."""
