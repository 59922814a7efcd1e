// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// How long a database keeps what it no longer needs.
struct RetentionRules: Sendable, Equatable {
    /// The age at which a superseded operation may go.
    var compactAfterMilliseconds: UInt64 = 86_400_000
    /// The age at which a tombstone may go, if no active device lacks it.
    var retentionMilliseconds: UInt64 = 30 * 86_400_000
    /// The time after which a device that was not heard of is no longer waited for.
    var staleMilliseconds: UInt64 = 90 * 86_400_000
    /// Whether a segment is rewritten even if hardly anything in it may go.
    var takesAll = false
}

// Compaction.
extension Database {
    /// What may go from the log at a time.
    func compactionRules(
        _ retention: RetentionRules, nowMilliseconds: UInt64
    ) -> CompactionRules {
        func before(_ age: UInt64) -> UInt64 { nowMilliseconds >= age ? nowMilliseconds - age : 0 }
        let heardSince = before(retention.staleMilliseconds)
        // The server is the author of revisions, and no device that pulls.
        let active = devices.records.lazy.filter {
            $0.lastSeenMilliseconds >= heardSince && $0.deviceID != .server
        }
        return CompactionRules(
            supersededUntilMilliseconds: before(retention.compactAfterMilliseconds),
            tombstonesUntilMilliseconds: before(retention.retentionMilliseconds),
            tombstonesUpTo: active.map(\.cursor).min() ?? head)
    }

    /// Begins to compact the first segments where that is worth it.
    ///
    /// The segment that is written is completed before, if half of it or more may go: so a small
    /// database is compacted too.
    ///
    /// - Returns: Whether there was anything to begin.
    func beginCompaction(
        _ retention: RetentionRules, nowMilliseconds: UInt64,
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) -> Bool {
        guard compacting == nil, log.failure == nil else { return false }
        let rules = compactionRules(retention, nowMilliseconds: nowMilliseconds)
        var candidates = try compactionCandidates(rules)
        let active = candidates.removeLast()
        var run = CompactionPlan.nextRun(
            candidates, segmentBytesMax: configuration.segmentBytesMax,
            takesAll: retention.takesAll)
        let part = retention.takesAll ? active.operationCount : 2
        if run == nil, active.droppableCount > 0,
            active.droppableCount * part >= active.operationCount
        {
            try log.roll(using: &generator)
            candidates.append(active)
            run = CompactionPlan.nextRun(
                candidates, segmentBytesMax: configuration.segmentBytesMax,
                takesAll: retention.takesAll)
        }
        guard let run else { return false }
        let earlier = candidates[..<run.lowerBound].indices.filter {
            candidates[$0].supersededCount > 0
        }
        compacting = try CompactionWriting(log, run, after: earlier, rules)
        return true
    }

    /// Takes the next step of what `beginCompaction` began.
    func stepCompaction(
        _ retention: RetentionRules, nowMilliseconds: UInt64,
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) {
        guard var writing = compacting.take() else { return }
        // A device may have gone back meanwhile, and be about to ask for what goes.
        let rules = compactionRules(retention, nowMilliseconds: nowMilliseconds)
        guard writing.oldestCursor <= rules.tombstonesUpTo else { return writing.cancel() }
        do throws(OpLogError) { try voidSnapshots(before: writing.oldestCursor) } catch {
            writing.cancel()
            throw error
        }
        let entities = entities
        let progress: CompactionWriting<Disk>.Progress
        do throws(OpLogError) {
            progress = try writing.step(revision: { entities[$0] }, using: &generator)
        } catch {
            writing.cancel()
            throw error
        }
        switch progress {
        case .goesOn: compacting = writing
        case .fruitless:
            fruitlessSegments.formUnion(writing.firstCursors)
            segmentsHoldingBack.formUnion(writing.holdingBack)
        case .done(let tombstones):
            segmentsHoldingBack.subtract(writing.firstCursors)
            segmentsHoldingBack.formUnion(writing.holdingBack)
            dropEntities(whoseTombstonesAreAt: tombstones)
            // The checkpoint that is there speaks of other files.
            isCheckpointOutdated = true
        }
    }

    /// What is known of each segment, the one that is written last.
    private func compactionCandidates(
        _ rules: CompactionRules
    ) throws(OpLogError) -> [CompactionPlan.Candidate] {
        var live = [Int](repeating: 0, count: log.segments.count)
        var tombstones = live
        for entry in entities.entries {
            let position = log.segmentPosition(of: entry.value.cursor)
            live[position] += 1
            if entry.value.isDeleted, entry.value.cursor <= rules.tombstonesUpTo {
                tombstones[position] += 1
            }
        }
        var candidates: [CompactionPlan.Candidate] = []
        for position in log.segments.indices {
            let facts = try log.facts(of: position)
            let superseded = max(facts.operationCount - live[position], 0)
            var droppable = 0
            if facts.lastCommittedAtMilliseconds <= rules.supersededUntilMilliseconds {
                droppable += superseded
            }
            if facts.lastCommittedAtMilliseconds <= rules.tombstonesUntilMilliseconds {
                droppable += tombstones[position]
            }
            candidates.append(
                CompactionPlan.Candidate(
                    byteCount: facts.byteCount, operationCount: facts.operationCount,
                    droppableCount: droppable, supersededCount: superseded,
                    holdsBack: segmentsHoldingBack.contains(log.segments[position].firstCursor),
                    isFruitless: fruitlessSegments.contains(log.segments[position].firstCursor)))
        }
        return candidates
    }
}
