"""Commands that the devstack adds to `liq`."""
