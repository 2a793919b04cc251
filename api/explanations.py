"""What every error code means and what to do about it: the page behind the `type` of a problem.

`docs/errors.md` says the same and is written from here (`python -m api.explanations`); a test holds both, and
the codes that the program raises, together.
"""

from __future__ import annotations

import html
import sys
from typing import Final, NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse


class Explanation(NamedTuple):
    """One code: what happened, and what to do now."""

    happened: str
    do: str


EXPLANATIONS: Final[dict[str, Explanation]] = {
    # who calls
    "no_key": Explanation("The call carries no API key.", "Send `Authorization: Bearer hs_...`."),
    "wrong_key": Explanation(
        "The API key is not known, or was revoked.", "Check it, or have an owner make a new one."
    ),
    "unauthorised": Explanation("Nobody is signed in.", "Send an API key."),
    "forbidden": Explanation(
        "The role of the key does not allow this.", "Use a key of a role that the operation names."
    ),
    # what is asked
    "invalid": Explanation("A field is missing or wrong.", "See `errors`: each names a field and why."),
    "malformed": Explanation("The body cannot be read at all.", "Check its form and its Content-Type."),
    "too_large": Explanation("The body is larger than this operation takes.", "Send less, or in parts."),
    "unsupported_media_type": Explanation(
        "The body's media type is not one that the operation takes.", "See the operation's request body."
    ),
    "not_found": Explanation(
        "There is no such thing for this brand. What belongs to another brand does not exist either.",
        "Check the id, and that the key is of the right brand.",
    ),
    "unknown_command": Explanation(
        "A brand cannot give this command.", "The answer lists the commands that it can."
    ),
    "method_not_allowed": Explanation(
        "The address exists and does not take this method.", "The header `Allow` names those it takes."
    ),
    "form_unknown": Explanation(
        "The form is not of a page that this browser has open.",
        "Open the page again, and send it from there.",
    ),
    "too_many": Explanation("Too many tries in a short time.", "Wait for `Retry-After`, then try again."),
    "refused": Explanation("Understood, not allowed, and nothing was changed.", "Read `detail`."),
    "money_open": Explanation(
        "The creator is still owed money, or a payout is not confirmed.",
        "Settle it first; the message names the payout.",
    ),
    "attempt_open": Explanation(
        "A transfer to this creator is under way, or its outcome is not known.", "Wait for its outcome."
    ),
    "collaboration_open": Explanation(
        "A collaboration with this creator has not ended.",
        "Withdraw or close it first; the message names it.",
    ),
    "evidence_incomplete": Explanation(
        "Nobody accepted an offer for this payout, so that nothing can explain it.",
        "Look at the collaboration: a payout without an acceptance is a defect.",
    ),
    # repeats
    "idempotency_conflict": Explanation(
        "The Idempotency-Key was used for another call.", "Use a new key for a new call."
    ),
    "call_in_progress": Explanation(
        "The same call is being worked at this moment.", "Wait for `Retry-After`, then send it again."
    ),
    "still_working": Explanation(
        "No answer came in time. The call may have counted.",
        "Send the same call with the same Idempotency-Key: it counts once.",
    ),
    "already_exists": Explanation(
        "A thing like this exists already, or another call changed it at the same time.",
        "Read it again, then decide.",
    ),
    # the brand's own things
    "name_taken": Explanation("The name is in use.", "Choose another."),
    "sku_taken": Explanation("The SKU is in use by a product of the brand.", "Choose another."),
    "unknown_sku": Explanation("No product of the brand has this SKU.", "Add the product first."),
    "ambiguous_sku": Explanation("Several products have this SKU.", "Give them different SKUs."),
    "stock_promised": Explanation(
        "More pieces than that are promised to creators or sent.",
        "Set the stock to what is promised, or more.",
    ),
    "email_known": Explanation("The e-mail address is known already.", "Change the one that exists."),
    "last_owner": Explanation("A brand needs an owner.", "Make another member owner first."),
    "already_joined": Explanation("The invited person has joined already.", "Remove the member instead."),
    "already_set_up": Explanation("There is a brand already.", "Sign in, or have an owner invite you."),
    # files
    "encoding": Explanation("The file's characters cannot be read.", "Save it as CSV in UTF-8."),
    "no_header": Explanation(
        "The first line does not name the columns.", "Add a first line with their names."
    ),
    "column_twice": Explanation("A column is named twice.", "Remove or rename one."),
    "column_missing": Explanation("A column that is needed is missing.", "Add the column."),
    "unreadable_line": Explanation(
        "A line cannot be read; mostly a quotation mark that is not closed.", "Mend the line that is named."
    ),
    "row_shape": Explanation("A row does not fit the header.", "Check for delimiters inside of cells."),
    "email_twice": Explanation("The same address stands in an earlier line.", "Remove one of the two."),
    "too_many_rows": Explanation("The file has more rows than one call takes.", "Split the file."),
    "twice": Explanation("The same parcel stands in an earlier line.", "Remove one of the two."),
    # where a campaign stands
    "wrong_status": Explanation(
        "The campaign's status does not allow this.", "Read the campaign; `status` says where it stands."
    ),
    "campaign_not_open": Explanation("The campaign takes nobody any more.", "Nothing: it has ended."),
    "campaign_paused": Explanation("The campaign is paused.", "Resume it, or wait until it is resumed."),
    "campaign_closed": Explanation("The campaign takes no answers any more.", "Nothing: it has ended."),
    "sold_out": Explanation(
        "No piece of stock, or no budget, is left to promise.", "Add stock or budget, or use the waitlist."
    ),
    "budget_short": Explanation(
        "The campaign's budget does not cover another fee.", "Wait for a place to become free."
    ),
    # decisions about payments
    "needs_person": Explanation(
        "A person has to do this; an API key cannot, or only one that a named person made.",
        "Sign in, and do it as a member of the brand; months and differences also by a key of /console/keys.",
    ),
    "not_a_member": Explanation(
        "Only a member of the brand decides about its payments.", "Ask an owner to invite you."
    ),
    "not_an_approver": Explanation(
        "The member's role is neither finance nor owner.", "Ask somebody of finance, or an owner."
    ),
    "four_eyes": Explanation(
        "This person set the terms or the amount, or asked for this very payment.",
        "Another person has to approve it.",
    ),
    "over_limit": Explanation(
        "The payment is larger than this person may approve.", "Somebody with a higher limit has to."
    ),
    "already_decided": Explanation(
        "This person has decided about this payment already.", "Another person has to decide."
    ),
    "payee_not_ready": Explanation(
        "It is not known yet where the money would go.",
        "Approve when the creator has set up a payment account.",
    ),
    "other_payout": Explanation(
        "Another part of the fee is due now.", "Read the collaboration's payouts again."
    ),
    "no_fee": Explanation("There is no fee in this collaboration.", "Nothing can be held."),
    "already_held": Explanation("The payment is held already.", "Release that hold first."),
    "not_held": Explanation("The payment is not held.", "Nothing: read the payout again."),
    "payout_held": Explanation("The payment is held.", "Its owner releases it."),
    "not_overridable": Explanation(
        "This gate protects the money itself; nobody may answer for it.",
        "Mend what is in the way; the message names the gates that may be overridden.",
    ),
    "already_overridden": Explanation("Somebody answers for this gate already.", "Nothing."),
    "clawback_under_way": Explanation(
        "A clawback of this payment is with Stripe.", "Wait for its outcome; it is tried again by itself."
    ),
    "already_known": Explanation("This is known already.", "Nothing."),
    "not_sent": Explanation("This payment has not been sent.", "Read the collaboration's payouts again."),
    "nothing_to_settle": Explanation("No reversal waits for a decision.", "Nothing: read the payout again."),
    "clawback_open": Explanation("A clawback is open already.", "Decide about it first."),
    "no_clawback": Explanation(
        "This clawback does not wait for that.", "Read the payout; `clawbacks` says where each stands."
    ),
    "not_asked": Explanation("Nobody said that it was paid elsewhere.", "Report it first."),
    "not_flagged": Explanation("Nothing is flagged.", "Nothing."),
    # where a collaboration stands
    "illegal_command": Explanation("The command is not possible here.", "Read the collaboration."),
    "wrong_stage": Explanation(
        "The command is not possible at this stage.", "Read the collaboration; another came first, perhaps."
    ),
    "wrong_actor": Explanation("The command is not for who gave it.", "See the table of commands."),
    "not_started": Explanation("The collaboration has not begun.", "Launch the campaign."),
    "ended": Explanation("The collaboration or campaign has ended.", "Nothing can happen any more."),
    "offer_replaced": Explanation("A newer offer replaced this one.", "Read the newer one."),
    "answer_too_late": Explanation("The time to answer is over.", "Nothing; a new invitation is possible."),
    "decline_instead": Explanation("An open offer is declined, not withdrawn.", "Decline it."),
    "work_handed_in": Explanation("The creator has handed in work.", "Review it; it cannot be withdrawn."),
    "other_parcel": Explanation("The parcel was replaced by another.", "Use the newest parcel."),
    "disputed": Explanation(
        "The creator says that the parcel is not there, or not right.", "Settle it with them."
    ),
    "already_reported": Explanation(
        "This was reported already, or its document was used.", "Wait for the answer, or give it."
    ),
    "no_parcel": Explanation("Nothing is shipped in this collaboration.", "Nothing."),
    "not_delivered": Explanation("The parcel has not arrived.", "Wait for it, or report that it is missing."),
    "no_draft": Explanation("No draft is needed here.", "Post, then hand in the address."),
    "draft_first": Explanation("A draft comes before the post.", "Hand in a draft."),
    "other_draft": Explanation("A newer draft was handed in.", "Review the newest."),
    "revision_limit": Explanation(
        "The offer allows no more rounds of changes.", "Approve, or write to the creator."
    ),
    "content_too_late": Explanation("The time for content is over.", "Nothing."),
    "no_clock": Explanation("No clock is running.", "No extension is needed."),
    "already_asked": Explanation("An extension was asked for already.", "Wait for the answer."),
    "nothing_asked": Explanation("Nobody asked for more time.", "Nothing."),
    "too_early": Explanation("The time for this has not come.", "Wait."),
    "no_finding": Explanation(
        "The watch over the post found nothing that is open.",
        "Nothing; somebody settled it, or it was mended.",
    ),
    "other_watch": Explanation(
        "The finding is of a watch that is over: the post was verified anew since.", "Nothing."
    ),
    "too_many_checks": Explanation("The post was looked at too often.", "Accept or reject it."),
    "already_flagged": Explanation("This is flagged already.", "Nothing."),
    "not_unknown": Explanation(
        "Only an attempt whose outcome is unknown can be settled, and only as refused.",
        "Look at the attempt first.",
    ),
    "other_transfer": Explanation("Another transfer is recorded for this.", "Look at the payout."),
    "payout_not_ready": Explanation("The payout is not ready for this.", "Look at the payout."),
    "report_stale": Explanation("The gates were looked at before the last change.", "Look at them again."),
    # the books
    "period_running": Explanation("The month is not over yet.", "Close it after its end."),
    "earlier_period_open": Explanation(
        "Months are closed in order, and an earlier one is open.", "Close the earlier one first."
    ),
    "not_reconciled": Explanation(
        "Stripe's rows are not copied and compared up to an hour after the month's end.",
        "Run `handsel reconcile run`, and close the month afterwards.",
    ),
    "differences_open": Explanation(
        "Differences between Stripe's rows and ours are not settled.",
        "Look at `handsel reconcile list`, and settle each with a reason.",
    ),
    "account_code_missing": Explanation(
        "The journal needs a code for each account that it names, and some have none.",
        "Set them with `PATCH /exports/account-codes` or `handsel export code`.",
    ),
    "certificate_unsound": Explanation(
        "A certificate of an erasure in the object store is not the one that was written.",
        "Nothing was erased by it. Compare it with the audit log, which holds its SHA-256.",
    ),
    "rules_changed": Explanation(
        "Somebody set other rules of approval since the page was shown.",
        "Look at what counts now, and set your rules again if they should count instead.",
    ),
    "document_changed": Explanation(
        "The stored file of a payment outside of Stripe is not the one that was uploaded.",
        "Compare its SHA-256 with the record; restore the file from a backup of the object store.",
    ),
    "parquet_unavailable": Explanation(
        "Parquet needs a library that is not installed here.",
        "Install `handsel[parquet]`, or ask for CSV or JSON lines.",
    ),
    "difference_ended": Explanation(
        "The difference is settled, or is gone by itself.", "Nothing: read it again."
    ),
    "period_not_closed": Explanation("The month is not closed.", "Nothing: entries can be dated in it."),
    "later_period_closed": Explanation(
        "A later month is closed, and months are opened again from the newest backwards.",
        "Open the later one first.",
    ),
    "no_report": Explanation(
        "The payment gates were not looked at yet.", "They are, once the post is verified."
    ),
    "erased": Explanation("The creator's personal data was erased.", "Nothing; it cannot be brought back."),
    # links
    "link_refused": Explanation("The link does not count.", "Ask for a fresh one."),
    "link_garbled": Explanation("The link is not complete.", "Open it from the e-mail, whole."),
    "link_forged": Explanation("The link is not one of ours.", "Open the one from the e-mail."),
    # webhooks
    "forged": Explanation("The message was not signed for this address.", "Check the signing secret."),
    "wrong_mode": Explanation(
        "A test message came to a live installation, or the other way round.", "Check the webhook's account."
    ),
    # ours
    "defect": Explanation("A mistake of ours. It was logged.", "Send us the `request_id`."),
    "error": Explanation("A mistake of ours. It was logged.", "Send us the `request_id`."),
    "database_unavailable": Explanation("The database cannot be reached.", "Send the same call again."),
    "engine_unavailable": Explanation("The workflow service cannot be reached.", "Send the same call again."),
    "no_store": Explanation("No file store is configured.", "Set `HANDSEL_S3_ENDPOINT` or its keys."),
    "store_unavailable": Explanation("The file store cannot be reached.", "Send the same call again."),
}
"""Every code that can reach a caller."""

router = APIRouter(include_in_schema=False)


@router.get("/docs/errors", response_class=HTMLResponse)
def show_errors() -> HTMLResponse:
    """The explanations, one anchor a code."""
    entries = "".join(
        f'<dt id="{code}"><code>{code}</code></dt><dd>{_inline(one.happened)} {_inline(one.do)}</dd>'
        for code, one in sorted(EXPLANATIONS.items())
    )
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Errors - Handsel</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><main>'
        f"<h1>Errors</h1><p>What each code means, and what to do.</p><dl>{entries}</dl></main></body></html>",
        headers={"Content-Security-Policy": "default-src 'none'"},
    )


def _inline(text: str) -> str:
    parts = html.escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def as_markdown() -> str:
    """The text of docs/errors.md."""
    lines = [
        "# Errors",
        "",
        "Every refused or failed call answers problem details (RFC 9457). `code` is stable; `type` links",
        "to its explanation here. A call that was refused changed nothing.",
        "",
    ]
    for code, one in sorted(EXPLANATIONS.items()):
        lines += [f"## {code}", "", f"{one.happened} {one.do}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
