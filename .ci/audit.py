"""Looks for known vulnerabilities in the packages of this environment: `make audit`.

pip-audit asks the advisories of OSV, which hold those of PyPI. What advisories.toml names is passed over:
each with its reason, and until a day on which somebody must look again. Exit codes: 0 nothing found, 1
something found or something wrong, 2 the advisories cannot be reached (0 with --skip-unreachable, which says
so).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any

OSV = "https://api.osv.dev/v1/query"
IGNORED = Path(__file__).with_name("advisories.toml")
PROBE_S = 15


def ignored(file: Path, today: date) -> list[str]:
    """The advisories to pass over.  Errors: ValueError for one without reason, or whose day has come."""
    found = []
    for entry in tomllib.loads(file.read_text(encoding="utf-8")).get("ignored", []):
        name, reason, until = entry.get("id"), entry.get("reason"), entry.get("until")
        if not name or not reason or not isinstance(until, date):
            raise ValueError(f"{file.name}: {name or entry}: takes id, reason and until (a day)")
        if until <= today:
            raise ValueError(f"{file.name}: {name}: ignored until {until}; look again. Then: {reason}")
        print(f"passed over until {until}: {name}: {reason}")
        found.append(name)
    return found


def unreachable(url: str) -> str:
    """Why the advisories cannot be reached; empty where they can."""
    body = json.dumps({"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "1.0"}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=PROBE_S) as answer:
            json.load(answer)
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def audit(url: str, passed_over: list[str], path: str) -> dict[str, Any]:
    """pip-audit's report.  Errors: ValueError where it makes none."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--osv-url", url]
        command += ["--format", "json", "--output", str(out), "--progress-spinner", "off", "--skip-editable"]
        command += ["--path", path] if path else []
        command += [part for name in passed_over for part in ("--ignore-vuln", name)]
        done = subprocess.run(command, capture_output=True, text=True)
        if not out.exists():
            raise ValueError(f"pip-audit failed with code {done.returncode}: {done.stderr.strip()[-2000:]}")
        report: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return report


def tell(report: dict[str, Any]) -> int:
    """Prints what was found; how many vulnerabilities that is."""
    audited, found = 0, 0
    for package in report["dependencies"]:
        if "skip_reason" in package:
            print(f"not audited: {package['name']}: {package['skip_reason']}")
            continue
        audited += 1
        for each in package["vulns"]:
            found += 1
            names = ", ".join([each["id"], *each.get("aliases", [])])
            fixed = ", ".join(each["fix_versions"]) or "no version"
            print(f"{package['name']} {package['version']}: {names}, fixed in {fixed}: {each['description']}")
    print(f"{audited} packages audited, {found} known vulnerabilities")
    if not audited:
        raise ValueError("no package was audited")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skip-unreachable", action="store_true")
    parser.add_argument("--osv-url", default=OSV)
    parser.add_argument("--ignored", type=Path, default=IGNORED)
    parser.add_argument("--path", default="", help="packages in this folder alone")
    given = parser.parse_args()
    try:
        passed_over = ignored(given.ignored, date.today())
        reason = unreachable(given.osv_url)
        if reason:
            print(
                f"*** DEPENDENCIES NOT AUDITED: {given.osv_url} cannot be reached: {reason} ***",
                file=sys.stderr,
            )
            return 0 if given.skip_unreachable else 2
        return 1 if tell(audit(given.osv_url, passed_over, given.path)) else 0
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
