"""Errors of authorization become a sentence with the topic or group and what prints the rights."""

import asyncio

import pytest
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
)

from liq.runtime.errors import DependencyError
from liq.runtime.kafka_refusal import why_refused, why_unreachable
from liq.runtime.settings import Settings

SETTINGS = Settings.model_construct(
    kafka_bootstrap_servers="kafka:9092", kafka_sasl_username="liq-detect"
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TopicAuthorizationFailedError("liquidations.events"), "the topic liquidations.events;"),
        # aiokafka's consumer and its idempotent producer name several at once.
        (TopicAuthorizationFailedError({"b", "a"}), "the topic a b;"),
        (GroupAuthorizationFailedError("liquidations.detect"), "the group liquidations.detect;"),
        (TopicAuthorizationFailedError(), "the topic;"),
        (ClusterAuthorizationFailedError(), "the cluster;"),
    ],
)
def test_a_right_that_is_missing_is_named(error: KafkaError, words: str) -> None:
    refused = asyncio.run(why_unreachable(SETTINGS, error))
    assert isinstance(refused, DependencyError)
    assert words in str(refused)
    assert "kafka:9092" in str(refused)
    assert "liq-detect" in str(refused)
    assert "`liq rights kafka`" in str(refused)


@pytest.mark.parametrize("error", [KafkaTimeoutError(), KafkaError("away"), ValueError("bad")])
def test_other_errors_are_none_of_authorization(error: Exception) -> None:
    assert why_refused(SETTINGS, error) is None
