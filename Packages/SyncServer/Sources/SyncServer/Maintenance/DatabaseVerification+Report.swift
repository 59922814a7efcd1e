// SPDX-License-Identifier: MIT

import SyncProtocol

extension DatabaseVerification {
    /// What was found, for people: a line or a few.
    var lines: [String] {
        var lines: [String] = []
        if let damage {
            lines.append("\(databaseID): DAMAGED: \(damage)")
        } else if logID == nil {
            lines.append("\(databaseID): no database yet.")
        } else {
            let oldest =
                oldestCursor > .start ? " (deletes up to \(oldestCursor) are compacted away)" : ""
            lines.append(
                "\(databaseID): sound: \(counted(operations, "operation")) up to cursor "
                    + "\(head)\(oldest) in \(counted(segments, "segment")) of \(bytes) bytes.")
        }
        if let tornTail {
            lines.append(
                "\(databaseID): \(tornTail.bytes) bytes of a write that was interrupted, or goes "
                    + "on, at the end of \(tornTail.path) from byte \(tornTail.offset); nobody was "
                    + "told of it.")
        }
        return lines + notes.map { "\(databaseID): note: \($0)." }
    }

    /// What was found, for programs.
    var json: JSONValue {
        .object([
            .init("database", .text(databaseID.rawValue)),
            .init("sound", .bool(damage == nil)),
            .init("logId", logID.map { .text($0.hexadecimal) }.orNull),
            .init("operations", .number(operations)),
            .init("cursor", .number(head.rawValue)),
            .init("oldestCursor", .number(oldestCursor.rawValue)),
            .init("segments", .number(segments)),
            .init("bytes", .number(bytes)),
            .init(
                "tornTail",
                tornTail.map {
                    .object([
                        .init("file", .text($0.path)), .init("offset", .number($0.offset)),
                        .init("bytes", .number($0.bytes)),
                    ])
                }.orNull),
            .init("notes", .array(notes.map { .text($0) })),
            .init(
                "damage",
                damage.map {
                    .object([
                        .init("file", .text($0.path)),
                        .init("offset", $0.offset.map { .number($0) }.orNull),
                        .init("message", .text($0.message)),
                    ])
                }.orNull),
        ])
    }
}

extension LogID {
    /// The bytes in hexadecimal digits.
    var hexadecimal: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// `1 segment`, `2 segments`.
func counted(_ count: Int, _ thing: String) -> String {
    "\(count) \(thing)\(count == 1 ? "" : "s")"
}
