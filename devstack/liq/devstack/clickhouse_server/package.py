"""ClickHouse's library from npm: one pinned version, downloaded once into the user's cache."""

import base64
import fcntl
import hashlib
import json
import platform
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from liq.devstack.cache import user_cache
from liq.runtime.errors import ConfigurationError

VERSION: Final = "26.7.3-stable.1"
# By system and processor. npm compares every download with its registry's checksum. The checksum
# for the platform of the project's tests is also pinned here.
PACKAGES: Final = {
    ("Linux", "x86_64"): "@chdb/lib-linux-x64-gnu",
    ("Linux", "aarch64"): "@chdb/lib-linux-arm64-gnu",
    ("Darwin", "x86_64"): "@chdb/lib-darwin-x64",
    ("Darwin", "arm64"): "@chdb/lib-darwin-arm64",
}
SHA512: Final = {
    "@chdb/lib-linux-x64-gnu": (
        "XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="
    ),
}
LIBRARY: Final = "libchdb.so"  # also on macOS
DOWNLOAD_SECONDS: Final = 900.0
LAST_LINES: Final = 10
_INSTEAD: Final = "or set CLICKHOUSE_URL to a server of your own, or use CLICKHOUSE=embedded."


def server_library(cache: Path | None = None) -> Path:
    """Return the path of the library, which npm downloads (178 MB) at first use of this version.

    Raises:
        ConfigurationError: npm is missing or could not download it, or there is no package for
            this machine.
    """
    package = package_name(platform.system(), platform.machine())
    directory = (cache or user_cache()) / f"clickhouse-{VERSION}-{package.rpartition('/lib-')[2]}"
    library = directory / LIBRARY
    if library.is_file():
        return library
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be downloading it
        if not library.is_file():
            with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
                archive = _download(package, Path(scratch))
                _check(package, archive)
                unpacked = Path(scratch) / "unpacked"
                _unpack(archive, unpacked)
                unpacked.rename(directory)
    return library


def package_name(system: str, processor: str) -> str:
    """Return the package for a system and processor, as named by `platform`.

    Raises:
        ConfigurationError: there is no package for this machine.
    """
    package = PACKAGES.get((system, processor))
    if package is None:
        raise ConfigurationError(
            f"CLICKHOUSE=server has no package for {system} on {processor}; set CLICKHOUSE=docker, "
            f"{_INSTEAD}"
        )
    return package


def _download(package: str, directory: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise ConfigurationError(
            "CLICKHOUSE=server downloads ClickHouse with npm once, and npm is not installed; "
            f"install Node.js, {_INSTEAD}"
        )
    command = (npm, "pack", f"{package}@{VERSION}", "--json", "--pack-destination", str(directory))
    try:
        done = subprocess.run(  # noqa: S603 - npm with a name of our own
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()[:LAST_LINES]
        raise ConfigurationError(
            "\n  ".join((f"npm could not download {package}@{VERSION}:", *lines))
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"npm did not download {package}@{VERSION} within {DOWNLOAD_SECONDS:.0f} s; check the "
            "network."
        ) from error
    archives = list(directory.glob("*.tgz"))
    if len(archives) != 1:
        raise ConfigurationError(f"npm pack {package}@{VERSION} left no archive: {done.stdout}")
    return archives[0]


def _check(package: str, archive: Path) -> None:
    expected = SHA512.get(package)
    if expected is None:
        return
    with archive.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if found != expected:
        raise ConfigurationError(
            f"{package}@{VERSION} is not the file that this project was tested with (SHA-512 "
            f"{found}, expected {expected}); do not use it."
        )


def _unpack(archive: Path, directory: Path) -> None:
    directory.mkdir()
    with tarfile.open(archive, "r:gz") as files:
        for member in files:
            if Path(member.name).name in {LIBRARY, "LICENSE", "package.json"} and member.isfile():
                member.name = Path(member.name).name
                files.extract(member, directory, filter="data")
    if not (directory / LIBRARY).is_file():
        raise ConfigurationError(f"{archive.name} does not have the file {LIBRARY}.")
    described = json.loads((directory / "package.json").read_text())
    if described.get("version") != VERSION:
        raise ConfigurationError(f"{archive.name} has version {described.get('version')}.")
