// SPDX-License-Identifier: MIT

import Cryptography
import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Tokens, key sets and files with bytes changed, the same every time: nothing traps, and no change
/// of a token is let in.
@Suite struct AccessMutationTests {
    /// Changes a few bytes, or cuts, repeats and joins.
    private struct Mutator {
        var generator: SeededGenerator
        /// Bytes that mean something to those who read them.
        private static let telling = Array("\"\\{}[]:,.-_=AQaz09eEu \n\u{0}".utf8) + [0xFF, 0xC3]

        init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

        mutating func change(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0...Int.random(in: 0...3, using: &generator) {
                let index = Int.random(in: 0...bytes.count, using: &generator)
                let end = Int.random(in: index...min(bytes.count, index + 40), using: &generator)
                switch Int.random(in: 0..<6, using: &generator) {
                case 0: bytes.removeSubrange(index..<end)
                case 1: bytes.insert(contentsOf: bytes[index..<end], at: index)
                case 2: bytes = Array(bytes[..<index])
                case 3 where index < bytes.count:
                    bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 4: bytes.insert(Self.telling.randomElement(using: &generator) ?? 0, at: index)
                default:
                    let start = Int.random(in: 0...bytes.count, using: &generator)
                    bytes = Array(bytes[..<index] + bytes[start...])
                }
            }
            return bytes
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func noChangedTokenIsLetIn(seed: UInt64) throws {
        var mutator = Mutator(seed: seed)
        var keys = TokenKeys(keys: try JSONWebKeySet.keys(in: Array(SignedTokens.keySet.utf8)))
        keys.keys.append(try #require(TokenKey(secret: AccessFixture.secret)))
        let tokens = [
            SignedTokens.rs256, SignedTokens.es256, SignedTokens.edDSA,
            AccessFixture.token(#""db":"*","device":"*""#),
        ].map { Array($0.utf8) }
        for round in 0..<2_000 {
            let token = tokens[round % tokens.count]
            let changed = mutator.change(token)
            do throws(AccessRefusal) {
                _ = try JSONWebToken(changed[...]).verify(
                    keys, TokenRules(), nowMilliseconds: AccessFixture.now * 1_000)
                #expect(tokens.contains(changed), "\(String(decoding: changed, as: UTF8.self))")
            } catch {
                #expect(!tokens.contains(changed) && error.failure.status == 401)
            }
        }
    }

    /// What two readers of a text could understand differently is not taken: a text that is taken
    /// names each key once.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func changedKeySetsAreRefusedOrUnderstood(seed: UInt64) throws {
        var mutator = Mutator(seed: seed)
        let set = Array(SignedTokens.keySet.utf8)
        var taken = 0
        for _ in 0..<3_000 {
            do throws(KeySourceError) {
                let keys = try JSONWebKeySet.keys(in: mutator.change(set))
                #expect(!keys.isEmpty && TokenKeys(keys: keys).ambiguity == nil)
                taken += 1
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        #expect(taken > 0)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func changedTokenFilesLetNobodyElseIn(seed: UInt64) throws {
        var mutator = Mutator(seed: seed)
        var generator = SeededGenerator(seed: 1)
        let (token, line) = TokenFile.issue(
            .init(name: "a", grants: .all, expiresAtMilliseconds: 9_000), using: &generator)
        let known = try TokenFile(Array(line.utf8)).entries.keys.first
        for _ in 0..<3_000 {
            let bytes = mutator.change(Array((line + "\n# x\n").utf8))
            do throws(KeySourceError) {
                let file = try TokenFile(bytes)
                #expect(file.entries.count <= 2)
                // Another hash is another token's; this one's is only let in by its own.
                let isLetIn =
                    (try? file.principal(of: Array(token.utf8)[...], nowMilliseconds: 0)) != nil
                #expect(isLetIn == known.map { file.entries[$0] != nil })
            } catch {
                #expect(error.description.hasPrefix("Line "))
            }
        }
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func aChangedListOfRevokedDevicesIsNoticed(seed: UInt64) throws {
        var mutator = Mutator(seed: seed)
        let disk = SimulatedDisk()
        try disk.createDirectory(at: "data")
        var revocations = Revocations()
        for device in ["phone", "tab*"] {
            revocations.insert(
                .init(
                    databaseID: "db", devices: try #require(DevicePattern(device)),
                    revokedAtMilliseconds: 7))
        }
        try revocations.write(in: "data", on: disk)
        let bytes = try #require(try AtomicFile.read("data/revoked", on: disk))
        for _ in 0..<500 {
            try AtomicFile.replace("data/revoked", mutator.change(bytes), on: disk)
            do throws(OpLogError) {
                #expect(try Revocations.read(in: "data", on: disk) == revocations)
            } catch {
                #expect(error.code != .io)
            }
        }
    }
}
