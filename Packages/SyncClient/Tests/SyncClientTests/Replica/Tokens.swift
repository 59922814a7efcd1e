// SPDX-License-Identifier: MIT

import CBOR

/// Contents that remember their history: the numbers of all edits that led to them, so that a test
/// can tell whether an edit was lost.
enum Tokens {
    static func encode(_ tokens: [UInt64]) -> [UInt8] {
        var writer = CBORWriter()
        writer.writeArrayHeader(count: tokens.count)
        for token in tokens { writer.write(uint: token) }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) -> [UInt64] {
        var tokens: [UInt64] = []
        try? CBORReader.read(bytes) { reader throws(CBORError) in
            try reader.readArray { reader, _ throws(CBORError) in
                tokens.append(try reader.readUInt())
            }
        }
        return tokens
    }

    /// Both histories in one, in order.
    static func merge(_ a: [UInt8]?, _ b: [UInt8]?) -> [UInt8] {
        encode(Set(decode(a ?? []) + decode(b ?? [])).sorted())
    }
}
