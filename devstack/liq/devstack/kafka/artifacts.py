"""The Java binary, and Kafka's jars from Maven."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from liq.devstack.cache import user_cache
from liq.runtime.environment import environment
from liq.runtime.errors import ConfigurationError

JAVA_MAJOR = 17
POM = Path(__file__).with_name("pom.xml")
DOWNLOAD_SECONDS = 600.0
LAST_LINES = 10


def java_binary() -> str:
    """Return the Java for Kafka: that of `JAVA_HOME`, else the one on the path.

    Raises:
        ConfigurationError: Java is missing, or too old for Kafka.
    """
    home = environment().get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    try:
        told = subprocess.run(  # noqa: S603 - the Java that the user chose
            [java, "-version"], capture_output=True, text=True, check=False
        ).stderr
    except OSError as error:
        raise ConfigurationError(
            f"KAFKA=apache needs Java {JAVA_MAJOR} or newer, and {java} cannot be run; install it "
            "or set JAVA_HOME, or use KAFKA=embedded."
        ) from error
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < JAVA_MAJOR:
        version = "an unknown version" if found is None else f"version {found[1]}"
        raise ConfigurationError(
            f"KAFKA=apache needs Java {JAVA_MAJOR} or newer, and {java} is {version}; set "
            "JAVA_HOME to a newer one, or use KAFKA=embedded."
        )
    return java


def kafka_jars(cache: Path | None = None) -> Path:
    """Return the directory of Kafka's jars, which Maven fills at first use of this version.

    Raises:
        ConfigurationError: Maven is missing, or could not download the jars.
    """
    return maven_jars(POM, "apache-kafka", cache)


def maven_jars(pom: Path, name: str, cache: Path | None = None) -> Path:
    """Return the directory of the jars of a `pom.xml`, which Maven fills at its first use.

    `name` begins the directory's name.

    Raises:
        ConfigurationError: Maven is missing, or could not download the jars.
    """
    version = hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    directory = (cache or user_cache()) / f"{name}-{version}"
    if not directory.is_dir():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
            jars = Path(scratch) / "jars"
            _copy_dependencies(pom, jars)
            try:
                jars.rename(directory)
            except OSError:
                # Another process may have created the directory first.
                if not directory.is_dir():
                    raise
    return directory


def _copy_dependencies(pom: Path, target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigurationError(
            "KAFKA=apache gets Kafka's jars with Maven once, and mvn is not installed; install "
            "it, set KAFKA_JARS_DIR to the libs directory of an unpacked Kafka, or use "
            "KAFKA=embedded."
        )
    try:
        subprocess.run(  # noqa: S603 - Maven with a pom of ours
            [
                *(maven, "--batch-mode", "--quiet", "--file", str(pom)),
                *("dependency:copy-dependencies", "-DincludeScope=runtime"),
                f"-DoutputDirectory={target}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DOWNLOAD_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        lines = error.stdout.strip().splitlines()[:LAST_LINES]
        raise ConfigurationError(
            "\n  ".join(("Maven could not get Kafka's jars; it said:", *lines))
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"Maven did not get Kafka's jars within {DOWNLOAD_SECONDS:.0f} s; check the network."
        ) from error
