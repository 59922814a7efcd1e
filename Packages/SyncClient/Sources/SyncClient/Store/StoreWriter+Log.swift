// SPDX-License-Identifier: MIT

import RecordLog

/// What a writer knows of its log: records up to `end`, and behind them, unless writing it failed,
/// the mark that says that they are synced.
///
/// The mark is not counted in: the next write begins with it again, the same bytes in the same
/// place. So a crash that loses the mark, which nobody waited for, and keeps the next write leaves
/// no hole, and a follower that has read the mark reads on behind it.
struct StoreLog: Sendable {
    /// The bytes of a mark.
    static let markBytes = WALRecordCodec.envelopeBytes + 8

    /// Where the next write goes: behind the last transaction. Nothing is marked in an empty log.
    var end: UInt64 = 0
    /// The sequence of the last commit in the log, 0 if there is none.
    var lastSequence: UInt64 = 0
    /// Whether the mark stands at `end`.
    var isMarked = false
    /// Whether the mark has been synced too.
    var isMarkSynced = false

    /// An empty log.
    init() {}

    /// The log as an open has read and synced it.
    init(_ replay: LogReplay) {
        end = replay.end
        lastSequence = replay.lastSequence
        isMarked = replay.endsWithMark
        isMarkSynced = replay.endsWithMark
    }

    /// The length of the file, without what a failed write may have left.
    var fileEnd: UInt64 { end + (isMarked ? UInt64(Self.markBytes) : 0) }

    var mark: [UInt8] { WALRecordCodec.encode(.synced(sequence: lastSequence)) }
}

extension StoreWriter {
    /// Writes a transaction to the log and makes it durable. Its number and sequence are spent
    /// even if that fails: a follower may have read it before it was cut off again, and would take
    /// what comes under the same sequence for what it knows.
    mutating func append(_ bytes: [UInt8], sequence: UInt64) throws(StoreError) {
        nextTxid += 1
        nextSequence += 1
        do throws(FileSystemError) {
            try log.write(bytes, at: logState.end)
            try log.sync()
        } catch {
            // Followers read the file whether or not it is durable: what failed is taken away from
            // them again.
            let isUndone = cutLog()
            guard isUndone, error.isOutOfSpace, error.operation == .write else {
                throw fail(error)
            }
            throw StoreError(error)
        }
        logState.end += UInt64(bytes.count)
        logState.lastSequence = sequence
        logState.isMarked = false
        markLog()
    }

    /// Writes the mark if it is not there. It is not synced: the next commit does that, or `close`.
    ///
    /// Should this fail, the commits before it are durable all the same and stand. A full disk puts
    /// it off until the next commit; any other failure makes the store read-only, which the next
    /// commit says.
    mutating func markLog() {
        guard logState.end > 0, !logState.isMarked else { return }
        do throws(FileSystemError) {
            try log.write(logState.mark, at: logState.end)
            logState.isMarked = true
            logState.isMarkSynced = false
        } catch {
            let isUndone = cutLog()
            if !isUndone || !error.isOutOfSpace { _ = fail(error) }
        }
    }

    /// Makes the mark durable, if the disk lets us.
    mutating func syncMark() {
        markLog()
        guard failure == nil, logState.isMarked, !logState.isMarkSynced else { return }
        do throws(FileSystemError) {
            try log.sync()
            logState.isMarkSynced = true
        } catch {
            _ = fail(error)
        }
    }

    /// Cuts off what a failed write has left. Returns whether the disk let us.
    ///
    /// It is synced, as a crash could otherwise mix what was cut off with what is written in its
    /// place.
    private func cutLog() -> Bool {
        do throws(FileSystemError) {
            try log.truncate(to: logState.fileEnd)
            try log.sync()
            return true
        } catch {
            return false
        }
    }
}
