"""The routes of the creator's pages: GET shows, POST acts, and every answer is a page that helps.

A POST that worked leads to the page by 303, so that a reload shows and does not act again. No route says
whether something exists to who has no link of ours.
"""

from __future__ import annotations

import contextlib
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from api.commands import StillWorking, give
from api.pages import addresses, payment, proof, trial, uploads
from api.pages.desk import AlreadyDone, Desk, Sender, desk_of, moment
from api.pages.door import Standing, Visit
from api.pages.forms import FormRefused
from api.pages.nonces import NonceRefused
from api.pages.replies import PageRoute, bounded, link_problem, sender_of, working_page
from api.pages.showing import show
from api.pages.wording import knows, say
from api.pages.work import READ
from domain.errors import HandselError, Refused

router = APIRouter(
    prefix="/c/{token}", route_class=PageRoute, include_in_schema=False, default_response_class=Response
)

MOST_TEXT: Final = 400_000
"""Bytes of a form without a file."""
From = Annotated[Sender, Depends(sender_of)]


def _desk(request: Request) -> Desk:
    return desk_of(request.app)


Shared = Annotated[Desk, Depends(_desk)]


# --- showing ---------------------------------------------------------------------------------------


@router.api_route("", methods=["GET", "HEAD"])
async def page(token: str, desk: Shared, sender: From, done: str = "") -> Response:
    """The offer, or how things stand."""
    who, dossier = await run_in_threadpool(desk.open, token, sender)
    if dossier is None:
        return link_problem(desk, who.standing, token)
    return show(desk, who, dossier, done=done)


@router.api_route("/terms.txt", methods=["GET", "HEAD"])
async def terms(token: str, desk: Shared, sender: From) -> Response:
    """The text of the terms, byte for byte as its SHA-256 says."""
    who, dossier = await run_in_threadpool(desk.open, token, sender)
    if dossier is None:
        return link_problem(desk, who.standing, token)
    name = f"terms-{dossier.offer_row.sha256[:8]}.txt"
    headers = desk.render.headers() | {"Content-Disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(dossier.offer_row.text, headers=headers)


@router.get("/fields")
async def fields(token: str, desk: Shared, sender: From, country: str = "", form: str = "") -> Response:
    """The address fields of a country, for the script that swaps them."""
    who, dossier = await run_in_threadpool(desk.open, token, sender)
    if dossier is None or country not in addresses.all_countries():
        return link_problem(desk, who.standing if dossier is None else Standing.ACTS, token)
    return desk.render.page(
        "_address_fields.html",
        fields=addresses.fields_of(country, {}),
        typed={},
        errors={},
        form="address" if form == "address" else "accept",
    )


@router.get("/standing")
async def standing(token: str, desk: Shared, sender: From, mark: str = "") -> Response:
    """Whether something changed, for the script of a page that waits."""
    who, dossier = await run_in_threadpool(desk.open, token, sender)
    if dossier is None:
        return JSONResponse({"sequence": -1, "done": False}, headers=desk.render.headers())
    wanted = f"form:{mark}"
    done = bool(mark) and any(
        event.request_id == wanted or event.request_id.startswith(f"{wanted}:") for event in dossier.events
    )
    answer = {"sequence": dossier.state.sequence, "done": done, "page": who.path}
    return JSONResponse(answer, headers=desk.render.headers())


@router.get("/files/{asset_id}")
async def file(token: str, asset_id: str, desk: Shared, sender: From) -> Response:
    """A file of one's own, through a short address of the store."""
    who, dossier = await run_in_threadpool(desk.open, token, sender)
    if dossier is None:
        return link_problem(desk, who.standing, token)
    address = await run_in_threadpool(_files(desk, who).address_of, asset_id)
    return desk.render.redirect(address)


# --- payment ---------------------------------------------------------------------------------------


@router.post("/payment")
async def set_up_payment(token: str, desk: Shared, sender: From) -> Response:
    """On to Stripe's own form, through a link that is made now and kept nowhere."""
    return await run_in_threadpool(_to_stripe, desk, token, sender)


@router.get("/payment/refresh")
async def payment_again(token: str, desk: Shared, sender: From) -> Response:
    """Stripe sends here when its link was too old: a new one."""
    return await run_in_threadpool(_to_stripe, desk, token, sender)


def _to_stripe(desk: Desk, token: str, sender: Sender) -> Response:
    with desk.sessions.begin() as session:
        who = desk.enter(session, token, sender)
        desk.claim(session, who)
    _, dossier = desk.open(token, sender)
    if dossier is None or not payment.may_set_up(dossier):
        return desk.render.redirect(who.path)
    here = f"{desk.settings.public_url.rstrip('/')}{who.path}/payment"
    address = payment.onboarding_address(
        desk.sessions, desk.gateway, who.creator_id, f"{here}/return", f"{here}/refresh"
    )
    return desk.render.redirect(address)


@router.get("/payment/return")
async def payment_return(token: str, request: Request, desk: Shared, sender: From) -> Response:
    """Back from Stripe: ask whether money can be received, and let a waiting payment look again."""
    who, dossier = await run_in_threadpool(desk.open, token, sender)
    if dossier is None:
        return link_problem(desk, who.standing, token)
    ready = await run_in_threadpool(payment.can_receive, desk.sessions, desk.gateway, who.creator_id)
    look_again = payment.reassessment(dossier.state) if ready else None
    if look_again is not None:
        # A payment that waits looks again by itself too; the creator need not wait for it.
        with contextlib.suppress(StillWorking, Refused):
            await give(request.app.state.temporal, desk.sessions, who.collaboration_id, look_again)
    return desk.render.redirect(f"{who.path}?done=payment_{'ready' if ready else 'waiting'}")


# --- files -----------------------------------------------------------------------------------------


@router.post("/uploads")
async def announce(token: str, request: Request, desk: Shared, sender: From) -> Response:
    """Make room for a file and say where its bytes go."""
    bounded(request, MOST_TEXT)
    try:
        said = uploads.Announcement.model_validate_json(await request.body())
    except ValidationError:
        return _file_answer(desk, {"error": say("error.file_type")}, 422)
    answer = await run_in_threadpool(_announce, desk, token, sender, said)
    return _file_answer(desk, answer, 201)


@router.post("/uploads/{asset_id}/finish")
async def finish(token: str, asset_id: str, desk: Shared, sender: From) -> Response:
    """All bytes are there: look at the file."""
    answer = await run_in_threadpool(_finish, desk, token, sender, asset_id)
    return _file_answer(desk, answer, 200)


def _announce(desk: Desk, token: str, sender: Sender, said: uploads.Announcement) -> dict[str, Any]:
    return _files(desk, _uploader(desk, token, sender)).announce(said, moment())


def _finish(desk: Desk, token: str, sender: Sender, asset_id: str) -> dict[str, Any]:
    asset = _files(desk, _uploader(desk, token, sender)).finish(asset_id, moment())
    return {"asset": asset.id, "state": asset.state, "name": asset.file_name}


def _uploader(desk: Desk, token: str, sender: Sender) -> Visit:
    with desk.sessions.begin() as session:
        who = desk.enter(session, token, sender)
        desk.claim(session, who)
    return who


def _files(desk: Desk, who: Visit) -> uploads.Files:
    if desk.objects is None:
        raise StoreMissing("no file store is set up")
    return uploads.Files(desk.sessions, desk.objects, who.collaboration_id)


class StoreMissing(HandselError):
    """This installation has no object store."""

    code = "store_unavailable"
    status = 503


def _file_answer(desk: Desk, answer: dict[str, Any], status: int) -> Response:
    return JSONResponse(answer, status, headers=desk.render.headers())


@router.post("/files")
async def plain_file(token: str, request: Request, desk: Shared, sender: From) -> Response:
    """A file from a browser without script; the page comes back with what was typed."""
    bounded(request, uploads.LARGEST_PLAIN + MOST_TEXT)
    async with request.form(max_files=1, max_fields=80, max_part_size=MOST_TEXT) as sent:
        typed = {name: value for name, value in sent.multi_items() if isinstance(value, str)}
        upload = sent.get("file")
        name = upload.filename or "" if isinstance(upload, UploadFile) else ""
        body = await upload.read() if isinstance(upload, UploadFile) else b""
    return await run_in_threadpool(_store_plain, desk, token, sender, name, body, typed)


def _store_plain(
    desk: Desk, token: str, sender: Sender, name: str, body: bytes, typed: dict[str, str]
) -> Response:
    who = _uploader(desk, token, sender)
    errors: dict[str, str] = {}
    try:
        if not name:
            raise uploads.FileRefused(say("error.file_missing"))
        _files(desk, who).store(name, body, moment())
    except uploads.FileRefused as refused:
        errors["file"] = refused.message
    who, dossier = desk.open(token, sender)
    if dossier is None:
        return link_problem(desk, who.standing, token)
    done = "" if errors else "file_stored"
    status = 422 if errors else 200
    return show(desk, who, dossier, status=status, form="draft", typed=typed, errors=errors, done=done)


# --- acting ----------------------------------------------------------------------------------------


@router.post("/fresh-link")
async def fresh_link(token: str, desk: Shared, sender: From) -> Response:
    """A new link, to the creator's own address and nobody else's."""
    await run_in_threadpool(desk.mail_fresh_link, token, sender)
    return desk.render.page("problem.html", problem="fresh_link_sent", token=None, brand="")


@router.post("/proof")
async def send_proof(token: str, request: Request, desk: Shared, sender: From) -> Response:
    """A recording or a screenshot of the live post: kept with it, for the person who looks."""
    bounded(request, uploads.LARGEST_PLAIN + MOST_TEXT)
    async with request.form(max_files=1, max_fields=40, max_part_size=MOST_TEXT) as sent:
        assets = tuple(value for value in sent.getlist("asset") if isinstance(value, str))
        upload = sent.get("file")
        name = upload.filename or "" if isinstance(upload, UploadFile) else ""
        body = await upload.read() if isinstance(upload, UploadFile) else b""
    return await run_in_threadpool(_keep_proof, desk, token, sender, name, body, assets)


def _keep_proof(
    desk: Desk, token: str, sender: Sender, name: str, body: bytes, assets: tuple[str, ...]
) -> Response:
    who = _uploader(desk, token, sender)
    _, dossier = desk.open(token, sender)
    if dossier is None or not proof.wanted(dossier):
        return desk.render.redirect(who.path)
    try:
        if name:
            assets = (*assets, _files(desk, who).store(name, body, moment()).id)
        if not assets:
            raise uploads.FileRefused(say("error.file_missing"))
    except uploads.FileRefused as refused:
        return show(desk, who, dossier, status=422, form="proof", errors={"file": refused.message})
    with desk.sessions.begin() as session:
        proof.keep(session, dossier.state, assets)
    return desk.render.redirect(f"{who.path}?done=proof")


@router.post("/try")
async def try_caption(token: str, request: Request, desk: Shared, sender: From) -> Response:
    """What the check would say of a caption. Nothing is kept, and nothing changes."""
    bounded(request, MOST_TEXT)
    async with request.form(max_files=0, max_fields=10, max_part_size=MOST_TEXT) as sent:
        typed = {name: value for name, value in sent.multi_items() if isinstance(value, str)}
    return await run_in_threadpool(_try, desk, token, sender, typed)


def _try(desk: Desk, token: str, sender: Sender, typed: dict[str, str]) -> Response:
    with desk.sessions.begin() as session:
        desk.enter(session, token, sender)
    who, dossier = desk.open(token, sender)
    if dossier is None:
        return link_problem(desk, who.standing, token)
    if dossier.stage not in trial.STAGES:
        return desk.render.redirect(who.path)
    try:
        told = trial.try_caption(dossier, typed)
    except FormRefused as refused:
        return show(desk, who, dossier, status=422, form="try", typed=typed, errors=refused.by_field)
    return show(desk, who, dossier, form="try", typed=typed, tried=told)


@router.post("/{form}")
async def act(token: str, form: str, request: Request, desk: Shared, sender: From) -> Response:
    """One form of the page."""
    if form not in READ:
        return desk.render.page("problem.html", 404, problem="nothing", token=None, brand="")
    bounded(request, uploads.LARGEST_PLAIN + MOST_TEXT)
    async with request.form(max_files=1, max_fields=80, max_part_size=MOST_TEXT) as sent:
        typed = {name: value for name, value in sent.multi_items() if isinstance(value, str)}
        files = tuple(value for value in sent.getlist("asset") if isinstance(value, str))
    if typed.get("then") == "country":
        return await run_in_threadpool(_again, desk, token, sender, form, typed, 200, {})
    try:
        who, command = await run_in_threadpool(desk.take_form, token, form, typed, files, sender)
    except AlreadyDone as already:
        return await run_in_threadpool(_already, desk, token, sender, form, already)
    except NonceRefused as refused:
        errors = {"": say("error.form_unknown")}
        return await run_in_threadpool(_again, desk, token, sender, form, typed, refused.status, errors)
    except FormRefused as refused:
        return await run_in_threadpool(
            _again, desk, token, sender, form, typed, refused.status, refused.by_field
        )
    try:
        snapshot = await give(request.app.state.temporal, desk.sessions, who.collaboration_id, command)
    except StillWorking:
        return working_page(desk, who, form, typed, files, command.id.removeprefix("form:"))
    except Refused as refused:
        await run_in_threadpool(desk.forget, command.command)
        errors = {refused.field or "": _sentence(refused)}
        return await run_in_threadpool(_again, desk, token, sender, form, typed, refused.status, errors)
    return desk.render.redirect(f"{who.path}?done={_done(form, snapshot.outcome)}")


def _done(form: str, outcome: str) -> str:
    """The name of what is said when a form worked: its own, or that of what came of it instead."""
    return outcome if knows(f"done.{outcome}") else form


def _again(
    desk: Desk,
    token: str,
    sender: Sender,
    form: str,
    typed: dict[str, str],
    status: int,
    errors: dict[str, str],
) -> Response:
    """The page once more, with what was typed and what is wrong with it."""
    who, dossier = desk.open(token, sender)
    if dossier is None:
        return link_problem(desk, who.standing, token)
    return show(desk, who, dossier, status=status, form=form, typed=typed, errors=errors)


def _already(desk: Desk, token: str, sender: Sender, form: str, already: AlreadyDone) -> Response:
    """The same form again gets the same answer; a form of yesterday's page sees today's."""
    who, dossier = desk.open(token, sender)
    if dossier is None:
        return link_problem(desk, who.standing, token)
    if already.outcome:
        return desk.render.redirect(f"{who.path}?done={_done(form, already.outcome)}")
    return show(desk, who, dossier, status=409, done="already")


def _sentence(refused: Refused) -> str:
    name = f"error.{refused.code}"
    return say(name) if knows(name) else say("error.other")


@router.get("/{rest:path}")
async def elsewhere(token: str, rest: str, desk: Shared, sender: From) -> Response:  # noqa: ARG001 - the rest leads nowhere
    """Any other address below a good link leads to its page; a reload after a POST comes here."""
    who, dossier = await run_in_threadpool(desk.open, token, sender)
    if dossier is None:
        return link_problem(desk, who.standing, token)
    return desk.render.redirect(who.path)
