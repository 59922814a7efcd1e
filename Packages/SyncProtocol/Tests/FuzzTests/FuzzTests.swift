// SPDX-License-Identifier: MIT

import Foundation
import SyncTestSupport
import Testing

@testable import FuzzTargets

/// The functions that libFuzzer runs, on inputs that are the same every time.
@Suite(.timeLimit(.minutes(10))) struct FuzzTests {
    /// The bytes of all vectors that are CBOR, and those of notation that the fuzzer begins with.
    private static let corpus: [[UInt8]] = [
        "cbor", "cbor-deterministic", "hlc", "operation", "handshake", "push", "pull", "cursor",
        "error", "delta",
    ].flatMap { (try? TestVectors.load($0)) ?? [] }.map(\.bytes)

    /// Notation for the printer's other half.
    private static let notation = [
        "[1, -2, 3.5, \"a\", h'00ff', b64'AAE', true, null, undefined, simple(99), 1_1]",
        "{_ 1: (_ h'00', h'01'), \"a\": 24(<<1, [2]>>), / comment / -1: 1.5_1} # end",
        "{\"a\": [1e3, 12345678901234567890123, -0.0, NaN, Infinity, \"\\u00e9\\n\"]}",
    ].map { Array($0.utf8) }

    /// What parsers of HTTP, WebSocket frames and event streams take.
    private static let wire =
        [
            "GET /v1/ws?a=b HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.0 204 No Content\r\n\r\n",
            ": hello\nevent: operations\nid: 7\ndata: {\ndata: }\n\nretry: 5\r\n\rdata\n\n",
        ].map { Array($0.utf8) } + [
            [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58],
            [0x01, 3, 0x48, 0x65, 0x6C, 0x89, 0, 0x80, 2, 0x6C, 0x6F, 0x88, 3, 3, 0xE8, 0x61],
            [0x82, 126, 0, 200] + [UInt8](repeating: 7, count: 200),
        ]

    private static let cases = FuzzTarget.allCases.flatMap { target in
        (0..<8 as Range<UInt64>).map { (target, $0) }
    }

    @Test func knowsTheVectors() { #expect(Self.corpus.count > 500) }

    @Test(arguments: FuzzTarget.allCases)
    func holdsForTheVectors(target: FuzzTarget) throws {
        for bytes in Self.corpus + Self.notation + Self.wire { try Self.run(target, bytes) }
    }

    @Test(arguments: cases)
    func holdsForWhatIsChangedOrPutTogether(target: FuzzTarget, seed: UInt64) throws {
        var mutator = Mutator(seed: seed, corpus: Self.corpus + Self.notation + Self.wire)
        for _ in 0..<1_500 { try Self.run(target, mutator.next()) }
    }

    @Test(arguments: FuzzTarget.allCases)
    func holdsForEveryInputThatOnceFailed(target: FuzzTarget) throws {
        for bytes in try Self.regressions(of: target) { try Self.run(target, bytes) }
    }

    /// A function that no input can fail would hold of everything.
    @Test func failsWhereARuleIsBroken() {
        #expect(throws: FuzzFailure.self) { try demand(false, "It holds.") }
        #expect(throws: FuzzFailure.self) { try demandSame(1, 2, "Both are the same.") }
        #expect(throws: Never.self) { try demandSame(1, 1, "Both are the same.") }
    }

    private static func run(_ target: FuzzTarget, _ bytes: [UInt8]) throws {
        do throws(FuzzFailure) {
            try target.run(bytes)
        } catch {
            let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            Issue.record("\(target.rawValue) fails for \(hex): \(error)")
        }
    }

    /// The inputs in the target's file: hexadecimal, one a line, a comment behind `#`.
    private static func regressions(of target: FuzzTarget) throws -> [[UInt8]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fuzzing/Regressions")
        let text = try String(
            contentsOf: folder.appending(path: "\(target.rawValue).txt"), encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let digits = line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
            guard !digits.isEmpty else { return nil }
            var bytes: [UInt8] = []
            var rest = digits[...]
            while let byte = UInt8(rest.prefix(2), radix: 16) {
                bytes.append(byte)
                rest = rest.dropFirst(2)
            }
            return bytes
        }
    }
}
