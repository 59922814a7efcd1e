// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// The file of tokens, and the file of revoked devices.
@Suite struct TokenFileTests {
    private func file(_ lines: [String]) throws(KeySourceError) -> TokenFile {
        try TokenFile(Array(lines.joined(separator: "\n").utf8))
    }

    private func issue(_ name: String, seed: UInt64, end: UInt64 = .max) -> (String, String) {
        var generator = SeededGenerator(seed: seed)
        return TokenFile.issue(
            .init(name: name, grants: .all, expiresAtMilliseconds: end), using: &generator)
    }

    private func principal(
        _ file: TokenFile, _ token: String, now: UInt64 = 0
    ) throws(AccessRefusal) -> Principal {
        try file.principal(of: Array(token.utf8)[...], nowMilliseconds: now)
    }

    @Test func anIssuedTokenIsTakenAndNoOther() throws {
        let (token, line) = issue("alice", seed: 1)
        let (other, otherLine) = issue("bob", seed: 2, end: 5_000)

        let file = try file(["# tokens", "", line, "  ", otherLine + "\r", ""])

        #expect(token.hasPrefix("est_") && token.utf8.count == 47)
        #expect(try principal(file, token).subject == "token:alice")
        #expect(try principal(file, other, now: 4_999).subject == "token:bob")
        #expect(throws: AccessRefusal.expired) { try principal(file, other, now: 5_000) }
        for wrong in ["", "est_", String(token.dropLast()), token + "A", token.uppercased()] {
            #expect(throws: AccessRefusal.invalidToken("it is not in the token file")) {
                try principal(file, wrong)
            }
        }
    }

    @Test func theFileDoesNotHoldTheToken() {
        let (token, line) = issue("alice", seed: 3)

        #expect(!line.contains(token) && !line.contains(token.dropFirst(4)))
    }

    @Test(arguments: [
        ("{}", "sha256"), ("x", "no JSON"), (#"{"sha256":"00"}"#, "64 hexadecimal"),
        (#"{"sha256":"\#(digits)"}"#, "name"), (#"{"sha256":"\#(digits)","name":"a b"}"#, "name"),
        (#"{"sha256":"\#(digits)","name":"a"}"#, "\"device\""),
        (#"{"sha256":"\#(digits)","name":"a","db":"*","device":"*","exp":"x"}"#, "exp"),
        (#"{"sha256":"\#(digits)","name":"a","name":"b"}"#, "comes twice"),
    ])
    func aLineThatIsWrongIsNamed(line: String, words: String) {
        let error = #expect(throws: KeySourceError.self) { try file(["# first", line]) }

        #expect(error?.description.hasPrefix("Line 2: ") ?? false)
        #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "")")
    }

    private static let digits = String(repeating: "0aF5", count: 16)

    @Test func namesAndTokensComeOnce() {
        let (_, line) = issue("alice", seed: 1)
        let (_, sameName) = issue("alice", seed: 2)
        let (_, sameToken) = issue("bob", seed: 1)

        #expect(throws: KeySourceError.self) { try file([line, sameName]) }
        #expect(throws: KeySourceError.self) { try file([line, sameToken]) }
    }

    @Test func revokedDevicesAreReadAsTheyWereWritten() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory(at: "data")
        var revocations = Revocations()
        func entry(_ device: String, _ database: DatabaseID = "db") throws -> Revocations.Entry {
            .init(
                databaseID: database, devices: try #require(DevicePattern(device)),
                revokedAtMilliseconds: 7)
        }
        let (phone, tablets) = (try entry("phone"), try entry("tab*"))
        #expect(try Revocations.read(in: "data", on: disk) == Revocations())
        for (entry, isNew) in [
            (phone, true), (phone, false), (tablets, true), (tablets, false),
            (try entry("x", "other"), true),
        ] {
            let wasNew = revocations.insert(entry)
            #expect(wasNew == isNew)
        }
        try revocations.write(in: "data", on: disk)

        let read = try Revocations.read(in: "data", on: disk)

        #expect(read == revocations && read.entries.count == 3)
        #expect(read.contains("phone", in: "db") && !read.contains("phone2", in: "db"))
        #expect(read.contains("tablet", in: "db") && !read.contains("phone", in: "other"))
        #expect(read.cover(try #require(DevicePattern("tab7*")), in: "db"))
        #expect(!read.cover(try #require(DevicePattern("t*")), in: "db"))
        #expect(!read.cover(.all, in: "db"))
        let wasThere = (0..<2).map { _ in revocations.remove(tablets.devices, in: "db") }
        #expect(wasThere == [true, false])
        #expect(
            !revocations.contains("tablet", in: "db") && revocations.contains("phone", in: "db"))
    }

    @Test func aDamagedListOfRevokedDevicesIsNotAnEmptyOne() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory(at: "data")
        try AtomicFile.replace("data/revoked", [1, 2, 3], on: disk)

        #expect(throws: OpLogError.self) { try Revocations.read(in: "data", on: disk) }
    }
}
