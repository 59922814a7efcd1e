// SPDX-License-Identifier: MIT

import CBOR

/// Writes valid CBOR that is not deterministic: what a sender must not write and a receiver has to
/// take (rules E2 and E3).
///
/// Recurses as deep as the value nests; the suites make no deep ones.
struct LooseEncoding {
    /// Arrays, maps and strings have no length in their heads; strings come in two chunks.
    var isIndefinite = false
    /// Heads have eight bytes behind them, whatever the argument.
    var isLong = false
    /// The keys of maps come in the opposite order.
    var isReversed = false

    func encode(_ value: CBORValue) -> [UInt8] {
        var bytes: [UInt8] = []
        append(value, to: &bytes)
        return bytes
    }

    private func append(_ value: CBORValue, to bytes: inout [UInt8]) {
        switch value {
        case .unsigned(let number): appendHead(0, number, to: &bytes)
        case .negative(let number): appendHead(1, number, to: &bytes)
        case .bytes(let string): append(string[...], 2, to: &bytes)
        case .text(let string):
            // Each chunk of a text is valid by itself, so the cut is between characters.
            let start = Array(string.prefix(string.count / 2).utf8)
            append(Array(string.utf8)[...], 3, cut: start.count, to: &bytes)
        case .array(let elements):
            begin(4, elements.count, to: &bytes)
            for element in elements { append(element, to: &bytes) }
            end(to: &bytes)
        case .map(let map):
            begin(5, map.count, to: &bytes)
            let entries = isReversed ? Array(map.reversed()) : Array(map)
            for (key, value) in entries {
                append(key, to: &bytes)
                append(value, to: &bytes)
            }
            end(to: &bytes)
        case .tagged(let number, let content):
            appendHead(6, number, to: &bytes)
            append(content, to: &bytes)
        case .bool, .null, .undefined, .simple, .float: bytes += value.encoded()
        }
    }

    private func append(
        _ string: ArraySlice<UInt8>, _ type: UInt8, cut: Int? = nil, to bytes: inout [UInt8]
    ) {
        guard isIndefinite else {
            appendHead(type, UInt64(string.count), to: &bytes)
            bytes += string
            return
        }
        let cut = string.startIndex + (cut ?? string.count / 2)
        bytes.append(type << 5 | 31)
        for chunk in [string[..<cut], string[cut...]] {
            appendHead(type, UInt64(chunk.count), to: &bytes)
            bytes += chunk
        }
        bytes.append(0xFF)
    }

    private func begin(_ type: UInt8, _ count: Int, to bytes: inout [UInt8]) {
        if isIndefinite {
            bytes.append(type << 5 | 31)
        } else {
            appendHead(type, UInt64(count), to: &bytes)
        }
    }

    private func end(to bytes: inout [UInt8]) {
        if isIndefinite { bytes.append(0xFF) }
    }

    private func appendHead(_ type: UInt8, _ argument: UInt64, to bytes: inout [UInt8]) {
        guard isLong else {
            var head = CBORValue.unsigned(argument).encoded()
            head[0] |= type << 5
            bytes += head
            return
        }
        bytes.append(type << 5 | 27)
        withUnsafeBytes(of: argument.bigEndian) { bytes += $0 }
    }
}
