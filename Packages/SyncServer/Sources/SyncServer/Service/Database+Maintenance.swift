// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

// What goes on beside pushes and pulls, in steps of which each takes little time.
extension Database {
    /// Whether there is a step to take.
    var hasMaintenance: Bool {
        checkpointing != nil || isCheckpointDue || compacting != nil || isCompactionDue
    }

    private var isCheckpointDue: Bool {
        log.failure == nil
            && (isCheckpointOutdated || uncheckpointedBytes >= configuration.checkpointBytes)
    }

    /// Takes the next step.
    ///
    /// - Throws: `OpLogError`. What was begun is given up then, and begun again when as much again
    ///   was written; nothing is lost, only the next opening reads more.
    func maintain(
        nowMilliseconds: UInt64, using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) {
        guard checkpointing != nil || isCheckpointDue else {
            return try maintainSegments(nowMilliseconds: nowMilliseconds, using: &generator)
        }
        do throws(OpLogError) {
            if checkpointing == nil { try beginCheckpoint(using: &generator) }
            if try checkpointing?.step() ?? false { checkpointing = nil }
        } catch {
            checkpointing?.cancel()
            checkpointing = nil
            uncheckpointedBytes = 0
            isCheckpointOutdated = false
            throw error
        }
    }

    private func maintainSegments(
        nowMilliseconds: UInt64, using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) {
        if compacting == nil {
            isCompactionDue = false
            // There may be more where something was found.
            isCompactionDue = try beginCompaction(
                configuration.retention, nowMilliseconds: nowMilliseconds, using: &generator)
            if !isCompactionDue { fruitlessSegments = [] }
            return
        }
        do throws(OpLogError) {
            try stepCompaction(
                configuration.retention, nowMilliseconds: nowMilliseconds, using: &generator)
        } catch {
            isCompactionDue = false
            throw error
        }
    }

    /// Writes a checkpoint to the end, unless little was written since the last one.
    func checkpointBeforeClosing(
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) {
        compacting?.cancel()
        compacting = nil
        if let unfinished = checkpointing {
            unfinished.cancel()
            checkpointing = nil
            isCheckpointOutdated = true
        }
        guard log.failure == nil,
            isCheckpointOutdated || uncheckpointedBytes >= configuration.checkpointAtCloseBytes
        else { return }
        try beginCheckpoint(using: &generator)
        while try !(checkpointing?.step() ?? true) {}
        checkpointing = nil
    }

    private func beginCheckpoint(
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) {
        checkpointing = try CheckpointWriting(
            log.checkpointHeader, DatabaseIndexes(entities: entities, devices: devices),
            in: directory, on: disk, using: &generator)
        uncheckpointedBytes = 0
        isCheckpointOutdated = false
    }
}
