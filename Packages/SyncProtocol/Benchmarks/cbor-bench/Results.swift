// SPDX-License-Identifier: MIT

import Foundation

/// What all passes measured: per row and codec, in milliseconds.
struct Results {
    /// What our rows stand under.
    static let own = "EntitySync"

    /// How many times as fast as a peer a row is to be.
    private struct Goal {
        var row: String
        var peer: String
        var peerRow: String
        var factor: Double

        init(_ row: String, _ peer: String, _ peerRow: String, _ factor: Double) {
            (self.row, self.peer, self.peerRow, self.factor) = (row, peer, peerRow, factor)
        }
    }

    private static let goals = [
        Goal("decode-owned", "serde_cbor", "decode-owned", 1.8),
        Goal("decode-owned", "fxamacker", "decode-owned", 3),
        Goal("decode-owned", "cbor2", "decode-owned", 10),
        Goal("decode-owned", "nlohmann", "decode-owned", 1),
        Goal("decode-borrowed", "serde_cbor", "decode-borrowed", 2.5),
        Goal("validate", "libcbor", "validate", 2),
        Goal("encode", "serde_cbor", "encode", 1),
        Goal("encode", "fxamacker", "encode", 1),
        Goal("encode", "cbor2", "encode", 8),
        Goal("codable-decode", own, "json-decode", 3),
        Goal("codable-encode", own, "json-encode", 2),
        Goal("decode-owned-long", "serde_cbor", "decode-owned-long", 1),
        Goal("encode-long", "serde_cbor", "encode-long", 1),
    ]

    /// What decoding takes of the heap by each door; empty where that cannot be measured.
    var memory: [MemoryRow] = []

    private var times: [String: [String: [Double]]] = [:]

    mutating func add(_ milliseconds: Double, row: String, of codec: String) {
        times[codec, default: [:]][row, default: []].append(milliseconds)
    }

    /// The median of all passes; `nil` for a row that nobody measured.
    private func median(_ row: String, of codec: String) -> Double? {
        guard let all = times[codec]?[row]?.sorted(), !all.isEmpty else { return nil }
        return all[all.count / 2]
    }

    /// Every goal in a line: what was measured, the ratio, and whether it is reached.
    var table: String {
        var lines = [Self.line("row", "ms", "next to", "ms", "ratio", "at least")]
        for goal in Self.goals {
            guard let own = median(goal.row, of: Self.own) else { continue }
            let name = goal.peer == Self.own ? "Foundation JSON" : goal.peer
            guard let other = median(goal.peerRow, of: goal.peer) else {
                lines.append(Self.line(goal.row, Self.text(own), name, "not here", "", ""))
                continue
            }
            let ratio = other / own
            lines.append(
                Self.line(
                    goal.row, Self.text(own), name, Self.text(other), Self.text(ratio),
                    Self.text(goal.factor) + (ratio < goal.factor ? "  missed" : "")))
        }
        return (lines + memoryLines).joined(separator: "\n")
    }

    private var memoryLines: [String] {
        func kibibytes(_ bytes: Int) -> String { Self.text(Double(bytes) / 1_024) }
        let head = [
            "", Self.line("memory of decoding", "KiB", "beside it", "KiB", "", "at most"),
        ]
        guard !memory.isEmpty else { return head + ["not here"] }
        return head
            + memory.map { row in
                Self.line(
                    row.door, kibibytes(row.resultBytes), "", kibibytes(row.extraBytes), "",
                    kibibytes(MemoryRow.extraBytesMax)
                        + (row.extraBytes > MemoryRow.extraBytesMax ? "  missed" : ""))
            }
    }

    /// All medians as one object.
    var json: String {
        var medians: [String: [String: Double]] = [:]
        for (codec, rows) in times {
            for row in rows.keys { medians[codec, default: [:]][row] = median(row, of: codec) }
        }
        for row in memory {
            medians[Self.own, default: [:]]["\(row.door)-extra-bytes"] = Double(row.extraBytes)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: (try? encoder.encode(medians)) ?? Data(), as: UTF8.self)
    }

    private static func text(_ number: Double) -> String { String(format: "%.2f", number) }

    private static func line(_ columns: String...) -> String {
        zip(columns, [20, 9, 17, 10, 8, 0]).map { text, width in
            text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
        }.joined()
    }
}
