"""The creator's pages: what a link in an e-mail opens. They show on GET, act on POST, and ask no account."""
