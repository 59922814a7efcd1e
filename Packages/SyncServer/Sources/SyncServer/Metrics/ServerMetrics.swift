// SPDX-License-Identifier: MIT

/// What the server counts while it runs. Confined to the thread that runs it.
///
/// The labels of all values are bounded: routes and statuses are those of the program, and of
/// databases a page shows so many and no more.
final class ServerMetrics {
    /// Requests of one kind with one outcome.
    struct RequestKey: Hashable, Comparable {
        var route: String
        var status: Int

        static func < (left: Self, right: Self) -> Bool {
            (left.route, left.status) < (right.route, right.status)
        }
    }

    /// Answered requests. A request that nobody waits for any more is not among them.
    private(set) var requests: [RequestKey: UInt64] = [:]
    /// How long handshakes, pushes and pulls took, from the last byte of a request to its answer;
    /// by route, in seconds.
    private(set) var requestSeconds: [String: Histogram] = [:]
    /// What became of pushed operations.
    private(set) var operations = PushCounts()
    /// How long commits took, in seconds.
    private(set) var commitSeconds = Histogram.seconds
    /// How many operations were committed together.
    private(set) var groupOperations = Histogram.operations
    /// Bytes of operations that were committed.
    private(set) var committedBytes: UInt64 = 0
    func noteRequest(_ route: String, status: Int, nanoseconds: UInt64, isTimed: Bool) {
        requests[RequestKey(route: route, status: status), default: 0] += 1
        if isTimed { requestSeconds[route, default: .seconds].add(Double(nanoseconds) / 1e9) }
    }

    func notePush(_ counts: PushCounts) { operations.add(counts) }

    func noteCommit(operations: Int, bytes: Int, nanoseconds: UInt64) {
        commitSeconds.add(Double(nanoseconds) / 1e9)
        groupOperations.add(Double(operations))
        committedBytes += UInt64(bytes)
    }
}

/// What became of the operations of pushes.
struct PushCounts: Equatable {
    var accepted = 0
    var duplicates = 0
    var rejected = 0
    /// Those that were in conflict, by the policies of their collections. Those that a policy
    /// decided are among `accepted` too.
    var conflicts: [ServerPolicy: Int] = [:]

    mutating func add(_ other: PushCounts) {
        accepted += other.accepted
        duplicates += other.duplicates
        rejected += other.rejected
        conflicts.merge(other.conflicts, uniquingKeysWith: +)
    }
}

extension PushCounts {
    init(_ decision: PushDecision<some PushView>) {
        for settlement in decision.settlements {
            switch settlement {
            case .accepted, .overruled: accepted += 1
            case .duplicate: duplicates += 1
            case .rejected: rejected += 1
            case .conflict: break
            }
        }
        conflicts = decision.conflicts
    }
}

/// What the sockets of a server come to. Confined to the thread that runs it.
final class SocketCounts {
    /// Connections that are open.
    var open = 0
    /// Connections that were accepted, those that were turned away at once too.
    var accepted: UInt64 = 0
    var receivedBytes: UInt64 = 0
    var sentBytes: UInt64 = 0
}
