# SPDX-License-Identifier: MIT
"""CBOR (RFC 8949): a strict reader, and a writer of Core Deterministic Encoding. Nothing to install.

An item is an int, float, bytes, str, bool, None, list, Map, Tag or Simple. Copy this file as it is.
"""

import math
import struct


class Bad(Exception):
    """Bytes that break a rule: the rule's name, and the offset of the item at fault."""

    def __init__(self, error, offset=0):
        super().__init__(f"{error} at byte {offset}")
        self.error, self.offset = error, offset


class Tag:
    def __init__(self, number, content):
        self.number, self.content = number, content


class Simple:
    def __init__(self, number):
        self.number = number


class Map:
    """Entries by the encoding of their keys, which decides what is the same key: to Python 1, 1.0
    and True are one, and to CBOR they are three."""

    def __init__(self, pairs=()):
        self.entries = {encoded(key): (key, value) for key, value in pairs}

    def pairs(self):
        """Keys and values in the order in which they are sent."""
        return [self.entries[code] for code in sorted(self.entries)]


# --- Writing

def head(major, argument):
    """A head, as short as it can be."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise ValueError(f"{argument} has more than 64 bits")


def encoded(item):
    """Core Deterministic Encoding (RFC 8949 section 4.2.1). A dict is a map, too."""
    if item is None or isinstance(item, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[item]
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, float):
        return encoded_float(item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        data = item.encode()
        return head(3, len(data)) + data
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(encoded, item))
    if isinstance(item, dict):
        item = Map(item.items())
    if isinstance(item, Map):
        return head(5, len(item.entries)) + b"".join(
            code + encoded(item.entries[code][1]) for code in sorted(item.entries))
    if isinstance(item, Tag):
        return head(6, item.number) + encoded(item.content)
    return head(7, item.number) if item.number < 24 else bytes([0xF8, item.number])


def encoded_float(number):
    """The shortest float that is the same number; all NaNs are one."""
    if math.isnan(number):
        return b"\xf9\x7e\x00"
    for first, form in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            data = struct.pack(form, number)
        except OverflowError:
            continue
        if struct.unpack(form, data)[0] == number:
            return first + data
    return b"\xfb" + struct.pack(">d", number)


# --- Reading

def decoded(data, depth_max=64, deterministic=False):
    """The one item that the bytes are. It may nest so deep: 16 in a message, 64 in an entity."""
    reader = Reader(data, depth_max, deterministic)
    item = reader.item()
    if reader.position < len(data):
        raise Bad("trailingBytes", reader.position)
    return item


class Reader:
    def __init__(self, data, depth_max, deterministic):
        self.data, self.position = data, 0
        self.levels, self.deterministic = depth_max, deterministic

    def take(self, count):
        # A length is only believed if as many bytes are there.
        if count > len(self.data) - self.position:
            raise Bad("truncated", len(self.data))
        self.position += count
        return self.data[self.position - count:self.position]

    def head(self):
        """Major type, additional information and argument; that is None for an indefinite length."""
        offset, first = self.position, self.take(1)[0]
        major, info = first >> 5, first & 31
        if first == 0xFF:
            raise Bad("unexpectedBreak", offset)
        if info < 24:
            return major, info, info
        if info == 31 and 2 <= major <= 5:
            if self.deterministic:
                raise Bad("indefiniteLength", offset)
            return major, info, None
        if info > 27:
            raise Bad("reservedInfo", offset)
        size = 1 << info - 24
        argument = int.from_bytes(self.take(size), "big")
        if self.deterministic and major < 7 and len(head(major, argument)) <= size:
            raise Bad("nonShortest", offset)
        return major, info, argument

    def item(self):
        offset = self.position
        major, info, argument = self.head()
        if major < 2:
            return argument if major == 0 else -1 - argument
        if major < 4:
            return self.string(major, argument, offset)
        if major == 7:
            return self.simple(info, argument, offset)
        if self.levels == 0:
            raise Bad("depthExceeded", offset)
        self.levels -= 1
        if major == 6:
            item = Tag(argument, self.item())
        elif major == 4:
            item = [self.item() for _ in self.counted(argument)]
        else:
            item = self.map(argument)
        self.levels += 1
        return item

    def counted(self, count):
        """As many turns as an array or a map has elements or entries."""
        done = 0
        while not self.at_break() if count is None else done < count:
            yield done
            done += 1

    def at_break(self):
        if self.position == len(self.data):
            raise Bad("truncated", self.position)
        found = self.data[self.position] == 0xFF
        self.position += found
        return found

    def map(self, count):
        item, last = Map(), b""
        for _ in self.counted(count):
            offset = self.position
            key = self.item()
            code = encoded(key)
            if code in item.entries:
                raise Bad("duplicateKey", offset)
            if self.deterministic and code < last:
                raise Bad("unsortedKeys", offset)
            last, item.entries[code] = code, (key, self.item())
        return item

    def string(self, major, length, offset):
        if length is not None:
            return self.text(self.take(length), major, offset)
        chunks = []
        while not self.at_break():
            start = self.position
            kind, _, length = self.head()
            if kind != major or length is None:
                raise Bad("invalidChunk", start)
            chunks.append(self.text(self.take(length), major, start))
        return (b"" if major == 2 else "").join(chunks)

    def text(self, data, major, offset):
        try:
            return data if major == 2 else data.decode()
        except UnicodeDecodeError:
            raise Bad("invalidUTF8", offset) from None

    def simple(self, info, argument, offset):
        if info < 24:
            return {20: False, 21: True, 22: None}.get(info, Simple(info))
        if info == 24:
            if argument < 32:
                raise Bad("invalidSimple", offset)
            return Simple(argument)
        data = self.data[offset:self.position]
        number = struct.unpack({25: ">e", 26: ">f", 27: ">d"}[info], data[1:])[0]
        if self.deterministic and data != encoded(number):
            nan = math.isnan(number) and len(data) == 3
            raise Bad("nonCanonicalNaN" if nan else "nonShortest", offset)
        return number
