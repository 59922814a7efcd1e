// SPDX-License-Identifier: MIT

import SyncClient
import Synchronization

/// A resolver that tells the checkers what it was asked and how it decided.
final class WatchedResolver: ConflictResolver {
    private let resolver: any ConflictResolver
    private let decisions = Mutex<[(EntityConflict, ConflictResolution)]>([])

    init(_ resolver: any ConflictResolver) { self.resolver = resolver }

    func resolve(_ conflict: EntityConflict) -> ConflictResolution {
        let resolution = resolver.resolve(conflict)
        decisions.withLock { $0.append((conflict, resolution)) }
        return resolution
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
        case 0: WatchedResolver(.serverWins)
        case 1: WatchedResolver(.clientWins)
        case 2: WatchedResolver(.lastWriteWins)
        default: WatchedResolver(.custom { .merge(EntityContent.merge($0.local, $0.remote)) })
        }
    }
}
