// SPDX-License-Identifier: MIT

/// Writes CBOR in Core Deterministic Encoding (RFC 8949 §4.2.1): shortest heads, definite lengths,
/// shortest floats.
///
/// The writer writes what it is told. The caller sees to it that as many items follow a header as
/// it announces (twice as many for a map), and that map keys are distinct and in the bytewise order
/// of their encoding: shorter text before longer, equal lengths by their bytes.
///
/// A writer is not copied; it is passed on as `inout`.
public struct CBORWriter: ~Copyable {
    @usableFromInline var output: ByteOutput

    /// - Parameter capacity: The number of bytes to make room for; a guess is enough.
    /// - Precondition: `capacity` is not negative.
    @inlinable
    public init(capacity: Int = 0) {
        precondition(capacity >= 0, "There cannot be room for a negative number of bytes.")
        output = ByteOutput(capacity: capacity)
    }

    /// Everything written so far, copied.
    @inlinable public var bytes: [UInt8] { output.bytes }

    /// The number of bytes written so far.
    @inlinable public var byteCount: Int { output.count }

    /// Makes room for so many more bytes; a guess is enough.
    ///
    /// - Precondition: `byteCount` is not negative.
    public mutating func reserve(_ byteCount: Int) {
        precondition(byteCount >= 0, "There cannot be room for a negative number of bytes.")
        _ = output.room(for: byteCount)
    }
}

// Unchecked because it has a pointer. Only the writer has it: it cannot be copied, hands the
// pointer to nobody, and frees the memory when it ends. The memory goes wherever the writer goes,
// and whoever has the writer is the only one that reaches it.
extension CBORWriter: @unchecked Sendable {}

extension CBORWriter {
    /// Writes an integer of major type 0.
    @inlinable
    @inline(__always)
    public mutating func write(uint value: UInt64) {
        writeHead(major: 0, argument: value)
    }

    /// Writes an integer of major type 0 or 1.
    @inlinable
    @inline(__always)
    public mutating func write(int value: Int64) {
        if value >= 0 {
            writeHead(major: 0, argument: UInt64(bitPattern: value))
        } else {
            writeHead(major: 1, argument: UInt64(bitPattern: ~value))
        }
    }

    /// Writes the negative integer −1 − n, which may be below what `Int64` holds.
    @inlinable
    @inline(__always)
    public mutating func write(negative n: UInt64) {
        writeHead(major: 1, argument: n)
    }

    /// Writes text as UTF-8, whatever the string's storage is.
    @inlinable
    @inline(__always)
    public mutating func write(text: String) {
        let written: Void? = text.utf8.withContiguousStorageIfAvailable { write(utf8: $0) }
        if written == nil { write(foreign: text) }
    }

    /// Writes text whose string does not hand out its UTF-8.
    @usableFromInline
    @inline(never)
    mutating func write(foreign text: String) {
        var text = text
        text.withUTF8 { write(utf8: $0) }
    }

    @inlinable
    @inline(__always)
    mutating func write(utf8: UnsafeBufferPointer<UInt8>) {
        appendString(major: 3, UnsafeRawBufferPointer(utf8))
    }

    /// Writes text that the program contains.
    @inlinable
    @inline(__always)
    public mutating func write(text: StaticString) {
        text.withUTF8Buffer { write(utf8: $0) }
    }

    /// Writes a map's key that the program contains.
    @inlinable
    @inline(__always)
    public mutating func write(key: CBORStaticKey) {
        output.append(key)
    }

    /// Writes a byte string.
    @inlinable
    @inline(__always)
    public mutating func write(bytes: [UInt8]) {
        bytes.withUnsafeBytes { appendString(major: 2, $0) }
    }

    /// Writes a byte string.
    @inlinable
    @inline(__always)
    public mutating func write(bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { appendString(major: 2, $0) }
    }

    /// Writes simple value 20 or 21.
    @inlinable
    @inline(__always)
    public mutating func write(bool: Bool) {
        writeHead(major: 7, argument: bool ? 21 : 20)
    }

    /// Writes simple value 22.
    @inlinable
    @inline(__always)
    public mutating func writeNull() {
        writeHead(major: 7, argument: 22)
    }

    /// Writes a simple value (RFC 8949 §3.3): 20 to 23 are false, true, null and undefined.
    ///
    /// - Precondition: `value` is not 24 to 31, which do not exist.
    @inlinable
    @inline(__always)
    public mutating func write(simple value: UInt8) {
        precondition(!(24...31).contains(value), "There are no simple values 24 to 31.")
        writeHead(major: 7, argument: UInt64(value))
    }

    /// - Precondition: `count` is not negative.
    @inlinable
    @inline(__always)
    public mutating func writeArrayHeader(count: Int) {
        precondition(count >= 0, "An array cannot have a negative number of elements.")
        writeHead(major: 4, argument: UInt64(count))
    }

    /// - Parameter count: The number of entries, each a key and a value.
    /// - Precondition: `count` is not negative.
    @inlinable
    @inline(__always)
    public mutating func writeMapHeader(count: Int) {
        precondition(count >= 0, "A map cannot have a negative number of entries.")
        writeHead(major: 5, argument: UInt64(count))
    }

    /// Writes a tag's number; its content must be written next.
    @inlinable
    @inline(__always)
    public mutating func writeTag(_ number: UInt64) {
        writeHead(major: 6, argument: number)
    }

    /// Writes an item that is already encoded, as it is.
    @inlinable
    @inline(__always)
    public mutating func writeEncodedItem(_ item: [UInt8]) {
        item.withUnsafeBytes { append($0) }
    }

    /// Writes an item that is already encoded, as it is.
    @inlinable
    @inline(__always)
    public mutating func writeEncodedItem(_ item: ArraySlice<UInt8>) {
        item.withUnsafeBytes { append($0) }
    }

    /// Writes an item that is already encoded, as it is.
    @inlinable
    @inline(__always)
    public mutating func writeEncodedItem(_ item: UnsafeRawBufferPointer) { append(item) }

    /// Writes text that is UTF-8 already, as `CBORReader.readLentText()` lends it. It is not
    /// checked again.
    @inlinable
    @inline(__always)
    public mutating func write(utf8 text: UnsafeRawBufferPointer) {
        appendString(major: 3, text)
    }

    /// Writes a byte string.
    @inlinable
    @inline(__always)
    public mutating func write(bytes: UnsafeRawBufferPointer) {
        appendString(major: 2, bytes)
    }

    /// Writes the shortest of the three floats with exactly this value; every NaN as `f97e00`.
    public mutating func write(double value: Double) {
        let single = Float(value)
        guard !value.isNaN else {
            writeFloat(0xF9, UInt16(0x7E00))
            return
        }
        guard Double(single) == value else {
            writeFloat(0xFB, value.bitPattern)
            return
        }
        if let half = halfBits(of: single) {
            writeFloat(0xF9, half)
        } else {
            writeFloat(0xFA, single.bitPattern)
        }
    }
}

extension CBORWriter {
    /// Writes the shortest head with this argument.
    @inlinable
    @inline(__always)
    mutating func writeHead(major: UInt8, argument: UInt64) {
        output.appendHead(major << 5, argument)
    }

    /// Writes an initial byte and the bits of a float in network byte order.
    private mutating func writeFloat<Bits: FixedWidthInteger & BitwiseCopyable>(
        _ initialByte: UInt8, _ bits: Bits
    ) {
        let size = MemoryLayout<Bits>.size
        let start = output.room(for: 1 + size)
        start.storeBytes(of: initialByte, as: UInt8.self)
        start.storeBytes(of: bits.bigEndian, toByteOffset: 1, as: Bits.self)
        output.count += 1 + size
    }

    @inlinable
    @inline(__always)
    mutating func appendString(major: UInt8, _ content: UnsafeRawBufferPointer) {
        guard let start = content.baseAddress else {
            return writeHead(major: major, argument: 0)
        }
        output.appendString(major << 5, start, length: content.count)
    }

    /// Appends bytes that belong to an item whose head is written.
    @inlinable
    @inline(__always)
    mutating func append(_ content: UnsafeRawBufferPointer) {
        if let start = content.baseAddress { output.append(start, length: content.count) }
    }
}
