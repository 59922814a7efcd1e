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
    /// Whether the edits are the fields of a map, so that servers can merge them; then they are in
    /// ascending order.
    var isMap = false

    var encoded: [UInt8] {
        var writer = CBORWriter(capacity: 16 + 4 * tokens.count + padding)
        if isMap {
            writer.writeMapHeader(count: tokens.count + (padding > 0 ? 1 : 0))
            for token in tokens.sorted() {
                writer.write(uint: token)
                writer.write(bool: true)
            }
            guard padding > 0 else { return writer.bytes }
            writer.write(text: "p" as String)
            writer.write(bytes: [UInt8](repeating: 0x2e, count: padding))
            return writer.bytes
        }
        writer.writeArrayHeader(count: tokens.count + 1)
        writer.write(bytes: [UInt8](repeating: 0x2e, count: padding))
        for token in tokens { writer.write(uint: token) }
        return writer.bytes
    }

    init(tokens: [UInt64], padding: Int = 0, isMap: Bool = false) {
        self.tokens = tokens
        self.padding = padding
        self.isMap = isMap
    }

    /// Reads an entity; `nil` if no app wrote it.
    init?(_ bytes: [UInt8]) {
        var tokens: [UInt64] = []
        var padding = 0
        var isMap = false
        do throws(CBORError) {
            try CBORReader.read(bytes) { reader throws(CBORError) in
                if try reader.peekType() == .map {
                    isMap = true
                    guard case .map(let map) = try CBORValue(from: &reader) else { return }
                    for (key, value) in map {
                        if case .unsigned(let token) = key { tokens.append(token) }
                        if case .bytes(let bytes) = value { padding = bytes.count }
                    }
                    return
                }
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
        self.init(tokens: tokens, padding: padding, isMap: isMap)
    }

    /// The edits in an entity's bytes; none if it does not exist.
    static func tokens(_ bytes: [UInt8]?) -> [UInt64] {
        bytes.flatMap(EntityContent.init)?.tokens ?? []
    }

    /// All edits of both sides.
    static func merge(_ one: [UInt8]?, _ other: [UInt8]?) -> [UInt8] {
        let isMap = [one, other].contains { $0.flatMap(EntityContent.init)?.isMap ?? false }
        return EntityContent(
            tokens: Set(tokens(one)).union(tokens(other)).sorted(), isMap: isMap
        ).encoded
    }
}
