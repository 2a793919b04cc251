"""A campaign's policy: every clock and limit, as data that is printed on the offer.

Defaults come from what the field does (invitations live a week, drafts are due three weeks after the
parcel with two weeks of grace, a brand answers a draft within three days or has approved it).
Nothing in the program knows another clock than these.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.clocks import Span
from domain.payment_policy import PaymentPolicy


class Policy(BaseModel):
    """Clocks (spans such as '7d' or '36h') and limits of one campaign."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    respond_within: Span = "7d"
    """How long an invitation lives."""
    invitation_reminders: list[Span] = Field(default=["3d", "5d"], max_length=4)
    """When after the invitation a reminder goes out to who has not answered."""
    address_within: Span = "7d"
    """How long a creator has to mend an address that cannot be shipped to."""
    ship_within: Span = "7d"
    """The brand's clock for handing the parcel to the carrier; a miss is flagged."""
    silent_after: Span = "7d"
    """A parcel without a scan for so long is asked after."""
    lost_after: Span = "21d"
    """A parcel without a scan for so long counts as lost."""
    replacements: Annotated[int, Field(ge=0, le=3)] = 1
    """How many lost or damaged parcels are sent again, stock allowing."""
    content_within: Span = "21d"
    """The content clock: from the doorstep (or from acceptance where nothing is shipped)."""
    content_reminders: list[Span] = Field(default=["7d", "2d"], max_length=4)
    """How long before the content is due a reminder goes out."""
    grace: Span = "14d"
    """How long after the due date content is still taken."""
    needs_draft: bool = True
    """Whether a draft is reviewed before the post goes live."""
    review_within: Span = "3d"
    """The brand's clock for a draft, an extension or a disputed parcel; silence is consent."""
    revisions: Annotated[int, Field(ge=0, le=5)] = 2
    """How often the brand may ask for changes."""
    revise_within: Span = "5d"
    """How long the creator has for each revision."""
    post_within: Span = "7d"
    """How long after the approval the post should be live."""
    extension_max: Span = "7d"
    """The longest extension, all together, that may be granted."""
    extension_auto: Span = "3d"
    """An extension up to this length is granted at once."""
    remedy_within: Span = "3d"
    """How long a creator has to mend a disclosure or a missing post."""
    live_for: Span = "0s"
    """How long the post must have been live before it is paid; checked again at the end."""
    accept_by_two: bool = False
    """Whether two people must accept a post in spite of its check."""
    watch_after: list[Span] = Field(default=["1h", "1d", "7d", "30d"], max_length=12)
    """How long after it was verified a post is looked at again; none: nobody looks."""
    pay_within: Span = "30d"
    """Pay-by, counted from the verified post; printed on the offer."""
    payment_reminders: list[Span] = Field(default=["3d", "10d"], max_length=4)
    """When after the money is due a creator without a payment account is reminded."""
    retry_payment: Span = "6h"
    """How often a payment that waits or was refused is looked at again."""
    confirm_within: Span = "1h"
    """How long to wait for Stripe's own message before asking Stripe."""
    payment: PaymentPolicy = PaymentPolicy()
    """What a payment waits for."""
