// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

@Suite struct WriterTests {
    private func written(_ body: (inout CBORWriter) -> Void) -> [UInt8] {
        var writer = CBORWriter()
        body(&writer)
        return writer.bytes
    }

    @Test(arguments: [
        (0 as Int64, "00"), (23, "17"), (24, "1818"), (255, "18ff"),
        (256, "190100"), (65535, "19ffff"),
        (65536, "1a00010000"), (0xFFFF_FFFF, "1affffffff"), (0x1_0000_0000, "1b0000000100000000"),
        (Int64.max, "1b7fffffffffffffff"), (-1, "20"), (-24, "37"), (-25, "3818"), (-256, "38ff"),
        (-257, "390100"), (Int64.min, "3b7fffffffffffffff"),
    ])
    func writesTheShortestHead(value: Int64, bytes: String) {
        #expect(written { $0.write(int: value) } == hex(bytes))
        if value >= 0 { #expect(written { $0.write(uint: UInt64(value)) } == hex(bytes)) }
    }

    @Test(arguments: [0, 1, 23, 24, 255, 256, 65535, 65536])
    func writesTheLengthOfStrings(count: Int) throws {
        let bytes = [UInt8](repeating: 0x61, count: count)
        let text = String(repeating: "a", count: count)

        let asBytes = written { $0.write(bytes: bytes) }
        let asText = written { $0.write(text: text) }

        #expect(written { $0.write(bytes: ([0] + bytes).dropFirst()) } == asBytes)
        #expect(try CBORValue(decoding: asBytes, limits: .deterministic) == .bytes(bytes))
        #expect(try CBORValue(decoding: asText, limits: .deterministic) == .text(text))
    }

    @Test func writesStaticTextLikeText() {
        #expect(
            written { $0.write(text: "opId" as StaticString) }
                == written { $0.write(text: String("opId")) })
        #expect(
            written { $0.write(text: "水" as StaticString) }
                == written { $0.write(text: String("水")) })
    }

    /// Short contents are copied in words that overlap; each starts at each place of the memory.
    @Test(arguments: 0...40)
    func writesStringsOfEveryLengthAtEveryPlace(count: Int) {
        let content = (0..<count).map { UInt8(0x20 + $0) }
        let text = String(decoding: content, as: UTF8.self)
        let head = count < 24 ? [0x60 | UInt8(count)] : [0x78, UInt8(count)]
        for place in 0..<130 {
            let front = [UInt8](repeating: 0, count: place)
            let bytes = written {
                for _ in 0..<place { $0.write(uint: 0) }
                $0.write(text: text)
                $0.write(bytes: content)
                $0.writeNull()
            }
            #expect(
                bytes == front + head + content + [head[0] ^ 0x20] + head[1...] + content + [0xF6])
        }
    }

    @Test(
        arguments: [
            ("" as CBORStaticKey, ""), ("a", "a"), ("sevenof", "sevenof"),
            ("eightofa", "eightofa"), ("fifteen of them", "fifteen of them"),
            ("sixteen in a row", "sixteen in a row"), ("水", "水"),
            ("twenty-three characters", "twenty-three characters"),
        ])
    func writesStaticKeysLikeText(key: CBORStaticKey, text: String) {
        for place in 0..<70 {
            let front = [UInt8](repeating: 0, count: place)
            let bytes = written {
                for _ in 0..<place { $0.write(uint: 0) }
                $0.write(key: key)
                $0.writeNull()
            }
            #expect(bytes == front + written { $0.write(text: text) } + [0xF6])
        }
    }

    @Test func refusesStaticKeysThatAreTooLong() async {
        await #expect(processExitsWith: .failure) {
            var writer = CBORWriter()
            writer.write(key: "twenty-four characters..")
        }
    }

    @Test func countsWhatItHasWritten() {
        var writer = CBORWriter(capacity: 1)
        #expect(writer.byteCount == 0 && writer.bytes.isEmpty)

        writer.write(text: "four" as StaticString)
        writer.reserve(1_000)
        writer.reserve(0)
        writer.write(uint: 1_000)

        #expect(writer.byteCount == 8 && writer.bytes == hex("64 666f7572 1903e8"))
    }

    @Test func writesHeadersTagsAndItems() {
        let bytes = written {
            $0.writeArrayHeader(count: 4)
            $0.writeMapHeader(count: 0)
            $0.writeTag(24)
            $0.write(bytes: [])
            $0.writeNull()
            $0.writeEncodedItem(hex("8101"))
        }

        #expect(bytes == hex("84 a0 d818 40 f6 8101"))
    }

    /// Each of the 65,536 half-precision floats is read as its value and written as itself.
    @Test func keepsEveryHalf() throws {
        for bits in UInt16.min...UInt16.max {
            let bytes = [0xF9, UInt8(bits >> 8), UInt8(bits & 0xFF)]
            let value = try CBORReader.read(bytes) { r throws(CBORError) in try r.readDouble() }
            #if !(os(macOS) && arch(x86_64))
                let half = Float16(bitPattern: bits)
                if !half.isNaN { #expect(value.bitPattern == Double(half).bitPattern) }
            #endif
            let expected = value.isNaN ? hex("f97e00") : bytes
            let again = written { $0.write(double: value) }
            if again != expected { Issue.record("\(bytes) came back as \(again).") }
        }
    }

    /// The width follows from what each narrower type can hold.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func writesTheShortestFloat(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            let bits = generator.next()
            // Few bits of fraction, and an exponent around the ends of the half.
            let scale = Double(sign: .plus, exponent: Int(bits >> 58) - 40, significand: 1)
            let values = [
                Double(bitPattern: bits),
                Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))),
                Double(Int16(truncatingIfNeeded: bits)) * scale,
            ]
            for value in values where !value.isNaN {
                let bytes = written { $0.write(double: value) }
                let read = try CBORReader.read(bytes) { r throws(CBORError) in try r.readDouble() }
                #expect(read.bitPattern == value.bitPattern)
                #expect(skipError(bytes, .deterministic) == nil)
                #if !(os(macOS) && arch(x86_64))
                    let isHalf = Double(Float16(value)) == value
                    #expect((bytes.count == 3) == isHalf)
                #endif
                #expect((bytes.count == 9) == (Double(Float(value)) != value))
            }
        }
    }

    @Test func refusesSimpleValuesThatDoNotExist() async {
        await #expect(processExitsWith: .failure) {
            var writer = CBORWriter()
            writer.write(simple: 24)
        }
    }

    @Test func refusesNegativeCounts() async {
        await #expect(processExitsWith: .failure) {
            var writer = CBORWriter()
            writer.writeArrayHeader(count: -1)
        }
    }
}

@Suite struct SeededGeneratorTests {
    /// The first numbers of the published SplitMix64 for this seed.
    @Test func givesTheNumbersOfSplitMix64() {
        var generator = SeededGenerator(seed: 1_234_567)

        let numbers = (0..<5).map { _ in generator.next() }

        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }
}
