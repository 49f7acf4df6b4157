"""One module per exchange: addresses of its feeds, subscriptions, and kinds of messages."""
