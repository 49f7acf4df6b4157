"""The subcommands of `liq`, one module a room."""
