"""Every table, in one import, so that migrations and tests see the whole schema."""

from infra.tables.audit import AuditCopy, AuditFact, AuditHead, AuditLine, AuditQueued, AuditRoot
from infra.tables.base import APPEND_ONLY, Table
from infra.tables.books import ShipmentCost
from infra.tables.campaigns import Campaign, CampaignVariant, Product, Variant
from infra.tables.collaborations import (
    Answer,
    Asset,
    Collaboration,
    DisclosureCheck,
    Event,
    GateReport,
    Link,
    Notice,
    OfferRow,
    Post,
    Shipment,
    ShipmentEvent,
    Submission,
)
from infra.tables.money import Account, Entry, Movement, Payout, PayoutAttempt
from infra.tables.people import (
    ApiKey,
    Brand,
    Creator,
    CreatorKey,
    Member,
    Payee,
    SocialAccount,
    Suppression,
)
from infra.tables.traffic import IdempotentCall, Inbox

__all__ = [
    "APPEND_ONLY",
    "Account",
    "Answer",
    "ApiKey",
    "Asset",
    "AuditCopy",
    "AuditFact",
    "AuditHead",
    "AuditLine",
    "AuditQueued",
    "AuditRoot",
    "Brand",
    "Campaign",
    "CampaignVariant",
    "Collaboration",
    "Creator",
    "CreatorKey",
    "DisclosureCheck",
    "Entry",
    "Event",
    "GateReport",
    "IdempotentCall",
    "Inbox",
    "Link",
    "Member",
    "Movement",
    "Notice",
    "OfferRow",
    "Payee",
    "Payout",
    "PayoutAttempt",
    "Post",
    "Product",
    "Shipment",
    "ShipmentCost",
    "ShipmentEvent",
    "SocialAccount",
    "Submission",
    "Suppression",
    "Table",
    "Variant",
]
