# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where this machine gets its Debian packages from."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Iterator, NamedTuple

APT = Path("/etc/apt")


class Source(NamedTuple):
    uri: str
    suites: list[str]
    components: list[str]


def _one_line_sources(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line)
        if match:
            yield Source(match[1], [match[2]], match[3].split())


def _deb822_sources(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = dict(re.findall(r"^([\w-]+):[ \t]*((?:.*)(?:\n[ \t]+.*)*)", "\n".join(lines), re.MULTILINE))
        fields = {name.lower(): value.split() for name, value in fields.items()}
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        for uri in fields.get("uris", []):
            yield Source(uri, fields.get("suites", []), fields.get("components", []))


def configured_sources(apt: Path = APT) -> list[Source]:
    sources: list[Source] = []
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]:
        if path.exists():
            sources += _one_line_sources(path.read_text())
    for path in sorted((apt / "sources.list.d").glob("*.sources")):
        sources += _deb822_sources(path.read_text())
    return sources


def source_lines(suite: str, apt: Path = APT) -> list[str]:
    """Lines of sources.list for the suite, from the archives of Debian that this machine uses itself."""
    codename = _own_codename()
    archive = security = None
    for source in configured_sources(apt):
        if "main" not in source.components:
            continue
        if any(name.split("/")[0] in (codename + "-security", "stable-security") for name in source.suites):
            security = security or source.uri
        elif any(name in (codename, "stable") for name in source.suites):
            archive = archive or source.uri
    if not archive:
        raise RuntimeError(f"no archive of Debian {codename} is configured in {apt}")
    lines = [f"deb {archive} {suite} main", f"deb {archive} {suite}-updates main"]
    if security:
        lines.append(f"deb {security} {suite}-security main")
    return lines


def _own_codename() -> str:
    text = Path("/etc/os-release").read_text()
    match = re.search(r"^VERSION_CODENAME=\"?(\w+)", text, re.MULTILINE)
    if not match or not re.search(r"^ID=\"?debian", text, re.MULTILINE):
        raise RuntimeError("this machine is not a Debian release")
    return match[1]


def apt_options() -> list[str]:
    """How this machine reaches its archives: proxies, time-outs, what it does about old release files."""
    dump = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True).stdout
    pattern = r"Acquire::((https?|ftp)(::(?!User-Agent)\S+)?|Check-Valid-Until|Check-Date|Retries|ForceIPv[46]) \"[^\"]+\";"
    return [line for line in dump.splitlines() if re.fullmatch(pattern, line)]
