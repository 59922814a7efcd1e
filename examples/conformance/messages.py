# SPDX-License-Identifier: MIT
"""The messages of doc/protocol.md, sections 5 to 11, between bytes and Python's own values.

`decoded_message` gives a dict with the keys that are known and there; what is not, is not in it.
`encoded_message` writes one. Byte strings are bytes.
"""

import re

from cbor import Bad, Map, decoded, encoded

INTEGER_MAX, MESSAGE_DEPTH, ENTITY_DEPTH = 2**63 - 1, 16, 64
LIMITS = {"maxPullOps": 10_000, "maxPushOps": 1_000, "maxBodyBytes": 1 << 24,
          "maxPageBytes": 1 << 24, "maxEntityBytes": 1 << 20, "maxTransactionOps": 10_000}
ABSENT = object()


def of(kind, is_right=lambda item: True, error="invalidValue"):
    """A reader of values of one type (`True` is no integer) of which some are right."""
    def value_of(item):
        if not isinstance(item, kind) or isinstance(item, bool) and kind is not bool:
            raise Bad("wrongType")
        if not is_right(item):
            raise Bad(error)
        return item
    return value_of


def is_name(name):
    return re.fullmatch(r"[A-Za-z0-9._~-]{1,128}", name) is not None and name not in (".", "..")


text, boolean, data = of(str), of(bool), of(bytes)
uint = of(int, lambda number: 0 <= number <= INTEGER_MAX, "outOfRange")
positive = of(int, lambda number: 1 <= number <= INTEGER_MAX, "outOfRange")
log_id = of(bytes, lambda bytes_: len(bytes_) == 16)
database = of(str, is_name)
device = of(str, lambda name: is_name(name) and name != "~server")
collection = of(str, lambda name: 1 <= len(name.encode()) <= 128)


def array(element):
    return lambda item: [element(one) for one in of(list)(item)]


def keyed(value, empty=ABSENT):
    """A map from any text to values of one type."""
    def value_of(item):
        pairs = [(text(key), value(one)) for key, one in of(Map)(item).pairs()]
        return {key: one for key, one in pairs if one is not ABSENT} or empty
    return value_of


def lenient(value, kind):
    """A value that counts as absent if it is of another type (E7); so does a negative number."""
    def value_of(item):
        is_other = not isinstance(item, kind) or isinstance(item, bool) and kind is not bool
        return ABSENT if is_other or kind is int and item < 0 else value(item)
    return value_of


def message(keys, finish=lambda values: None):
    """A map. A key with `?` may be absent or null; with `!` it may be absent, and null is wrong."""
    readers = {name.rstrip("?!"): (name[-1] == "?", value) for name, value in keys.items()}

    def value_of(item):
        values = {}
        for key, one in of(Map)(item).pairs():
            may_be_null, value = readers.get(text(key), (True, lambda _: ABSENT))
            if one is not None or not may_be_null:
                values[key] = value(one)
        for name in keys:
            if name[-1] not in "?!" and name not in values:
                raise Bad("missingKey")
        values = {key: one for key, one in values.items() if one is not ABSENT}
        finish(values)
        return values
    return value_of


def defaults(**standard):
    def finish(values):
        for key, value in standard.items():
            values.setdefault(key, value)
    return finish


# --- Section 5

def label(item):
    if isinstance(item, bool):
        return item
    return uint(item) if isinstance(item, int) else text(item)


def finish_operation(values):
    values["opType"] = {"PUT": "upsert", "DELETE": "delete"}.get(values["opType"], values["opType"])
    if values["opType"] == "delete" and values.get("entityCbor") == b"":
        del values["entityCbor"]


operation = message({
    "hlc?": uint, "base?": uint, "dbId": text, "opId": uint, "cursor?": uint,
    "labels?": keyed(label), "opType": text, "baseOpId?": uint, "deviceId": text,
    "entityId": text, "collection": text, "entityCbor?": data, "timestampMs": uint,
    "entityVersion": uint, "transactionId?": uint}, finish_operation)


# --- Section 6

def policy(item):
    if not isinstance(item, Map):
        return text(item)
    policies = {"": "detect", **keyed(text, {})(item)}
    return policies if len(policies) > 1 else policies[""]


handshake_request = message({
    "dbId": database, "logId?": log_id, "cursor?": uint, "deviceId": device,
    "clientInfo": message({"platform": text, "appVersion": text, "metadata?": keyed(text)}),
    "protocolVersion?": uint}, defaults(protocolVersion=1))
handshake_response = message({
    "logId?": log_id, "lastOpId?": uint, "oldestCursor?": uint, "serverCursor": uint,
    "limits?": message({f"{name}?": uint for name in LIMITS}, defaults(**LIMITS)),
    "capabilities": keyed(lenient(boolean, bool), {}), "serverTimeMs?": uint,
    "conflictPolicy?": policy, "protocolVersion?": uint})


# --- Section 7

def finish_push(values):
    last, ended, group = 0, set(), None
    for one in values["ops"]:
        if one["opId"] <= last or any(one[key] != values[key] for key in ("dbId", "deviceId")):
            raise Bad("invalidValue")
        if one.get("transactionId") != group:
            ended.add(group)
        last, group = one["opId"], one.get("transactionId")
        if group is not None and group in ended:
            raise Bad("invalidValue")


def run(item):
    first, cursor, count = ([*map(uint, of(list)(item)[:3]), None, None, None])[:3]
    if (count is None or first < 1 or count < 1 or cursor == 0 and count > 1
            or max(first, cursor) + count - 1 > INTEGER_MAX):
        raise Bad("invalidValue")
    return [first, cursor, count]


def finish_state(values):
    if values.get("entityCbor") == b"":
        del values["entityCbor"]
    values.setdefault("deleted", "entityCbor" not in values)


server_state = message({
    "hlc?": uint, "cursor?": uint, "deleted?": boolean, "deviceId?": text, "entityCbor?": data,
    "lastModified?": lenient(uint, int), "entityVersion": uint}, finish_state)
conflict = message({
    "clientOp": operation, "entityId": text, "collection": text, "serverState": server_state})
rejection = message({"code": text, "opId": uint, "message!": text}, defaults(message=""))
push_request = message({
    "ops": array(operation), "dbId": database, "logId?": log_id, "cursor?": uint,
    "deviceId": device}, finish_push)
push_response = message({
    "accepted?": array(run), "rejected?": array(rejection), "conflicts": array(conflict),
    "serverCursor?": uint, "acknowledgedUpToOpId": uint})


# --- Sections 8, 9, 11 and 5.3

def finish_pull(values):
    if "snapshot" in values and "deviceId" not in values:
        raise Bad("missingKey")


pull_request = message({
    "dbId": database, "limit": positive, "logId?": log_id, "waitMs?": uint, "deviceId?": device,
    "maxBytes?": uint, "snapshot?": uint, "includeOwn?": boolean,
    "collections?": array(collection), "sinceCursor": uint}, finish_pull)
pull_response = message({
    "ops": array(operation), "logId?": log_id, "hasMore": boolean, "nextCursor": uint,
    "serverCursor?": uint})
cursor_report = message({"dbId": database, "cursor": uint, "deviceId": device})
cursor_answer = message({"cursor": uint})
facts = message({"limit?": text, "logId?": log_id, "reason?": text, "maximum?": uint,
                 "oldestCursor?": uint, "serverCursor?": uint})


def details(item):
    return facts(item) or ABSENT if isinstance(item, Map) else lenient(text, str)(item)


error = message({"code": uint, "details?": details, "message": text, "requestId?": text,
                 "retryAfterSeconds?": uint})


def stamp(item):
    return {"milliseconds": uint(item) >> 16, "counter": item & 0xFFFF}


MESSAGES = {
    "handshakeRequest": handshake_request, "handshakeResponse": handshake_response,
    "pullRequest": pull_request, "pullResponse": pull_response, "pushRequest": push_request,
    "pushResponse": push_response, "acceptedRun": run, "rejection": rejection,
    "conflict": conflict, "serverState": server_state, "operation": operation, "error": error,
    "cursorReport": cursor_report, "cursorAnswer": cursor_answer, "hybridTimestamp": stamp}


def decoded_message(name, bytes_):
    return MESSAGES[name](decoded(bytes_, MESSAGE_DEPTH))


def encoded_message(name, value):
    if name == "hybridTimestamp":
        return encoded(value["milliseconds"] << 16 | value["counter"])
    return encoded(value)
