"""`liq backtest`: the alerts of several detector configurations over stored events."""
