// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

/// Laws that hold for any message and any bytes.
@Suite struct SeededMessageTests {
    /// Makes a message from the source and checks the laws of encoding it.
    private static let laws: [String: @Sendable (inout RandomMessages) throws -> Void] = [
        "handshakeRequest": { try check($0.handshakeRequest(), &$0) },
        "handshakeResponse": { try check($0.handshakeResponse(), &$0) },
        "pullRequest": { try check($0.pullRequest(), &$0) },
        "pullResponse": { try check($0.pullResponse(), &$0) },
        "operation": { try check($0.operation(), &$0) },
        "pushRequest": { try check($0.pushRequest(), &$0) },
        "pushResponse": { try check($0.pushResponse(), &$0) },
        "acceptedRun": { try check($0.acceptedRun(), &$0) },
        "serverState": { try check($0.serverState(), &$0) },
        "limits": { try check($0.limits(), &$0) },
        "error": { try check($0.errorResponse(), &$0) },
        "deltaPatch": { try check($0.deltaPatch(), &$0) },
        "cursorReport": {
            try check(
                CursorReport(
                    databaseID: DatabaseID($0.plainName()), deviceID: DeviceID($0.plainName()),
                    cursor: $0.number()), &$0)
        },
    ]

    @Test(arguments: laws.keys.sorted(), 0..<5 as Range<UInt64>)
    func messagesRoundTripInEveryForm(name: String, seed: UInt64) throws {
        let law = try #require(Self.laws[name])
        var source = RandomMessages(seed: seed)
        for _ in 0..<60 { try law(&source) }
    }

    private static func check<Message: WireValue & Hashable>(
        _ message: Message, _ source: inout RandomMessages
    ) throws {
        let bytes = message.encoded()
        let tree = try CBORValue(
            decoding: bytes,
            limits: CBORLimits(maxDepth: Message.maxDepth, requiresDeterministic: true))
        let loose = tree.looselyEncoded(&source.generator)

        #expect(try Message(decoding: bytes) == message)
        #expect(tree.encoded() == bytes)
        let decoded = try Message(decoding: loose)
        #expect(decoded == message)
        #expect(decoded.hashValue == message.hashValue)
        #expect(decoded.encoded() == bytes)
    }

    /// Damage gives another message or an error, and what was taken for a message is stable.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func flippedBytesNeverTrap(seed: UInt64) throws {
        var source = RandomMessages(seed: seed)
        let vectors = MessageVector.all(.exact) + MessageVector.all(.accept)
        for _ in 0..<1_500 {
            let vector = source.pick(vectors)
            let decode = try #require(messageCodecs[vector.message])
            var bytes = vector.bytes
            for _ in 0..<Int.random(in: 1...3, using: &source.generator) {
                bytes[.random(in: bytes.indices, using: &source.generator)] =
                    .random(in: 0...255, using: &source.generator)
            }
            do throws(CBORError) {
                let first = try decode(bytes)
                let second = try decode(first.encoded)
                #expect(second.json == first.json && second.encoded == first.encoded, "\(bytes)")
            } catch {
                #expect((0...bytes.count).contains(error.offset), "\(bytes)")
            }
        }
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func anyBytesAreRefusedOrRead(seed: UInt64) {
        var source = RandomMessages(seed: seed)
        for _ in 0..<500 {
            let bytes = source.bytes(.random(in: 0...40, using: &source.generator))
            for decode in messageCodecs.values { _ = try? decode(bytes) }
        }
    }
}

extension CBORValue {
    /// An encoding with longer heads, indefinite lengths, chunks and keys in any order.
    func looselyEncoded(_ generator: inout SeededGenerator) -> [UInt8] {
        let isIndefinite = Int.random(in: 0...3, using: &generator) == 0
        switch self {
        case .unsigned(let value): return Self.head(0, value, &generator)
        case .bytes(let bytes):
            let middle = isIndefinite ? Int.random(in: 0...bytes.count, using: &generator) : 0
            let chunks = [bytes[..<middle], bytes[middle...]].flatMap {
                Self.head(2, UInt64($0.count), &generator) + $0
            }
            return isIndefinite
                ? [0x5F] + chunks + [0xFF] : Self.head(2, UInt64(bytes.count), &generator) + bytes
        case .text(let text):
            let chunks = text.unicodeScalars.flatMap { CBORValue.text(String($0)).encoded() }
            return isIndefinite
                ? [0x7F] + chunks + [0xFF]
                : Self.head(3, UInt64(text.utf8.count), &generator) + text.utf8
        case .array(let elements):
            let content = elements.flatMap { $0.looselyEncoded(&generator) }
            return isIndefinite
                ? [0x9F] + content + [0xFF]
                : Self.head(4, UInt64(elements.count), &generator) + content
        case .map(let map):
            let content = map.shuffled(using: &generator).flatMap {
                $0.key.looselyEncoded(&generator) + $0.value.looselyEncoded(&generator)
            }
            return isIndefinite
                ? [0xBF] + content + [0xFF] : Self.head(5, UInt64(map.count), &generator) + content
        default: return encoded()
        }
    }

    /// A head that is sometimes longer than needed.
    private static func head(
        _ major: UInt8, _ argument: UInt64, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: argument >> (56 - 8 * $0)) }
        let fitting = (0...3).filter { $0 == 3 || argument >> (8 << $0) == 0 }
        guard let size = fitting.randomElement(using: &generator), Bool.random(using: &generator)
        else {
            var writer = CBORWriter()
            writer.write(uint: argument)
            return [writer.bytes[0] | major << 5] + writer.bytes.dropFirst()
        }
        return [major << 5 | 24 + UInt8(size)] + bytes.suffix(1 << size)
    }
}
