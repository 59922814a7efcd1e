// SPDX-License-Identifier: MIT

import HTTPWire

/// The part of the configuration that every connection needs, in nanoseconds and shared.
final class HTTPConnectionRules: Sendable {
    let limits: HTTPLimits
    let headerTimeout: UInt64
    let bodyTimeout: UInt64
    let idleTimeout: UInt64
    let lingerTimeout: UInt64
    let minBytesPerSecond: Int
    let maxUnsentBytes: Int
    let maxLingerBytes: Int

    init(_ configuration: HTTPServerConfiguration) {
        limits = configuration.limits
        headerTimeout = configuration.headerTimeout.monotonicNanoseconds
        bodyTimeout = configuration.bodyTimeout.monotonicNanoseconds
        idleTimeout = configuration.idleTimeout.monotonicNanoseconds
        lingerTimeout = configuration.lingerTimeout.monotonicNanoseconds
        minBytesPerSecond = max(1, configuration.minBytesPerSecond)
        maxUnsentBytes = configuration.maxUnsentBytes
        maxLingerBytes = configuration.maxLingerBytes
    }

    /// How long `count` bytes take at the lowest rate that is put up with.
    func time(for count: Int) -> UInt64 {
        UInt64(count) / UInt64(minBytesPerSecond) * 1_000_000_000
            + UInt64(count) % UInt64(minBytesPerSecond) * 1_000_000_000
            / UInt64(minBytesPerSecond)
    }
}

extension Duration {
    /// Whole nanoseconds, from 0 to about a hundred years, so that sums with a clock are safe.
    var monotonicNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        if seconds > 3_000_000_000 { return 3_000_000_000_000_000_000 }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
    }
}
