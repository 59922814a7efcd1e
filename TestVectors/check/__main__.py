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

import conversations  # noqa: E402 (a run leaves no files behind)
import coverage  # noqa: E402
import selftest  # noqa: E402
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
    others = {file.stem for file in folder.glob("*.json")} - {*FILES, "conversations"}
    if others:
        raise ValueError(f"Nothing checks {sorted(others)}")
    return vectors


def load_conversations(folder):
    text = (folder / "conversations.json").read_text(encoding="utf-8")
    return json.loads(text, object_pairs_hook=no_twins)


def wrong_conversations(talks, rules):
    """Yields (file, id, sentence) for every conversation that is wrong."""
    seen = set()
    for talk in talks:
        try:
            conversations.check(talk, rules)
            conversations.need(talk["id"] not in seen, "the id comes twice")
            seen.add(talk["id"])
        except (conversations.Wrong, KeyError, TypeError, ValueError) as wrong:
            yield "conversations", talk.get("id", "?"), str(wrong)


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
    folder = pathlib.Path(__file__).resolve().parent.parent
    vectors = load(folder)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    protocol = (folder.parent / "doc/protocol.md").read_text(encoding="utf-8")
    talks, rules = load_conversations(folder), coverage.rules_of(protocol)
    peer = make_peer(options.with_cbor2)
    if options.self_test:
        refused = (selftest.run(vectors, peer) and selftest.run_coverage(vectors, readme, protocol)
                   and conversations.self_test(talks, rules))
        sys.exit(0 if refused else 1)
    wrong = [(name, *found) for name in FILES for found in check_file(name, vectors[name])]
    wrong += wrong_conversations(talks, rules)
    if peer:
        for name in FILES[:-3]:
            for entry in vectors[name]:
                peer.compare(name, entry)
        wrong += peer.differing
    faults = list(coverage.check(vectors, readme, protocol))
    for sentence in faults:
        print(f"README.md: {sentence}.")
    for name, identifier, sentence in wrong:
        print(f"{name}.json: {identifier}: {sentence}")
    count = sum(map(len, vectors.values()))
    compared = f"{peer.compared} of them agree with cbor2" if peer else "cbor2 is not here to compare"
    if wrong or faults:
        sys.exit(f"{len(wrong)} claims of {count} entries are wrong, and {len(faults)} of README.md.")
    print(f"{count} entries say how things are; {compared}.")
    print(f"{len(talks)} conversations can have been.")


main()
