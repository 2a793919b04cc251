"""Products and their variants. Stock is what there is; promised pieces are counted beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.stock_value import Counted, count_stock
from api.auth import Caller, own, own_brand
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf
from api.paging import Page, Paging, page_of
from api.problems import answers
from api.schemas.common import ProductId, VariantId
from api.schemas.products import NewProduct, NewVariant, ProductShown, VariantChanges, VariantShown
from domain.errors import Invalid, NotFound, Refused
from infra.audit.append import append_audit
from infra.ids import new_id
from infra.tables import Product, Variant

router = APIRouter(
    tags=["products"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)


@router.get("/products", summary="Products")
def list_products(
    caller: CallerOf, session: SessionOf, paging: Annotated[Paging, Depends()]
) -> Page[ProductShown]:
    """Products with their variants."""
    query = select(Product).where(Product.brand_id == caller.brand_id)
    return page_of(session, query, Product.id, paging, lambda rows: _shown(session, rows))


@router.get("/products/{product_id}", summary="One product", responses=answers(404))
def get_product(product_id: ProductId, caller: CallerOf, session: SessionOf) -> ProductShown:
    """A product with its variants."""
    return _shown(session, [own(session, caller, Product, product_id)])[0]


@router.post(
    "/products",
    summary="Add a product",
    status_code=201,
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
)
def create_product(given: NewProduct, caller: CallerOf, session: SessionOf) -> ProductShown:
    """Add a product with its variants. SKUs are unique within the brand."""
    taken = select(Product.id).where(Product.brand_id == caller.brand_id, Product.name == given.name)
    if session.scalar(taken) is not None:
        raise Refused("a product of this name exists already", code="name_taken", field="name")
    product = Product(
        id=new_id("product"), brand_id=caller.brand_id, name=given.name, description=given.description
    )
    session.add(product)
    session.flush()
    _tell(session, caller, "product", product.id, "product_added", {})
    _add_variants(session, caller, product, given.variants)
    return _shown(session, [product])[0]


@router.post(
    "/products/{product_id}/variants",
    summary="Add a variant",
    status_code=201,
    dependencies=REPEATABLE,
    responses=answers(400, 404, 409, 413),
)
def add_variant(
    product_id: ProductId, given: NewVariant, caller: CallerOf, session: SessionOf
) -> VariantShown:
    """Add a choice to a product."""
    product = own(session, caller, Product, product_id)
    return VariantShown.model_validate(_add_variants(session, caller, product, [given])[0])


@router.patch(
    "/products/{product_id}/variants/{variant_id}",
    summary="Set stock or values of a variant",
    responses=answers(400, 404, 409, 413),
)
def change_variant(
    product_id: ProductId,
    variant_id: VariantId,
    changes: VariantChanges,
    caller: CallerOf,
    session: SessionOf,
) -> VariantShown:
    """Set the stock (never below what is promised) or the values of one piece."""
    product = own(session, caller, Product, product_id)
    variant = session.scalar(
        select(Variant).where(Variant.id == variant_id, Variant.product_id == product.id).with_for_update()
    )
    if variant is None:
        raise NotFound("no such variant")
    values = changes.model_dump(exclude_unset=True, exclude_none=True)
    if values.get("stock", variant.reserved) < variant.reserved:
        raise Refused("more pieces than that are promised already", code="stock_promised", field="stock")
    before = _counted(variant)
    changed = {name: value for name, value in values.items() if getattr(variant, name) != value}
    told: dict[str, str | int] = {"product_id": product.id}
    for name, value in changed.items():
        told |= {f"{name}_before": getattr(variant, name), name: value}
    if changed:
        _tell(session, caller, "variant", variant.id, "variant_changed", told)
    for name, value in changed.items():
        setattr(variant, name, value)
    session.flush()
    _count(session, caller, variant, before)
    return VariantShown.model_validate(variant)


def _add_variants(
    session: Session, caller: Caller, product: Product, given: Sequence[NewVariant]
) -> list[Variant]:
    _refuse_repeated(session, product.brand_id, [one.sku for one in given])
    variants = [
        Variant(id=new_id("variant"), product_id=product.id, reserved=0, **one.model_dump()) for one in given
    ]
    session.add_all(variants)
    session.flush()
    for variant in variants:
        figures = {name: getattr(variant, name) for name in VariantChanges.model_fields}
        _tell(session, caller, "variant", variant.id, "variant_added", {"product_id": product.id} | figures)
        _count(session, caller, variant, Counted(0, 0, 0))
    return variants


def _tell(
    session: Session, caller: Caller, kind: str, subject_id: str, event: str, data: Mapping[str, str | int]
) -> None:
    """The audit log names ids and figures; names and descriptions of products stay out of it."""
    append_audit(session, caller.brand_id, kind, subject_id, event, caller.actor, datetime.now(UTC), data)


def _counted(variant: Variant) -> Counted:
    return Counted(variant.stock, variant.reserved, variant.cost_amount)


def _count(session: Session, caller: Caller, variant: Variant, before: Counted) -> None:
    """Keep the books' value of free pieces in step, in the transaction of the change."""
    count_stock(
        session,
        variant.id,
        own_brand(session, caller).currency,
        before,
        _counted(variant),
        brand_id=caller.brand_id,
        actor=caller.actor,
        at=datetime.now(UTC),
    )


def _refuse_repeated(session: Session, brand_id: str, skus: list[str]) -> None:
    for position, sku in enumerate(skus):
        if sku in skus[:position]:
            raise Invalid("this SKU is named twice", field=f"variants.{position}.sku")
    query = (
        select(Variant.sku)
        .join(Product, Product.id == Variant.product_id)
        .where(Product.brand_id == brand_id, Variant.sku.in_(skus))
    )
    taken = session.scalars(query).first()
    if taken is not None:
        position = skus.index(taken)
        raise Refused(f"the SKU {taken} exists already", code="sku_taken", field=f"variants.{position}.sku")


def _shown(session: Session, products: Iterable[Product]) -> list[ProductShown]:
    rows = list(products)
    by_product: dict[str, list[VariantShown]] = {row.id: [] for row in rows}
    query = select(Variant).where(Variant.product_id.in_(by_product)).order_by(Variant.id)
    for variant in session.scalars(query):
        by_product[variant.product_id].append(VariantShown.model_validate(variant))
    return [
        ProductShown(
            id=row.id,
            name=row.name,
            description=row.description,
            created_at=row.created_at,
            variants=by_product[row.id],
        )
        for row in rows
    ]
