"""The Faust app with the options on which delivery guarantees depend."""

import os
import tempfile
from pathlib import Path
from typing import Any

import faust

from liq.processors.workers.faust_transport import EngineTransport, check_faust
from liq.runtime.kafka import ssl_context
from liq.runtime.layout import layout_place
from liq.runtime.log_gaps import LogGaps
from liq.runtime.settings import Settings

COMMIT_INTERVAL_SECONDS = 0.5
SESSION_TIMEOUT_SECONDS = 15.0
REBALANCE_TIMEOUT_SECONDS = 30.0
REQUEST_TIMEOUT_SECONDS = 30.0
HEARTBEAT_SECONDS = 3.0


def new_app(settings: Settings, stage: str, *, merge: bool) -> faust.App:
    """Return an app whose id is the stage's consumer group.

    With `merge`, records of different partitions are ordered by time of receipt.
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
        # Faust requires a directory. Without tables it stores nothing there, so all apps share it.
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
        broker_client_id=client_id(settings, stage),
        consumer_group_instance_id=f"{settings.group(stage)}-{settings.worker_slot}",
        consumer_auto_offset_reset="earliest",
        # The buffer counts batches: the next one is fetched while one is handled.
        stream_buffer_maxsize=1,
        worker_redirect_stdouts=False,
        **options,
    )
    transport = EngineTransport(app.conf.broker_consumer, app)
    transport.merge = merge
    transport.emulate_long_poll = settings.kafka_emulate_long_poll
    transport.gaps = LogGaps(settings, stage)
    transport.layout_place = layout_place(settings)
    transport.grown_topic = settings.topics.events
    app.transport = transport
    return app


def client_id(settings: Settings, stage: str) -> str:
    """Return the client id of a worker's consumer, as brokers list it among the group's members."""
    return f"{settings.group(stage)}-{settings.worker_slot}"


def broker_credentials(settings: Settings) -> Any:
    """Return the SASL and TLS settings as Faust's credentials; None for a plain connection."""
    context = ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password.get_secret_value(),
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None
