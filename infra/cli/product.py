"""`handsel product`: what is given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict, Field

from infra.cli.api import Api, AsJson, console, fail, show_json, table
from infra.yaml_file import FileRefused, read_yaml

app = typer.Typer(help="Products and their stock.", no_args_is_help=True)


class ProductFile(BaseModel):
    """A file of products; each as `POST /api/v1/products` takes it."""

    model_config = ConfigDict(extra="forbid")

    products: list[dict[str, Any]] = Field(min_length=1, max_length=500)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the product; nothing with --file.")] = "",
    sku: Annotated[str, typer.Option(help="SKU of its one variant.")] = "",
    variant: Annotated[str, typer.Option(help="Name of the variant; empty: the product's.")] = "",
    stock: Annotated[int, typer.Option(help="Pieces there are.")] = 0,
    value: Annotated[int, typer.Option(help="Retail value of one piece, minor units.")] = 0,
    cost: Annotated[int, typer.Option(help="What one piece costs you, minor units.")] = 0,
    file: Annotated[Path | None, typer.Option(help="YAML file with `products:`.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a product with one variant, or all products of a file."""
    if file is None and not (name and sku):
        fail("Give a name and --sku, or --file.", 2)
    one = {
        "name": name,
        "variants": [
            {
                "name": variant or name,
                "sku": sku,
                "stock": stock,
                "retail_amount": value,
                "cost_amount": cost,
            }
        ],
    }
    api = Api()
    made = [api.post("/products", given) for given in ([one] if file is None else _read(file))]
    if as_json:
        show_json(made)
        return
    _show(made)


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        return read_yaml(file, ProductFile).products
    except FileRefused as refused:
        fail(f"{file}:\n{refused}")


@app.command("list")
def list_products(as_json: AsJson = False) -> None:
    """Every product with its variants and stock."""
    products = list(Api().pages("/products"))
    if as_json:
        show_json(products)
        return
    _show(products)


@app.command("stock")
def set_stock(
    sku: Annotated[str, typer.Argument(help="SKU of the variant.")],
    pieces: Annotated[int, typer.Argument(help="Pieces there are, promised ones included.")],
    as_json: AsJson = False,
) -> None:
    """Set the stock of a variant; never below what is promised."""
    api = Api()
    for product in api.pages("/products"):
        for variant in product["variants"]:
            if variant["sku"] == sku:
                path = f"/products/{product['id']}/variants/{variant['id']}"
                changed = api.patch(path, {"stock": pieces})
                if as_json:
                    show_json(changed)
                    return
                console.print(f"{sku}: {changed['stock']} pieces, {changed['reserved']} promised")
                return
    fail(f"There is no SKU {sku!r}; see `handsel product list`.")


def _show(products: list[dict[str, Any]]) -> None:
    shown = table("Product", "SKU", "Variant", "Stock", "Promised", "Value")
    for product in products:
        for variant in product["variants"]:
            counts = (str(variant[name]) for name in ("stock", "reserved", "retail_amount"))
            shown.add_row(product["name"], variant["sku"], variant["name"], *counts)
    console.print(shown)
