"""`python -m infra.local.stripe --port N --key sk_test_... --state FILE`."""

from infra.local.stripe.main import main

main()
