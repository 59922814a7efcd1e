// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

/// A tree of arrays and maps that is read through all kinds of containers.
private indirect enum Tree: Codable, Hashable {
    case leaf(Int)
    case list([Tree])
    case map([String: Tree])

    init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if let leaf = try? single.decode(Int.self) {
            self = .leaf(leaf)
        } else if let list = try? single.decode([Tree].self) {
            self = .list(list)
        } else {
            self = .map(try single.decode([String: Tree].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        switch self {
        case .leaf(let leaf): try single.encode(leaf)
        case .list(let list): try single.encode(list)
        case .map(let map): try single.encode(map)
        }
    }

    init(depth: Int, _ random: inout SeededGenerator) {
        let width = Int.random(in: 0...6, using: &random)
        switch depth == 0 ? 0 : Int.random(in: 0...2, using: &random) {
        case 0: self = .leaf(Int.random(in: -300...300, using: &random))
        case 1: self = .list((0..<width).map { _ in Tree(depth: depth - 1, &random) })
        default:
            self = .map(
                Dictionary(
                    uniqueKeysWithValues: (0..<width).map {
                        ("k\($0)", Tree(depth: depth - 1, &random))
                    }))
        }
    }
}

/// Keeps its decoder, as nobody should and anybody can.
private final class Keeper: Decodable {
    let decoder: any Decoder

    init(from decoder: any Decoder) throws { self.decoder = decoder }
}

/// Where the decoder of `Codable` types finds its way, and what it says of positions.
@Suite struct DecodedPlaceTests {
    /// Thousands of arrays and maps, of which only some are listed by where they end.
    @Test(arguments: 0..<12 as Range<UInt64>)
    func findsItsWayThroughManyContainers(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let trees = (0..<1_500).map { _ in Tree(depth: 5, &random) }

        let bytes = try CBOREncoder().encode(trees)

        #expect(try CBORDecoder().decode([Tree].self, from: bytes) == trees)
        let some = try CBORDecoder().decodeSequence(
            of: Tree.self, from: CBOREncoder().encodeSequence(trees))
        #expect(some == trees)
    }

    /// `[_ [_ n], {_ "a": [_ n]}, …]`, a thousand and more open at once among them.
    @Test func findsItsWayThroughIndefiniteLengths() throws {
        let open = Array(repeating: 0x9F as UInt8, count: 1_500)
        let close = Array(repeating: 0xFF as UInt8, count: 1_500)
        var bytes: [UInt8] = [0x9F]
        for number in 0..<3_000 {
            bytes += [0x9F, UInt8(number % 24), 0xFF]
            bytes += [0xBF, 0x61, 0x61, 0x9F, 0xC1, UInt8(number % 24), 0x81, 0x80, 0xFF, 0xFF]
        }
        bytes += open + close + [0x05, 0xFF]

        struct Last: Decodable {
            var numbers = 0
            var last = 0

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                for _ in 0..<3_000 {
                    numbers += try list.decode([Int].self)[0]
                    _ = try list.nestedContainer(keyedBy: Key.self)
                }
                _ = try list.nestedUnkeyedContainer()
                last = try list.decode(Int.self)
                guard list.isAtEnd else { throw CancellationError() }
            }

            enum Key: CodingKey { case a }
        }
        let last = try CBORDecoder(limits: .depthOnly(.max)).decode(Last.self, from: bytes)

        #expect(last.last == 5)
        #expect(last.numbers == (0..<3_000).reduce(0) { $0 + $1 % 24 })
    }

    /// The input's memory is gone when the type uses the decoder that it kept.
    @Test func aDecoderThatIsKeptHasACopy() throws {
        let text = String(repeating: "kept ", count: 20)
        var input = try CBOREncoder().encode([text])

        let keepers = try input.withUnsafeMutableBytes { memory in
            let keepers = try CBORDecoder().decode(
                [Keeper].self, from: UnsafeRawBufferPointer(memory))
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            return keepers
        }

        #expect(try String(from: keepers[0].decoder) == text)
    }

    /// `{"a": h'07 ff'}`: 255 is no `Int8`, and stands at byte 5.
    @Test(arguments: [
        ("a1 6161 42 07ff", 5), ("a1 6161 5802 07ff", 6), ("a1 6161 5f 42 07ff ff", 3),
    ])
    func errorsInByteStringsHaveThePositionOfTheByte(bytes: String, offset: Int) throws {
        let failure = CodingErrorTests.failure([String: [Int8]].self, bytes)

        #expect(failure?.path == "a.[1]")
        #expect(failure?.offset == offset)
        #expect(CodingErrorTests.failure([String: [Int16]].self, bytes) == nil)
        #expect(CodingErrorTests.failure([String: [String]].self, bytes)?.offset ?? 0 <= offset)
    }
}
