"""Work that falls due in simulated time: top-ups, pending money, payouts.

Each job runs in a transaction of its own, so a crash between two runs neither loses nor repeats
one. Jobs run before each request and when their moment comes.
"""

from infra.local.stripe import idempotency, ledger, payouts, topups
from infra.local.stripe.calls import Call
from infra.local.stripe.store import Record, Store


def run_due(store: Store, platform: str) -> int:
    """Run what is due and return how many jobs that was."""
    done = 0
    while rows := store.rows(
        "SELECT id, kind, subject FROM jobs WHERE due <= ? ORDER BY due, id LIMIT 1",
        (store.clock(),),
    ):
        job_id, kind, subject = rows[0]
        with store.transaction():
            store.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
            _run(store, platform, kind, subject)
        done += 1
    return done


def _run(store: Store, platform: str, kind: str, subject: str) -> None:
    call = Call(store, platform, platform, request_id="", base="")
    if kind == "topup_succeeds":
        topup = store.find("topup", subject)
        if topup is not None and topup.body["status"] == "pending":
            topups.settle(call, topup, "succeeded")
    elif kind == "money_available":
        row = store.find("balance_transaction", subject)
        if row is not None:
            ledger.become_available(store, row)
    elif kind == "pay_out":
        account = store.find("account", subject)
        if account is not None:
            payouts.run_automatic(call, account)
    elif kind in ("payout_leaves", "payout_arrives"):
        payout: Record | None = store.find("payout", subject)
        if payout is not None:
            (payouts.leave if kind == "payout_leaves" else payouts.arrive)(call, payout)
    elif kind == "forget_answers":
        idempotency.forget(store)


def next_due(store: Store) -> float | None:
    """Return the moment of simulated time at which the next job is due."""
    found = store.rows("SELECT min(due) FROM jobs")[0][0]
    return None if found is None else float(found)
