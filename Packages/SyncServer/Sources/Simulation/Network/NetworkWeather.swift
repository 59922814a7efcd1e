// SPDX-License-Identifier: MIT

import SyncTestSupport

/// What the network does to one exchange: latencies and mishaps, drawn from a stream of their own.
///
/// How much is drawn does not depend on conditions, so that without one the others strike as they
/// did.
struct NetworkWeather {
    private let conditions: Set<Condition>
    private var generator: SeededGenerator

    init(conditions: Set<Condition>, generator: SeededGenerator) {
        self.conditions = conditions
        self.generator = generator
    }

    /// What happens to one exchange.
    enum Mishap {
        case none
        /// The connection breaks when this share of the request has arrived.
        case requestCut(share: Double)
        case answer(VirtualLink.AnswerFate)
        /// The device ends its sending behind the request.
        case requestEndsSending
    }

    private static let slowPieces = 4

    mutating func mishap() -> Mishap {
        let roll = Int.random(in: 0..<100, using: &generator)
        let share = Double.random(in: 0..<1, using: &generator)
        switch roll {
        case 0..<5 where conditions.contains(.cuts): return .requestCut(share: share)
        case 5..<10 where conditions.contains(.cuts): return .answer(.cut(share: share))
        case 10..<18 where conditions.contains(.lostAnswers): return .answer(.cut(share: 0))
        case 26..<31 where conditions.contains(.halfCloses): return .requestEndsSending
        case 31..<36 where conditions.contains(.halfCloses): return .answer(.ends(share: share))
        default: return .none
        }
    }

    /// How long a few bytes take, in nanoseconds.
    mutating func latency() -> UInt64 {
        let usual = UInt64.random(in: 200_000...20_000_000, using: &generator)
        let isLong = chance(15)
        let more = UInt64.random(in: 0...4_000_000_000, using: &generator)
        return conditions.contains(.jitter) && isLong ? usual + more : usual
    }

    /// In which pieces `count` bytes arrive: their lengths.
    ///
    /// - Parameter isSlow: Whether they come one after the other over a slow link.
    mutating func pieces(of count: Int, isSlow: Bool) -> [Int] {
        let isTrickling = chance(30)
        var generator = SeededGenerator(seed: self.generator.next())
        if isSlow, count >= Self.slowPieces {
            let length = count / Self.slowPieces
            return Array(repeating: length, count: Self.slowPieces - 1)
                + [count - length * (Self.slowPieces - 1)]
        }
        guard conditions.contains(.trickle), isTrickling, count > 1 else { return [count] }
        var cuts: Set<Int> = [count]
        for _ in 0..<Int.random(in: 1...5, using: &generator) {
            cuts.insert(Int.random(in: 1..<count, using: &generator))
        }
        var start = 0
        return cuts.sorted().map { end in
            defer { start = end }
            return end - start
        }
    }

    /// When a middlebox sends the request again, in nanoseconds from now; `nil` if it does not.
    mutating func repetition() -> UInt64? {
        let isRepeated = chance(10)
        let delay = UInt64.random(in: 0...20_000_000_000, using: &generator)
        return conditions.contains(.duplicates) && isRepeated ? delay : nil
    }

    /// What the network does to a copy of the request.
    mutating func ofCopy() -> NetworkWeather {
        NetworkWeather(
            conditions: conditions, generator: SeededGenerator(seed: generator.next()))
    }

    /// Whether a new connection is used although an old one is there.
    mutating func prefersNewLink() -> Bool { chance(20) }

    /// A yes in `percent` of all cases.
    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }
}
