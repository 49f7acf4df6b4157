"""The subcommands of `liq`, one module per group of related commands."""
