"""The balances: every change is one balance transaction, and a balance is their sum.

Nothing else may touch the table of balances. Amounts are integers in the smallest unit of their
currency; money going out is negative. A row that is not available yet counts as pending.
"""

from infra.local.stripe.calls import Call
from infra.local.stripe.store import Filter, Json, Record, Store, new_id


def post(
    call: Call,
    owner: str,
    *,
    amount: int,
    currency: str,
    type: str,  # noqa: A002 - Stripe's own name
    source: str,
    category: str | None = None,
    description: str | None = None,
    available_on: int | None = None,
    exchange_rate: float | None = None,
) -> str:
    """Write one balance transaction for an owner and return its id.

    `available_on` in the future makes it pending until then.
    """
    now = call.now
    pending = available_on is not None and available_on > now
    body: Json = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on if available_on is not None else now,
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": description,
        "exchange_rate": exchange_rate,
        "fee": 0,
        "fee_details": [],
        "net": amount,
        "reporting_category": category or type,
        "source": source,
        "status": "pending" if pending else "available",
        "type": type,
    }
    call.store.insert("balance_transaction", owner, body, {"payout": ""})
    _add(call.store, owner, currency, 0 if pending else amount, amount if pending else 0)
    if pending and available_on is not None:
        call.store.add_job("money_available", body["id"], available_on)
    return str(body["id"])


def _add(store: Store, owner: str, currency: str, available: int, pending: int) -> None:
    store.execute(
        "INSERT INTO balances (owner, currency, available, pending) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (owner, currency) DO UPDATE SET available = available + excluded.available, "
        "pending = pending + excluded.pending",
        (owner, currency, available, pending),
    )


def become_available(store: Store, transaction: Record) -> None:
    """Move a pending transaction's money to the available balance."""
    if transaction.body["status"] == "pending":
        transaction.body["status"] = "available"
        store.save(transaction)
        net = transaction.body["net"]
        _add(store, transaction.owner, transaction.body["currency"], net, -net)


def remove(store: Store, transaction: Record) -> None:
    """Take a row away with what it moved, as if it had never been. For the control plane only."""
    change(store, transaction, 0)
    store.delete(transaction)


def change(store: Store, transaction: Record, amount: int) -> None:
    """Give a row another amount. For the control plane only."""
    difference = amount - transaction.body["amount"]
    pending = transaction.body["status"] == "pending"
    _add(
        store,
        transaction.owner,
        transaction.body["currency"],
        0 if pending else difference,
        difference if pending else 0,
    )
    transaction.body |= {"amount": amount, "net": amount - transaction.body["fee"]}
    store.save(transaction)


def make_pending(store: Store, transaction: Record) -> None:
    """Move a row's money from the available balance to the pending one. For the control plane only."""
    if transaction.body["status"] == "available":
        transaction.body["status"] = "pending"
        store.save(transaction)
        net = transaction.body["net"]
        _add(store, transaction.owner, transaction.body["currency"], -net, net)


def available(store: Store, owner: str, currency: str) -> int:
    """Return what an owner can spend now in a currency."""
    rows = store.rows("SELECT available FROM balances WHERE owner = ? AND currency = ?", (owner, currency))
    return int(rows[0][0]) if rows else 0


def balance_view(store: Store, owner: str, default_currency: str, *, platform: bool) -> Json:
    """Return the balance object; a currency without rows is shown only if it is the default."""
    rows = store.rows(
        "SELECT currency, available, pending FROM balances WHERE owner = ? ORDER BY currency",
        (owner,),
    )
    rows = rows or [(default_currency, 0, 0)]
    view: Json = {
        "object": "balance",
        "available": [_amount(c, a) for c, a, _ in rows],
        "livemode": False,
        "pending": [_amount(c, p) for c, _, p in rows],
    }
    if platform:
        view["connect_reserved"] = [{"amount": 0, "currency": c} for c, _, _ in rows]
    return view


def _amount(currency: str, amount: int) -> Json:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def claim_for_payout(call: Call, owner: str, currency: str, payout_id: str) -> None:
    """Note on every available row that no payout has yet that this payout carries it."""
    unclaimed = [
        Filter("currency", currency),
        Filter("status", "available"),
        Filter("payout", "", hidden=True),
    ]
    for row in call.store.page("balance_transaction", owner, unclaimed):
        row.hidden["payout"] = payout_id
        call.store.save(row)


def currencies(store: Store, owner: str) -> list[str]:
    """Return the currencies in which an owner has ever had money."""
    return [row[0] for row in store.rows("SELECT currency FROM balances WHERE owner = ?", (owner,))]
