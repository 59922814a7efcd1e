// SPDX-License-Identifier: MIT

import CBOR

/// What must hold of diagnostic notation, whatever the bytes or the text are.
enum DiagnosticRules {
    private static let forms = [
        CBORDiagnosticOptions(),
        CBORDiagnosticOptions(indent: 2, byteStrings: .base64, isASCII: true),
        CBORDiagnosticOptions(byteStrings: .text, showsEmbedded: true),
    ]

    static func check(_ bytes: [UInt8]) throws(FuzzFailure) {
        try checkPrinting(bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        for parse in [parseNotation, parseJSON] {
            guard let parsed = parse(text) else { continue }
            try demand(
                isWellFormed(parsed), "What is parsed is well-formed.", found: "\(parsed)")
            try checkPrinting(parsed)
        }
    }

    /// What is printed is read again, bit for bit.
    private static func checkPrinting(_ bytes: [UInt8]) throws(FuzzFailure) {
        for options in forms {
            guard let text = try? CBORDiagnostic.text(of: bytes, options: options) else {
                try demand(!isWellFormed(bytes), "What is well-formed is printed.")
                return
            }
            try demand(isWellFormed(bytes), "What is printed is well-formed.", found: text)
            let parsed: [UInt8]
            do throws(CBORDiagnosticError) {
                parsed = try CBORDiagnostic.bytes(of: text)
            } catch {
                throw FuzzFailure("What is printed is parsed.", found: "\(text): \(error)")
            }
            try demandSame(parsed, bytes, "What is printed stands for the same bytes: \(text)")
        }
    }

    private static func isWellFormed(_ bytes: [UInt8]) -> Bool {
        ReaderRules.fault { () throws(CBORError) in
            try CBORWellFormedness.check(bytes, maxDepth: CBORLimits.default.maxDepth)
        } == nil
    }

    private static func parseNotation(_ text: String) -> [UInt8]? {
        try? CBORDiagnostic.bytes(of: text)
    }

    private static func parseJSON(_ text: String) -> [UInt8]? {
        try? CBORDiagnostic.bytes(ofJSON: text)
    }
}
