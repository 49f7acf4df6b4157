"""The archives that can be imported, and the recognition of a file's archive."""

from typing import Final

from liq.processors.archives import (
    agentfeed,
    binance_vision,
    cryptofeed,
    hyperliquid_node,
    own_events,
    tardis,
)
from liq.processors.archives.csv_rows import column_names
from liq.processors.archives.entries import Archive, FileHead, UnusableFileError

ARCHIVES: Final[dict[str, Archive]] = {
    archive.name: archive
    for archive in (
        tardis.ARCHIVE,
        binance_vision.ARCHIVE,
        cryptofeed.ARCHIVE,
        agentfeed.ARCHIVE,
        hyperliquid_node.ARCHIVE,
        own_events.ARCHIVE,
    )
}


def find_archive(head: FileHead) -> Archive:
    """Return the archive that recognizes a file's head.

    Raises:
        UnusableFileError: no archive recognizes it.
    """
    for archive in ARCHIVES.values():
        if archive.recognizes(head):
            return archive
    for beginning, what in own_events.OTHERS.items():
        if head.first.startswith(beginning):
            raise UnusableFileError(f"{head.name} holds {what}.")
    if column_names(head.first) == tardis.COLUMNS:
        raise UnusableFileError(
            f"{head.name} may hold trades or liquidations of tardis.dev, whose columns are the "
            "same: if its rows are liquidations, say --format tardis."
        )
    raise UnusableFileError(
        f"{head.name} is of no form that can be imported ({', '.join(ARCHIVES)}): its first line "
        f"is {head.first[:80]!r}."
    )
