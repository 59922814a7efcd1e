# SPDX-License-Identifier: MIT
"""The files on disk: doc/record-log-format.md, doc/oplog-format.md and doc/wal-format.md."""

import struct
import uuid
import zlib

from items import Bad, Map, encoded, read
from messages import decode

FILE_ID = bytes(range(16))
PAYLOAD_MAX = 1 << 28
RECORD, MARK = 1, 2


def crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C_TABLE = crc32c_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = CRC32C_TABLE[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


# --- The record log

def log_header(purpose):
    fields = struct.pack("<4sHH4s16s8x", b"ESRL", 1, 40, purpose.encode(), FILE_ID)
    return fields + struct.pack("<I", crc32c(fields))


def frame(offset, synced, kind, payload=b""):
    rest = struct.pack("<QB", synced, kind) + payload
    sealed = FILE_ID + struct.pack("<QI", offset, len(payload)) + rest
    return struct.pack("<II", len(payload), crc32c(sealed)) + rest


def written_log(purpose, batches):
    """The file after so many syncs, each of some payloads."""
    data, synced = log_header(purpose), 40
    for batch in batches:
        for payload in batch:
            data += frame(len(data), synced, RECORD, payload)
        synced = len(data)
        data += frame(synced, synced, MARK)
    return data


def frame_at(data, offset):
    """The frame at an offset as (synced through, kind, payload), or None if there is none."""
    if len(data) - offset < 17:
        return None
    length, checksum, synced, kind = struct.unpack_from("<IIQB", data, offset)
    payload = data[offset + 17:offset + 17 + length]
    sealed = data[12:28] + struct.pack("<QIQB", offset, length, synced, kind) + payload
    fits = (length <= PAYLOAD_MAX and length == len(payload) and kind in (RECORD, MARK)
            and synced <= offset and not (kind == MARK and length))
    return (synced, kind, payload) if fits and crc32c(sealed) == checksum else None


def opened_log(data, purpose):
    """Returns the records as (offset, payload), and where the torn tail is cut, or None."""
    if data[:4] != b"ESRL":
        raise Bad("notARecordLog", 0)
    if len(data) < 40:
        raise Bad("damaged", len(data))
    version, header_length = struct.unpack_from("<HH", data, 4)
    header = data[:header_length]
    if len(header) < 40 or crc32c(header[:-4]) != struct.unpack("<I", header[-4:])[0]:
        raise Bad("damaged", 0)
    if version > 1:
        raise Bad("newerFormat", 4)
    if data[8:12] != purpose.encode():
        raise Bad("wrongPurpose", 8)
    records, offset = [], header_length
    while offset < len(data):
        found = frame_at(data, offset)
        if found is None:
            behind = (frame_at(data, later) for later in range(offset + 1, len(data)))
            if any(later and later[0] > offset for later in behind):
                raise Bad("damaged", offset)
            return records, offset
        if found[1] == RECORD:
            records.append((offset, found[2]))
        offset += 17 + len(found[2])
    return records, None


# --- The op log

def written_group(group):
    operations = [bytes.fromhex(text) for text in group["operations"]]
    lengths = [len(one) | continues << 31
               for one, continues in zip(operations, group["continuesTransaction"])]
    return struct.pack(f"<HHIQQ{len(lengths)}I", 1, 0, len(operations), group["firstCursor"],
                       group["committedAtMs"], *lengths) + b"".join(operations)


def read_group(payload, due, numbers):
    """A group as the vectors show it. `due` is its first cursor, `numbers` what devices have used."""
    version, flags, count, first, committed = struct.unpack_from("<HHIQQ", payload)
    if version > 1 or flags:
        raise Bad("newerFormat")
    if version < 1 or not 1 <= count <= (len(payload) - 24) // 4 or first != due:
        raise Bad("damaged")
    lengths = struct.unpack_from(f"<{count}I", payload, 24)
    position, operations = 24 + 4 * count, []
    for cursor, length in enumerate(lengths, first):
        one = payload[position:position + (length & 0x7FFFFFFF)]
        position += length & 0x7FFFFFFF
        values = decode("operation", one)
        number = values["deviceId"], values["opId"]
        if values.get("cursor") != cursor or number in numbers:
            raise Bad("damaged")
        numbers.add(number)
        operations.append(one.hex())
    if position != len(payload):
        raise Bad("damaged")
    return {"firstCursor": first, "committedAtMs": committed, "operations": operations,
            "continuesTransaction": [length >> 31 == 1 for length in lengths]}


def read_segment(data):
    records, _ = opened_log(data, "OPLG")
    groups, due, numbers = [], 1, set()
    for offset, payload in records:
        try:
            groups.append(read_group(payload, due, numbers))
        except Bad as bad:
            raise Bad(bad.error if bad.error == "newerFormat" else "damaged", offset) from None
        except struct.error:
            raise Bad("damaged", offset) from None
        due += len(groups[-1]["operations"])
    return groups


def small_file(purpose, body):
    head = struct.pack("<4sHH", purpose.encode(), 1, 0)
    return head + struct.pack("<I", crc32c(head + body)) + body


def read_oplog_file(data):
    """A file of a database as the vectors show it."""
    purpose, body = data[:4], data[12:]
    if purpose == b"ESRL":
        return {"file": f"{1:020}.seg", "groups": read_segment(data)}
    if data != small_file(purpose.decode(), body):
        raise Bad("damaged")
    item = read(body, 16)
    if purpose == b"ESDB":
        values = {key: value for key, value in item.pairs()}
        return {"file": "database", "dbId": values["dbId"], "logId": values["logId"].hex(),
                "createdAtMs": values["createdAtMs"]}
    return {"file": "devices", "devices": [
        dict(zip(("deviceId", "cursor", "lastSeenMs"), entry)) for entry in item]}


def written_oplog_file(value):
    if "groups" in value:
        return written_log("OPLG", [[written_group(group)] for group in value["groups"]])
    if value["file"] == "database":
        return small_file("ESDB", encoded(Map([
            ("dbId", value["dbId"]), ("logId", bytes.fromhex(value["logId"])),
            ("createdAtMs", value["createdAtMs"])])))
    return small_file("ESDC", encoded([
        [one["deviceId"], one["cursor"], one["lastSeenMs"]] for one in value["devices"]]))


# --- The write-ahead log

WAL_TYPES = {"begin": 1, "commit": 4, "abort": 5, "checkpoint": 6, "pulled": 18, "synced": 19}
WAL_FIELDS = {1: ("txid",), 4: ("txid", "sequence"), 5: ("txid",), 6: ("sequence",),
              18: ("txid", "logId", "cursor", "settlement"), 19: ("sequence",)}


def uuid_of(text):
    """The UUID that a text is in lower case with hyphens, or None."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def wal_record(value):
    """The bytes of a record."""
    kind = value["type"]
    if kind in WAL_TYPES:
        number = WAL_TYPES[kind]
        payload = b"".join(
            bytes.fromhex(value[field]) if field == "logId" else struct.pack("<Q", value[field])
            for field in WAL_FIELDS[number])
    else:
        payload = struct.pack("<QI", value["txid"], value["collectionId"])
        found, text = uuid_of(value["entityId"]), value["entityId"].encode()
        number = (2 if kind == "put" else 3) + (0 if found else 14)
        payload += found.bytes + b"\0" if found else struct.pack("<H", len(text)) + text
        if kind == "put":
            content = bytes.fromhex(value["content"])
            payload += struct.pack("<I", len(content)) + content
    record = struct.pack("<4sHBI", b"EWAL", 1, number, len(payload)) + payload
    return record + struct.pack("<I", zlib.crc32(record))


def wal_length(kind, payload):
    """The length that a payload must have by its own fields; None if they are not all there, or
    nothing is known of the type."""
    if kind in WAL_FIELDS:
        return sum(16 if field == "logId" else 8 for field in WAL_FIELDS[kind])
    at = 12
    if kind in (2, 3):
        at += 17
        if len(payload) < at:
            return None
        at += 32 if payload[at - 1] == 1 else 0
    elif kind in (16, 17):
        if len(payload) < at + 2:
            return None
        at += 2 + struct.unpack_from("<H", payload, at)[0]
    else:
        return None
    if kind in (3, 17):
        return at
    return at + 4 + struct.unpack_from("<I", payload, at)[0] if len(payload) >= at + 4 else None


def read_wal_record(data):
    if not b"EWAL".startswith(data[:4]):
        raise Bad("noMagic")
    if len(data) < 11:
        raise Bad("incomplete")
    version, kind, length = struct.unpack_from("<HBI", data, 4)
    if length > PAYLOAD_MAX:
        raise Bad("lengthTooLarge")
    payload = data[11:11 + length]
    odd_flag = kind in (2, 3) and len(payload) > 28 and payload[28] > 1
    due = wal_length(kind, payload) if version == 1 and not odd_flag else None
    if due not in (None, length):
        raise Bad("lengthContradiction")
    if len(data) < 11 + length + 4:
        raise Bad("incomplete")
    if struct.unpack_from("<I", data, 11 + length)[0] != zlib.crc32(data[:11 + length]):
        raise Bad("checksumMismatch")
    if version != 1:
        raise Bad("unknownVersion")
    if kind not in (*WAL_FIELDS, 2, 3, 16, 17):
        raise Bad("unknownType")
    if odd_flag:
        raise Bad("fieldMismatch")
    if len(data) > 11 + length + 4:
        raise Bad("trailingBytes", 11 + length + 4)
    return wal_value(kind, payload)


def wal_value(kind, payload):
    if kind in WAL_FIELDS:
        value, at = {"type": {number: name for name, number in WAL_TYPES.items()}[kind]}, 0
        for field in WAL_FIELDS[kind]:
            size = 16 if field == "logId" else 8
            part = payload[at:at + size]
            value[field] = part.hex() if field == "logId" else int.from_bytes(part, "little")
            at += size
        return value
    value = {"type": "put" if kind in (2, 16) else "delete"}
    value["txid"], value["collectionId"] = struct.unpack_from("<QI", payload)
    if kind < 16:
        value["entityId"] = str(uuid.UUID(bytes=payload[12:28]))
        at = 29 + 32 * payload[28]
    else:
        at = 14 + struct.unpack_from("<H", payload, 12)[0]
        try:
            value["entityId"] = payload[14:at].decode()
        except UnicodeDecodeError:
            raise Bad("fieldMismatch") from None
        if at == 14:
            raise Bad("fieldMismatch")
    if kind in (2, 16):
        value["content"] = payload[at + 4:].hex()
    return value
