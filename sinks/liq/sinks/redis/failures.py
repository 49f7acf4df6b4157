"""Classification of Redis errors: a retry helps, or an operator must act.

No error refuses a record, because the encoder finds unstorable records before they are sent.
"""

from collections.abc import Mapping
from typing import Final

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    ClusterCrossSlotError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as NotConnectedError
from redis.exceptions import TimeoutError as SilentError

from liq.sinks.destination import Failure, FailureKind

MAX_SENTENCE_CHARACTERS: Final = 300
# The remedy for the operator, by the error's class or first word.
BY_CLASS: Final[tuple[tuple[type[RedisError], str, str], ...]] = (
    (AuthenticationError, "login", "Redis refuses the login; set user and password in REDIS_URL"),
    (AuthorizationError, "login", "Redis refuses the login; set user and password in REDIS_URL"),
    (NoPermissionError, "no_permission", "the user of REDIS_URL lacks a right"),
    (
        OutOfMemoryError,
        "out_of_memory",
        "Redis is full; raise its maxmemory, or lower REDIS_HOURS or REDIS_LAST_COUNT",
    ),
    (AskError, "cluster", "REDIS_URL names a Redis Cluster; give it one server"),
    (ClusterCrossSlotError, "cluster", "REDIS_URL names a Redis Cluster; give it one server"),
)
BY_WORD: Final[Mapping[str, str]] = {
    "WRONGTYPE": "a key of ours holds something else; set REDIS_PREFIX to a name of our own",
    "MISCONF": "Redis cannot write to its disk",
}


def classify(error: RedisError, where: str) -> Failure:
    """Classify an exception of the client; `where` is the server's address without a login."""
    detail = " ".join(str(error).split())[:MAX_SENTENCE_CHARACTERS]
    for kind, label, sentence in BY_CLASS:
        if isinstance(error, kind):
            return Failure(FailureKind.SETUP, label, f"{sentence} ({where}: {detail})")
    word = detail.partition(" ")[0]
    if isinstance(error, ResponseError) and word in BY_WORD:
        return Failure(FailureKind.SETUP, word.lower(), f"{BY_WORD[word]} ({where}: {detail})")
    if isinstance(error, NotConnectedError | SilentError):
        return Failure(
            FailureKind.RETRY, "unreachable", f"Redis at {where} cannot be reached: {detail}"
        )
    return Failure(FailureKind.RETRY, "refused", f"Redis at {where} refuses for now: {detail}")
