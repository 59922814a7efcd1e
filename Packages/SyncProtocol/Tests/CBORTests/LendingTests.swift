// SPDX-License-Identifier: MIT

import CBOR
import Testing

/// Reading strings without copying them.
@Suite struct LendingTests {
    /// What a closure reads from bytes that lie at known places.
    private func read<T>(
        _ input: String, _ body: (inout CBORReader, UnsafeRawBufferPointer) throws(CBORError) -> T
    ) throws -> T {
        let bytes = hex(input)
        return try bytes.withUnsafeBytes { buffer in
            try CBORReader.read(buffer) { reader throws(CBORError) in try body(&reader, buffer) }
        }
    }

    @Test func definiteStringsAreLentWhereTheyLie() throws {
        let offset = try read("7803616263") { reader, input throws(CBORError) in
            let text = try reader.readLentText()
            return text.count == 3 ? text.baseAddress.map { $0 - (input.baseAddress ?? $0) } : nil
        }

        #expect(offset == 2)
    }

    @Test(arguments: [
        ("60", ""), ("6161", "a"), ("7fff", ""), ("7f6161ff", "a"), ("7f6161606162ff", "ab"),
    ])
    func chunksAreJoined(input: String, text: String) throws {
        let asText = try read(input) { reader, _ throws(CBORError) in
            [UInt8](try reader.readLentText())
        }
        let asBytes = try read(String(input.map { $0 == "7" ? "5" : $0 == "6" ? "4" : $0 })) {
            reader, _ throws(CBORError) in
            try reader.readLentBytes().count
        }

        #expect(asText == Array(text.utf8))
        #expect(asBytes == text.utf8.count)
    }

    @Test(arguments: ["4161", "61ff", "7f61c3ff", "6261", "7f61", "1b7fffffffffffffff", "81"])
    func whatIsNoTextIsRefusedAsWhenItIsCopied(input: String) throws {
        let bytes = hex(input)

        let lent = #expect(throws: CBORError.self) {
            try CBORReader.read(bytes) { reader throws(CBORError) in
                try reader.readLentText().count
            }
        }
        let copied = #expect(throws: CBORError.self) {
            try CBORReader.read(bytes) { reader throws(CBORError) in try reader.readText() }
        }

        #expect(lent == copied)
    }

    @Test func whatWasReadIsLentAsItWasWritten() throws {
        let item = try read("8218009f01ff") { reader, _ throws(CBORError) in
            var second: [UInt8] = []
            try reader.readArray { reader, index throws(CBORError) in
                let start = reader.offset
                try reader.skip()
                if index == 1 { second = [UInt8](reader.lentInput(from: start)) }
            }
            return second
        }

        #expect(item == [0x9F, 0x01, 0xFF])
    }
}
