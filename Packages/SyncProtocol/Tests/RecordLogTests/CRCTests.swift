// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@Suite struct CRCTests {
    struct Vector: Sendable {
        let bytes: [UInt8]
        let checksum: UInt32
    }

    /// The check value, and the examples of RFC 3720, appendix B.4.
    static let castagnoli = [
        Vector(bytes: [], checksum: 0),
        Vector(bytes: Array("123456789".utf8), checksum: 0xE306_9283),
        Vector(bytes: [UInt8](repeating: 0, count: 32), checksum: 0x8A91_36AA),
        Vector(bytes: [UInt8](repeating: 0xFF, count: 32), checksum: 0x62A8_AB43),
        Vector(bytes: Array(0..<32), checksum: 0x46DD_794E),
        Vector(bytes: Array((0..<32).reversed()), checksum: 0x113F_DB5C),
    ]

    /// The check value, and zlib's own results.
    static let ieee = [
        Vector(bytes: [], checksum: 0),
        Vector(bytes: Array("123456789".utf8), checksum: 0xCBF4_3926),
        Vector(bytes: Array("a".utf8), checksum: 0xE8B7_BE43),
        Vector(bytes: [UInt8](repeating: 0, count: 32), checksum: 0x190A_55AD),
    ]

    @Test(arguments: castagnoli)
    func castagnoliGivesThePublishedChecksums(_ vector: Vector) {
        #expect(CRC32C.checksum(of: vector.bytes) == vector.checksum)
    }

    @Test(arguments: ieee)
    func ieeeGivesThePublishedChecksums(_ vector: Vector) {
        #expect(CRC32.checksum(of: vector.bytes) == vector.checksum)
    }

    @Test func continuingFromAnyCutGivesTheChecksumOfTheWhole() {
        var generator = SeededGenerator(seed: 5)
        let bytes = (0..<67).map { _ in UInt8.random(in: .min ... .max, using: &generator) }

        let whole = CRC32C.checksum(of: bytes)
        for cut in 0...bytes.count {
            let first = CRC32C.checksum(of: bytes[..<cut])
            #expect(CRC32C.checksum(of: bytes[cut...], continuing: first) == whole)
        }
    }

    @Test func everyLengthAgreesWithTheBitwiseDefinition() {
        var generator = SeededGenerator(seed: 6)
        let bytes = (0..<40).map { _ in UInt8.random(in: .min ... .max, using: &generator) }

        for length in 0...bytes.count {
            let part = Array(bytes[..<length])
            #expect(CRC32C.checksum(of: part) == bitwise(part, 0x82F6_3B78))
            #expect(CRC32.checksum(of: part) == bitwise(part, 0xEDB8_8320))
        }
    }

    @Test(.enabled(if: CRC32C.hasInstruction), arguments: castagnoli)
    func theInstructionAndTheTablesGiveThePublishedChecksums(_ vector: Vector) {
        vector.bytes.withUnsafeBytes { bytes in
            #expect(CRC32C.byInstruction(of: bytes, continuing: 0) == vector.checksum)
            #expect(CRC32C.byTable(of: bytes, continuing: 0) == vector.checksum)
        }
    }

    /// Lengths around those where the instruction takes three pieces at a time are among them.
    @Test(
        .enabled(if: CRC32C.hasInstruction),
        arguments: [0...300, 1500...1600, 3000...3100, 12_200...12_400, 40_000...40_020])
    func theInstructionAgreesWithTheTables(_ lengths: ClosedRange<Int>) {
        var generator = SeededGenerator(seed: UInt64(lengths.upperBound))
        let bytes = (0..<lengths.upperBound + 8).map { _ in
            UInt8.random(in: .min ... .max, using: &generator)
        }
        bytes.withUnsafeBytes { bytes in
            for length in lengths {
                for start in 0..<8 {
                    let part = UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
                    let checksum = UInt32.random(in: .min ... .max, using: &generator)
                    let table = CRC32C.byTable(of: part, continuing: checksum)
                    #expect(CRC32C.byInstruction(of: part, continuing: checksum) == table)
                }
            }
        }
    }

    @Test func theInstructionGoesOnFromAnyCut() {
        var generator = SeededGenerator(seed: 7)
        let bytes = (0..<14_000).map { _ in
            UInt8.random(in: .min ... .max, using: &generator)
        }
        let whole = bytes.withUnsafeBytes { CRC32C.byTable(of: $0, continuing: 0) }

        for cut in Array(0...300) + Array(1530...1540) + Array(12_280...12_300) {
            let first = CRC32C.checksum(of: bytes[..<cut])
            #expect(CRC32C.checksum(of: bytes[cut...], continuing: first) == whole)
        }
    }

    @Test func bytesThatAreNotContiguousHaveTheSameChecksum() {
        let bytes: [UInt8] = Array("123456789".utf8)

        #expect(CRC32C.checksum(of: bytes.reversed().reversed() as [UInt8]) == 0xE306_9283)
        #expect(CRC32C.checksum(of: bytes.lazy.map { $0 }) == 0xE306_9283)
    }

    private func bitwise(_ bytes: [UInt8], _ polynomial: UInt32) -> UInt32 {
        var state: UInt32 = .max
        for byte in bytes {
            state ^= UInt32(byte)
            for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ polynomial : state >> 1 }
        }
        return ~state
    }
}
