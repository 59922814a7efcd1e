// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncProtocol
import SyncTestSupport

/// What decoding the corpus by one door takes of the heap.
struct MemoryRow {
    var door: String
    /// What the result takes.
    var resultBytes: Int
    /// An upper bound of what was taken beside it meanwhile.
    var extraBytes: Int

    /// What that is to be at most.
    static let extraBytesMax = 64 << 10
}

/// Measures what decoding takes of the heap, each door in a process of its own, which does nothing
/// else.
struct MemoryRows {
    private let folder: String

    init(_ corpora: Corpora) { folder = (corpora.shortPath as NSString).deletingLastPathComponent }

    private static let doors = [
        "decode-owned", "decode-borrowed", "decode-tree", "codable-decode", "validate",
    ]

    /// The rows of all doors; none on systems where `HeapUse` cannot measure.
    func measure() throws -> [MemoryRow] {
        try Self.doors.compactMap { door in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
            process.arguments = ["--folder", folder, "--memory", door]
            // Each thread would keep freed blocks to itself, and they would count as used.
            process.environment = ["GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let text = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else {
                throw Peer.Fault(description: "--memory \(door) failed.")
            }
            let numbers = String(decoding: text, as: UTF8.self).split { $0.isWhitespace }
                .compactMap { Int($0) }
            guard numbers.count == 2 else { return nil }
            return MemoryRow(door: door, resultBytes: numbers[0], extraBytes: numbers[1])
        }
    }

    /// Measures one door in this process: the bytes of the result, and those beside it.
    static func measure(_ door: String, _ folder: String) throws -> String? {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/operations.cbor"))
        let bytes = [UInt8](data)
        let use: HeapUse? =
            switch door {
            case "decode-owned": try HeapUse.measure { try PullResponse(decoding: bytes) }
            case "decode-borrowed": try HeapUse.measure { try OwnRows.borrow(bytes) }
            case "decode-tree": try HeapUse.measure { try CBORValue(decoding: bytes) }
            case "codable-decode":
                try HeapUse.measure {
                    try CBORDecoder().decode(CodablePage<[UInt8]>.self, from: bytes)
                }
            case "validate": try HeapUse.measure { try OwnRows.validate(bytes) }
            default: throw Options.Fault(description: "There is no door \(door).")
            }
        return use.map { "\($0.resultBytes) \($0.extraBytes + $0.freeBytesBefore)" }
    }
}
