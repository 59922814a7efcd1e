// SPDX-License-Identifier: MIT

// Bugs of the record log, under the server's op log and the clients' queue, and of files that are
// replaced whole.
extension Mutant {
    private static let file = "RecordLog/RecordLogFile.swift"
    private static let opening = "RecordLog/RecordLogFile+Open.swift"
    private static let atomicFile = "RecordLog/AtomicFile.swift"

    static let recordLog: [Mutant] = [
        .rewrites(
            "op-log-not-synced", "The op log reports operations as durable without a sync.", file,
            """
                        try reader.file.sync()
                    } catch {
                        fail(error)
                        throw .io(error)
                    }
                    writtenEnd += UInt64(buffer.count)
            """,
            as: """
                        if !(BUG && path.hasSuffix(".seg")) { try reader.file.sync() }
                    } catch {
                        fail(error)
                        throw .io(error)
                    }
                    writtenEnd += UInt64(buffer.count)
                """),
        .rewrites(
            "queue-not-synced", "The queue reports its changes as durable without a sync.", file,
            "try reader.file.write(buffer, at: writtenEnd)",
            as: """
                try reader.file.write(buffer, at: writtenEnd)
                if BUG, path.hasSuffix("queue.log") {
                    writtenEnd += UInt64(buffer.count)
                    reader.end = writtenEnd
                    buffer.removeAll()
                    return writeMark()
                }
                """),
        .rewrites(
            "frame-claims-too-much", "A frame says that the unsynced mark before it was synced.",
            file, "at: offset, syncedThrough: syncedEnd, to: &buffer",
            as: "at: offset, syncedThrough: BUG ? offset : syncedEnd, to: &buffer"),
        .skips(
            "directory-not-synced", "A renamed file's directory is not synced.", atomicFile,
            "try disk.syncDirectory(at: directory(of: path))"),
        .skips(
            "renamed-unsynced", "A file takes its name before its bytes are synced.", atomicFile,
            "try file.sync()"),
        .rewrites(
            "file-overwritten", "A file is replaced by writing into it, not by renaming.",
            atomicFile, "let temporary = path + temporarySuffix",
            as: """
                if BUG {
                    let file = try disk.openFile(at: path, .createIfMissing)
                    try file.truncate(to: 0)
                    try file.write(bytes, at: 0)
                    try file.sync()
                    try disk.syncDirectory(at: directory(of: path))
                    return file
                }
                let temporary = path + temporarySuffix
                """),
        .rewrites(
            "torn-tail-kept", "What a crash has torn is kept, and the log goes on behind it.",
            opening, "writtenEnd: scan.end,", as: "writtenEnd: BUG ? size : scan.end,"
        ).also(
            opening, "if recovery.cutBytes > 0 { try reader.file.truncate(to: scan.end) }",
            as: "if recovery.cutBytes > 0, !BUG { try reader.file.truncate(to: scan.end) }"),
        .rewrites(
            "checksum-ignored", "A frame is taken whether or not its checksum is right.",
            "RecordLog/FrameWindow.swift",
            "var state = checksum.beginning(of: frame, at: offset)",
            as: "if BUG { return true }\nvar state = checksum.beginning(of: frame, at: offset)"),
        .skips(
            "recovered-not-synced", "What was read from a log on opening is not synced again.",
            opening,
            """
            try rewrite(scan.syncedThrough..<scan.end)
                    try reader.file.sync()
            """),
        .skips(
            "damage-taken-for-a-tear",
            "Damage in front of what was synced is cut like a torn tail.",
            "RecordLog/RecordLogScan.swift", "if end < tornEnd { try requireTornTail() }"),
    ]
}
