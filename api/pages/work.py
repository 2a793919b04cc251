"""The creator's work: drafts, more time, live posts, another look, stepping back.

What is handed in is stored first, under an id that follows from the form's mark; the command names it. A
submission that no command named is state `new` and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from activities.adapters.platforms.addresses import read_address
from activities.posts_port import PostUrlRefused
from api.pages import answers
from api.pages.dossier import Dossier, Piece
from api.pages.forms import FormRefused, Paper, spans
from api.pages.wording import say
from domain.commands import (
    AskExtension,
    Command,
    Deliver,
    Recheck,
    SubmitDraft,
    SubmitPost,
    Withdraw,
)
from domain.ids import derived_id
from infra.tables import Asset, Post, Submission

LONGEST_CAPTION: Final = 5000


def submit_draft(session: Session, dossier: Dossier, paper: Paper) -> SubmitDraft:
    """A draft: the files that are ticked, and the text of the post."""
    caption = paper.text("caption", LONGEST_CAPTION)
    state = dossier.state
    submission_id = derived_id("submission", state.collaboration_id, paper.nonce.mark, "draft")
    mine = (
        Asset.collaboration_id == state.collaboration_id,
        Asset.state == "stored",
        Asset.id.in_(paper.files),
        Asset.submission_id.is_(None) | (Asset.submission_id == submission_id),
    )
    files = session.scalars(select(Asset.id).where(*mine)).all()
    if not caption and not files:
        raise FormRefused({"caption": say("error.nothing_in_draft")})
    _keep(session, dossier, paper, submission_id, "draft", caption)
    session.execute(update(Asset).where(*mine).values(submission_id=submission_id))
    return SubmitDraft(submission_id=submission_id)


def take_back(session: Session, command: Command) -> None:
    """The draft was refused: its files are loose again, ready for the next one."""
    if isinstance(command, SubmitDraft):
        unused = select(Submission.id).where(
            Submission.id == command.submission_id, Submission.state == "new"
        )
        session.execute(update(Asset).where(Asset.submission_id.in_(unused)).values(submission_id=None))


def submit_post(session: Session, dossier: Dossier, paper: Paper) -> SubmitPost:
    """The addresses of the live posts, one for each piece."""
    errors: dict[str, str] = {}
    found: dict[int, str] = {}
    for piece in dossier.pieces:
        try:
            found[piece.position] = _post_url(piece, paper)
        except FormRefused as refused:
            errors |= refused.by_field
    for position, url in found.items():
        if list(found.values()).index(url) != list(found).index(position):
            errors[f"url_{position}"] = say("error.url_twice")
    if errors:
        raise FormRefused(errors)
    state = dossier.state
    submission_id = derived_id("submission", state.collaboration_id, paper.nonce.mark, "live")
    _keep(session, dossier, paper, submission_id, "live", "")
    rows = [
        {
            "id": derived_id("post", submission_id, piece.position),
            "submission_id": submission_id,
            "collaboration_id": state.collaboration_id,
            "deliverable": piece.position,
            "platform": piece.deliverable.platform.value,
            "format": piece.deliverable.format.value,
            "url": found[piece.position],
        }
        for piece in dossier.pieces
    ]
    session.execute(insert(Post).values(rows).on_conflict_do_nothing(index_elements=["id"]))
    return SubmitPost(submission_id=submission_id)


def _post_url(piece: Piece, paper: Paper) -> str:
    name = f"url_{piece.position}"
    typed = paper.text(name, 500)
    if not typed:
        raise FormRefused({name: say("error.url_missing")})
    platform = piece.deliverable.platform.value
    try:
        address = read_address(typed if "://" in typed else f"https://{typed}", paper.post_hosts)
    except PostUrlRefused as refused:
        elsewhere = refused.reason in ("unknown_host", "wrong_platform")
        text = (
            say("error.url_platform", platform=say(f"platform.{platform}"))
            if elsewhere
            else say("error.url_wrong")
        )
        raise FormRefused({name: text}) from refused
    if address.platform != platform:
        raise FormRefused({name: say("error.url_platform", platform=say(f"platform.{platform}"))})
    return address.url


def ask_extension(session: Session, dossier: Dossier, paper: Paper) -> AskExtension:  # noqa: ARG001 - one signature for all forms
    """More time, of the choices that the page showed."""
    wanted = paper.fields.get("span", "")
    if wanted not in {each.span for each in spans(dossier)}:
        raise FormRefused({"span": say("error.span")})
    return AskExtension(span=wanted)


def withdraw(session: Session, dossier: Dossier, paper: Paper) -> Withdraw:  # noqa: ARG001 - one signature for all forms
    """Step back, only with the box ticked."""
    if paper.fields.get("confirm") != "yes":
        raise FormRefused({"confirm": say("error.confirm")})
    return Withdraw(reason="creator_stepped_back")


def arrived(session: Session, dossier: Dossier, paper: Paper) -> Deliver:  # noqa: ARG001 - one signature for all forms
    """The parcel is at the door."""
    return Deliver(shipment_id=dossier.shipment.id if dossier.shipment else None)


def recheck(session: Session, dossier: Dossier, paper: Paper) -> Recheck:  # noqa: ARG001 - one signature for all forms
    """The post was changed."""
    return Recheck()


def _keep(
    session: Session, dossier: Dossier, paper: Paper, submission_id: str, kind: str, caption: str
) -> None:
    row = {
        "id": submission_id,
        "collaboration_id": dossier.state.collaboration_id,
        "creator_id": dossier.state.creator_id,
        "kind": kind,
        "caption": caption,
        "created_at": paper.now,
    }
    session.execute(insert(Submission).values(row).on_conflict_do_nothing(index_elements=["id"]))


READ: Final[dict[str, Callable[[Session, Dossier, Paper], Command]]] = {
    "accept": answers.accept,
    "decline": answers.decline,
    "address": answers.correct_address,
    "arrived": arrived,
    "parcel": answers.report_parcel,
    "draft": submit_draft,
    "extension": ask_extension,
    "post": submit_post,
    "recheck": recheck,
    "withdraw": withdraw,
}
"""Form of a page -> how it is read into a command."""
