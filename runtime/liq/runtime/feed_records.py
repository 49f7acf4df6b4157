"""Delivery of feed records, compressed for their public topic, by a producer of internal topics."""

from aiokafka import AIOKafkaProducer

from liq.runtime.batch_codec import new_batch
from liq.runtime.sending import partition_of
from liq.schemas.cloud_events import feed_headers
from liq.schemas.codec import encode
from liq.schemas.records import FeedStatus
from liq.schemas.topics import Topics


async def deliver_feed_status(
    producer: AIOKafkaProducer, topics: Topics, status: FeedStatus
) -> None:
    """Produce a feed record and wait until every replica has acknowledged it.

    Raises:
        KafkaError: the brokers reject the record.
    """
    key, value = status.exchange.encode(), encode(status)
    batch = new_batch(topics.compression(topics.feeds))
    batch.append(timestamp=None, key=key, value=value, headers=feed_headers(status, value))
    batch.close()
    partitions = sorted(await producer.partitions_for(topics.feeds))
    acknowledged = await producer.send_batch(
        batch, topics.feeds, partition=partition_of(key, partitions)
    )
    await acknowledged
