"""Metadata requests that create no topic.

Brokers create a topic that a client asks for by name, with one partition, unless the request or
their `auto.create.topics.enable` forbids it. aiokafka's clients allow it and have no option: a
worker that goes on while its topic is deleted and made again makes it first, in the wrong form.
"""

from functools import partial

from aiokafka import client
from aiokafka.protocol.metadata import MetadataRequest


def forbid_topic_creation() -> None:
    """Let no aiokafka client of this process create a topic by asking for it."""
    client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)
