// SPDX-License-Identifier: MIT

import RecordLog

/// The world outside: time and chance, as parameters, so that tests can decide both.
public struct SyncEnvironment: Sendable {
    /// The wall clock in milliseconds since 1970. Nothing depends on it for correctness.
    public var wallMilliseconds: @Sendable () -> UInt64
    /// A random number.
    public var random: @Sendable () -> UInt64

    /// The system's clock and generator.
    public static let system = SyncEnvironment(
        wallMilliseconds: { systemWallMilliseconds() },
        random: {
            var generator = SystemRandomNumberGenerator()
            return generator.next()
        })

    /// Creates an environment.
    public init(
        wallMilliseconds: @escaping @Sendable () -> UInt64,
        random: @escaping @Sendable () -> UInt64
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.random = random
    }

    /// The random numbers as a generator.
    var generator: some RandomNumberGenerator { Generator(random: random) }

    private struct Generator: RandomNumberGenerator {
        let random: @Sendable () -> UInt64
        mutating func next() -> UInt64 { random() }
    }
}
