# SPDX-License-Identifier: MIT
"""Whether the check can fail: every entry is falsified in many ways, and each must be refused."""

import copy

import coverage
from entries import Wrong, check_entry
from peer import Peer


def falsified(entry):
    """Yields (what was done, entry) for each way in which an entry can be made wrong."""
    def altered(what, **members):
        return what, {**copy.deepcopy(entry), **members}
    data = bytearray.fromhex(entry["hex"])
    kind = entry["kind"]
    if kind == "exact":
        # In other kinds there are bytes that mean nothing; here each bit counts.
        for index in range(len(data)):
            flipped = bytearray(data)
            flipped[index] ^= 1 << index % 8
            yield altered(f"bit {index % 8} of byte {index}", hex=flipped.hex())
        yield altered("kind", kind="accept", exact=None)
    if kind == "exact" or "diagnostic" in entry and kind == "accept":
        yield altered("a byte less", hex=data[:-1].hex())
        yield altered("a byte more", hex=data.hex() + "00")
    if kind != "reject":
        yield altered("an error", error="truncated", offset=0)
        for what, value in changes(entry.get("value")):
            yield altered(f"value{what}", value=value)
        for index, case in enumerate(entry.get("apply", [])):
            for what, member in changes(case):
                if what in (".version", ".entity"):
                    continue  # Another one may fail in the same way.
                cases = [*entry["apply"][:index], member, *entry["apply"][index + 1:]]
                yield altered(f"apply[{index}]{what}", apply=cases)
    else:
        yield altered("error", error=entry["error"] + "?")
        yield altered("offset", offset=entry["offset"] + 1)
        yield altered("path", path=entry.get("path", "") + "x")
        yield altered("kind", kind="exact", value=None)
    if entry.get("exact"):
        yield altered("exact", exact=entry["exact"] + "?")
    if "diagnostic" in entry:
        yield altered("diagnostic", diagnostic=entry["diagnostic"] + "0")
    if entry.get("message") == "operation" and kind == "exact":
        yield altered("rejection", rejection="tooLarge")
    yield altered("id", id="")
    yield altered("description", description="")


def changes(value, what=""):
    """Yields (where, value) for each leaf changed and each member left out."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield f"{what}.{key} gone", {name: value[name] for name in value if name != key}
            for where, changed in changes(member, f"{what}.{key}"):
                yield where, {**value, key: changed}
    elif isinstance(value, list):
        yield f"{what} longer", [*value, 0]
        for index, member in enumerate(value):
            for where, changed in changes(member, f"{what}[{index}]"):
                yield where, [*value[:index], changed, *value[index + 1:]]
    elif isinstance(value, bool) or value is None:
        yield what, not value
    elif isinstance(value, int):
        yield what, value + 1
    elif isinstance(value, str):
        yield what, value + "00"


def run(vectors, peer):
    """Prints what was not refused, and returns whether all was."""
    tried = survived = 0
    for name, entries in vectors.items():
        exact = {entry["id"]: entry for entry in entries if entry["kind"] == "exact"}
        for entry in entries:
            for what, changed in falsified(entry):
                tried += 1
                try:
                    check_entry(name, changed, exact)
                except (Wrong, KeyError, TypeError, ValueError):
                    continue
                survived += 1
                print(f"not refused: {name}.json: {entry['id']}: {what}")
    print(f"{tried} falsified entries were tried, and {tried - survived} refused.")
    return survived == 0 and (peer is None or refuses_a_liar(vectors))


def refuses_a_liar(vectors):
    """Compares with a codec that reads everything as 7.5."""
    peer = Peer()
    peer.cbor2 = type("Liar", (), {"loads": lambda data: 7.5, "dumps": lambda *_, **__: b"",
                                   "CBORTag": tuple, "CBORSimpleValue": int, "undefined": None})
    for entry in vectors["cursor"]:
        peer.compare("cursor", entry)
    if not peer.differing or len(peer.differing) < peer.compared - 1:
        print("A codec that reads everything as 7.5 would pass.")
        return False
    return True


def run_coverage(vectors, readme, protocol):
    """Whether README.md without one of its rows, or with an empty one, is refused."""
    lines = readme.splitlines(keepends=True)
    rules = [rule for rule, _ in coverage.rows(readme)]
    tried = survived = 0
    for index, line in enumerate(lines):
        if not any(line.startswith(f"| {rule} |") for rule in rules):
            continue
        for what, changed in (("empty", line.replace("`", "'")), ("naming nothing",
                              line.replace("`", "`-", 1))):
            tried += 1
            again = "".join([*lines[:index], changed, *lines[index + 1:]])
            if not list(coverage.check(vectors, again, protocol)):
                survived += 1
                print(f"not refused: README.md with this row {what}: {line}", end="")
    fewer = protocol.replace("**N1", "**N99", 1)
    if not list(coverage.check(vectors, readme, fewer)):
        survived += 1
        print("not refused: a protocol with a rule N99 and without N1")
    print(f"{tried} falsified rows were tried, and {tried - survived} refused.")
    return survived == 0 and tried > 0
