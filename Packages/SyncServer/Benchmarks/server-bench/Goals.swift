// SPDX-License-Identifier: MIT

/// What is to be reached: next to a peer, or by itself.
struct Goal {
    enum Measure {
        /// So many times the peer's value.
        case times(Double)
        /// So many times the peer's value, counting what was read and not what was returned.
        case timesScanned(Double)
        /// A p99 that is not above the peer's.
        case latency
        /// A value that is not above this one.
        case atMost(Double)
    }

    var row: String
    var peer: String
    var measure: Measure

    init(_ row: String, _ peer: String, _ measure: Measure) {
        (self.row, self.peer, self.measure) = (row, peer, measure)
    }

    static let own = "EntitySync"

    static let all = [
        Goal("push-100-16", "Redis", .times(1.2)),
        Goal("push-100-16", "PostgreSQL", .times(3)),
        Goal("push-100-16", "NATS", .times(60)),
        Goal("push-100-16", "Redis", .latency),
        Goal("push-1-64", "Redis", .times(1)),
        Goal("push-1-64", "PostgreSQL", .times(3)),
        Goal("pull-all", "Redis", .times(2)),
        Goal("pull-all", "PostgreSQL", .times(4)),
        Goal("pull-filtered", "PostgreSQL", .times(1)),
        Goal("pull-filtered", "PostgreSQL", .timesScanned(5)),
        Goal("memory", own, .atMost(60e6)),
        Goal("open-stopped", own, .atMost(2)),
        Goal("open-killed", own, .atMost(10)),
    ]

    /// The goal, what was measured, and whether that is enough; `nil` if it was not measured.
    func verdict(_ results: Results) -> (goal: String, measured: String, isReached: Bool)? {
        guard let own = results.median(row, of: Self.own) else { return nil }
        let other = results.median(row, of: peer)
        switch measure {
        case .times(let factor):
            guard let other else { return nil }
            return Self.ratio(own.value / other.value, factor, "\(peer)")
        case .timesScanned(let factor):
            // Without the index the peer reads all that it passes over, as we do.
            guard let other = results.median("pull-scanned", of: peer) else { return nil }
            return Self.ratio(own.value / other.value, factor, "\(peer) without the index")
        case .latency:
            guard let ours = own.p99Milliseconds, let theirs = other?.p99Milliseconds else {
                return nil
            }
            return (
                "p99 no worse than \(peer)",
                "\(Text.number(ours)) next to \(Text.number(theirs)) ms", ours <= theirs
            )
        case .atMost(let limit):
            return (
                "at most \(Text.value(limit, row: row))", Text.value(own.value, row: row),
                own.value <= limit
            )
        }
    }

    private static func ratio(
        _ ratio: Double, _ factor: Double, _ peer: String
    ) -> (String, String, Bool) {
        ("\(Text.number(factor))× \(peer)", "\(Text.number(ratio))×", ratio >= factor)
    }
}
