// SPDX-License-Identifier: MIT

import SyncTestSupport

/// A kind of fault, and a row of the table at the end.
enum FaultKind: String, CaseIterable, Codable, Sendable {
    case serverKill = "server kill -9"
    case serverRestart = "server restart"
    case serverStop = "server stopped"
    case clientKill = "client kill -9"
    case clientStop = "client stopped"
    case reset = "connection reset"
    case finish = "connection ended"
    case halfCloseToClient = "half-close to client"
    case halfCloseToServer = "half-close to server"
    case delay = "delay"
    case blackHoleToClient = "one way lost, to client"
    case blackHoleToServer = "one way lost, to server"
    case trickle = "trickle"
    case refusal = "connection refused"
    case fullServerDisk = "server's disk full"
    case fullClientDisk = "client's disk full"

    /// Whether the proxy does it, to connections that begin while it is on.
    var isOnWire: Bool {
        switch self {
        case .serverKill, .serverRestart, .serverStop, .clientKill, .clientStop, .fullServerDisk,
            .fullClientDisk:
            false
        default: true
        }
    }

    var isOnDisk: Bool { self == .fullServerDisk || self == .fullClientDisk }
}

/// Something that goes wrong at a certain time, and for how long.
struct FaultEvent: Equatable, Sendable {
    var kind: FaultKind
    /// Milliseconds from the beginning of the round.
    var begin: Int
    var length: Int
    /// The device that is hit; without meaning where the server is.
    var device: Int
}

/// What goes wrong in one round. Decided by the seed alone; what the processes then happen to be
/// doing is not.
struct FaultPlan: Equatable, Sendable {
    var kinds: [FaultKind]
    var events: [FaultEvent]
    /// Seeds the proxy's choices.
    var wireSeed: UInt64

    /// The plan of one round.
    ///
    /// The first rounds each try one kind, so that a failure has a name and a short run tries all
    /// of them; after that rounds with one kind alternate with rounds of two to four.
    ///
    /// - Parameters:
    ///   - available: The kinds that this machine can do, in a fixed order.
    ///   - milliseconds: How long faults go on.
    static func make(
        seed: UInt64, round: Int, available: [FaultKind], deviceCount: Int, milliseconds: Int
    ) -> FaultPlan {
        var generator = SeededGenerator(seed: seed &+ UInt64(round) &* 0xD134_2543_DE82_EF95)
        var kinds: [FaultKind]
        if round < available.count {
            kinds = [available[round]]
        } else {
            let count = round % 2 == 0 ? 1 : Int.random(in: 2...4, using: &generator)
            kinds = Array(available.shuffled(using: &generator).prefix(count))
        }
        var events: [FaultEvent] = []
        for kind in kinds {
            events += makeEvents(kind, deviceCount, milliseconds, &generator)
        }
        events.sort { $0.begin < $1.begin }
        return FaultPlan(kinds: kinds, events: events, wireSeed: generator.next())
    }

    private static func makeEvents(
        _ kind: FaultKind, _ deviceCount: Int, _ milliseconds: Int,
        _ generator: inout SeededGenerator
    ) -> [FaultEvent] {
        let count: Int
        let lengths: ClosedRange<Int>
        switch kind {
        case .serverKill, .serverRestart: (count, lengths) = (3, 0...250)
        case .clientKill: (count, lengths) = (6, 0...250)
        case .serverStop: (count, lengths) = (2, 50...700)
        case .clientStop: (count, lengths) = (4, 50...700)
        case .fullServerDisk, .fullClientDisk: (count, lengths) = (2, 200...600)
        default: (count, lengths) = (2 * deviceCount, 200...700)
        }
        return (0..<count).map { index in
            // Spread over the round, so that they do not all come at once.
            let slot = milliseconds * index / count
            let begin = slot + Int.random(in: 0...max(1, milliseconds / count), using: &generator)
            return FaultEvent(
                kind: kind, begin: begin, length: Int.random(in: lengths, using: &generator),
                device: kind.isOnWire
                    ? index % deviceCount : Int.random(in: 0..<deviceCount, using: &generator))
        }
    }
}

/// What the proxy does to one connection.
struct WireFault: Equatable, Sendable {
    enum Direction: Sendable { case toServer, toClient }

    var kind: FaultKind
    /// Whose bytes are counted.
    var direction: Direction
    /// After so many bytes that way the fault comes.
    var afterBytes: Int
    /// How long bytes are held back, or how far apart a trickle's drops are.
    var milliseconds: Int
    /// The bytes of one drop of a trickle.
    var dropBytes: Int

    /// Chooses how a fault of this kind comes.
    static func make(_ kind: FaultKind, using generator: inout SeededGenerator) -> WireFault {
        let direction: Direction =
            switch kind {
            case .halfCloseToClient, .blackHoleToClient: .toClient
            case .halfCloseToServer, .blackHoleToServer: .toServer
            default: Bool.random(using: &generator) ? .toServer : .toClient
            }
        // Before anything, within a head, about where a head ends, within a body.
        let ranges = [0...0, 1...60, 61...260, 180...320, 261...4_000]
        let range = ranges.randomElement(using: &generator) ?? 0...0
        let holdsBack = kind == .delay || kind == .trickle
        return WireFault(
            kind: kind, direction: direction,
            afterBytes: holdsBack || kind == .refusal
                ? 0 : Int.random(in: range, using: &generator),
            milliseconds: kind == .trickle
                ? Int.random(in: 1...20, using: &generator)
                : Int.random(in: 10...400, using: &generator),
            dropBytes: Int.random(in: 1...64, using: &generator))
    }
}
