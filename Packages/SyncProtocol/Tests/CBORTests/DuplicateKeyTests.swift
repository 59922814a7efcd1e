// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

/// A key that a map has had is found at its second place, whatever the order and number of keys.
@Suite struct DuplicateKeyTests {
    /// The error of reading a map with `readMap`, or `nil`.
    private func readError(_ bytes: [UInt8]) -> CBORError? {
        do throws(CBORError) {
            try CBORReader.read(bytes) { r throws(CBORError) in
                try r.readMap { r, _ throws(CBORError) in try r.skip() }
            }
            return nil
        } catch {
            return error
        }
    }

    /// A map of these keys inside which each value is a small map out of order, and where each key
    /// begins.
    private func map(of keys: [Int], isChunked: Bool) -> (bytes: [UInt8], offsets: [Int]) {
        var writer = CBORWriter()
        writer.writeMapHeader(count: keys.count)
        var offsets: [Int] = []
        for key in keys {
            offsets.append(writer.bytes.count)
            if isChunked {
                var chunk = CBORWriter()
                chunk.write(text: "key\(key)")
                writer.writeEncodedItem([0x7F] + chunk.bytes + [0xFF])
            } else {
                writer.write(text: "key\(key)")
            }
            writer.writeEncodedItem(hex("a2 6162 00 6161 00"))
        }
        return (writer.bytes, offsets)
    }

    @Test(arguments: 1...40, [false, true])
    func isFoundInAnyOrder(count: Int, isChunked: Bool) {
        var generator = SeededGenerator(seed: UInt64(count))
        for round in 0..<20 {
            // In order, in reverse, nearly in order, or shuffled.
            var keys = Array(0..<count)
            switch round % 4 {
            case 1: keys.reverse()
            case 2: keys.swapAt(0, .random(in: 0..<count, using: &generator))
            case 3: keys.shuffle(using: &generator)
            default: break
            }
            #expect(readError(map(of: keys, isChunked: isChunked).bytes) == nil)
            let copied = Int.random(in: 0..<count, using: &generator)
            let second = Int.random(in: copied + 1...count, using: &generator)
            keys.insert(keys[copied], at: second)
            let (bytes, offsets) = map(of: keys, isChunked: isChunked)

            for error in [readError(bytes), skipError(bytes), valueError(bytes)] {
                #expect(error?.code == .duplicateKey)
                #expect(error?.offset == offsets[second])
            }
        }
    }
}
