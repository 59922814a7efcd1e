# SPDX-License-Identifier: MIT
"""Checks the test vectors with no code of the packages: a reading of the documents of its own.

What one program wrote and read, only shows that the program agrees with itself. Here every entry is
judged by other code: `items` and `notation` read CBOR, `messages` and `deltas` the protocol, `files`
what lies on disks, and `peer` holds all CBOR against cbor2, as far as that goes.
"""

import argparse
import json
import pathlib
import sys

sys.dont_write_bytecode = True

import selftest  # noqa: E402 (a run leaves no files behind)
from entries import check_file  # noqa: E402
from peer import Peer  # noqa: E402

FILES = ("cbor", "cbor-deterministic", "hlc", "operation", "handshake", "push", "pull", "cursor",
         "error", "delta", "record-log", "oplog-log", "wal")


def no_twins(pairs):
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError(f"A member is there twice: {[key for key, _ in pairs]}")
    return members


def load(folder):
    vectors = {}
    for name in FILES:
        text = (folder / f"{name}.json").read_text(encoding="utf-8")
        vectors[name] = json.loads(text, object_pairs_hook=no_twins)
    others = {file.stem for file in folder.glob("*.json")} - set(FILES)
    if others:
        raise ValueError(f"Nothing checks {sorted(others)}")
    return vectors


def make_peer(wanted):
    try:
        return Peer()
    except ImportError:
        if wanted:
            sys.exit("cbor2 is not installed; without --with-cbor2 the check goes without it")
        return None


def main():
    parser = argparse.ArgumentParser(prog="check", description="Checks the test vectors.")
    parser.add_argument("--self-test", action="store_true",
                        help="falsify every entry, and see that each is refused")
    parser.add_argument("--with-cbor2", action="store_true", help="fail if cbor2 is not there")
    options = parser.parse_args()
    vectors = load(pathlib.Path(__file__).resolve().parent.parent)
    peer = make_peer(options.with_cbor2)
    if options.self_test:
        sys.exit(0 if selftest.run(vectors, peer) else 1)
    wrong = [(name, *found) for name in FILES for found in check_file(name, vectors[name])]
    if peer:
        for name in FILES[:-3]:
            for entry in vectors[name]:
                peer.compare(name, entry)
        wrong += peer.differing
    for name, identifier, sentence in wrong:
        print(f"{name}.json: {identifier}: {sentence}")
    count = sum(map(len, vectors.values()))
    compared = f"{peer.compared} of them agree with cbor2" if peer else "cbor2 is not here to compare"
    if wrong:
        sys.exit(f"{len(wrong)} claims of {count} entries are wrong.")
    print(f"{count} entries say how things are; {compared}.")


main()
