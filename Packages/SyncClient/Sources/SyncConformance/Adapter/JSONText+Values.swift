// SPDX-License-Identifier: MIT

package import CBOR

extension JSONText {
    /// How deep JSON may nest; the deepest that is exchanged has a dozen levels.
    private static let limits = CBORLimits(maxDepth: 128)

    /// The value of a JSON text: objects are maps with text keys, numbers with neither fraction nor
    /// exponent are integers. Nil if it is no JSON, or an object has a member twice.
    package static func value(of text: [UInt8]) -> CBORValue? {
        guard let text = String(validating: text, as: UTF8.self),
            let bytes = try? CBORDiagnostic.bytes(ofJSON: text, limits: limits)
        else { return nil }
        return try? CBORValue(decoding: bytes, limits: limits)
    }

    /// A value that came from JSON, as JSON text on one line.
    static func text(of value: CBORValue) -> String {
        switch value {
        case .text(let text): quoted(text)
        case .array(let elements): array(elements.map(text))
        case .map(let map):
            "{"
                + map.map { entry in
                    "\(text(of: entry.key)):\(text(of: entry.value))"
                }.joined(separator: ",") + "}"
        default: value.diagnosticNotation
        }
    }
}
