// SPDX-License-Identifier: MIT

/// Writes CBOR in Core Deterministic Encoding (RFC 8949 §4.2.1): shortest heads, definite lengths,
/// shortest floats.
///
/// The writer writes what it is told. The caller sees to it that as many items follow a header as
/// it announces (twice as many for a map), and that map keys are distinct and in the bytewise order
/// of their encoding: shorter text before longer, equal lengths by their bytes.
public struct CBORWriter: Sendable {
    @usableFromInline var storage: [UInt8] = []

    /// - Parameter capacity: The number of bytes to make room for; a guess is enough.
    @inlinable
    public init(capacity: Int = 0) {
        storage.reserveCapacity(capacity)
    }

    /// Everything written so far.
    @inlinable public var bytes: [UInt8] { storage }
}

extension CBORWriter {
    /// Writes an integer of major type 0.
    @inlinable
    public mutating func write(uint value: UInt64) {
        writeHead(major: 0, argument: value)
    }

    /// Writes an integer of major type 0 or 1.
    @inlinable
    public mutating func write(int value: Int64) {
        if value >= 0 {
            writeHead(major: 0, argument: UInt64(bitPattern: value))
        } else {
            writeHead(major: 1, argument: UInt64(bitPattern: ~value))
        }
    }

    /// Writes the negative integer −1 − n, which may be below what `Int64` holds.
    @inlinable
    public mutating func write(negative n: UInt64) {
        writeHead(major: 1, argument: n)
    }

    /// Writes text as UTF-8, whatever the string's storage is.
    @inlinable
    public mutating func write(text: String) {
        // A native string hands out its storage; others are copied first.
        var text = text
        text.withUTF8 { utf8 in
            writeHead(major: 3, argument: UInt64(utf8.count))
            storage.append(contentsOf: utf8)
        }
    }

    /// Writes text that the program contains, such as a map key.
    @inlinable
    public mutating func write(text: StaticString) {
        text.withUTF8Buffer { utf8 in
            writeHead(major: 3, argument: UInt64(utf8.count))
            storage.append(contentsOf: utf8)
        }
    }

    /// Writes a byte string.
    @inlinable
    public mutating func write(bytes: [UInt8]) {
        writeHead(major: 2, argument: UInt64(bytes.count))
        storage.append(contentsOf: bytes)
    }

    /// Writes a byte string.
    @inlinable
    public mutating func write(bytes: ArraySlice<UInt8>) {
        writeHead(major: 2, argument: UInt64(bytes.count))
        storage.append(contentsOf: bytes)
    }

    /// Writes simple value 20 or 21.
    @inlinable
    public mutating func write(bool: Bool) {
        storage.append(bool ? 0xF5 : 0xF4)
    }

    /// Writes simple value 22.
    @inlinable
    public mutating func writeNull() {
        storage.append(0xF6)
    }

    /// Writes a simple value (RFC 8949 §3.3): 20 to 23 are false, true, null and undefined.
    ///
    /// - Precondition: `value` is not 24 to 31, which do not exist.
    @inlinable
    public mutating func write(simple value: UInt8) {
        precondition(!(24...31).contains(value), "There are no simple values 24 to 31.")
        writeHead(major: 7, argument: UInt64(value))
    }

    /// - Precondition: `count` is not negative.
    @inlinable
    public mutating func writeArrayHeader(count: Int) {
        precondition(count >= 0, "An array cannot have a negative number of elements.")
        writeHead(major: 4, argument: UInt64(count))
    }

    /// - Parameter count: The number of entries, each a key and a value.
    /// - Precondition: `count` is not negative.
    @inlinable
    public mutating func writeMapHeader(count: Int) {
        precondition(count >= 0, "A map cannot have a negative number of entries.")
        writeHead(major: 5, argument: UInt64(count))
    }

    /// Writes a tag's number; its content must be written next.
    @inlinable
    public mutating func writeTag(_ number: UInt64) {
        writeHead(major: 6, argument: number)
    }

    /// Writes an item that is already encoded, as it is.
    @inlinable
    public mutating func writeEncodedItem(_ item: [UInt8]) {
        storage.append(contentsOf: item)
    }

    /// Writes an item that is already encoded, as it is.
    @inlinable
    public mutating func writeEncodedItem(_ item: ArraySlice<UInt8>) {
        storage.append(contentsOf: item)
    }

    /// Writes an item that is already encoded, as it is.
    @inlinable
    public mutating func writeEncodedItem(_ item: UnsafeRawBufferPointer) {
        storage.append(contentsOf: item)
    }

    /// Writes text that is UTF-8 already, as `CBORReader.readLentText()` lends it. It is not
    /// checked again.
    @inlinable
    public mutating func write(utf8 text: UnsafeRawBufferPointer) {
        writeHead(major: 3, argument: UInt64(text.count))
        storage.append(contentsOf: text)
    }

    /// Writes a byte string.
    @inlinable
    public mutating func write(bytes: UnsafeRawBufferPointer) {
        writeHead(major: 2, argument: UInt64(bytes.count))
        storage.append(contentsOf: bytes)
    }

    /// Writes the shortest of the three floats with exactly this value; every NaN as `f97e00`.
    public mutating func write(double value: Double) {
        let single = Float(value)
        guard !value.isNaN else {
            appendHead(0xF9, UInt16(0x7E00))
            return
        }
        guard Double(single) == value else {
            appendHead(0xFB, value.bitPattern)
            return
        }
        if let half = halfBits(of: single) {
            appendHead(0xF9, half)
        } else {
            appendHead(0xFA, single.bitPattern)
        }
    }
}

extension CBORWriter {
    /// Writes the shortest head with this argument.
    @inlinable
    @inline(__always)
    mutating func writeHead(major: UInt8, argument: UInt64) {
        if argument < 24 {
            storage.append(major << 5 | UInt8(truncatingIfNeeded: argument))
        } else {
            writeLongHead(major << 5, argument)
        }
    }

    @usableFromInline
    mutating func writeLongHead(_ majorBits: UInt8, _ argument: UInt64) {
        if argument <= UInt64(UInt8.max) {
            appendHead(majorBits | 24, UInt8(truncatingIfNeeded: argument))
        } else if argument <= UInt64(UInt16.max) {
            appendHead(majorBits | 25, UInt16(truncatingIfNeeded: argument))
        } else if argument <= UInt64(UInt32.max) {
            appendHead(majorBits | 26, UInt32(truncatingIfNeeded: argument))
        } else {
            appendHead(majorBits | 27, argument)
        }
    }

    /// Appends an initial byte and an argument in network byte order.
    private mutating func appendHead(_ initialByte: UInt8, _ argument: some FixedWidthInteger) {
        storage.append(initialByte)
        withUnsafeBytes(of: argument.bigEndian) { storage.append(contentsOf: $0) }
    }

    /// Appends bytes that belong to an item whose head is written.
    mutating func append(_ content: some Collection<UInt8>) {
        storage.append(contentsOf: content)
    }
}
