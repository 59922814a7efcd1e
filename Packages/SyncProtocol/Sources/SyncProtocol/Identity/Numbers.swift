// SPDX-License-Identifier: MIT

/// A number of the protocol. On the wire each is an unsigned integer of at most 2^63 − 1.
public protocol WireNumber: RawRepresentable, Hashable, Comparable, Sendable,
    CustomStringConvertible, ExpressibleByIntegerLiteral
where RawValue == UInt64 {
    /// Creates a number from its value on the wire.
    init(_ rawValue: UInt64)
}

extension WireNumber {
    public init(rawValue: UInt64) { self.init(rawValue) }
    public init(integerLiteral value: UInt64) { self.init(value) }
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    public var description: String { "\(rawValue)" }
    /// The number after this one; the largest stays what it is, so that nothing a peer sends can
    /// lead out of the protocol's range.
    public var next: Self { Self(min(rawValue, wireIntegerMax - 1) + 1) }
}

/// The largest integer that the protocol carries: 2^63 − 1.
public let wireIntegerMax: UInt64 = UInt64(Int64.max)

/// A device's number for one of its operations: strictly increasing from 1 within a database and
/// never reused, not even after a crash. Gaps are normal. 0 is "none".
public struct OperationID: WireNumber {
    public let rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A position in the server's one total order of a database's operations: 1, 2, 3, … without gaps
/// when given. 0 is "before everything". Opaque to apps.
public struct Cursor: WireNumber {
    public let rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    /// Before everything.
    public static let start = Cursor(0)
}

/// How many revisions an entity has had.
public struct EntityVersion: WireNumber {
    public let rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A device's number for a group of operations that were committed together.
public struct TransactionID: WireNumber {
    public let rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// The identity of one server log: 16 random bytes, made when the log is created or restored from
/// a backup. Another `LogID` means another history.
public struct LogID: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// Creates an identity from its 16 bytes; `nil` for any other count.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Makes the identity of a new log.
    public static func makeRandom(using generator: inout some RandomNumberGenerator) -> LogID {
        LogID(high: generator.next(), low: generator.next())
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The 16 bytes.
    public var bytes: [UInt8] {
        [high, low].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    /// 32 lower-case hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
