// SPDX-License-Identifier: MIT

import HTTPWire
import SyncTestSupport
import Testing

/// Frames in and out, by the examples and the rules of RFC 6455.
@Suite struct WebSocketParserTests {
    typealias Outcome = WebSocketParser.Outcome

    private static let mask = WebSocketMask(0x37FA_213D)
    private static let hello = Array("Hello".utf8)

    /// Feeds bytes in one piece, and byte by byte, and expects the same of both.
    private func parse(
        _ bytes: [UInt8], _ role: WebSocketRole = .server, limit: Int = 1 << 20
    ) -> [Outcome] {
        let whole = feed([bytes], role, limit)
        #expect(feed(bytes.map { [$0] }, role, limit) == whole)
        return whole
    }

    private func feed(_ pieces: [[UInt8]], _ role: WebSocketRole, _ limit: Int) -> [Outcome] {
        var parser = WebSocketParser(role: role, maxMessageBytes: limit)
        var outcomes: [Outcome] = []
        for piece in pieces {
            parser.append(piece)
            while true {
                let outcome = parser.next()
                if outcome == .needMore { break }
                outcomes.append(outcome)
                if case .failed = outcome { return outcomes }
            }
        }
        return outcomes
    }

    /// Section 5.7.
    @Test func readsAndWritesTheExamplesOfTheStandard() {
        let hello = Self.hello
        let unmasked: [UInt8] = [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
        let masked: [UInt8] = [
            0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
        ]
        let fragments: [UInt8] = [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]
        let ping: [UInt8] = [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
        let pong: [UInt8] = [
            0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
        ]

        #expect(parse(unmasked, .client) == [.text(hello)])
        #expect(parse(masked) == [.text(hello)])
        #expect(parse(fragments, .client) == [.text(hello)])
        #expect(parse(ping, .client) == [.ping(hello)])
        #expect(parse(pong) == [.pong(hello)])
        #expect(WebSocketFrame(.text, hello).serialized() == unmasked)
        #expect(WebSocketFrame(.text, hello).serialized(mask: Self.mask) == masked)
        #expect(WebSocketFrame(.ping, hello).serialized() == ping)
        #expect(WebSocketFrame(.pong, hello).serialized(mask: Self.mask) == pong)
        for (count, head) in [
            (256, [0x82, 0x7E, 0x01, 0x00]), (65_536, [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] as [(Int, [UInt8])] {
            let payload = [UInt8](repeating: 9, count: count)
            #expect(WebSocketFrame(.binary, payload).serialized() == head + payload)
            #expect(feed([head + payload], .client, 1 << 20) == [.binary(payload)])
        }
    }

    @Test(arguments: [0, 1, 7, 8, 9, 125, 126, 127, 65_535, 65_536])
    func everyLengthIsReadAgain(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        let payload = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let bytes = WebSocketFrame(.binary, payload).serialized(mask: Self.mask)

        #expect(feed([bytes], .server, count) == [.binary(payload)])
        #expect(feed(bytes.map { [$0] }, .server, count) == [.binary(payload)])
    }

    @Test func controlFramesMayStandBetweenFragments() {
        let bytes =
            WebSocketFrame(.binary, [1], isFinal: false).serialized(mask: Self.mask)
            + WebSocketFrame(.ping, [2]).serialized(mask: Self.mask)
            + WebSocketFrame(.continuation, [], isFinal: false).serialized(mask: Self.mask)
            + WebSocketFrame(.continuation, [3]).serialized(mask: Self.mask)

        #expect(parse(bytes) == [.ping([2]), .binary([1, 3])])
    }

    @Test func nothingBehindACloseCounts() {
        let bytes =
            WebSocketFrame.close(.goingAway, reason: "bye").serialized(mask: Self.mask)
            + [0xFF, 0xFF]

        #expect(parse(bytes) == [.close(.goingAway, reason: "bye")])
        #expect(
            parse(WebSocketFrame(.close).serialized(mask: Self.mask)) == [.close(nil, reason: "")])
    }

    /// A frame as a client sends it, whatever it says.
    private static func raw(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [first, 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload
    }

    private static let broken: [(rule: String, bytes: [UInt8], code: UInt16)] = [
        ("a reserved bit", raw(0xC2, []), 1002),
        ("the second reserved bit", raw(0xA2, []), 1002),
        ("the third reserved bit", raw(0x92, []), 1002),
        ("an unknown opcode", raw(0x83, []), 1002),
        ("an unknown control opcode", raw(0x8B, []), 1002),
        ("no mask", [0x82, 0x00], 1002),
        ("a ping in fragments", raw(0x09, []), 1002),
        ("a close in fragments", raw(0x08, []), 1002),
        ("a control frame of 126 bytes", [0x89, 0xFE, 0, 126], 1002),
        ("a control frame with a long length", [0x8A, 0xFF], 1002),
        ("a length in two bytes that fits one", [0x82, 0xFE, 0, 125], 1002),
        (
            "a length in eight bytes that fits two", [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
            1002
        ),
        ("a length with its top bit", [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
        ("a continuation of nothing", raw(0x80, [1]), 1002),
        ("a continuation after a message", raw(0x82, [1]) + raw(0x80, [1]), 1002),
        ("a message within a message", raw(0x02, [1]) + raw(0x82, [1]), 1002),
        ("a close of one byte", raw(0x88, [3]), 1002),
        ("close code 999", raw(0x88, [0x03, 0xE7]), 1002),
        ("close code 1004", raw(0x88, [0x03, 0xEC]), 1002),
        ("close code 1005", raw(0x88, [0x03, 0xED]), 1002),
        ("close code 1006", raw(0x88, [0x03, 0xEE]), 1002),
        ("close code 1015", raw(0x88, [0x03, 0xF7]), 1002),
        ("close code 2999", raw(0x88, [0x0B, 0xB7]), 1002),
        ("close code 5000", raw(0x88, [0x13, 0x88]), 1002),
        ("a reason that is not UTF-8", raw(0x88, [0x03, 0xE8, 0xFF]), 1007),
        ("a text that is not UTF-8", raw(0x81, [0xC3, 0x28]), 1007),
        ("a text that ends within a character", raw(0x01, [0xE2]) + raw(0x80, [0x82]), 1007),
        ("a text with a surrogate", raw(0x81, [0xED, 0xA0, 0x80]), 1007),
        ("a message above the limit", raw(0x82, [UInt8](repeating: 0, count: 33)), 1009),
        (
            "fragments above the limit",
            raw(0x02, [UInt8](repeating: 0, count: 32)) + raw(0x80, [0]), 1009
        ),
        (
            "2^63 - 1 bytes",
            [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], 1009
        ),
        (
            "2^63 - 1 bytes behind a fragment",
            raw(0x02, [1])
                + [0x80, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], 1009
        ),
    ]

    @Test(arguments: broken)
    func refusesWhatIsDoneWrong(rule: String, bytes: [UInt8], code: UInt16) {
        guard case .failed(let fault)? = parse(bytes, limit: 32).last else {
            Issue.record("\(rule) is taken")
            return
        }
        #expect(fault.code.rawValue == code, "\(rule): \(fault)")
        #expect(fault.reason.utf8.count <= 123)
        // Nothing behind it counts.
        guard case .failed(fault)? = parse(bytes + Self.raw(0x82, [1]), limit: 32).last else {
            Issue.record("\(rule) is forgotten")
            return
        }
    }

    @Test func refusesAMaskFromAServer() {
        #expect(parse(Self.raw(0x82, []), .client).count == 1)
        guard case .failed(let fault)? = parse(Self.raw(0x82, []), .client).first else {
            Issue.record("A server's mask is taken")
            return
        }
        #expect(fault.code == .protocolError)
    }

    @Test(arguments: [1000, 1003, 1007, 1014, 3000, 4999] as [UInt16])
    func takesEveryCodeThatMayBeSent(code: UInt16) {
        let frame = WebSocketFrame.close(.init(rawValue: code)).serialized(mask: Self.mask)
        #expect(parse(frame) == [.close(.init(rawValue: code), reason: "")])
    }

    @Test func aReasonIsCutToWhatAFrameHolds() {
        let frame = WebSocketFrame.close(.normal, reason: String(repeating: "é", count: 100))
        #expect(frame.payload.count == 124)
        #expect(parse(frame.serialized(mask: Self.mask)).count == 1)
    }

    @Test func knowsWhetherAMessageIsOnItsWay() {
        var parser = WebSocketParser(role: .server, maxMessageBytes: 10)
        #expect(!parser.isInMessage)
        parser.append([0x02])
        #expect(parser.next() == .needMore && parser.isInMessage)
        parser.append([0x80, 0, 0, 0, 0])
        #expect(parser.next() == .needMore && parser.isInMessage)
        parser.append([0x80, 0x80, 0, 0, 0, 0])
        #expect(parser.next() == .binary([]))
        #expect(parser.next() == .needMore && !parser.isInMessage)
    }
}
