// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport

extension CBORValue {
    /// A value of any kind that nests at most `depth` deep.
    static func random(depth: Int, _ generator: inout SeededGenerator) -> CBORValue {
        let count = Int.random(in: 0...4, using: &generator)
        switch Int.random(in: 0..<(depth > 0 ? 16 : 10), using: &generator) {
        case 0: return .unsigned(randomArgument(&generator))
        case 1: return .negative(randomArgument(&generator))
        case 2: return .bytes((0..<count * 9).map { _ in .random(in: 0...255, using: &generator) })
        case 3, 4: return .text(randomText(&generator))
        case 5: return .bool(.random(using: &generator))
        case 6: return [.null, .undefined][Int.random(in: 0...1, using: &generator)]
        case 7: return .simple(.random(in: 32...255, using: &generator))
        case 8, 9: return .float(randomDouble(&generator))
        case 10...12: return .array((0..<count).map { _ in random(depth: depth - 1, &generator) })
        case 13, 14:
            var map = CBORMap()
            for _ in 0..<count {
                let isText = Int.random(in: 0...3, using: &generator) > 0
                let key = isText ? .text(randomText(&generator)) : random(depth: 0, &generator)
                map[key: key] = random(depth: depth - 1, &generator)
            }
            return .map(map)
        default: return .tagged(randomArgument(&generator), random(depth: depth - 1, &generator))
        }
    }

    /// Numbers of all lengths, the ends of each length among them.
    private static func randomArgument(_ generator: inout SeededGenerator) -> UInt64 {
        let edges: [UInt64] = [
            0, 23, 24, 0xFF, 0x100, 0xFFFF, 0x1_0000, 0xFFFF_FFFF, 0x1_0000_0000, .max,
        ]
        if Bool.random(using: &generator) { return edges.randomElement(using: &generator) ?? 0 }
        return UInt64.random(in: 0...(.max), using: &generator)
            >> UInt64.random(in: 0...63, using: &generator)
    }

    private static func randomText(_ generator: inout SeededGenerator) -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "b", "z", "0", "\0", "\u{7F}", "é", "\u{301}", "水", "\u{10FFFF}", "\u{D7FF}",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...30, using: &generator) {
            text.unicodeScalars.append(scalars.randomElement(using: &generator) ?? "a")
        }
        return text
    }

    /// Floats of each width, and bit patterns of any kind.
    private static func randomDouble(_ generator: inout SeededGenerator) -> Double {
        let bits = generator.next()
        switch Int.random(in: 0...3, using: &generator) {
        case 0: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case 1: return Double(Int8(truncatingIfNeeded: bits)) * 0x1p-20
        case 2: return [0, -0.0, .infinity, -.infinity, .nan][Int(bits % 5)]
        default: return Double(bitPattern: bits)
        }
    }
}

extension CBORValue {
    /// An encoding of the value with longer heads, indefinite lengths, chunks and keys in any
    /// order.
    func looselyEncoded(_ generator: inout SeededGenerator) -> [UInt8] {
        let isIndefinite = Int.random(in: 0...3, using: &generator) == 0
        switch self {
        case .unsigned(let value): return Self.head(0, value, &generator)
        case .negative(let n): return Self.head(1, n, &generator)
        case .bytes(let bytes):
            guard isIndefinite else {
                return Self.head(2, UInt64(bytes.count), &generator) + bytes
            }
            let middle = Int.random(in: 0...bytes.count, using: &generator)
            let chunks = [bytes[..<middle], bytes[middle...]].flatMap {
                Self.head(2, UInt64($0.count), &generator) + $0
            }
            return [0x5F] + chunks + [0xFF]
        case .text(let text):
            guard isIndefinite else {
                return Self.head(3, UInt64(text.utf8.count), &generator) + text.utf8
            }
            let chunks = text.unicodeScalars.flatMap {
                Self.head(3, UInt64(String($0).utf8.count), &generator) + String($0).utf8
            }
            return [0x7F] + chunks + [0xFF]
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
        case .tagged(let number, let content):
            return Self.head(6, number, &generator) + content.looselyEncoded(&generator)
        case .float(let value) where isIndefinite:
            let bits = value.bitPattern.bigEndian
            return [0xFB] + withUnsafeBytes(of: bits, Array.init)
        default: return encoded()
        }
    }

    /// A head that is sometimes longer than needed.
    private static func head(
        _ major: UInt8, _ argument: UInt64, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        guard Int.random(in: 0...3, using: &generator) == 0 else {
            var writer = CBORWriter()
            writer.write(uint: argument)
            var head = writer.bytes
            head[0] |= major << 5
            return head
        }
        let fitting = (0...3).filter { $0 == 3 || argument >> (8 << $0) == 0 }
        let size = fitting.randomElement(using: &generator) ?? 3
        let bytes = withUnsafeBytes(of: argument.bigEndian, Array.init)
        return [major << 5 | 24 + UInt8(size)] + bytes.suffix(1 << size)
    }
}
