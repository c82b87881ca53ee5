"""`python -m tokentra_sdk check` says whether events would arrive, and what is in their way."""

from __future__ import annotations

import argparse
import sys

from tokentra_sdk.checking import check


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tokentra_sdk", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="look at address, key, clock and disk, and send one test event")
    checking.add_argument("--url", help="instead of TOKENTRA_URL")
    is_good = True
    for finding in check(url=parser.parse_args().url):
        print(finding)
        is_good = is_good and finding.is_good is not False
    print("Events arrive." if is_good else "Events would not arrive as things are.")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
