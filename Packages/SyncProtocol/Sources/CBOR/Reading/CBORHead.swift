// SPDX-License-Identifier: MIT

/// The start of every item (RFC 8949 §3).
///
///     bit  7 6 5   4 3 2 1 0
///         ┌───────┬───────────┐
///         │ major │   info    │  then 0, 1, 2, 4 or 8 bytes of argument, big-endian
///         └───────┴───────────┘
///     info 0…23: the argument itself · 24, 25, 26, 27: 1, 2, 4, 8 bytes follow
///          28…30: reserved           · 31: indefinite length, or the break for major type 7
///
/// For example `19 03 e8` is major type 0, info 25, argument 1000.
@usableFromInline
struct CBORHead {
    @usableFromInline let initialByte: UInt8
    /// The number that the head carries; 0 for an indefinite length.
    @usableFromInline let argument: UInt64
    /// The position after the head.
    @usableFromInline let end: Int

    @inlinable
    init(initialByte: UInt8, argument: UInt64, end: Int) {
        self.initialByte = initialByte
        self.argument = argument
        self.end = end
    }

    @inlinable var major: UInt8 { initialByte >> 5 }
    @inlinable var info: UInt8 { initialByte & 0x1F }
    @inlinable var isIndefinite: Bool { info == 31 }
}

/// The length in bytes of a head with this additional information, at most 27.
@usableFromInline
func headSize(info: UInt8) -> Int {
    info < 24 ? 1 : 1 + 1 << Int(info - 24)
}

/// The length in bytes of the shortest head with this argument.
package func headSize(argument: UInt64) -> Int {
    switch argument {
    case 0..<24: 1
    case 24...UInt64(UInt8.max): 2
    case 0...UInt64(UInt16.max): 3
    case 0...UInt64(UInt32.max): 5
    default: 9
    }
}

/// The byte of a break.
@usableFromInline let breakByte: UInt8 = 0xFF

extension CBORHead {
    /// Reads the head at `position`; a break is an error.
    ///
    /// - Precondition: `base` is valid for `count` bytes, and `0 ≤ position`.
    @inlinable
    @inline(__always)
    static func read(
        _ base: UnsafeRawPointer, count: Int, at position: Int, isStrict: Bool
    ) throws(CBORError) -> CBORHead {
        guard position < count else { throw CBORError.truncated(count) }
        let byte = base.load(fromByteOffset: position, as: UInt8.self)
        if byte & 0x1F < 24 {
            return CBORHead(
                initialByte: byte, argument: UInt64(byte & 0x1F), end: position + 1)
        }
        // Eight bytes are there and hold the argument, whatever its length. Only a longer form than
        // needed can be wrong with this head.
        if byte & 0x1F < 28, byte < 0xE0, count - position > 8 {
            let (argument, size) = longArgument(byte & 0x1F, at: base + position + 1)
            if !isStrict || (size == 1 ? argument >= 24 : argument &>> UInt64(4 &* size) > 0) {
                return CBORHead(initialByte: byte, argument: argument, end: position + 1 + size)
            }
        }
        return try readLong(base, count: count, at: position, isStrict: isStrict)
    }

    /// The argument behind an initial byte with additional information 24 to 27, and its length.
    ///
    /// A branch for each length is guessed right mostly; then nothing waits for the initial byte to
    /// be loaded before what follows the argument is.
    ///
    /// - Precondition: `start` is valid for eight bytes.
    @inlinable
    @inline(__always)
    static func longArgument(
        _ info: UInt8, at start: UnsafeRawPointer
    ) -> (argument: UInt64, size: Int) {
        let raw = UInt64(bigEndian: start.loadUnaligned(as: UInt64.self))
        switch info {
        case 24: return (raw &>> 56, 1)
        case 25: return (raw &>> 48, 2)
        case 26: return (raw &>> 32, 4)
        default: return (raw, 8)
        }
    }

    /// Reads a head of more than one byte, or refuses it.
    @usableFromInline
    @inline(never)
    static func readLong(
        _ base: UnsafeRawPointer, count: Int, at position: Int, isStrict: Bool
    ) throws(CBORError) -> CBORHead {
        let byte = base.load(fromByteOffset: position, as: UInt8.self)
        let info = byte & 0x1F
        guard info < 28 else { return try readIndefinite(byte, at: position, isStrict: isStrict) }

        let size = 1 << Int(info - 24)
        let start = position + 1
        guard count - start >= size else { throw CBORError.truncated(count) }
        let argument: UInt64
        switch info {
        case 24:
            argument = UInt64(base.load(fromByteOffset: start, as: UInt8.self))
        case 25:
            let raw = base.loadUnaligned(fromByteOffset: start, as: UInt16.self)
            argument = UInt64(UInt16(bigEndian: raw))
        case 26:
            let raw = base.loadUnaligned(fromByteOffset: start, as: UInt32.self)
            argument = UInt64(UInt32(bigEndian: raw))
        default:
            let raw = base.loadUnaligned(fromByteOffset: start, as: UInt64.self)
            argument = UInt64(bigEndian: raw)
        }
        let head = CBORHead(initialByte: byte, argument: argument, end: start + size)
        if byte == 0xF8, argument < 32 {
            throw CBORError(
                .invalidSimple, at: position,
                message: "A simple value below 32 cannot have two bytes.")
        }
        if isStrict { try head.checkShortest(at: position) }
        return head
    }

    /// Judges a head with additional information 28 to 31.
    private static func readIndefinite(
        _ byte: UInt8, at position: Int, isStrict: Bool
    ) throws(CBORError) -> CBORHead {
        guard byte != breakByte else {
            throw CBORError(
                .unexpectedBreak, at: position,
                message: "A break stands where an item must be.")
        }
        let major = byte >> 5
        guard byte & 0x1F == 31, (2...5).contains(major) else {
            throw CBORError(
                .reservedInfo, at: position,
                message: "Additional information \(byte & 0x1F) has no meaning for "
                    + "major type \(major).")
        }
        guard !isStrict else {
            throw CBORError(
                .indefiniteLength, at: position,
                message: "Deterministic encoding allows definite lengths only.")
        }
        return CBORHead(initialByte: byte, argument: 0, end: position + 1)
    }

    /// Checks that the argument needs the bytes it has (RFC 8949 §4.2.1, §4.1).
    private func checkShortest(at position: Int) throws(CBORError) {
        let isShortest: Bool
        if major == 7 {
            switch info {
            case 25:
                guard !isHalfNaN(UInt16(truncatingIfNeeded: argument)) || argument == 0x7E00 else {
                    throw CBORError(
                        .nonCanonicalNaN, at: position, message: "NaN must be written f97e00.")
                }
                isShortest = true
            case 26:
                let value = Float(bitPattern: UInt32(truncatingIfNeeded: argument))
                isShortest = !value.isNaN && halfBits(of: value) == nil
            case 27:
                let value = Double(bitPattern: argument)
                isShortest = !value.isNaN && Double(Float(value)) != value
            default:
                isShortest = true
            }
        } else {
            switch info {
            case 24: isShortest = argument >= 24
            case 25: isShortest = argument > UInt64(UInt8.max)
            case 26: isShortest = argument > UInt64(UInt16.max)
            default: isShortest = argument > UInt64(UInt32.max)
            }
        }
        guard isShortest else {
            throw CBORError(
                .nonShortest, at: position,
                message: "The value fits a shorter form, which deterministic encoding requires.")
        }
    }
}

extension CBORError {
    /// The error for an input that ends too early.
    @usableFromInline
    @inline(never)
    static func truncated(_ count: Int) -> CBORError {
        CBORError(.truncated, at: count, message: "The input ends inside an item.")
    }
}
