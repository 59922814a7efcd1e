// SPDX-License-Identifier: MIT

import SyncProtocol

/// What may be dropped from a log (protocol, §6.4).
struct CompactionRules: Equatable {
    /// Superseded operations that were committed at this time or before may go; in milliseconds
    /// since 1970.
    var supersededUntilMilliseconds: UInt64
    /// Likewise tombstones, if they are also not behind `tombstonesUpTo`.
    var tombstonesUntilMilliseconds: UInt64
    /// No active device is before this cursor, so none lacks a tombstone up to it.
    var tombstonesUpTo: Cursor

    /// Whether an operation may go.
    ///
    /// - Parameter revision: The current one of its entity.
    func drops(
        _ cursor: Cursor, committedAtMilliseconds: UInt64, current revision: EntityRevision?
    ) -> Bool {
        guard let revision, revision.cursor == cursor else {
            return committedAtMilliseconds <= supersededUntilMilliseconds
        }
        return revision.isDeleted && cursor <= tombstonesUpTo
            && committedAtMilliseconds <= tombstonesUntilMilliseconds
    }
}

/// Chooses the segments that are rewritten next.
struct CompactionPlan {
    /// What is known of a segment that is no longer written.
    struct Candidate: Equatable {
        var byteCount: UInt64
        /// How many operations it holds.
        var operationCount: Int
        /// How many of them may go.
        var droppableCount: Int
        /// How many of them are no longer what their entities are.
        var supersededCount = 0
        /// Whether tombstones of later segments can go only after what may go here.
        var holdsBack = false
        /// Whether it was looked at, and nothing could go after all.
        var isFruitless = false

        /// About how many bytes are left when they are gone.
        var survivingBytes: UInt64 {
            guard operationCount > 0 else { return 0 }
            let left = max(operationCount - droppableCount, 0)
            return UInt64(Double(byteCount) * Double(left) / Double(operationCount))
        }
    }

    /// A segment is rewritten if this part of its operations may go, or more: rewriting for less
    /// costs more than it gives.
    static let worthwhilePart = 8
    /// A segment below this part of the largest is joined to a neighbour that is rewritten anyway.
    static let smallPart: UInt64 = 8

    /// The first run of neighbours to rewrite as one segment; `nil` if there is nothing to do.
    ///
    /// - Parameter takesAll: Whether one operation that may go is enough.
    static func nextRun(
        _ candidates: [Candidate], segmentBytesMax: UInt64, takesAll: Bool
    ) -> Range<Int>? {
        func isWorthwhile(_ candidate: Candidate) -> Bool {
            candidate.droppableCount > 0 && !candidate.isFruitless
                && (takesAll || candidate.holdsBack
                    || candidate.droppableCount * worthwhilePart >= candidate.operationCount)
        }
        func joins(_ candidate: Candidate, _ bytes: UInt64) -> Bool {
            bytes + candidate.survivingBytes <= segmentBytesMax
                && (isWorthwhile(candidate)
                    || candidate.survivingBytes * smallPart <= segmentBytesMax)
        }
        guard let first = candidates.firstIndex(where: isWorthwhile) else { return nil }
        var run = first..<(first + 1)
        var bytes = candidates[first].survivingBytes
        while run.lowerBound > 0, joins(candidates[run.lowerBound - 1], bytes) {
            bytes += candidates[run.lowerBound - 1].survivingBytes
            run = (run.lowerBound - 1)..<run.upperBound
        }
        while run.upperBound < candidates.count, joins(candidates[run.upperBound], bytes) {
            bytes += candidates[run.upperBound].survivingBytes
            run = run.lowerBound..<(run.upperBound + 1)
        }
        return run
    }
}
