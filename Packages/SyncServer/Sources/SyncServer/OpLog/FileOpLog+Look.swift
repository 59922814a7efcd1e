// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// What lies behind the last whole frame of a log.
struct TornTail: Equatable {
    var path: String
    var offset: UInt64
    var bytes: UInt64
}

extension FileOpLog {
    /// Reads a log as `open` does, and changes nothing: a torn tail stays, and so do leftovers.
    ///
    /// A server may write the log meanwhile. Then what is found ends somewhere behind what was
    /// durable at the beginning, and a compaction may take files away: then this fails.
    ///
    /// - Parameters:
    ///   - checkpoint: Where to begin, if the segments are as it says; otherwise all is read.
    ///   - begin: Called before the first group with the segments, the last of which is written,
    ///     and with whether the checkpoint is used.
    ///   - replay: Called with each record that follows in order, with its file and offset.
    /// - Returns: The log, which takes nothing, its torn tail, and the files that are left of a
    ///   compaction.
    static func look(
        in directory: String, on disk: Disk, from checkpoint: CheckpointHeader? = nil,
        begin: ([Segment], _ usesCheckpoint: Bool) -> Void,
        replay: (ReplayedRecord, _ path: String, _ offset: UInt64) throws(OpLogError) -> Void
    ) throws(OpLogError) -> (log: FileOpLog, tornTail: TornTail?, leftovers: [String]) {
        let (found, last, leftovers) = try wholeLog(in: directory, on: disk)
        let start = checkpoint.flatMap { fits($0, found) ? $0 : nil }
        begin(found, start != nil)
        let active = try openSegment(
            last, on: disk, access: .read,
            from: start?.segment == last.firstCursor ? start?.offset : nil)
        let log = FileOpLog(
            disk: disk, directory: directory, segmentBytesMax: .max, zeroFillBytes: 0,
            active: active)
        try log.replayAll(found, from: start, replay)
        let tornTail = active.recovery.cutOffset.map {
            TornTail(path: last.path, offset: $0, bytes: active.recovery.cutBytes)
        }
        return (log, tornTail, leftovers)
    }
}

/// Runs `body` until it succeeds, or fails in the same way twice.
///
/// For reading beside a server: it goes on writing, renames and removes files, and what looks like
/// damage for that reason is found in another place the next time, or not at all.
func withoutHaste<Result>(_ body: () throws(OpLogError) -> Result) throws(OpLogError) -> Result {
    var last: OpLogError?
    while true {
        do throws(OpLogError) { return try body() } catch {
            if error == last { throw error }
            last = error
        }
    }
}
