"""One module an exchange: where its feeds are, how to subscribe, and what its messages are."""
