// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// `entitysync wal` on the directories that other programs write.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct WALCommandTests {
    /// A line of `--json`.
    private struct Line: Decodable, Equatable {
        var opType: String
        var collection: String
        var entityId: String
        var entityCbor: String?
        var transactionId: UInt64
        var sequence: UInt64
    }

    private func lines(_ result: Program.Captured) throws -> [Line] {
        try result.outputText.split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
    }

    @Test func printsWhatNotesWroteInItsOrder() throws {
        let bench = try Bench()
        defer { bench.end() }
        let notes = Notebook(bench: bench, name: "a")
        let milk = try notes.ask("add", "milk")
        let bread = try notes.ask("add", "bread")
        try notes.ask("edit", milk, "oat milk")
        try notes.ask("rm", bread)

        let result = try bench.run("entitysync", ["wal", bench.path("a"), "--json"])

        #expect(result.exit == .status(0))
        #expect(result.errors.isEmpty)
        let lines = try lines(result)
        #expect(lines.map(\.opType) == ["upsert", "upsert", "upsert", "delete"])
        #expect(lines.map(\.entityId) == [milk, bread, milk, bread])
        #expect(lines.allSatisfy { $0.collection == "notes" })
        #expect(lines[0].entityCbor?.contains(hex("milk")) == true)
        #expect(lines[2].entityCbor?.contains(hex("oat milk")) == true)
        #expect(lines[3].entityCbor == nil)
        #expect(lines.map(\.sequence) == lines.map(\.sequence).sorted())
        #expect(Set(lines.map(\.sequence)).count == 4)
    }

    @Test func leavesOutWhatWasPulled() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = Notebook(bench: bench, name: "a", port: server.port)
        let b = Notebook(bench: bench, name: "b", port: server.port)
        try a.ask("add", "of a")
        try a.ask("sync")
        try b.ask("sync")
        let own = try b.ask("add", "of b")

        let result = try bench.run("entitysync", ["wal", bench.path("b"), "--json"])

        #expect(try b.list().count == 2)
        #expect(try lines(result).map(\.entityId) == [own])
    }

    @Test func followsAnEntiDBDatabase() throws {
        let bench = try Bench()
        defer { bench.end() }
        let database = try EntiDBDirectory(bench.path("entidb"))
        let follower = try bench.start("entitysync", ["wal", database.path, "--json", "--follow"])
        let first = try follower.line("sequence", in: .output)
        #expect(
            first == #"{"opType":"upsert","collection":"cards","#
                + #""entityId":"00000000-0000-0000-0000-000000000001","#
                + #""entityCbor":"a1657469746c656141","transactionId":1,"sequence":1}"#)

        // A record that is not complete is waited for.
        let delete = database.delete
        try database.append(Array(delete[..<30]))
        try database.append(Array(delete[30...]))

        let second = try follower.line("sequence", in: .output, occurrence: 2)
        #expect(
            second == #"{"opType":"delete","collection":"cards","#
                + #""entityId":"00000000-0000-0000-0000-000000000001","#
                + #""entityCbor":null,"transactionId":2,"sequence":2}"#)
    }

    @Test func damageEndsItWithFileAndOffset() throws {
        let bench = try Bench()
        defer { bench.end() }
        let database = try EntiDBDirectory(bench.path("entidb"))
        try database.append(database.delete)
        // In the delete's first record, which begins at 111, with good records behind it.
        try database.flip(111 + 12)

        for flags in [["--json"], ["--json", "--follow"]] {
            let result = try bench.run("entitysync", ["wal", database.path] + flags)

            #expect(result.exit == .status(1))
            #expect(try lines(result).map(\.sequence) == [1])
            #expect(result.errorText.contains(database.path + "/wal.log"), "\(result.errorText)")
            #expect(result.errorText.contains("111"), "\(result.errorText)")
        }
    }

    @Test func aDirectoryThatIsNoDatabaseAndWrongUsageAreSentences() throws {
        let bench = try Bench()
        defer { bench.end() }

        let nothing = try bench.run("entitysync", ["wal", bench.path("none"), "--json"])
        #expect(nothing.exit == .status(1))
        #expect(nothing.errorText.contains(bench.path("none")))
        for words in [[], ["wal"], ["wal", "a", "b"], ["wal", "a", "--nonsense"], ["law"]] {
            let result = try bench.run("entitysync", words)
            #expect(result.exit == .status(64), "\(words)")
            #expect(result.errorText.contains("see: entitysync"), "\(words)")
        }
        for words in [["--help"], ["help", "wal"], ["wal", "--help"]] {
            let result = try bench.run("entitysync", words)
            #expect(result.exit == .status(0))
            #expect(result.outputText.contains("wal DIR"))
        }
    }

    private func hex(_ text: String) -> String {
        text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// A database as EntiDB writes it: a manifest with one collection, and a log with one put.
private struct EntiDBDirectory {
    let path: String

    /// BEGIN, PUT of `{"title": "A"}` and COMMIT of transaction 1.
    private static let put =
        "4557414c0100010800000001000000000000006971fd21"
        + "4557414c0100022a0000000100000000000000010000000000000000000000000000000000000100"
        + "09000000a1657469746c6561416985eb76"
        + "4557414c01000410000000010000000000000001000000000000003949a089"

    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(
            atPath: path + "/SEGMENTS", withIntermediateDirectories: true)
        // Magic, versions, next collection id, one collection, no indexes, no checkpoint.
        let manifest: [UInt8] =
            Array("EMFN".utf8) + [2, 0, 1, 0, 0, 0] + [2, 0, 0, 0] + [1, 0, 0, 0]
            + [5, 0] + Array("cards".utf8) + [1, 0, 0, 0]
            + [1, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0] + [0]
        try Data(manifest).write(to: URL(fileURLWithPath: path + "/MANIFEST"))
        try Data(Self.bytes(Self.put)).write(to: log)
    }

    private var log: URL { URL(fileURLWithPath: path + "/wal.log") }

    /// BEGIN, DELETE of the same entity and COMMIT of transaction 2.
    var delete: [UInt8] {
        let txid: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0]
        let entityID = [UInt8](repeating: 0, count: 15) + [1]
        return Self.record(1, txid) + Self.record(3, txid + [1, 0, 0, 0] + entityID + [0])
            + Self.record(4, txid + txid)
    }

    func append(_ bytes: [UInt8]) throws {
        let handle = try FileHandle(forWritingTo: log)
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(bytes))
    }

    func flip(_ offset: Int) throws {
        var bytes = try Data(contentsOf: log)
        bytes[offset] ^= 0x80
        try bytes.write(to: log)
    }

    private static func record(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let bytes =
            Array("EWAL".utf8) + [1, 0, type] + [UInt8(payload.count), 0, 0, 0] + payload
        return bytes + withUnsafeBytes(of: crc32(bytes).littleEndian, Array.init)
    }

    /// CRC-32 as zlib computes it.
    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { state, byte in
            (0..<8).reduce(state ^ UInt32(byte)) { value, _ in
                value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
            }
        }
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
    }
}
