// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

/// What is stepped over fast is judged as what is stepped over item by item.
@Suite struct PlainSkipTests {
    /// The error of stepping over an item with nothing in it taken for plain: that is so where a
    /// string could be too long.
    private func carefulError(_ bytes: [UInt8], isDeterministic: Bool) -> CBORError? {
        var limits = CBORLimits(maxStringBytes: bytes.count - 1)
        limits.requiresDeterministic = isDeterministic
        return skipError(bytes, limits)
    }

    private func expectTheSame(_ bytes: [UInt8]) {
        for isDeterministic in [false, true] {
            let expected = carefulError(bytes, isDeterministic: isDeterministic)
            #expect(
                skipError(bytes, CBORLimits(requiresDeterministic: isDeterministic)) == expected)
        }
    }

    /// A map or an array that is plain, or nearly so, with a long text behind it, so that its last
    /// items are plain too.
    private static func item(_ generator: inout SeededGenerator) -> [UInt8] {
        var keys: [String] = []
        for _ in 0..<Int.random(in: 0...20, using: &generator) {
            let length =
                Int.random(in: 0...3, using: &generator) * 5
                + Int.random(in: 0...3, using: &generator)
            let letters = (0..<length).map { _ in
                Int.random(in: 0...40, using: &generator) == 0
                    ? "é" : ["a", "b", "\0", "\u{7F}"][Int.random(in: 0...3, using: &generator)]
            }
            keys.append(letters.joined())
        }
        keys.sort { first, second in
            first.utf8.count == second.utf8.count
                ? first.utf8.lexicographicallyPrecedes(second.utf8)
                : first.utf8.count < second.utf8.count
        }
        var writer = CBORWriter()
        writer.writeArrayHeader(count: 2)
        writer.writeMapHeader(count: keys.count)
        for key in keys {
            writer.write(text: key)
            writer.writeEncodedItem(
                CBORValue.random(depth: Int.random(in: 0...1, using: &generator), &generator)
                    .encoded())
        }
        writer.write(text: String(repeating: "x", count: 40))
        return writer.bytes
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func damagedItemsAreJudgedAsItemByItem(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let bytes = Self.item(&generator)
            expectTheSame(bytes)
            for index in bytes.indices {
                var changed = bytes
                changed[index] ^= UInt8.random(in: 1...255, using: &generator)
                expectTheSame(changed)
            }
        }
    }

    /// Keys of every length, twice, out of order, and not UTF-8, in front of a long text.
    @Test(arguments: 0...24)
    func keysAreCompared(length: Int) {
        func map(_ keys: [[UInt8]]) -> [UInt8] {
            var writer = CBORWriter()
            writer.writeMapHeader(count: keys.count + 1)
            for key in keys {
                let head = length < 24 ? [0x60 | UInt8(length)] : [0x78, UInt8(length)]
                writer.writeEncodedItem(head + key + [0])
            }
            writer.write(text: String(repeating: "z", count: 40))
            writer.writeNull()
            return writer.bytes
        }
        let key = [UInt8](repeating: 0x61, count: length)

        #expect(skipError(map([key])) == nil)
        #expect(skipError(map([key, key]))?.code == .duplicateKey)
        for place in key.indices {
            var next = key
            next[place] = 0x62
            #expect(skipError(map([key, next])) == nil)
            #expect(skipError(map([key, next, key]))?.code == .duplicateKey)
            #expect(skipError(map([next, key])) == nil)
            #expect(skipError(map([next, key]), .deterministic)?.code == .unsortedKeys)
            next[place] = 0x80
            #expect(skipError(map([key, next]))?.code == .invalidUTF8)
        }
    }

    /// The limit of items is met at the item that is one too many, wherever that is.
    @Test func itemsAreCounted() {
        var writer = CBORWriter()
        writer.writeArrayHeader(count: 3)
        writer.writeMapHeader(count: 2)
        writer.write(text: "a" as StaticString)
        writer.write(uint: 1)
        writer.write(text: "b" as StaticString)
        writer.write(uint: 1_000)
        writer.writeArrayHeader(count: 2)
        writer.write(uint: 1)
        writer.write(uint: 2)
        writer.write(text: String(repeating: "z", count: 40))

        let offsets = [1, 2, 4, 5, 7, 10, 11, 12, 13]
        for (count, offset) in offsets.enumerated() {
            let error = skipError(writer.bytes, CBORLimits(maxItems: count + 1))
            #expect(error?.code == .limitExceeded && error?.offset == offset)
        }
        #expect(skipError(writer.bytes, CBORLimits(maxItems: offsets.count + 1)) == nil)
    }
}
