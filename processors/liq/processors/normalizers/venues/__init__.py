"""One module a venue, each declaring `VENUE`; a module placed here is found by itself.

A venue whose sizes are contracts has its shipped contract metadata in `<exchange>.contracts.json`.
"""
