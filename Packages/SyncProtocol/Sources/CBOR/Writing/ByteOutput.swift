// SPDX-License-Identifier: MIT

/// Bytes written one after the other, in memory of their own that grows.
///
///     ┌───────────────────┬──────────────────────────┐
///     │ written           │ room                     │
///     └───────────────────┴──────────────────────────┘
///     base          base + count             base + capacity
///
/// All writing goes by `room(for:)`, which makes sure of the room, and `count`, which goes up by no
/// more than was asked for. Bytes behind `count` may hold anything: a short copy may spill there.
@usableFromInline
struct ByteOutput: ~Copyable {
    /// Valid for `capacity` bytes, and freed with the value.
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    /// The bytes written, at most `capacity`.
    @usableFromInline var count = 0

    @inlinable
    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    @inlinable deinit { base.deallocate() }

    /// Where the next byte goes, with room for so many bytes from there on.
    @inlinable
    @inline(__always)
    mutating func room(for byteCount: Int) -> UnsafeMutableRawPointer {
        if capacity &- count < byteCount { grow(for: byteCount) }
        return base + count
    }

    @usableFromInline
    @inline(never)
    mutating func grow(for byteCount: Int) {
        let wider = Swift.max(2 * capacity, count + byteCount, 64)
        let new = UnsafeMutableRawPointer.allocate(byteCount: wider, alignment: 16)
        new.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = new
        capacity = wider
    }

    /// A copy of what was written.
    @usableFromInline var bytes: [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: base, count: count))
    }
}

extension ByteOutput {
    /// Writes the shortest head with this argument (RFC 8949 §4.2.1).
    ///
    /// It has no branches: lengths and numbers vary, and a wrong guess costs more than all of this.
    @inlinable
    @inline(__always)
    mutating func appendHead(_ majorBits: UInt8, _ argument: UInt64) {
        let start = room(for: 9)
        count &+= Self.storeHead(at: start, majorBits, argument)
    }

    /// Stores a head and returns its length.
    ///
    /// - Precondition: There is room for nine bytes at `start`.
    @inlinable
    @inline(__always)
    static func storeHead(
        at start: UnsafeMutableRawPointer, _ majorBits: UInt8, _ argument: UInt64
    ) -> Int {
        let isLong = argument > 23
        // 1, 2, 3 or 4 if the argument needs 1, 2, 4 or 8 bytes behind the first.
        let needed = (71 &- argument.leadingZeroBitCount) &>> 3
        let form =
            isLong ? UInt64(0x4_4443_3210) &>> UInt64(truncatingIfNeeded: 4 &* needed) & 7 : 0
        let size = ((1 as UInt64) &<< form) &>> 1
        let info = isLong ? 23 &+ form : argument
        start.storeBytes(of: majorBits | UInt8(truncatingIfNeeded: info), as: UInt8.self)
        // The argument's bytes come first of eight, and the other bytes are not counted.
        let ordered = (argument &<< (64 &- 8 &* size)).bigEndian
        (start + 1).storeBytes(of: ordered, as: UInt64.self)
        return 1 &+ Int(truncatingIfNeeded: size)
    }

    /// Writes a head and the bytes that it announces.
    ///
    /// - Precondition: `source` is valid for `length` bytes.
    @inlinable
    @inline(__always)
    mutating func appendString(
        _ majorBits: UInt8, _ source: UnsafeRawPointer, length: Int
    ) {
        let start = room(for: length &+ 9)
        let head = Self.storeHead(at: start, majorBits, UInt64(truncatingIfNeeded: length))
        Self.copy(source, to: start + head, count: length)
        count &+= head &+ length
    }

    /// Writes bytes as they are.
    ///
    /// - Precondition: `source` is valid for `length` bytes.
    @inlinable
    @inline(__always)
    mutating func append(_ source: UnsafeRawPointer, length: Int) {
        let start = room(for: length)
        Self.copy(source, to: start, count: length)
        count &+= length
    }

    /// Copies bytes; few are copied without a call. The first and the last word may overlap, and
    /// neither reaches beyond the bytes.
    ///
    /// - Precondition: `source` and `target` are valid for `count` bytes.
    @inlinable
    @inline(__always)
    static func copy(
        _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int
    ) {
        if count > 16 {
            target.copyMemory(from: source, byteCount: count)
        } else if count >= 8 {
            copyEnds(UInt64.self, source, to: target, last: count &- 8)
        } else if count >= 4 {
            copyEnds(UInt32.self, source, to: target, last: count &- 4)
        } else if count >= 2 {
            copyEnds(UInt16.self, source, to: target, last: count &- 2)
        } else if count == 1 {
            target.storeBytes(of: source.load(as: UInt8.self), as: UInt8.self)
        }
    }

    @inlinable
    @inline(__always)
    static func copyEnds<Word: BitwiseCopyable>(
        _: Word.Type, _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, last: Int
    ) {
        let end = source.loadUnaligned(fromByteOffset: last, as: Word.self)
        target.storeBytes(of: source.loadUnaligned(as: Word.self), as: Word.self)
        target.storeBytes(of: end, toByteOffset: last, as: Word.self)
    }
}
