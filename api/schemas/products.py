"""Products and their variants, with stock."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.common import Amount, Given, Pieces, Shown, example
from infra.contact import Title

Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,79}$", examples=["LAMP-OAK"])]


class VariantShown(Shown):
    """One choice of a product."""

    id: str
    name: str = Field(examples=["Oak"])
    sku: str
    stock: int = Field(description="Pieces there are, promised ones included")
    reserved: int = Field(description="Pieces promised or sent")
    retail_amount: int = Field(
        description="Fair retail value of one piece, minor units of the brand's currency"
    )
    cost_amount: int = Field(description="What one piece costs the brand, minor units")


class ProductShown(Shown):
    """A thing that is given."""

    id: str
    name: str
    description: str
    created_at: datetime
    variants: list[VariantShown]


class NewVariant(Given):
    """A choice to add."""

    name: Title
    sku: Sku
    stock: Pieces = 0
    retail_amount: Amount
    cost_amount: Amount = 0


class NewProduct(Given):
    """A product to add, with its choices."""

    model_config = example(
        name="Dusk lamp",
        description="A small reading lamp of turned wood.",
        variants=[
            {"name": "Oak", "sku": "DUSK-OAK", "stock": 14, "retail_amount": 4800, "cost_amount": 1900}
        ],
    )

    name: Title
    description: Annotated[str, Field(max_length=2000)] = ""
    variants: list[NewVariant] = Field(min_length=1, max_length=100)


class VariantChanges(Given):
    """What may change of a variant. Stock is never set below what is promised."""

    stock: Pieces | None = None
    retail_amount: Amount | None = None
    cost_amount: Amount | None = None
