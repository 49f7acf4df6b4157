"""A Faust app with the settings that delivery depends on."""

import os
import tempfile
from pathlib import Path
from typing import Any

import faust

from liq.processors.workers.faust_transport import EngineTransport, check_faust
from liq.runtime.kafka import ssl_context
from liq.runtime.log_gaps import LogGaps
from liq.runtime.settings import Settings

COMMIT_INTERVAL_SECONDS = 0.5
SESSION_TIMEOUT_SECONDS = 15.0
REBALANCE_TIMEOUT_SECONDS = 30.0
REQUEST_TIMEOUT_SECONDS = 30.0
HEARTBEAT_SECONDS = 3.0


def new_app(settings: Settings, stage: str, *, merge: bool) -> faust.App:
    """An app whose id is the stage's consumer group.

    With `merge`, records of different partitions are handed out by receive time.
    """
    check_faust()
    broker = ";".join(
        f"kafka://{address.strip()}" for address in settings.kafka_bootstrap_servers.split(",")
    )
    options: dict[str, Any] = (
        {"broker_credentials": credentials} if (credentials := broker_credentials(settings)) else {}
    )
    app = faust.App(
        settings.group(stage),
        broker=broker,
        autodiscover=False,
        # Faust insists on a directory; without tables nothing is stored in it, so all share one.
        datadir=Path(tempfile.gettempdir()) / f"liq-faust-{os.getuid()}",
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        processing_guarantee="at_least_once",
        broker_commit_interval=COMMIT_INTERVAL_SECONDS,
        broker_session_timeout=SESSION_TIMEOUT_SECONDS,
        broker_rebalance_timeout=REBALANCE_TIMEOUT_SECONDS,
        broker_request_timeout=REQUEST_TIMEOUT_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        consumer_group_instance_id=f"{settings.group(stage)}-{settings.worker_slot}",
        consumer_auto_offset_reset="earliest",
        # Batches, of which the next one is fetched while one is handled.
        stream_buffer_maxsize=1,
        worker_redirect_stdouts=False,
        **options,
    )
    transport = EngineTransport(app.conf.broker_consumer, app)
    transport.merge = merge
    transport.emulate_long_poll = settings.kafka_emulate_long_poll
    transport.gaps = LogGaps(settings, stage)
    app.transport = transport
    return app


def broker_credentials(settings: Settings) -> Any:
    """Faust's form of the SASL and TLS settings; None for a plain connection."""
    context = ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password.get_secret_value(),
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None
