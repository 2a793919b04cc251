"""The people and companies around the product, each a small actor of its own.

An actor knows what its original would know: a creator her mails and what a page shows, the brand what the API
says, the carrier its parcels. None of them reads the database or calls the product's code.
"""
