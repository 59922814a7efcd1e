// SPDX-License-Identifier: MIT

/// A stamp of a hybrid logical clock: milliseconds since 1970 in the upper 48 bits, a counter in
/// the lower 16. Order is that of the number (Kulkarni et al., "Logical Physical Clocks", 2014).
public struct HybridTimestamp: WireNumber {
    public let rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    /// The wall-clock part, in milliseconds since 1970.
    public var milliseconds: UInt64 { rawValue >> 16 }
    /// How many stamps came before this one at the same milliseconds.
    public var counter: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

    /// The first stamp of a millisecond. Milliseconds beyond 47 bits saturate.
    public static func first(atMilliseconds milliseconds: UInt64) -> HybridTimestamp {
        HybridTimestamp(min(milliseconds, (1 << 47) - 1) << 16)
    }
}

/// A device's hybrid logical clock: close to the wall clock, never going back, and ahead of every
/// stamp that it has seen.
///
/// The wall clock is a parameter of each call. Keep `latest` durably, and nothing that a restart
/// or a wall clock set back does makes a later stamp smaller.
public struct HybridLogicalClock: Hashable, Sendable {
    /// The highest stamp given or adopted so far.
    public private(set) var latest: HybridTimestamp

    /// How far ahead of the wall clock a received stamp may be and still be adopted.
    public static let toleratedSkewMilliseconds: UInt64 = 60_000

    /// Creates a clock that goes on after `latest`.
    public init(latest: HybridTimestamp = 0) { self.latest = latest }

    /// Gives the next stamp. A full counter carries into the milliseconds.
    public mutating func stamp(wallMilliseconds: UInt64) -> HybridTimestamp {
        let successor = HybridTimestamp(min(latest.rawValue, wireIntegerMax - 1) + 1)
        latest = max(.first(atMilliseconds: wallMilliseconds), successor)
        return latest
    }

    /// Moves past a stamp that came from another device.
    ///
    /// - Returns: Whether it was adopted; one that is more than `toleratedSkewMilliseconds` ahead
    ///   of the wall clock is not, so that one wrong clock does not spread.
    @discardableResult
    public mutating func receive(
        _ stamp: HybridTimestamp, wallMilliseconds: UInt64
    ) -> Bool {
        let (limit, isBeyondAll) = wallMilliseconds.addingReportingOverflow(
            Self.toleratedSkewMilliseconds)
        guard isBeyondAll || stamp.milliseconds <= limit else { return false }
        latest = max(latest, stamp)
        return true
    }
}
