"""What the API takes and gives, as models. Amounts are minor units, moments are UTC, ids are text."""
