# SPDX-License-Identifier: MIT
"""The messages of doc/protocol.md, sections 5 to 11: their keys, types and ranges.

A reader of a value is a function from a Reader that stands before the value to what the vectors
show of it. ABSENT is what an optional key without a value gives.
"""

import re

from items import INTEGER_MAX, Bad, Map, Reader, encoded, read

ABSENT = object()
MESSAGE_DEPTH, ENTITY_DEPTH, ENTITY_BYTES = 16, 64, 1 << 20


def typed(test, convert=lambda item: item):
    def read_value(reader):
        offset = reader.position
        item = reader.item()
        if not test(item):
            raise reader.bad("wrongType", offset)
        return convert(item)
    return read_value


text = typed(lambda item: isinstance(item, str))
boolean = typed(lambda item: isinstance(item, bool))
data = typed(lambda item: isinstance(item, bytes), lambda item: {"hex": item.hex()})
integer = typed(lambda item: isinstance(item, int) and not isinstance(item, bool))


def ranged(read_value, test, error):
    def read_checked(reader):
        offset = reader.position
        value = read_value(reader)
        if not test(value):
            raise reader.bad(error, offset)
        return value
    return read_checked


uint = ranged(integer, lambda number: 0 <= number <= INTEGER_MAX, "outOfRange")
positive = ranged(uint, lambda number: number > 0, "outOfRange")
log_id = ranged(data, lambda value: len(value["hex"]) == 32, "invalidValue")


def is_name(name):
    return re.fullmatch(r"[A-Za-z0-9._~-]{1,128}", name) is not None and name not in (".", "..")


def is_collection(name):
    return 1 <= len(name.encode()) <= 128


database = ranged(text, is_name, "invalidValue")
device = ranged(text, lambda name: is_name(name) and name != "~server", "invalidValue")
collection = ranged(text, is_collection, "invalidValue")


def array(element):
    def read_array(reader):
        offset = reader.position
        count = container(reader, 4, offset)
        values = []
        for index in reader.indices(count):
            reader.path.append(index)
            values.append(element(reader))
            reader.path.pop()
        reader.depth -= 1
        return values
    return read_array


def container(reader, major, offset):
    """Enters an array or a map and returns how many elements or entries it says it has."""
    if reader.peek() >> 5 != major:
        reader.item()
        raise reader.bad("wrongType", offset)
    count = reader.head()[2]
    reader.enter(offset)
    return count


def entries(reader, value_of, offsets=None):
    """Reads a map with keys of text; `value_of` gives the reader of a key's value, or None for one
    that is to be skipped."""
    offset = reader.position
    count = container(reader, 5, offset)
    seen, values = Map(), {}
    reader.names_keys = True
    for key, key_offset in reader.keys(count, seen):
        if not isinstance(key, str):
            raise reader.bad("wrongType", key_offset)
        seen.entries[encoded(key)] = (key, None)
        read_value = value_of(key)
        reader.path.append(key)
        if offsets is not None:
            offsets[key] = reader.position
        if read_value is None:
            reader.names_keys = False
            reader.item()
            reader.names_keys = True
        else:
            values[key] = read_value(reader)
        reader.path.pop()
    reader.depth -= 1
    return values


def keyed(value, empty_is_absent=True):
    """A map from any text to values of one type."""
    def read_map(reader):
        values = present(entries(reader, lambda key: value))
        return values if values or not empty_is_absent else ABSENT
    return read_map


def present(values):
    return {key: value for key, value in values.items() if value is not ABSENT}


def lenient(read_value, *majors):
    """An item of one of these major types; one of another type is skipped (E7)."""
    def read_lenient(reader):
        if reader.peek() >> 5 in majors:
            return read_value(reader)
        reader.item()
        return ABSENT
    return read_lenient


def capability(reader):
    item = reader.item()
    return item if isinstance(item, bool) else ABSENT


def optional(read_value):
    def read_optional(reader):
        if reader.position < len(reader.data) and reader.data[reader.position] == 0xF6:
            reader.position += 1
            return ABSENT
        return read_value(reader)
    return read_optional


def message(keys, finish=None):
    """A map of known keys; those whose name ends with `?` may be absent or null, those with `!` may
    be absent, and null is a value of theirs."""
    readers = {name.rstrip("?!"): optional(value) if name.endswith("?") else value
               for name, value in keys.items()}
    required = [name for name in keys if name[-1] not in "?!"]

    def read_message(reader):
        offset, offsets = reader.position, {}
        values = entries(reader, readers.get, offsets)
        for name in required:
            if name not in values:
                raise Bad("missingKey", offset, [*reader.path, name])
        values = present(values)
        if finish:
            finish(reader, values, offset, offsets)
        return values
    return read_message


# --- Section 5

def label(reader):
    offset = reader.position
    value = reader.item()
    if isinstance(value, int) and not 0 <= value <= INTEGER_MAX:
        raise reader.bad("outOfRange", offset)
    if not isinstance(value, (str, int)):
        raise reader.bad("wrongType", offset)
    return value


def finish_operation(reader, values, offset, offsets):
    values["opType"] = {"PUT": "upsert", "DELETE": "delete"}.get(values["opType"], values["opType"])
    if values["opType"] == "delete" and values.get("entityCbor") == {"hex": ""}:
        del values["entityCbor"]
    reader.operation_offsets = offsets


operation = message({
    "hlc?": uint, "base?": uint, "dbId": text, "opId": uint, "cursor?": uint,
    "labels?": keyed(label), "opType": text, "baseOpId?": uint, "deviceId": text,
    "entityId": text, "collection": text, "entityCbor?": data, "timestampMs": uint,
    "entityVersion": uint, "transactionId?": uint}, finish_operation)


def rejection_of(values):
    """The code with which a server rejects an operation alone (P2), or None."""
    content = values.get("entityCbor")
    labels = encoded(Map(values.get("labels", {}).items()))
    fits = (
        is_collection(values["collection"]) and not values["collection"].startswith("_")
        and 1 <= len(values["entityId"].encode()) <= 256
        and values["opType"] == ("delete" if content is None else "upsert")
        and not ("base" in values and "baseOpId" in values)
        and len(values.get("labels", {})) <= 16 and len(labels) <= 1024)
    if not fits:
        return "malformed"
    if content is not None:
        item = bytes.fromhex(content["hex"])
        if len(item) > ENTITY_BYTES:
            return "tooLarge"
        try:
            read(item, ENTITY_DEPTH, validates=False)
        except Bad:
            return "malformed"
    return None


# --- Section 6

client_info = message({
    "platform": text, "appVersion": text, "metadata?": keyed(text)})
handshake_request = message({
    "dbId": database, "logId?": log_id, "cursor?": uint, "deviceId": device,
    "clientInfo": client_info, "protocolVersion?": uint},
    lambda reader, values, *_: values.setdefault("protocolVersion", 1))

LIMITS = {"maxPullOps": 10_000, "maxPushOps": 1_000, "maxBodyBytes": 1 << 24,
          "maxPageBytes": 1 << 24, "maxEntityBytes": 1 << 20, "maxTransactionOps": 10_000}


def finish_limits(reader, values, *_):
    for name, standard in LIMITS.items():
        values.setdefault(name, standard)


limits = message({f"{name}?": uint for name in LIMITS}, finish_limits)


def policy(reader):
    if reader.peek() >> 5 != 5:
        return text(reader)
    policies = {"": "detect", **entries(reader, lambda key: text)}
    return policies if len(policies) > 1 else policies[""]


handshake_response = message({
    "logId?": log_id, "limits?": limits, "lastOpId?": uint,
    "capabilities": keyed(capability, empty_is_absent=False), "oldestCursor?": uint,
    "serverCursor": uint, "serverTimeMs?": uint, "conflictPolicy?": policy,
    "protocolVersion?": uint})


# --- Section 7

def pushed_operation(reader):
    values = operation(reader)
    return values, reader.operation_offsets


def finish_push(reader, values, *_):
    """The shape of the request (P1)."""
    last_number, last_transaction, closed = 0, None, set()
    for index, (one, offsets) in enumerate(values["ops"]):
        def refuse(key, index=index, offsets=offsets):
            return Bad("invalidValue", offsets[key], [*reader.path, "ops", index, key])
        if one["opId"] <= last_number:
            raise refuse("opId")
        for key in ("dbId", "deviceId"):
            if one[key] != values[key]:
                raise refuse(key)
        transaction = one.get("transactionId")
        if transaction != last_transaction:
            closed.add(last_transaction)
            if transaction is not None and transaction in closed:
                raise refuse("transactionId")
        last_number, last_transaction = one["opId"], transaction
    values["ops"] = [one for one, _ in values["ops"]]


push_request = message({
    "ops": array(pushed_operation), "dbId": database, "logId?": log_id, "cursor?": uint,
    "deviceId": device}, finish_push)


def run_number(reader):
    return uint(reader) if reader.path[-1] < 3 else reader.item()


def accepted_run(reader):
    offset = reader.position
    run = array(run_number)(reader)
    if len(run) < 3:
        raise reader.bad("invalidValue", offset)
    first, cursor, count = run[:3]
    if (first < 1 or count < 1 or (cursor == 0 and count > 1)
            or first + count - 1 > INTEGER_MAX or cursor + count - 1 > INTEGER_MAX):
        raise reader.bad("invalidValue", offset)
    return run[:3]


def finish_state(reader, values, *_):
    if values.get("entityCbor") == {"hex": ""}:
        del values["entityCbor"]
    values.setdefault("deleted", "entityCbor" not in values)


server_state = message({
    "hlc?": uint, "cursor?": uint, "deleted?": boolean, "deviceId?": text, "entityCbor?": data,
    "lastModified?": lenient(uint, 0), "entityVersion": uint}, finish_state)
conflict = message({
    "clientOp": operation, "entityId": text, "collection": text, "serverState": server_state})
rejection = message({"code": text, "opId": uint, "message!": text},
                    lambda reader, values, *_: values.setdefault("message", ""))
push_response = message({
    "accepted?": array(accepted_run), "rejected?": array(rejection),
    "conflicts": array(conflict), "serverCursor?": uint, "acknowledgedUpToOpId": uint})


# --- Sections 8, 9, 11 and 5.3

def finish_pull(reader, values, offset, offsets):
    if "snapshot" in values and "deviceId" not in values:
        raise Bad("missingKey", offset, [*reader.path, "deviceId"])


pull_request = message({
    "dbId": database, "limit": positive, "logId?": log_id, "waitMs?": uint, "deviceId?": device,
    "maxBytes?": uint, "snapshot?": uint, "includeOwn?": boolean,
    "collections?": array(collection), "sinceCursor": uint}, finish_pull)
pull_response = message({
    "ops": array(operation), "logId?": log_id, "hasMore": boolean, "nextCursor": uint,
    "serverCursor?": uint})
cursor_report = message({"dbId": database, "cursor": uint, "deviceId": device})
cursor_answer = message({"cursor": uint})

detail_map = message({
    "limit?": text, "logId?": log_id, "reason?": text, "maximum?": uint, "oldestCursor?": uint,
    "serverCursor?": uint})


def details(reader):
    if reader.peek() >> 5 == 5:
        return detail_map(reader) or ABSENT
    return lenient(text, 3)(reader)


error = message({
    "code": uint, "details?": details, "message": text, "requestId?": text,
    "retryAfterSeconds?": uint})


def hybrid_timestamp(reader):
    stamp = uint(reader)
    return {"milliseconds": stamp >> 16, "counter": stamp & 0xFFFF}


MESSAGES = {
    "handshakeRequest": handshake_request, "handshakeResponse": handshake_response,
    "pullRequest": pull_request, "pullResponse": pull_response,
    "pushRequest": push_request, "pushResponse": push_response, "acceptedRun": accepted_run,
    "rejection": rejection, "conflict": conflict, "serverState": server_state,
    "operation": operation, "error": error, "cursorReport": cursor_report,
    "cursorAnswer": cursor_answer, "hybridTimestamp": hybrid_timestamp}


def decode(name, bytes_, messages=MESSAGES, depth_max=MESSAGE_DEPTH):
    """What a message says, in the form of the vectors' `value`."""
    reader = Reader(bytes_, depth_max)
    value = messages[name](reader)
    reader.end()
    return value


def item_of(value):
    """The item that a vector's `value` stands for."""
    if isinstance(value, dict):
        if list(value) == ["hex"]:
            return bytes.fromhex(value["hex"])
        return Map((key, item_of(member)) for key, member in value.items())
    if isinstance(value, list):
        return [item_of(element) for element in value]
    return value


def encode(name, value):
    """The bytes that a vector's `value` is sent as."""
    if name == "hybridTimestamp":
        return encoded(value["milliseconds"] << 16 | value["counter"])
    return encoded(item_of(value))
