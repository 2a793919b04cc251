"""The carrier of the local stack: takes parcels, lets time pass, tells by signed webhooks.

It delivers nothing and knows no names or addresses. What it acknowledged and what it still has to tell
survive a kill.
"""
