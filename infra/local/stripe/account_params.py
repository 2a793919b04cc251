"""The parameters of v1 accounts, as Stripe's document lists them.

They fill a module because they are many. Parts that the simulator does not use are taken as they
come, but an unknown name at their level is still refused.
"""

from typing import Any

from infra.local.stripe.params import (
    EXPAND,
    Field,
    anything,
    boolean,
    either,
    group,
    integer,
    items,
    metadata,
    must,
    one_of,
    text,
)

_NAMES = """
    acss_debit_payments affirm_payments afterpay_clearpay_payments alma_payments
    amazon_pay_payments app_distribution au_becs_debit_payments bacs_debit_payments
    bancontact_payments bank_transfer_payments billie_payments bizum_payments blik_payments
    blik_recurring_payments boleto_payments card_issuing card_payments cartes_bancaires_payments
    cashapp_payments crypto_payments eps_payments fpx_payments gb_bank_transfer_payments
    giropay_payments grabpay_payments ideal_payments india_international_payments jcb_payments
    jp_bank_transfer_payments kakao_pay_payments klarna_payments konbini_payments
    kr_card_payments legacy_payments link_payments mb_way_payments mobilepay_payments
    multibanco_payments mx_bank_transfer_payments naver_pay_payments
    nz_bank_account_becs_debit_payments oxxo_payments p24_payments pay_by_bank_payments
    payco_payments paynow_payments paypay_payments payto_payments pix_payments
    promptpay_payments revolut_pay_payments samsung_pay_payments satispay_payments
    scalapay_payments sepa_bank_transfer_payments sepa_debit_payments sequra_payments
    sofort_payments sunbit_payments swish_payments tax_reporting_us_1099_k
    tax_reporting_us_1099_misc transfers treasury twint_payments upi_payments
    us_bank_account_ach_payments us_bank_transfer_payments wero_payments zip_payments
"""
V1_CAPABILITIES = tuple(_NAMES.split())


def _named(names: str, field: Field) -> dict[str, Field]:
    return dict.fromkeys(names.split(), field)


_ADDRESS = group(_named("city country line1 line2 postal_code state", text()))
_DOB = group({"day": must(integer()), "month": must(integer()), "year": must(integer())})
_BUSINESS_PROFILE = group(
    {
        **_named("annual_revenue monthly_estimated_revenue", anything()),
        **_named("minority_owned_business_designation", items(text())),
        **_named(
            "name specified_commercial_transactions_act_url support_email support_phone support_url url",
            text(),
        ),
        "estimated_worker_count": integer(),
        "mcc": text(4),
        "product_description": text(40000),
        "support_address": _ADDRESS,
    }
)
_COMPANY = group(
    {
        **_named(
            "address address_kana address_kanji administrative_address directorship_declaration "
            "ownership_declaration physical_address principal_place_of_business "
            "registration_date representative_declaration verification",
            anything(),
        ),
        **_named("directors_provided executives_provided owners_provided", boolean()),
        **_named(
            "export_license_id export_purpose_code ownership_exemption_reason phone "
            "registration_number structure tax_id tax_id_registrar vat_id",
            text(),
        ),
        **_named("name name_kana name_kanji", text(100)),
    }
)
_INDIVIDUAL = group(
    {
        **_named(
            "address_kana address_kanji full_name_aliases registered_address relationship verification",
            anything(),
        ),
        **_named(
            "email first_name_kana first_name_kanji gender id_number id_number_secondary "
            "last_name_kana last_name_kanji maiden_name phone ssn_last_4",
            text(),
        ),
        **_named("first_name last_name", text(100)),
        "address": _ADDRESS,
        "dob": _DOB,
        "metadata": metadata(),
        "political_exposure": one_of("existing", "none"),
    }
)
_BANK_OR_CARD = either(
    group(
        {
            **_named(
                "account_holder_name account_holder_type account_number address_city "
                "address_country address_line1 address_line2 address_state address_zip country "
                "currency cvc name number routing_number token",
                text(),
            ),
            **_named("exp_month exp_year", integer()),
            "default_for_currency": boolean(),
            "metadata": metadata(),
            "object": must(one_of("bank_account", "card")),
        }
    ),
    text(),
)


def _delay(path: str, raw: Any) -> str | int:
    return "minimum" if raw == "minimum" else int(integer(0, 31).parse(path, raw))


_SCHEDULE = group(
    {
        "delay_days": Field(_delay),
        "interval": one_of("daily", "manual", "monthly", "weekly"),
        "monthly_anchor": integer(1, 31),
        "monthly_payout_days": items(integer(1, 31)),
        "weekly_anchor": text(),
        "weekly_payout_days": items(text()),
    }
)
_SETTINGS = group(
    {
        **_named(
            "bacs_debit_payments branding card_issuing card_payments invoices payments "
            "paypay_payments sepa_debit_payments treasury",
            anything(),
        ),
        "payouts": group(
            {
                "debit_negative_balances": boolean(),
                "schedule": _SCHEDULE,
                "statement_descriptor": text(22),
            }
        ),
    }
)
_CONTROLLER = group(
    {
        "fees": group({"payer": one_of("account", "application")}),
        "losses": group({"payments": one_of("application", "stripe")}),
        "requirement_collection": one_of("application", "stripe"),
        "stripe_dashboard": group({"type": one_of("express", "full", "none")}),
    }
)
UPDATE_V1: dict[str, Field] = {
    **EXPAND,
    "account_token": text(),
    "business_profile": _BUSINESS_PROFILE,
    "business_type": one_of("company", "government_entity", "individual", "non_profit"),
    "capabilities": group(dict.fromkeys(V1_CAPABILITIES, group({"requested": boolean()}))),
    "company": _COMPANY,
    "default_currency": text(3),
    "documents": anything(),
    "email": text(800),
    "external_account": _BANK_OR_CARD,
    "groups": group({"payments_pricing": text()}),
    "individual": _INDIVIDUAL,
    "metadata": metadata(),
    "settings": _SETTINGS,
    "tos_acceptance": group(
        {
            "date": integer(),
            "ip": text(),
            "service_agreement": one_of("full", "recipient"),
            "user_agent": text(),
        }
    ),
}
CREATE_V1: dict[str, Field] = {
    **UPDATE_V1,
    "controller": _CONTROLLER,
    "country": text(2),
    "type": one_of("custom", "express", "standard"),
}
