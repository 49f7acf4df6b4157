"""An assignor that assigns every partition of a consumer group to one member."""

from collections.abc import Iterable, Mapping

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)


class ExclusiveAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # aiokafka has no types
    """Assigns all partitions to the member with the smallest id; the others stand by."""

    name = "liq-exclusive"
    version = 0

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Return the partitions of every member."""
        first = min(members)
        return {
            member: ConsumerProtocolMemberAssignment(
                cls.version,
                [
                    (topic, sorted(cluster.partitions_for_topic(topic) or ()))
                    for topic in sorted(metadata.subscription)
                    if member == first
                ],
                b"",
            )
            for member, metadata in members.items()
        }

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """Return this member's subscription."""
        return ConsumerProtocolMemberMetadata(cls.version, list(topics), b"")

    @classmethod
    def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Ignore the assignment; this assignor has no state."""
