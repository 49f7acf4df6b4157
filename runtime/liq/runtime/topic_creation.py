"""Metadata requests that create no topic.

Brokers create a topic that a metadata request names, with one partition, unless the request or
`auto.create.topics.enable` forbids it. aiokafka's clients allow it and have no option. So a worker
that runs while its topic is deleted and created again would create it first, with wrong settings.
"""

from functools import partial

from aiokafka import client
from aiokafka.protocol.metadata import MetadataRequest


def forbid_topic_creation() -> None:
    """Disable the creation of topics in the metadata requests of all aiokafka clients here."""
    client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)
