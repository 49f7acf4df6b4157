"""A ClickHouse server process: it loads the library and listens until SIGTERM.

`python process.py LIBRARY CONFIGURATION HOST HTTP_PORT TCP_PORT`. The library is the program
`clickhouse local`, which has the server's listeners. An endless query keeps it running. SIGTERM
ends the process without loss, because acknowledged inserts are on disk.
"""

import ctypes
import sys

LISTEN = (
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
    "SELECT sleepEachRow(3) FROM system.numbers "
    "SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null"
)


def main() -> int:
    """Serve; return 1 if the server cannot start."""
    path, configuration, host, http_port, tcp_port = sys.argv[1:]
    arguments = (
        "clickhouse",
        f"--config-file={configuration}",
        f"--listen_host={host}",
        f"--http_port={http_port}",
        f"--tcp_port={tcp_port}",
        f"--query={LISTEN}",
    )
    encoded = [argument.encode() for argument in arguments]
    library = ctypes.CDLL(path)
    library.chdb_query_cmdline(len(encoded), (ctypes.c_char_p * len(encoded))(*encoded))
    sys.stderr.write(f"ClickHouse ended; its configuration is {configuration}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
