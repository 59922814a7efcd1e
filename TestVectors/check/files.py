# SPDX-License-Identifier: MIT
"""The files on disk: doc/record-log-format.md, doc/oplog-format.md and doc/wal-format.md."""

import hashlib
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
            # Zeros up to the end of the file are no write at all, unless they are too few.
            return records, offset if any(data[offset:]) or len(data) - offset < 17 else None
        if found[1] == RECORD:
            records.append((offset, found[2]))
        offset += 17 + len(found[2])
    return records, None


# --- The op log

NO_LINK = bytes(32)
UNNAMED = 65535


def written_groups(groups):
    """The payloads of a log that begins with these groups."""
    payloads, link = [], NO_LINK
    for group in groups:
        body = written_group(group)
        link = hashlib.sha256(link + body).digest()
        payloads.append(body + link)
    return payloads


def written_group(group):
    """A group without its link."""
    operations = [bytes.fromhex(text) for text in group["operations"]]
    names, rows = [], b""
    for one, continues in zip(operations, group["continuesTransaction"]):
        values = decode("operation", one)
        numbers = []
        for name in (values["collection"], values["deviceId"]):
            if name not in names:
                names.append(name)
            numbers.append(names.index(name))
        rows += struct.pack("<IHHI", len(one) | continues << 31, *numbers,
                            values["cursor"] - group["firstCursor"])
    texts = b"".join(struct.pack("<H", len(name.encode())) + name.encode() for name in names)
    last = group["firstCursor"] + len(operations) - 1
    return struct.pack("<HHIQQQII", 2, 0, len(operations), group["firstCursor"], last,
                       group["committedAtMs"], len(names), len(texts)) + texts + rows + b"".join(
                           operations)


def group_table(payload):
    """A group's header and table: its numbers, its rows as (length, names, cursor), and its link."""
    version, flags, count, first = struct.unpack_from("<HHIQ", payload)
    if version > 2 or flags:
        raise Bad("newerFormat")
    if version == 1:
        committed, = struct.unpack_from("<Q", payload, 16)
        lengths = struct.unpack_from(f"<{count}I", payload, 24) if count < len(payload) else None
        if not lengths:
            raise Bad("damaged")
        rows = [(length, None, first + at) for at, length in enumerate(lengths)]
        return first, first + count - 1, committed, rows, payload[24 + 4 * count:], None
    last, committed, name_count, names_length = struct.unpack_from("<QQII", payload, 16)
    if version < 1 or len(payload) < 72 or not first <= last or 12 * count > len(payload):
        raise Bad("damaged")
    names, position = [], 40
    while position < 40 + names_length:
        length, = struct.unpack_from("<H", payload, position)
        names.append(payload[position + 2:position + 2 + length].decode(errors="replace"))
        position += 2 + length
    if len(names) != name_count or position != 40 + names_length:
        raise Bad("damaged")
    rows = []
    for at in range(count):
        length, collection, device, distance = struct.unpack_from("<IHHI", payload,
                                                                  position + 12 * at)
        pair = [None if number == UNNAMED else names[number:number + 1] or raise_damaged()
                for number in (collection, device)]
        rows.append((length, pair, first + distance))
    cursors = [row[2] for row in rows]
    if cursors != sorted(set(cursors)) or cursors and cursors[-1] > last:
        raise Bad("damaged")
    return first, last, committed, rows, payload[position + 12 * count:-32], payload[-32:]


def raise_damaged():
    raise Bad("damaged")


def read_group(payload, due, numbers, link):
    """A group as the vectors show it, and its link.

    `due` is its first cursor, `numbers` what devices have used, `link` that of the group before.
    """
    first, last, committed, rows, rest, stored = group_table(payload)
    linked = hashlib.sha256(link + (payload[:-32] if stored else payload)).digest()
    if first != due or stored not in (None, linked):
        raise Bad("damaged")
    position, operations = 0, []
    for length, names, cursor in rows:
        one = rest[position:position + (length & 0x7FFFFFFF)]
        position += length & 0x7FFFFFFF
        values = decode("operation", one)
        number = values["deviceId"], values["opId"]
        if values.get("cursor") != cursor or number in numbers:
            raise Bad("damaged")
        if names and any(name and name[0] != values[key]
                         for name, key in zip(names, ("collection", "deviceId"))):
            raise Bad("damaged")
        numbers.add(number)
        operations.append(one.hex())
    if position != len(rest):
        raise Bad("damaged")
    return {"firstCursor": first, "committedAtMs": committed, "operations": operations,
            "continuesTransaction": [row[0] >> 31 == 1 for row in rows]}, last + 1, linked


def read_segment(data):
    records, _ = opened_log(data, "OPLG")
    groups, due, numbers, link = [], 1, set(), NO_LINK
    for offset, payload in records:
        try:
            group, due, link = read_group(payload, due, numbers, link)
            groups.append(group)
        except Bad as bad:
            raise Bad(bad.error if bad.error == "newerFormat" else "damaged", offset) from None
        except struct.error:
            raise Bad("damaged", offset) from None
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
        return written_log("OPLG", [[one] for one in written_groups(value["groups"])])
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
