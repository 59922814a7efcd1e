// SPDX-License-Identifier: MIT

import CBOR

/// What must hold of the value tree, whatever the bytes are.
enum TreeRules {
    static func check(_ bytes: [UInt8]) throws(FuzzFailure) {
        guard let value = try? CBORValue(decoding: bytes) else { return }
        try demand(
            ReaderRules.skipFault(bytes, .default) == nil, "What makes a tree is read, too.")
        let encoded = value.encoded()
        let fault = ReaderRules.strictFault(encoded)
        try demand(
            fault == nil, "A tree is encoded deterministically.", found: "\(fault as Any)")
        let again = try? CBORValue(decoding: encoded)
        try demandSame(again, value, "A tree is the same after encoding and decoding.")
        try demandSame(again?.hashValue, value.hashValue, "Equal trees have one hash.")
        if ReaderRules.strictFault(bytes) == nil {
            try demandSame(encoded, bytes, "Deterministic bytes come back from the tree.")
        }
        let notation = value.diagnosticNotation()
        let parsed = try? CBORValue(diagnosticNotation: notation)
        try demandSame(parsed, value, "A tree is the same after printing and parsing.")
    }
}
