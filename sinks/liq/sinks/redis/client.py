"""Connections to Redis, and the requirements for a server of the hot state."""

from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings
from liq.sinks.redis.layout import LAYOUT, Layout

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
# Required for PEXPIRETIME and for the replication of scripts by their effects.
LEAST_VERSION: Final = (7, 0)
CLIENT_NAME: Final = "liquidation-engine"


def connect(settings: Settings) -> Redis:
    """Return a client of REDIS_URL; it connects with its first command."""
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        client_name=CLIENT_NAME,
        decode_responses=True,
        encoding_errors="replace",
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        # The loop of the sink retries and reports its back-off.
        retry=Retry(NoBackoff(), 0),
    )


def shown_address(settings: Settings) -> str:
    """Return REDIS_URL without its login."""
    parts = urlsplit(settings.redis_url.get_secret_value())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path}"


async def check_server(client: Redis, settings: Settings) -> None:
    """Check version, kind, eviction and layout of a server.

    Raises:
        ConfigurationError: the server cannot hold the hot state; the message names the remedy.
        redis.exceptions.RedisError: the server does not answer.
    """
    where = shown_address(settings)
    info: dict[str, Any] = await client.info("server")
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < LEAST_VERSION:
        raise ConfigurationError(
            f"Redis at {where} is {info['redis_version']}; `liq sink redis` needs 7.0 or newer."
        )
    if info.get("redis_mode") == "cluster":
        raise ConfigurationError(
            f"Redis at {where} is a Redis Cluster; set REDIS_URL to one server (with replicas)."
        )
    memory: dict[str, Any] = await client.info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if memory.get("maxmemory") and policy != "noeviction":
        raise ConfigurationError(
            f"Redis at {where} evicts keys when it is full (maxmemory-policy {policy}), so that "
            "sums would be wrong without a word; set maxmemory-policy to noeviction."
        )
    layout = Layout.of(settings)
    kind = await client.type(layout.sink)
    found = await client.hget(layout.sink, "layout") if kind == "hash" else None
    if kind not in {"hash", "none"} or found not in {None, LAYOUT}:
        raise ConfigurationError(
            f"The keys {layout.prefix}:* in Redis at {where} are of another program or release; "
            "set REDIS_PREFIX to another name, or delete them and start again."
        )
