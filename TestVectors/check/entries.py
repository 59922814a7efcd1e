# SPDX-License-Identifier: MIT
"""What each kind of entry claims, and whether it is so."""

import json

import deltas
import files
from items import Bad, encoded, read
from messages import decode, encode, rejection_of
from notation import notation

CBOR_DEPTH = 64
STATED = {"id", "description", "kind", "hex"}
WITH_FILE = {
    "cbor": {"diagnostic", "value"}, "cbor-deterministic": {"diagnostic", "value"},
    "record-log": {"value"}, "oplog-log": {"value"}, "wal": {"value"}}
WITH_MESSAGES = {"message", "diagnostic", "value", "exact", "path", "rejection", "apply"}


class Wrong(Exception):
    """An entry that does not say how things are."""


def expect(found, stated, what):
    if canonical(found) != canonical(stated):
        raise Wrong(f"{what} is {shortened(found)}; the entry says {shortened(stated)}")


def canonical(value):
    # As JSON, where true is not 1, and the order of members means nothing.
    return json.dumps(value, sort_keys=True)


def shortened(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) < 120 else text[:117] + "..."


def outcome(read_it, *arguments):
    """What reading gives: a value and None, or None and the broken rule."""
    try:
        return read_it(*arguments), None
    except Bad as bad:
        return None, bad


def check_file(name, entries):
    """Yields (id, sentence) for every entry that is wrong."""
    exact = {entry.get("id"): entry for entry in entries if entry.get("kind") == "exact"}
    seen = set()
    for entry in entries:
        try:
            check_entry(name, entry, exact)
            if entry["id"] in seen:
                raise Wrong("the id comes twice")
            seen.add(entry["id"])
        except Wrong as wrong:
            yield entry.get("id", "?"), str(wrong)


def check_entry(name, entry, exact):
    """Raises Wrong if an entry of a file is; `exact` holds the exact entries beside it."""
    check_form(name, entry, exact)
    checkers = {"cbor": check_cbor, "cbor-deterministic": check_deterministic,
                "record-log": check_record_log, "oplog-log": check_oplog, "wal": check_wal}
    checkers.get(name, check_message)(entry, exact)


def check_form(name, entry, exact):
    members = set(entry)
    allowed = STATED | WITH_FILE.get(name, WITH_MESSAGES)
    if entry.get("kind") == "reject":
        allowed = (allowed | {"error", "offset"}) - {"value", "exact", "rejection", "apply"}
        needed = STATED | {"error", "offset"}
    else:
        allowed, needed = allowed - {"path"}, STATED
    if not needed <= members <= allowed:
        raise Wrong(f"its members are {sorted(members)}")
    if entry["kind"] not in ("exact", "accept", "reject"):
        raise Wrong(f"no kind is named {entry['kind']}")
    if not entry["id"] or not entry["description"]:
        raise Wrong("the id or the description is empty")
    if bytes.fromhex(entry["hex"]).hex() != entry["hex"]:
        raise Wrong("the hex is not in lower case")
    if entry["kind"] == "accept" and name not in ("record-log", "oplog-log", "cbor"):
        stated = entry.get("exact", entry["id"].split("/")[0])
        if stated not in exact or not entry["id"].startswith(stated + "/"):
            raise Wrong("there is no exact entry beside it")


# --- CBOR

def check_cbor(entry, exact):
    data = bytes.fromhex(entry["hex"])
    item, bad = outcome(read, data, CBOR_DEPTH)
    if entry["kind"] == "reject":
        check_refusal(bad, entry)
        expect("", entry["diagnostic"], "the notation")
        return
    if bad:
        raise Wrong(f"it is refused: {bad}")
    expect(notation(encoded(item)), entry["diagnostic"], "the notation")
    if "value" in entry:
        expect(plain(item), entry["value"], "the value")
    _, impure = outcome(read, data, CBOR_DEPTH, True)
    if (impure is None) != (entry["kind"] == "exact"):
        raise Wrong(f"as deterministic encoding it gives: {impure}")
    sibling = exact.get(entry["id"].split("/")[0])
    if sibling is None:
        raise Wrong("there is no exact entry beside it")
    expect(encoded(item).hex(), sibling["hex"], "the deterministic encoding")


def check_deterministic(entry, exact):
    _, bad = outcome(read, bytes.fromhex(entry["hex"]), CBOR_DEPTH, True)
    if entry["kind"] == "reject":
        check_refusal(bad, entry)
        expect("", entry["diagnostic"], "the notation")
        return
    check_cbor(entry, exact)


def plain(item):
    """An item as JSON, if JSON has it."""
    if isinstance(item, list):
        return [plain(element) for element in item]
    if hasattr(item, "pairs"):
        return {key: plain(value) for key, value in item.pairs()}
    return item


def check_refusal(bad, entry):
    if bad is None:
        raise Wrong("nothing is wrong with it")
    expect(bad.error, entry["error"], "the error")
    expect(bad.offset, entry["offset"], "the offset")
    expect(bad.path, entry.get("path", ""), "the path")


# --- Messages

def check_message(entry, exact):
    data = bytes.fromhex(entry["hex"])
    is_delta = entry["message"] == "deltaPatch"
    if is_delta:
        value, bad = outcome(deltas.decode_patch, data)
    else:
        value, bad = outcome(decode, entry["message"], data)
    text, invalid = outcome(notation, data, True)
    expect("" if invalid else text, entry["diagnostic"], "the notation")
    if entry["kind"] == "reject":
        check_refusal(bad, entry)
        return
    if bad:
        raise Wrong(f"it is refused: {bad}")
    shown = deltas.shown(value) if is_delta else value
    if "value" in entry:
        expect(shown, entry["value"], "the value")
    sibling = entry if entry["kind"] == "exact" else exact[entry["exact"]]
    expect(sibling["message"], entry["message"], "the message of the exact entry")
    if entry["kind"] == "accept" and sibling["hex"] == entry["hex"]:
        raise Wrong("its bytes are those of the exact entry")
    again = deltas.encode_patch(shown) if is_delta else encode(entry["message"], shown)
    expect(again.hex(), sibling["hex"], "the encoding of the value")
    if entry["kind"] == "exact" and entry["message"] == "operation":
        expect(rejection_of(value), entry.get("rejection"), "what a server rejects it with")
    elif "rejection" in entry:
        raise Wrong("only an exact operation is rejected")
    if is_delta and entry["kind"] == "exact" and not entry.get("apply"):
        raise Wrong("it is never applied")
    for case in entry.get("apply", []):
        expect(applied(value, case), case, "what applying gives")


def applied(delta, case):
    found = {key: case[key] for key in ("entity", "version")}
    try:
        found["result"] = deltas.apply(delta, bytes.fromhex(case["entity"]), case["version"]).hex()
    except deltas.Misfit as misfit:
        found["error"] = misfit.error
        if misfit.step is not None:
            found |= {"op": misfit.step, "path": misfit.path}
    return found


# --- Files

def check_record_log(entry, exact):
    found, bad = outcome(files.opened_log, bytes.fromhex(entry["hex"]), "TEST")
    if entry["kind"] == "reject":
        check_refusal(bad, entry)
        return
    if bad:
        raise Wrong(f"it is refused: {bad}")
    value = entry["value"]
    records, cut = found
    expect([payload.hex() for _, payload in records], value["records"], "what is in it")
    expect(cut, value["cutOffset"], "the end of what counts")
    expect("TEST", value["purpose"], "the purpose")
    if entry["kind"] == "exact":
        batches = [[bytes.fromhex(text) for text in batch] for batch in value["batches"]]
        expect(files.written_log("TEST", batches).hex(), entry["hex"], "what is written")


def check_oplog(entry, exact):
    found, bad = outcome(files.read_oplog_file, bytes.fromhex(entry["hex"]))
    check_written(entry, found, bad, files.written_oplog_file, exact)


def check_wal(entry, exact):
    found, bad = outcome(files.read_wal_record, bytes.fromhex(entry["hex"]))
    check_written(entry, found, bad, files.wal_record, exact)
    if entry["kind"] == "accept":
        sibling = exact[entry["id"].split("/")[0]]
        expect(files.wal_record(found).hex(), sibling["hex"], "what a writer writes")


def check_written(entry, found, bad, write, exact):
    if entry["kind"] == "reject":
        check_refusal(bad, entry)
        return
    if bad:
        raise Wrong(f"it is refused: {bad}")
    expect(found, entry["value"], "what is in it")
    if entry["kind"] == "exact":
        expect(write(found).hex(), entry["hex"], "what is written")
