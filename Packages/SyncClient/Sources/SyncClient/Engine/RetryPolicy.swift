// SPDX-License-Identifier: MIT

/// How long to wait before trying again: exponential backoff with full jitter, so that devices
/// which were cut off together do not come back together (Brooker, "Exponential Backoff And
/// Jitter", 2015).
public struct RetryPolicy: Sendable, Hashable {
    /// The longest first wait.
    public var base: Duration
    /// The longest wait of all.
    public var cap: Duration
    /// How many times one sync tries again before it gives up.
    public var attemptsMax: Int

    /// Up to 250 ms, doubling up to 30 s, four times.
    public static let standard = RetryPolicy(
        base: .milliseconds(250), cap: .seconds(30), attemptsMax: 4)

    /// The longest that a server may ask for, an hour: what comes over the network must not put a
    /// device to sleep for good.
    static let retryAfterSecondsMax: UInt64 = 3_600

    /// Creates a policy.
    public init(base: Duration, cap: Duration, attemptsMax: Int) {
        self.base = base
        self.cap = cap
        self.attemptsMax = attemptsMax
    }

    /// The wait before attempt `attempt`, counted from 1.
    ///
    /// - Parameters:
    ///   - retryAfterSeconds: What the server asked for; the wait is not shorter, up to an hour.
    ///   - random: A random number that decides the jitter.
    public func delay(
        attempt: Int, retryAfterSeconds: UInt64? = nil, random: UInt64
    ) -> Duration {
        let doublings = min(max(attempt - 1, 0), 20)
        let longest = min(base * (1 << doublings), cap)
        let fraction = Double(random >> 11) / Double(1 << 53)
        let asked = Duration.seconds(Int64(min(retryAfterSeconds ?? 0, Self.retryAfterSecondsMax)))
        return max(longest * fraction, asked)
    }
}
