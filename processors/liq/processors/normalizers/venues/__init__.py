"""One module a venue, each declaring `VENUE`; a module placed here is found by itself."""
