// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

/// Laws of diagnostic notation that hold for any bytes and any text.
@Suite struct DiagnosticSeededTests {
    static let optionSets: [CBORDiagnosticOptions] = [
        .init(), .init(indent: 2), .init(indent: 0, byteStrings: .base64, isASCII: true),
        .init(byteStrings: .text, showsEmbedded: true),
        .init(indent: 1, byteStrings: .text, showsEmbedded: true, isASCII: true),
    ]

    @Test(arguments: 0..<20 as Range<UInt64>)
    func textComesBackAsTheSameBytes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let bytes = RandomItem.bytes(depth: 5, &generator)
            #expect(wellFormednessError(bytes) == nil)
            for options in Self.optionSets {
                let text = try CBORDiagnostic.text(of: bytes, options: options)
                let parsed = try CBORDiagnostic.bytes(of: text)
                #expect(parsed == bytes, "\(text)")
                if options.indent == nil { #expect(!text.utf8.contains(0x0A)) }
            }
        }
    }

    /// Without encoding indicators the text is that of the values alone.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func withoutIndicatorsTheValuesStay(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let value = CBORValue.random(depth: 4, &generator)
            let text = try CBORDiagnostic.text(
                of: value.looselyEncoded(&generator), options: .init(showsEncoding: false))

            #expect(try CBORValue(diagnosticNotation: text) == value, "\(text)")
            #expect(
                try CBORValue(diagnosticNotation: value.diagnosticNotation(.init(indent: 3)))
                    == value)
            #expect(try CBORDiagnostic.bytes(of: value.diagnosticNotation) == value.encoded())
        }
    }

    /// What is printed is what is well-formed, and the errors are the same.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func judgesBytesAsTheCheckForWellFormednessDoes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            var bytes = RandomItem.bytes(depth: 3, &generator)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[.random(in: bytes.indices, using: &generator)] =
                    .random(in: 0...255, using: &generator)
            }
            let expected = wellFormednessError(bytes)
            for options in Self.optionSets + [.init(showsEncoding: false)] {
                let error = textError(bytes, options)
                #expect(error?.code == expected?.code, "\(bytes)")
                #expect(error?.offset == expected?.offset, "\(bytes)")
            }
        }
    }

    /// Whatever is done to a text, it gives well-formed bytes or an error inside of the text.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func mutatedTextGivesAnItemOrAnErrorInPlace(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let pool =
            Array(#"[]{}()<>'"\/#_:,.+-eEpx0123789abfhiuNIntrs64 "#.utf8) + [0x0A, 0xC3, 0xFF]
        for round in 0..<600 {
            let bytes = RandomItem.bytes(depth: 3, &generator)
            let options = Self.optionSets[round % Self.optionSets.count]
            var text = Array(((try? CBORDiagnostic.text(of: bytes, options: options)) ?? "").utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0...text.count, using: &generator)
                let byte = pool.randomElement(using: &generator) ?? 0x20
                switch Int.random(in: 0...3, using: &generator) {
                case 0: text.insert(byte, at: index)
                case 1 where index < text.count: text.remove(at: index)
                case 2: text.removeLast(text.count - index)
                default: if index < text.count { text[index] = byte }
                }
            }
            expectItemOrError(String(decoding: text, as: UTF8.self))
        }
    }

    private func expectItemOrError(_ text: String) {
        do throws(CBORDiagnosticError) {
            let bytes = try CBORDiagnostic.bytes(of: text)
            #expect(wellFormednessError(bytes) == nil, "\(text)")
        } catch {
            let utf8 = Array(text.utf8)
            #expect(0...utf8.count ~= error.offset, "\(text): \(error)")
            let before = utf8[..<error.offset]
            #expect(error.line == 1 + before.count { $0 == 0x0A })
            #expect(error.column >= 1)
        }
        // JSON that parses is notation with the same bytes.
        if let json = try? CBORDiagnostic.bytes(ofJSON: text) {
            #expect((try? CBORDiagnostic.bytes(of: text)) == json, "\(text)")
        }
    }
}

/// The error of printing bytes as one item, or `nil`.
func textError(
    _ bytes: [UInt8], _ options: CBORDiagnosticOptions = .init(), _ limits: CBORLimits = .default
) -> CBORError? {
    do throws(CBORError) {
        _ = try CBORDiagnostic.text(of: bytes, options: options, limits: limits)
        return nil
    } catch {
        return error
    }
}

/// Any well-formed bytes, valid or not.
enum RandomItem {
    static func bytes(depth: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        let kind = Int.random(in: 0..<(depth > 0 ? 12 : 6), using: &generator)
        let count = Int.random(in: 0...3, using: &generator)
        func items(_ count: Int) -> [UInt8] {
            (0..<count).flatMap { _ in bytes(depth: depth - 1, &generator) }
        }
        switch kind {
        case 0: return head(.random(in: 0...1, using: &generator), argument(&generator), &generator)
        case 1, 2: return string(.random(in: 2...3, using: &generator), &generator)
        case 3: return float(&generator)
        case 4:
            return [0xF4, 0xF5, 0xF6, 0xF7, 0xE0, 0xF3].randomElement(using: &generator).map {
                [$0]
            } ?? []
        case 5: return [0xF8, .random(in: 32...255, using: &generator)]
        case 6: return bigNumber(&generator)
        case 7:
            let content = items(count)
            return [0xD8, 24] + head(2, UInt64(content.count), &generator) + content
        case 8: return head(6, argument(&generator), &generator) + items(1)
        case 9:
            let entries = items(2 * count)
            return Bool.random(using: &generator)
                ? [0xBF] + entries + [0xFF] : head(5, UInt64(count), &generator) + entries
        default:
            let elements = items(count)
            return Bool.random(using: &generator)
                ? [0x9F] + elements + [0xFF] : head(4, UInt64(count), &generator) + elements
        }
    }

    private static func argument(_ generator: inout SeededGenerator) -> UInt64 {
        UInt64.random(in: 0...(.max), using: &generator)
            >> UInt64.random(in: 0...63, using: &generator)
    }

    /// A head of any size that fits.
    private static func head(
        _ major: UInt8, _ argument: UInt64, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        if argument < 24, Int.random(in: 0...3, using: &generator) > 0 {
            return [major << 5 | UInt8(argument)]
        }
        let fitting = (0...3).filter { $0 == 3 || argument >> (8 << $0) == 0 }
        let size = fitting[Bool.random(using: &generator) ? 0 : fitting.count - 1]
        let bytes = withUnsafeBytes(of: argument.bigEndian, Array.init)
        return [major << 5 | 24 + UInt8(size)] + bytes.suffix(1 << size)
    }

    private static func string(_ major: UInt8, _ generator: inout SeededGenerator) -> [UInt8] {
        func content() -> [UInt8] {
            let parts: [[UInt8]] = [
                Array("a'b\"c\\".utf8), [0], [0x0A, 0x7F], Array("水".utf8), [0xFF], [0xE2, 0x82],
                Array("\u{2028}\u{10FFFF}\u{85}".utf8), [0xED, 0xA0, 0x80], Array("/#+ '".utf8),
            ]
            return (0..<Int.random(in: 0...4, using: &generator)).flatMap { _ in
                parts.randomElement(using: &generator) ?? []
            }
        }
        func definite() -> [UInt8] {
            let content = content()
            return head(major, UInt64(content.count), &generator) + content
        }
        guard Int.random(in: 0...3, using: &generator) == 0 else { return definite() }
        let chunks = (0..<Int.random(in: 0...3, using: &generator)).flatMap { _ in definite() }
        return [major << 5 | 31] + chunks + [0xFF]
    }

    private static func float(_ generator: inout SeededGenerator) -> [UInt8] {
        let size = Int.random(in: 1...3, using: &generator)
        var bits = generator.next()
        switch Int.random(in: 0...4, using: &generator) {
        case 0: bits = [0x7C, 0x7E00, 0x7FF8 << 48, 0x7FF0 << 48, 0x7FC0 << 16][Int(bits % 5)]
        case 1: bits = Double(Int8(truncatingIfNeeded: bits)).bitPattern
        case 2: bits = UInt64(Float(Int16(truncatingIfNeeded: bits)).bitPattern)
        default: break
        }
        let bytes = withUnsafeBytes(of: bits.bigEndian, Array.init)
        return [0xF8 + UInt8(size)] + bytes.suffix(1 << size)
    }

    /// Tag 2 or 3 with a string that may have leading zeros, or be short.
    private static func bigNumber(_ generator: inout SeededGenerator) -> [UInt8] {
        let length = [0, 8, 9, 10, 16, 127, 128, 129].randomElement(using: &generator) ?? 9
        var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
        if Int.random(in: 0...3, using: &generator) == 0, length > 0 { bytes[0] = 0 }
        return [.random(in: 0xC2...0xC3, using: &generator)]
            + head(2, UInt64(length), &generator) + bytes
    }
}
