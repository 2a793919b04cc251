"""Erasure that keeps the books: a creator's personal data goes, amounts and proofs stay."""
