"""The staff's pages under /console: signed-in people of a brand, each page with its roles in one table.

GET shows, POST acts, and whatever is read or written belongs to the person's own brand.
"""
