// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

/// Laws that hold for any value and any bytes.
@Suite struct SeededTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func valuesRoundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let value = CBORValue.random(depth: 5, &generator)

            let bytes = value.encoded()
            let decoded = try CBORValue(decoding: bytes, limits: .deterministic)

            #expect(decoded == value)
            #expect(decoded.hashValue == value.hashValue)
            #expect(decoded.encoded() == bytes)
            #expect(skipError(bytes, .deterministic) == nil)
            #expect(wellFormednessError(bytes) == nil)
        }
    }

    /// However it is written, a value is the same, and only its own form is deterministic.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func otherFormsAreTheSameValue(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let value = CBORValue.random(depth: 4, &generator)

            let bytes = value.looselyEncoded(&generator)

            #expect(try CBORValue(decoding: bytes) == value)
            #expect(skipError(bytes) == nil)
            #expect(wellFormednessError(bytes) == nil)
            #expect((skipError(bytes, .deterministic) == nil) == (bytes == value.encoded()))
            #expect((valueError(bytes, .deterministic) == nil) == (bytes == value.encoded()))
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func everyTruncationIsTruncated(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<40 {
            let bytes = CBORValue.random(depth: 4, &generator).looselyEncoded(&generator)
            for length in 0..<bytes.count {
                let part = Array(bytes[..<length])
                for error in [skipError(part), wellFormednessError(part), valueError(part)] {
                    #expect(error?.code == .truncated)
                    #expect(error?.offset == length)
                }
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func anyBytesAreJudgedAlike(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<2_000 {
            var bytes: [UInt8]
            if round.isMultiple(of: 2) {
                bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                    .random(in: 0...255, using: &generator)
                }
            } else {
                // Valid bytes with a few that are not: deeper into the readers.
                bytes = CBORValue.random(depth: 3, &generator).looselyEncoded(&generator)
                for _ in 0..<Int.random(in: 1...3, using: &generator) {
                    bytes[.random(in: bytes.indices, using: &generator)] =
                        .random(in: 0...255, using: &generator)
                }
            }
            checkAgreement(bytes)
        }
    }

    private func checkAgreement(_ bytes: [UInt8]) {
        let skipped = skipError(bytes)
        let checked = wellFormednessError(bytes)
        let value = valueError(bytes)

        #expect((checked == nil) == AppendixC.isWellFormed(bytes), "\(bytes)")
        if skipped?.code == .invalidUTF8 || skipped?.code == .duplicateKey {
            // Those come first where both are wrong.
            #expect(checked == nil || checked?.offset ?? 0 >= skipped?.offset ?? 0, "\(bytes)")
        } else {
            #expect(skipped?.code == checked?.code, "\(bytes)")
            #expect(skipped?.offset == checked?.offset, "\(bytes)")
        }
        // Only keys that are arrays, maps or tags make a difference.
        if value?.code != .duplicateKey || skipped?.code == .duplicateKey {
            #expect(value?.code == skipped?.code, "\(bytes)")
            #expect(value?.offset == skipped?.offset, "\(bytes)")
        }
        #expect((try? CBORDecoder().decode(CBORValue.self, from: bytes)) != nil || value != nil)
        _ = try? CBORDecoder().decode([String: [Int]].self, from: bytes)
        if value == nil, let tree = try? CBORValue(decoding: bytes) {
            #expect(valueError(tree.encoded(), .deterministic) == nil, "\(bytes)")
            #expect((try? CBORValue(decoding: tree.encoded())) == tree, "\(bytes)")
        }
    }
}

/// The check of RFC 8949 Appendix C as it is printed there: recursive, for short inputs.
struct AppendixC {
    private var bytes: ArraySlice<UInt8>

    static func isWellFormed(_ bytes: [UInt8]) -> Bool {
        var check = AppendixC(bytes: bytes[...])
        return check.item(isBreakAllowed: false) != nil && check.bytes.isEmpty
    }

    private mutating func take(_ count: UInt64) -> UInt64? {
        guard count <= bytes.count else { return nil }
        var value: UInt64 = 0
        for byte in bytes.prefix(Int(count)) { value = value << 8 | UInt64(byte) }
        bytes = bytes.dropFirst(Int(count))
        return value
    }

    /// The major type, 99 for an indefinite length, −1 for a break, or `nil` for a fault.
    private mutating func item(isBreakAllowed: Bool) -> Int? {
        guard let first = take(1) else { return nil }
        let major = Int(first >> 5)
        var argument = first & 0x1F
        switch argument {
        case 24...27:
            guard let following = take(1 << (argument - 24)) else { return nil }
            argument = following
        case 28...30: return nil
        case 31: return indefinite(major, isBreakAllowed)
        default: break
        }
        switch major {
        case 2, 3: if take(argument) == nil { return nil }
        case 4, 5:
            // Each takes a byte at least, so more than there are bytes is a fault.
            for _ in 0..<min(argument, 100) * (major == 5 ? 2 : 1)
            where item(isBreakAllowed: false) == nil {
                return nil
            }
        case 6: if item(isBreakAllowed: false) == nil { return nil }
        case 7: if first == 0xF8, argument < 32 { return nil }
        default: break
        }
        return major
    }

    private mutating func indefinite(_ major: Int, _ isBreakAllowed: Bool) -> Int? {
        switch major {
        case 2, 3:
            while let chunk = item(isBreakAllowed: true) {
                if chunk == -1 { return 99 }
                if chunk != major { return nil }
            }
            return nil
        case 4:
            while let element = item(isBreakAllowed: true) {
                if element == -1 { return 99 }
            }
            return nil
        case 5:
            while let key = item(isBreakAllowed: true) {
                if key == -1 { return 99 }
                if item(isBreakAllowed: false) == nil { return nil }
            }
            return nil
        case 7: return isBreakAllowed ? -1 : nil
        default: return nil
        }
    }
}
