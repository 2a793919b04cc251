"""One payment with its whole story, and what people of finance decide about it.

Every decision is the command that the API gives too (`api/payout_decisions.py`). What a role may see and not
do is shown without its button, and says whose it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import select

from api.auth import PAYS, WORKS, own
from api.console.frame import View, ViewOf, errors_of, status_of
from api.console.naming import Actors, age, campaigns_named, creators_named
from api.console.payouts import PATH
from api.console.route import console_router
from api.console.staff_story import story_of
from api.console.wording import knows, say
from api.ledger_lines import entries_of
from api.pages.forms import FormRefused
from api.payout_decisions import Click, decide
from api.payouts import detail
from api.schemas.payouts import PayoutDetail
from api.standings import standing_of
from domain.approvals import APPROVERS
from domain.errors import NotFound, Refused
from domain.gate_facts import Gate, GateResult
from domain.gates import OVERRIDABLE
from domain.terms import in_words
from infra.tables import EvidenceBundle, Member, Payout, Post

router = console_router()

REASONS: Final[dict[str, tuple[str, ...]]] = {
    "refuse": ("amount_unclear", "terms_not_met", "wrong_payee", "duplicate_suspected", "other"),
    "hold": (
        "ask_first",
        "amount_unclear",
        "identity_unclear",
        "post_in_doubt",
        "duplicate_suspected",
        "other",
    ),
    "release": ("cleared_up", "held_by_mistake", "agreed_with_creator", "other"),
    "override": ("checked_by_hand", "agreed_with_creator", "outside_evidence", "other"),
    "settle": ("not_found_at_stripe", "cancelled_at_stripe"),
}
"""What a decision can be given for; the person's own words stand beside it."""
WORDS_NEEDED: Final = frozenset({"override"})
"""Forms whose words are not optional; nor are those of any `other`."""
_MOST_WORDS: Final = 2000


@router.get("/payouts/{payout_id}")
def payout_page(payout_id: str, view: ViewOf) -> Response:
    """Gates, decisions, attempts, ledger, history and bundles of one payment."""
    return show(view, payout_id)


@router.post("/payouts/{payout_id}/approve")
async def approve_payout_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Give one approval. The last one that is needed lets the payment go."""
    return await _decided(view, request, payout_id, "approve", "approve_payout", {"payout_id": payout_id})


@router.post("/payouts/{payout_id}/refuse")
async def refuse_payout_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Refuse to approve: the payment is held, and approvals begin anew."""
    return await _decided(view, request, payout_id, "refuse", "refuse_payout", {"payout_id": payout_id})


@router.post("/payouts/{payout_id}/hold")
async def hold_payout_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Stop the payment until a person releases it."""
    return await _decided(view, request, payout_id, "hold", "hold_payout", {})


@router.post("/payouts/{payout_id}/release")
async def release_payout_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """End the hold."""
    return await _decided(view, request, payout_id, "release", "release_payout", {})


@router.post("/payouts/{payout_id}/override")
async def override_gate_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Answer by name for one gate that does not pass."""
    return await _decided(view, request, payout_id, "override", "override_gate", {"payout_id": payout_id})


@router.post("/payouts/{payout_id}/reassess")
async def reassess_payout_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Look at the gates again."""
    return await _decided(view, request, payout_id, "reassess", "reassess", {})


@router.post("/payouts/{payout_id}/settle")
async def settle_attempt_here(payout_id: str, request: Request, view: ViewOf) -> Response:
    """Say, after a look at Stripe, that an attempt whose outcome is unknown never paid."""
    return await _decided(view, request, payout_id, "settle", "settle_attempt", {"result": "refused"})


_PLAIN: Final = frozenset({"approve", "reassess"})
"""Forms that are one button."""


async def _decided(
    view: View, request: Request, payout_id: str, form: str, command: str, fields: dict[str, Any]
) -> Response:
    async def act() -> None:
        given, remark = (dict(fields), "") if form in _PLAIN else _typed(view, form, fields)
        click = Click(request.app, view.person, f"console:{view.id_of('job')}")
        await decide(click, view.session, payout_id, command, given, remark)

    return await answered(view, payout_id, form, act)


async def answered(view: View, payout_id: str, form: str, act: Callable[[], Awaitable[None]]) -> Response:
    """Act, and go back to the payment; a refusal is said on its page, beside the form that was sent."""
    try:
        await act()
    except NotFound:
        raise
    except ValidationError as error:
        refused: Refused = FormRefused({str(one["loc"][-1]): say("form.choose") for one in error.errors()})
    except Refused as error:
        refused = error
    else:
        return view.go(f"{PATH}/{payout_id}", f"payout_{form.replace('-', '_')}")
    return await run_in_threadpool(show, view, payout_id, form, errors_of(refused), status_of(refused))


def _typed(view: View, form: str, fields: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The command's fields and the person's own words. Raises `FormRefused`."""
    wrong: dict[str, str] = {}
    given = dict(fields)
    given["reason"], remark = chosen_reason(view, form, wrong, words=form in WORDS_NEEDED)
    if form == "hold" and view.fields.get("owner"):
        given["owner"] = view.fields["owner"]
    if form == "override":
        given["gate"] = view.fields.get("gate", "")
        if given["gate"] not in OVERRIDABLE:
            wrong["gate"] = say("form.choose")
    if wrong:
        raise FormRefused(wrong)
    return given, remark


def chosen_reason(view: View, form: str, wrong: dict[str, str], *, words: bool = False) -> tuple[str, str]:
    """The reason of the form and the person's own words; `words`: they must be there."""
    reason = view.fields.get("reason", "")
    if reason not in REASONS[form]:
        wrong["reason"] = say("form.choose")
    remark = "" if form == "settle" else view.text("remark", _MOST_WORDS)
    if not remark and (words or reason == "other"):
        wrong["remark"] = say("form.fill_in")
    return reason, remark


def show(
    view: View, payout_id: str, form: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    """The page of one payment; with the errors of a form that was refused."""
    session, person = view.session, view.person
    payout = own(session, person, Payout, payout_id)
    story = detail(session, payout, person)
    actors = Actors(session, person.brand_id)
    gates = story.gates.gates if story.gates else []
    return view.page(
        "payout.html",
        status,
        payout=story,
        standing=standing_of(story.state, story.attention),
        why=_sentence(story),
        age=age(story.created_at, view.now),
        creator=creators_named(view, [story.creator_id])[story.creator_id],
        campaign=campaigns_named(session, [story.campaign_id])[story.campaign_id],
        actors=actors,
        gate_name=gate_name,
        in_words=in_words,
        reason_words=reason_words,
        gates=[(gate, gate_name(gate.name), waits_for(gate)) for gate in gates],
        open_gates=_open_gates(gates),
        entries=entries_of(session, story.collaboration_id),
        events=story_of(session, story.collaboration_id, actors),
        posts=session.scalars(
            select(Post).where(Post.collaboration_id == story.collaboration_id).order_by(Post.deliverable)
        ).all(),
        bundles=session.scalars(
            select(EvidenceBundle)
            .where(EvidenceBundle.payout_id == payout_id)
            .order_by(EvidenceBundle.number.desc())
        ).all(),
        can=_can(story),
        reasons={name: [(one, say(f"reason.{one}")) for one in codes] for name, codes in REASONS.items()},
        owners=owners_of(view),
        payers=PAYS,
        workers=WORKS,
        form=form,
        errors=errors or {},
        typed=view.fields if errors else {},
    )


def gate_name(name: str) -> str:
    """A gate in words."""
    known = f"gate_name.{name}"
    return say(known) if knows(known) else name.replace("_", " ").capitalize()


def reason_words(code: str, remark: str) -> str:
    """Why somebody decided: the reason in words, and what they said themselves."""
    known = f"reason.{code}"
    reason = say(known) if knows(known) else code.replace("_", " ")
    return f"{reason}: {remark}" if reason and remark else reason or remark


def waits_for(gate: Gate) -> str:
    """Whom a gate waits for, in words; empty unless it waits."""
    if gate.result is not GateResult.WAITING:
        return ""
    known = f"payout.waits.{gate.waiting_on}"
    return say(known) if knows(known) else gate.waiting_on


def _sentence(story: PayoutDetail) -> str:
    known = f"payouts.why.{story.attention}"
    return say(known) if story.attention and knows(known) else ""


def _open_gates(gates: list[Gate]) -> list[tuple[str, str]]:
    """Gates that a person could answer for now."""
    open_ = (GateResult.FAIL, GateResult.WAITING)
    found = [one for one in gates if one.result in open_ and one.name in OVERRIDABLE]
    return [(one.name, gate_name(one.name)) for one in found]


def _can(story: PayoutDetail) -> dict[str, bool]:
    """What is possible with the payment as it stands, whoever asks. The record decides in the end."""
    due = story.state == "ready"
    went = story.state in ("sent", "confirmed")
    open_clawback = any(one.state == "asked" for one in story.clawbacks)
    open_elsewhere = any(one.state == "asked" for one in story.off_platform)
    return {
        "approve": due and story.need.approvals > 0 and not story.need.enough,
        "refuse": due,
        "hold": not story.held and story.state in ("ready", "waiting", "unknown", "sending"),
        "release": bool(story.held),
        "override": due,
        "reassess": due,
        "settle": story.state == "unknown",
        "clawback": went and not open_clawback and story.returned < story.amount,
        "clawback_decide": open_clawback,
        "elsewhere": due and not open_elsewhere,
        "elsewhere_decide": open_elsewhere,
        "reversal": story.unsettled > 0,
    }


def owners_of(view: View) -> list[tuple[str, str]]:
    """Who can look after a hold."""
    rows = view.session.execute(
        select(Member.id, Member.name)
        .where(
            Member.brand_id == view.person.brand_id,
            Member.removed_at.is_(None),
            Member.role.in_([role.value for role in APPROVERS]),
        )
        .order_by(Member.name, Member.id)
    )
    return [(row.id, row.name) for row in rows]
