// SPDX-License-Identifier: MIT

/// A text key that a program contains, as it stands in a message: its head, which is one byte, and
/// its UTF-8, in three words that the compiler knows.
///
///     writer.write(key: "opId")
///
///     64 6f 70 49 64 00 00 00 │ 00 00 00 00 00 00 00 00 │ 00 00 00 00 00 00 00 00
///     └ low                     └ middle                  └ high           count: 5
///
/// Writing and recognising a key take a store and a comparison per word instead of a loop.
public struct CBORStaticKey: BitwiseCopyable, Sendable, ExpressibleByStringLiteral {
    @usableFromInline let low: UInt64
    @usableFromInline let middle: UInt64
    @usableFromInline let high: UInt64
    /// The bytes of the head and the text, at most 24.
    @usableFromInline let count: Int

    /// How many bytes the text of such a key may have: with more, its head has a second byte.
    @inlinable public static var textBytesMax: Int { 23 }

    /// - Precondition: The text has at most `textBytesMax` bytes of UTF-8.
    @inlinable
    @inline(__always)
    public init(stringLiteral name: StaticString) {
        let length = name.utf8CodeUnitCount
        precondition(length <= Self.textBytesMax, "A static key has at most 23 bytes.")
        var low = UInt64(0x60 | UInt8(truncatingIfNeeded: length))
        var middle: UInt64 = 0
        var high: UInt64 = 0
        for index in 0..<length {
            let place = index &+ 1
            let byte = UInt64(name.utf8Start[index]) &<< UInt64(truncatingIfNeeded: 8 &* place & 63)
            if place < 8 {
                low |= byte
            } else if place < 16 {
                middle |= byte
            } else {
                high |= byte
            }
        }
        self.low = low
        self.middle = middle
        self.high = high
        count = length &+ 1
    }
}

extension ByteOutput {
    @inlinable
    @inline(__always)
    mutating func append(_ key: CBORStaticKey) {
        // What of the words is behind the key is not counted.
        let start = room(for: 24)
        start.storeBytes(of: key.low.littleEndian, as: UInt64.self)
        start.storeBytes(of: key.middle.littleEndian, toByteOffset: 8, as: UInt64.self)
        start.storeBytes(of: key.high.littleEndian, toByteOffset: 16, as: UInt64.self)
        count &+= key.count
    }
}
