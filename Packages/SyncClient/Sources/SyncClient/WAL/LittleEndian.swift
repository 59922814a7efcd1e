// SPDX-License-Identifier: MIT

/// Takes little-endian fields off the front of bytes that are not trusted.
///
/// A read past the end or text that is not UTF-8 makes the field `nil`; nothing is ever allocated
/// from a length whose bytes are not there.
struct FieldReader {
    private let bytes: UnsafeRawBufferPointer
    /// How many bytes have been taken.
    private(set) var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, from offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    /// How many bytes are left.
    var remaining: Int { bytes.count - offset }

    mutating func integer<T: FixedWidthInteger & UnsignedInteger>(_: T.Type) -> T? {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { return nil }
        let value = T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
        offset += size
        return value
    }

    mutating func bytes(_ count: Int) -> [UInt8]? {
        guard count >= 0, remaining >= count else { return nil }
        defer { offset += count }
        return [UInt8](bytes[offset..<offset + count])
    }

    mutating func text(_ count: Int) -> String? {
        guard count >= 0, remaining >= count else { return nil }
        defer { offset += count }
        return String(validating: bytes[offset..<offset + count], as: UTF8.self)
    }

    /// Text behind a 16-bit length.
    mutating func shortText() -> String? {
        guard let count = integer(UInt16.self) else { return nil }
        return text(Int(count))
    }

    mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, remaining >= count else { return false }
        offset += count
        return true
    }
}

extension [UInt8] {
    mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// Appends text behind its length in 16 bits.
    ///
    /// - Precondition: `text` has at most 65,535 bytes; names and ids are checked when they enter.
    mutating func append(shortText text: String) {
        precondition(text.utf8.count <= UInt16.max, "a name or id is too long for its length field")
        append(littleEndian: UInt16(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    /// Overwrites the bytes at `offset` with `value`.
    mutating func store(littleEndian value: UInt32, at offset: Int) {
        withUnsafeMutableBytes {
            $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
        }
    }
}
