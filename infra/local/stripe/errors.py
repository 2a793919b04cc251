"""Every way the simulator says no, with Stripe's status, type, code and wording.

    Refusal
    ├── began=False   parameters, paths, keys, limits: nothing had started, nothing is remembered
    └── began=True    the operation started and was refused: remembered under its idempotency key

Messages follow what Stripe's own answers say as far as they are published; see the reference list
in `docs/stripe-simulator.md`.
"""

from dataclasses import dataclass, field

from infra.local.stripe.store import Json

DOCS = "https://docs.stripe.com/error-codes"


@dataclass
class Refusal(Exception):
    """An error answer. `began` tells whether it is kept for replays of the same key."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    type: str = "invalid_request_error"
    began: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> Json:
        """Return the error body; absent parts are left out, as Stripe does."""
        error: Json = {"message": self.message, "type": self.type}
        if self.code:
            error |= {"code": self.code, "doc_url": f"{DOCS}/{self.code.replace('_', '-')}"}
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


def unknown_parameter(path: str) -> Refusal:
    """A parameter that the operation does not have."""
    return Refusal(400, f"Received unknown parameter: {path}", "parameter_unknown", path)


def missing_parameter(path: str) -> Refusal:
    """A required parameter that is absent."""
    return Refusal(400, f"Missing required param: {path}.", "parameter_missing", path)


def empty_parameter(path: str) -> Refusal:
    """A required parameter that is an empty string."""
    message = (
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset "
        f"a parameter; however '{path}' cannot be unset. You should remove '{path}' from your "
        "request or supply a non-empty value."
    )
    return Refusal(400, message, "parameter_invalid_empty", path)


def invalid(path: str, message: str, code: str | None = None) -> Refusal:
    """A parameter with a value that cannot be used."""
    return Refusal(400, message, code, path)


def missing_object(noun: str, object_id: str, param: str, *, began: bool = False) -> Refusal:
    """An id that names nothing this caller can see."""
    status = 400 if began else 404
    return Refusal(status, f"No such {noun}: '{object_id}'", "resource_missing", param, began=began)


def refused(message: str, code: str | None = None, param: str | None = None) -> Refusal:
    """A refusal of work that had begun."""
    return Refusal(400, message, code, param, began=True)


def unknown_path(method: str, path: str) -> Refusal:
    """A path that neither Stripe's document nor the simulator has."""
    message = (
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we "
        "can help at https://support.stripe.com/."
    )
    return Refusal(404, message)


def not_built(method: str, path: str) -> Refusal:
    """An operation that Stripe has and the simulator has not."""
    return Refusal(501, f"The simulator does not build this operation: {method} {path}", type="api_error")


def server_error() -> Refusal:
    """Stripe's own failure."""
    return Refusal(500, "An unknown error occurred", type="api_error")


def key_in_use(key: str | None) -> Refusal:
    """A second call with a key whose first call is still running."""
    message = (
        "There is currently another in-progress request using this Idempotent Key"
        f"{f' ({key})' if key else ''}. Please try again later."
    )
    return Refusal(
        409, message, "idempotency_key_in_use", type="idempotency_error",
        headers={"Stripe-Should-Retry": "true"},
    )  # fmt: skip


def key_reused(key: str) -> Refusal:
    """A key that was first used with other parameters."""
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first "
        f"used with. Try using a key other than '{key}' if you meant to execute a different request."
    )
    return Refusal(400, message, type="idempotency_error")


def too_many(reason: str | None) -> Refusal:
    """The rate limit; `reason` goes into the header Stripe-Rate-Limited-Reason, None leaves it out."""
    headers = {"Stripe-Rate-Limited-Reason": reason} if reason else {}
    message = (
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
    )
    return Refusal(429, message, "rate_limit", headers=headers)


def locked() -> Refusal:
    """Another write holds one of the objects this call needs."""
    message = (
        "This object cannot be accessed right now because another API request or Stripe process "
        "is currently accessing it. If you see this error intermittently, retry the request."
    )
    return Refusal(429, message, "lock_timeout", headers={"Stripe-Should-Retry": "true"})


def bad_key(shown: str | None) -> Refusal:
    """No key, or not the simulator's key."""
    if not shown:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    elif shown.startswith(("sk_live_", "rk_live_")):
        message = "Live mode keys are refused: this is a simulator of test mode."
    else:
        message = f"Invalid API Key provided: {shown[:8]}{'*' * 8}{shown[-4:]}"
    return Refusal(401, message, headers={"WWW-Authenticate": 'Bearer realm="Stripe"'})


def unknown_account(account: str) -> Refusal:
    """A Stripe-Account header that names no account of this platform."""
    message = (
        f"The provided key does not have access to account '{account}' (or that account does not "
        "exist). Application access may have been revoked."
    )
    return Refusal(403, message, "account_invalid")
