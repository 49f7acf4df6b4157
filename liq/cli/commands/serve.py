"""`liq serve`: the web server, configured by the environment."""

from liq.cli.console import exits_on_configuration_error


@exits_on_configuration_error
def serve() -> None:
    """Serve the last day of the topics over HTTP: answers, streams and a live page. Read-only."""
    from liq.cli.exchanges import configured_exchanges
    from liq.cli.running import run_until_signal, start_health
    from liq.cli.worker_topics import make_sure_of_topics
    from liq.runtime.errors import ConfigurationError
    from liq.runtime.settings import load_settings

    try:
        from liq.web import server
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"`liq serve` needs {error.name}: pip install 'liquidation-engine[web]'."
        ) from error
    settings = load_settings()
    health, health_server = start_health(settings, "serve", *server.CONDITIONS)
    try:
        make_sure_of_topics(settings, "serve", configured_exchanges(settings), health)
        run_until_signal(lambda stop: server.run(settings, health, stop))
    finally:
        health_server.stop()
