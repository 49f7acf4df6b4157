"""The venues: each module declares `VENUE`, and the registry finds every module in this package.

For sizes in contracts, `<exchange>.contracts.json` has the contract metadata of the package.
"""
