"""ClickHouse's library from npm: fetched once, checked, and a sentence where that cannot be."""

import base64
import hashlib
import io
import json
import platform
import re
import stat
import tarfile
from pathlib import Path

import pytest

from liq.devstack.clickhouse_server import package
from liq.devstack.clickhouse_server.package import LIBRARY, VERSION, package_name, server_library
from liq.devstack.options import StackOptions
from liq.runtime.errors import ConfigurationError
from tests.support.paths import DOCS

# Leaves the archive where npm would, and counts its runs beside it.
PACKS = 'cp "$ARCHIVE" "$5/chdb-lib-1.tgz" && echo run >> "$ARCHIVE.runs" && echo "[]"'
PACKAGE = "@chdb/lib-linux-x64-gnu"


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm that runs `PACKS` until it is written anew."""
    path = tmp_path / "bin" / "npm"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{PACKS}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    return path


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a library, and its checksum where the real one's is."""
    path = tmp_path / "package.tgz"
    described = json.dumps({"version": VERSION}).encode()
    members = {LIBRARY: b"library", "package.json": described, "README.md": b"", "../up": b""}
    with tarfile.open(path, "w:gz") as made:
        for name, data in members.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    monkeypatch.setattr(package, "SHA512", {PACKAGE: digest})
    monkeypatch.setenv("ARCHIVE", str(path))
    return path


@pytest.mark.usefixtures("npm")
def test_npm_is_asked_once(tmp_path: Path, archive: Path) -> None:
    cache = tmp_path / "cache"
    first, second = server_library(cache), server_library(cache)
    assert first == second
    assert first.read_bytes() == b"library"
    assert VERSION in str(first)
    assert Path(f"{archive}.runs").read_text() == "run\n"
    assert sorted(path.name for path in first.parent.iterdir()) == [LIBRARY, "package.json"]
    assert [path for path in cache.iterdir() if path.is_dir()] == [first.parent]


@pytest.mark.usefixtures("npm", "archive")
def test_another_file_than_the_tested_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "SHA512", {PACKAGE: "another"})
    with pytest.raises(ConfigurationError, match=r"not the file.*SHA-512.*expected another"):
        server_library(tmp_path / "cache")
    assert not any(path.is_dir() for path in (tmp_path / "cache").iterdir())


@pytest.mark.usefixtures("archive")
def test_what_npm_says_is_passed_on(tmp_path: Path, npm: Path) -> None:
    npm.write_text("#!/bin/sh\necho 'npm error code E404' >&2; exit 1\n")
    with pytest.raises(ConfigurationError, match=r"(?s)could not download.*E404"):
        server_library(tmp_path / "cache")


def test_without_npm_the_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    expected = r"npm is not installed; install Node.js.*CLICKHOUSE_URL.*CLICKHOUSE=embedded"
    with pytest.raises(ConfigurationError, match=expected):
        server_library(tmp_path / "cache")


def test_a_machine_without_a_package_is_named() -> None:
    assert package_name("Darwin", "arm64") == "@chdb/lib-darwin-arm64"
    with pytest.raises(ConfigurationError, match="no package for Windows on AMD64"):
        package_name("Windows", "AMD64")


def test_the_page_about_servers_has_every_setting_and_the_version() -> None:
    page = (DOCS / "clickhouse-servers.md").read_text()
    names = {name for name in StackOptions.model_fields if "clickhouse" in name}
    assert {name for name in names if f"| `{name.upper()}` |" not in page} == set()
    assert re.findall(r"@chdb/lib-linux-x64-gnu@([\w.-]+\w)", page) == [VERSION]
