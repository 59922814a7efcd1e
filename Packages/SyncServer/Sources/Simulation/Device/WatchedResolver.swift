// SPDX-License-Identifier: MIT

import SyncClient
import Synchronization

/// A resolver that tells the checkers what it was asked and how it decided.
final class WatchedResolver: ConflictResolver {
    private let resolver: any ConflictResolver
    /// What the resolver is to say, worked out from what it is called.
    private let due: @Sendable (EntityConflict) -> ConflictResolution
    private let decisions = Mutex<[(EntityConflict, ConflictResolution)]>([])
    private let fault = Mutex<String?>(nil)

    init(
        _ resolver: any ConflictResolver,
        due: @escaping @Sendable (EntityConflict) -> ConflictResolution
    ) {
        self.resolver = resolver
        self.due = due
    }

    func resolve(_ conflict: EntityConflict) -> ConflictResolution {
        let resolution = resolver.resolve(conflict)
        decisions.withLock { $0.append((conflict, resolution)) }
        let due = due(conflict)
        if resolution != due {
            fault.withLock {
                $0 = "the conflict over \(conflict.key) is decided \(resolution), not \(due)"
            }
        }
        return resolution
    }

    /// What the resolver has decided wrongly since this was last asked.
    func takeFault() -> String? {
        fault.withLock { fault in
            defer { fault = nil }
            return fault
        }
    }

    /// What was decided since this was last asked.
    func takeDecisions() -> [(EntityConflict, ConflictResolution)] {
        decisions.withLock { decisions in
            defer { decisions = [] }
            return decisions
        }
    }

    /// One of the resolvers that apps use.
    static func random(using generator: inout some RandomNumberGenerator) -> WatchedResolver {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: WatchedResolver(.serverWins) { _ in .keepRemote }
        case 1: WatchedResolver(.clientWins) { _ in .keepLocal }
        case 2: WatchedResolver(.lastWriteWins, due: latest)
        default: WatchedResolver(.custom(merged), due: merged)
        }
    }

    /// The later stamp stands, then the device whose name is higher by its bytes.
    @Sendable private static func latest(_ conflict: EntityConflict) -> ConflictResolution {
        let (local, remote) = (conflict.localTimestamp, conflict.remoteTimestamp)
        guard local?.rawValue == remote?.rawValue else {
            return local?.rawValue ?? 0 > remote?.rawValue ?? 0 ? .keepLocal : .keepRemote
        }
        let name = conflict.remoteDeviceID?.rawValue ?? ""
        return name.utf8.lexicographicallyPrecedes(conflict.localDeviceID.rawValue.utf8)
            ? .keepLocal : .keepRemote
    }

    @Sendable private static func merged(_ conflict: EntityConflict) -> ConflictResolution {
        .merge(EntityContent.merge(conflict.local, conflict.remote))
    }
}
