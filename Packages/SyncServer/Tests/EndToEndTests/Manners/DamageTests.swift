// SPDX-License-Identifier: MIT

import Foundation
import SyncProtocol
import Testing

/// Files of a server that are not as it left them.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct DamageTests {
    /// Makes two databases, `bad` and `good`, of ten pushes each, and stops the server.
    private func makeDatabases(_ bench: Bench) throws {
        let server = try bench.serve()
        for databaseID in ["bad", "good"] as [DatabaseID] {
            let client = try ProtocolClient(port: server.port, databaseID, "d")
            try client.handshake()
            for number in 1...10 as ClosedRange<UInt64> {
                _ = try client.push([client.upsert(number, "\(number)", "text \(number)")])
            }
        }
        server.kill()
    }

    private func segment(_ bench: Bench) throws -> URL {
        let directory = URL(fileURLWithPath: bench.path("server/databases/bad"))
        let names = try FileManager.default.subpathsOfDirectory(atPath: directory.path)
        return directory.appending(path: try #require(names.first { $0.hasSuffix(".seg") }))
    }

    @Test func damageInTheMiddleClosesOneDatabaseAndTheOthersAreServed() throws {
        let bench = try Bench()
        defer { bench.end() }
        try makeDatabases(bench)
        let file = try segment(bench)
        var bytes = try Data(contentsOf: file)
        let place = try #require(bytes.firstRange(of: Data("text 5".utf8))).lowerBound
        bytes[place] ^= 0x01
        try bytes.write(to: file)

        let server = try bench.serve()

        let complaint = try server.program.line("database bad is closed")
        #expect(complaint.contains(file.lastPathComponent))
        let offset = complaint.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
            .filter { $0 > 0 && $0 < place }
        #expect(!offset.isEmpty, "the complaint names the frame's offset: \(complaint)")
        #expect(try ServerLog(port: server.port, "good").operations.count == 10)
        let refusal = #expect(throws: ProtocolClient.Refusal.self) {
            try ServerLog(port: server.port, "bad")
        }
        #expect(refusal?.status == 503)
        #expect(refusal?.error.code == .serviceUnavailable)
        #expect(throws: ProtocolClient.Refusal.self) {
            try ProtocolClient(port: server.port, "bad", "d").handshake()
        }
        #expect(try HTTPClient(port: server.port).get("/health").status == 200)
        #expect(try HTTPClient(port: server.port).get("/ready").text.contains(#""damaged":1"#))
        // Nothing was changed in the file.
        #expect(try Data(contentsOf: file) == bytes)
        #expect(try server.stop().exit == .status(0))
    }

    @Test func aTornTailIsCutAndReported() throws {
        let bench = try Bench()
        defer { bench.end() }
        try makeDatabases(bench)
        let file = try segment(bench)
        // The beginning of a frame behind the last one, over the zeros that are kept there, as a
        // crash in the middle of a write leaves it.
        let whole = try Data(contentsOf: file)
        let end = try #require(whole.lastIndex { $0 != 0 }) + 1
        try (whole[..<end] + [1, 2, 3, 4, 5, 6, 7]).write(to: file)

        let server = try bench.serve()

        let line = try server.program.line("database bad")
        #expect(line.contains("cut 7 bytes"), "\(line)")
        #expect(try ServerLog(port: server.port, "bad").operations.count == 10)
    }

    @Test func aSegmentThatIsGoneClosesTheDatabase() throws {
        let bench = try Bench()
        defer { bench.end() }
        try makeDatabases(bench)
        try FileManager.default.removeItem(at: try segment(bench))

        let server = try bench.serve()

        let line = try server.program.line("database bad is closed")
        #expect(line.contains(bench.path("server/databases/bad")))
        #expect(try ServerLog(port: server.port, "good").operations.count == 10)
    }
}
