// SPDX-License-Identifier: MIT

import CBOR
import Testing

/// What a reader refuses, and that refusing is cheap.
@Suite struct LimitTests {
    @Test(arguments: [
        ("00", 0), ("80", 1), ("8100", 1), ("818100", 2), ("a10000", 1), ("a16081f6", 2),
        ("c100", 1), ("c1c100", 2), ("c180", 2), ("9fa060ff", 2), ("81c181c100", 4),
        ("82808180", 3),
    ])
    func countsArraysMapsAndTags(bytes: String, depth: Int) {
        for limit in 0...5 {
            let code: CBORError.Code? = depth > limit ? .depthExceeded : nil
            #expect(skipError(hex(bytes), .depthOnly(limit))?.code == code)
            #expect(valueError(hex(bytes), .depthOnly(limit))?.code == code)
            #expect(wellFormednessError(hex(bytes), maxDepth: limit)?.code == code)
        }
    }

    @Test func forgetsTheDepthOfWhatIsClosed() {
        // Many tagged arrays side by side, read by hand and skipped in turn.
        let bytes: [UInt8] = [0x9F] + (0..<100).flatMap { _ in hex("c1 81 c1 80") } + [0xFF]
        let taggedScalars: [UInt8] =
            [0x9F] + (0..<100).flatMap { _ in hex("c1 00 c1 6161") } + [0xFF]
        let count = try? CBORReader.read(bytes, limits: .depthOnly(5)) { r throws(CBORError) in
            var count = 0
            try r.readArray { r, index throws(CBORError) in
                if index.isMultiple(of: 2) { return try r.skip() }
                _ = try r.readTag()
                try r.readArray { r, _ throws(CBORError) in try r.skip() }
                count += 1
            }
            return count
        }

        #expect(count == 50)
        #expect(skipError(bytes, .depthOnly(4))?.offset == 4)
        #expect(skipError(taggedScalars, .depthOnly(2)) == nil)
        #expect(valueError(taggedScalars, .depthOnly(2)) == nil)
        #expect(skipError(taggedScalars, .depthOnly(1))?.offset == 1)
    }

    @Test(arguments: ["00", "8100", "83000102", "bf6161c100ff", "82c1c10080", "5f41004100ff"])
    func countsItems(bytes: String) throws {
        let items = [
            "00": 1, "8100": 2, "83000102": 4, "bf6161c100ff": 4, "82c1c10080": 5,
            "5f41004100ff": 1,
        ]
        let count = try #require(items[bytes])

        for read in [skipError, valueError] {
            #expect(read(hex(bytes), CBORLimits(maxItems: count)) == nil)
            #expect(read(hex(bytes), CBORLimits(maxItems: count - 1))?.code == .limitExceeded)
        }
    }

    @Test(arguments: ["4401020304", "6461626364", "5f4201024103 4104ff", "7f6461626364ff"])
    func countsAStringsBytes(bytes: String) {
        for read in [skipError, valueError] {
            #expect(read(hex(bytes), CBORLimits(maxStringBytes: 4)) == nil)
            #expect(read(hex(bytes), CBORLimits(maxStringBytes: 3))?.code == .limitExceeded)
        }
    }

    @Test func countsTheInputsBytes() {
        #expect(skipError(hex("83010203"), CBORLimits(maxTotalBytes: 4)) == nil)
        #expect(skipError(hex("83010203"), CBORLimits(maxTotalBytes: 3))?.code == .limitExceeded)
    }

    /// With no limit at all the walk must not recurse; with the usual one it must end early.
    @Test(arguments: ["81", "9f", "c1", "a100", "bf00", "a1", "d818"])
    func survivesDeepNesting(opening: String) {
        let deep = Array(repeatElement(hex(opening), count: 100_000).joined())

        for limits in [CBORLimits.depthOnly(.max), .default] {
            let code: CBORError.Code = limits == .default ? .depthExceeded : .truncated
            #expect(skipError(deep, limits)?.code == code)
            #expect(valueError(deep, limits)?.code == .depthExceeded)
        }
        #expect(wellFormednessError(deep)?.code == .depthExceeded)
        #expect(wellFormednessError(deep, maxDepth: .max)?.code == .truncated)
        #expect(throws: DecodingError.self) {
            try CBORDecoder(limits: .default).decode([Int].self, from: deep)
        }
    }

    @Test func closesDeepNesting() {
        let deep = [0x9F, 0xFF].flatMap { [UInt8](repeating: $0, count: 100_000) }

        #expect(skipError(deep, .depthOnly(.max)) == nil)
        #expect(wellFormednessError(deep, maxDepth: .max) == nil)
    }

    /// An allocation of what these heads claim would end the process.
    @Test(arguments: [2, 3, 4, 5] as [UInt8], [63, 62, 40, 32])
    func believesNoLength(major: UInt8, bits: UInt64) {
        let claim = (1 as UInt64) << bits
        let head = [major << 5 | 27] + withUnsafeBytes(of: claim.bigEndian, Array.init)
        let limits = CBORLimits.depthOnly(64)

        #expect(skipError(head, limits)?.code == .truncated)
        #expect(valueError(head, limits)?.code == .truncated)
        #expect(wellFormednessError(head)?.code == .truncated)
        #expect(throws: DecodingError.self) { try CBORDecoder().decode([Int].self, from: head) }
        #expect(throws: DecodingError.self) { try CBORDecoder().decode(String.self, from: head) }
    }

    /// Quadratic work on this many keys would take minutes.
    @Test(.timeLimit(.minutes(10)), arguments: [true, false])
    func findsADuplicateAmongManyUnsortedKeys(isDuplicate: Bool) {
        let count: UInt32 = 200_000
        var writer = CBORWriter()
        writer.writeMapHeader(count: Int(count) + 1)
        for key in (0..<count).reversed() {
            writer.write(text: "k\(key)")
            writer.write(uint: 0)
        }
        let second = writer.bytes.count
        writer.write(text: isDuplicate ? "k\(count / 2)" : "k")
        writer.write(uint: 0)
        let bytes = writer.bytes

        let skipped = skipError(bytes)
        let value = valueError(bytes)
        let dictionary = try? CBORDecoder().decode([String: Int].self, from: bytes)

        #expect(skipped?.code == (isDuplicate ? .duplicateKey : nil))
        #expect(skipped?.offset == (isDuplicate ? second : nil))
        #expect(value?.code == skipped?.code)
        #expect(value?.offset == skipped?.offset)
        #expect(value?.path == (isDuplicate ? ["k\(count / 2)"] : nil))
        #expect(dictionary?.count == (isDuplicate ? nil : Int(count) + 1))
    }
}
