// SPDX-License-Identifier: MIT

import HTTPWire
import SyncTestSupport
import Testing

@Suite struct HTTPRequestParserFuzzTests {
    private static let limits = HTTPLimits(maxHeadBytes: 400, maxHeaderCount: 8, maxBodyBytes: 64)

    /// What is found must be the same in one piece, byte by byte and in pieces of random size.
    private func expectSameInAllPieces(
        _ bytes: [UInt8], _ generator: inout SeededGenerator, seed: UInt64
    ) {
        let whole = ParserDriver.parse(bytes, limits: Self.limits)
        let bytewise = ParserDriver.parseBytewise(bytes, limits: Self.limits)
        var pieces = ParserDriver(limits: Self.limits)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...rest.count, using: &generator)
            pieces.feed(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        #expect(bytewise.outputs == whole.outputs, "seed \(seed): \(bytes)")
        #expect(pieces.outputs == whole.outputs, "seed \(seed): \(bytes)")
        for request in whole.requests { #expect(request.body.count <= 64, "seed \(seed)") }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func survivesGarbage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("GET POST /?%: HTTP/1.10\r\n\t;,chunked5aF\u{0}\u{7F}é".utf8)
        let count = Int.random(in: 0...600, using: &generator)
        let bytes = (0..<count).map { _ in
            seed % 2 == 0
                ? UInt8.random(in: 0...255, using: &generator)
                : alphabet.randomElement(using: &generator)!
        }

        expectSameInAllPieces(bytes, &generator, seed: seed)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func survivesMutationsOfValidRequests(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for row in AcceptedRequest.all {
            var bytes = row.bytes + AcceptedRequest.all.randomElement(using: &generator)!.bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                ByteMutation.mutate(&bytes, &generator)
            }
            expectSameInAllPieces(bytes, &generator, seed: seed)
        }
    }
}

/// Small changes to bytes, such as an attacker or a broken proxy makes.
enum ByteMutation {
    static func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let alphabet = Array("\r\n :;,0aF\u{0}\u{7F}\u{1}(%#".utf8)
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes[index] = alphabet.randomElement(using: &generator)!
        case 1: bytes.insert(alphabet.randomElement(using: &generator)!, at: index)
        case 2 where bytes.count > 1: bytes.remove(at: index)
        case 3: bytes.insert(contentsOf: bytes[index...].prefix(20), at: index)
        default: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        }
    }
}
