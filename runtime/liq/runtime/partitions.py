"""Which partitions topics have, asked of the brokers.

A consumer that is subscribed to nothing has not heard of any topic on Apache Kafka, so its own
`partitions_for_topic` answers None there for topics that exist.
"""

from collections.abc import Collection

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from liq.runtime.kafka import new_admin
from liq.runtime.settings import Settings

CLIENT_ID = "partitions"


async def find_partitions(settings: Settings, topics: Collection[str]) -> list[TopicPartition]:
    """Every partition of these topics, in order; a topic that nobody made has none.

    Raises:
        KafkaError: the brokers do not answer.
    """
    admin = new_admin(settings, CLIENT_ID)
    try:
        await admin.start()
        return await list_partitions(admin, topics)
    finally:
        await admin.close()


async def list_partitions(
    admin: AIOKafkaAdminClient, topics: Collection[str]
) -> list[TopicPartition]:
    """The same, by a client that is started.

    Raises:
        KafkaError: the brokers do not answer.
    """
    # Everything is asked for: a broker may create a topic that is asked for by name.
    return sorted(
        TopicPartition(described["topic"], partition["partition"])
        for described in await admin.describe_topics()
        if described["topic"] in topics
        for partition in described["partitions"]
    )
