# SPDX-License-Identifier: MIT
"""Diagnostic notation (RFC 8949 section 8) of bytes, with encoding indicators or without."""

import math
import struct

from items import Reader, encoded, head

SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def notation(data, indicators=False):
    """The notation of one item, which is well-formed text and all, but may have a key twice."""
    reader = Reader(data, 100)
    text = item(reader, indicators)
    reader.end()
    return text


def item(reader, indicators):
    start = reader.position
    major, info, argument = reader.head()
    size = indicator(major, info, argument) if indicators else ""
    if major < 2:
        return str(argument if major == 0 else -1 - argument) + size
    if major < 4:
        return string(reader, major, argument, indicators) + size
    if major < 6:
        return container(reader, major, argument, size, indicators)
    if major == 6:
        at = reader.position
        content = item(reader, indicators)
        return big_number(argument, reader.data[at:reader.position]) \
            or f"{argument}{size}({content})"
    return simple(info, argument, reader.data[start:reader.position], indicators)


def indicator(major, info, argument):
    """How long the head is, where it is longer than it has to be."""
    if argument is None or info < 24 or major == 7:
        return ""
    return "" if len(head(major, argument)) == 1 + (1 << info - 24) else f"_{info - 24}"


def string(reader, major, argument, indicators):
    def quoted(data):
        if major == 2:
            return f"h'{data.hex()}'"
        return '"' + "".join(map(escaped, reader.text(data, 3, reader.position))) + '"'
    if argument is not None:
        return quoted(reader.take(argument))
    if not indicators:
        reader.position -= 1
        whole = reader.item()
        return quoted(whole if major == 2 else whole.encode())
    chunks = []
    while not reader.at_break():
        _, info, length = reader.head()
        chunks.append(quoted(reader.take(length)) + indicator(major, info, length))
    return "(_ " + ", ".join(chunks) + ")" if chunks else "''_" if major == 2 else '""_'


def escaped(character):
    control = ord(character) < 32 or 127 <= ord(character) < 160
    return SHORT.get(character) or (f"\\u{ord(character):04x}" if control else character)


def container(reader, major, argument, size, indicators):
    def element():
        text = item(reader, indicators)
        return text if major == 4 else f"{text}: {item(reader, indicators)}"
    elements = [element() for _ in reader.indices(argument)]
    first, last = "[]" if major == 4 else "{}"
    inside = "_ " if argument is None and indicators else size and size + " "
    return first + inside + ", ".join(elements) + last


def big_number(tag, content):
    """Tags 2 and 3 as a number, if that is how the number is written."""
    if tag not in (2, 3) or content[0] >> 5 != 2 or content[0] == 0x5F:
        return None
    digits = Reader(content, 1).item()
    if len(digits) < 9 or digits[0] == 0 or encoded(digits) != content:
        return None
    number = int.from_bytes(digits, "big")
    return str(number if tag == 2 else -1 - number)


def simple(info, argument, data, indicators):
    if info <= 24:
        return {20: "false", 21: "true", 22: "null", 23: "undefined"}.get(
            argument, f"simple({argument})")
    number = struct.unpack({25: ">e", 26: ">f", 27: ">d"}[info], data[1:])[0]
    if indicators and math.isnan(number) and data != encoded(number):
        return f"float'{data[1:].hex()}'"
    longer = indicators and len(encoded(number)) < len(data)
    return number_text(number) + (f"_{info - 24}" if longer else "")


def number_text(number):
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    digits, _, exponent = repr(number).partition("e")
    if not exponent:
        return digits
    if -7 < int(exponent) < 0:
        # Small numbers are written out, as RFC 8949 appendix A has them.
        places = len(digits.lstrip("-").replace(".", "")) - 1 - int(exponent)
        return f"{number:.{places}f}"
    return f"{digits}{'' if '.' in digits else '.0'}e{int(exponent):+d}"
