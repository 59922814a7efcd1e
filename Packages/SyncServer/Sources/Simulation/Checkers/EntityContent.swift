// SPDX-License-Identifier: MIT

import CBOR

/// What simulated apps store: the numbers of all edits that went into an entity, so that one look
/// at any revision shows which edits it contains. Padding makes entities large.
struct EntityContent: Hashable {
    /// The edits' numbers, each given once in a run, in ascending order after a merge and in the
    /// order of editing otherwise.
    var tokens: [UInt64]
    /// Bytes of padding.
    var padding = 0

    var encoded: [UInt8] {
        var writer = CBORWriter(capacity: 16 + 4 * tokens.count + padding)
        writer.writeArrayHeader(count: tokens.count + 1)
        writer.write(bytes: [UInt8](repeating: 0x2e, count: padding))
        for token in tokens { writer.write(uint: token) }
        return writer.bytes
    }

    init(tokens: [UInt64], padding: Int = 0) {
        self.tokens = tokens
        self.padding = padding
    }

    /// Reads an entity; `nil` if no app wrote it.
    init?(_ bytes: [UInt8]) {
        var tokens: [UInt64] = []
        var padding = 0
        do throws(CBORError) {
            try CBORReader.read(bytes) { reader throws(CBORError) in
                try reader.readArray { reader, index throws(CBORError) in
                    if index == 0 {
                        padding = try reader.readBytes().count
                    } else {
                        tokens.append(try reader.readUInt())
                    }
                }
            }
        } catch {
            return nil
        }
        self.init(tokens: tokens, padding: padding)
    }

    /// The edits in an entity's bytes; none if it does not exist.
    static func tokens(_ bytes: [UInt8]?) -> [UInt64] {
        bytes.flatMap(EntityContent.init)?.tokens ?? []
    }

    /// All edits of both sides.
    static func merge(_ one: [UInt8]?, _ other: [UInt8]?) -> [UInt8] {
        EntityContent(tokens: Set(tokens(one)).union(tokens(other)).sorted()).encoded
    }
}
