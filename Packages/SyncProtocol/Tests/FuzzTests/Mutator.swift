// SPDX-License-Identifier: MIT

import SyncTestSupport

/// Makes inputs out of others: with bytes changed, left out, doubled or put in, cut off, or spliced
/// together from two.
struct Mutator {
    private var generator: SeededGenerator
    private let corpus: [[UInt8]]
    /// Bytes that mean much in CBOR and in notation.
    private static let telling: [UInt8] = [
        0x00, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1F, 0x20, 0x3B, 0x40, 0x5F, 0x60, 0x7F, 0x80, 0x9F,
        0xA0, 0xBF, 0xC2, 0xD8, 0xF4, 0xF6, 0xF8, 0xF9, 0xFA, 0xFB, 0xFF,
    ]

    init(seed: UInt64, corpus: [[UInt8]]) {
        generator = SeededGenerator(seed: seed)
        self.corpus = corpus
    }

    mutating func next() -> [UInt8] {
        var bytes = pick()
        if number(below: 8) == 0 { bytes += pick() }
        for _ in 0...number(below: 4) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = number(below: bytes.count + 1)
        switch number(below: 7) {
        case 0: bytes = Array(bytes.prefix(place))
        case 1: bytes.insert(contentsOf: pick().prefix(number(below: 24)), at: place)
        case 2: bytes.insert(Self.telling[number(below: Self.telling.count)], at: place)
        case 3:
            let end = min(bytes.count, place + 1 + number(below: 4))
            bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4:
            bytes.removeSubrange(place..<min(bytes.count, place + 1 + number(below: 4)))
        case 5 where place < bytes.count: bytes[place] ^= 1 << UInt8(number(below: 8))
        default:
            if place < bytes.count {
                bytes[place] = Self.telling[number(below: Self.telling.count)]
            }
        }
    }

    private mutating func pick() -> [UInt8] {
        corpus.isEmpty ? [] : corpus[number(below: corpus.count)]
    }

    private mutating func number(below bound: Int) -> Int {
        Int.random(in: 0..<max(bound, 1), using: &generator)
    }
}
