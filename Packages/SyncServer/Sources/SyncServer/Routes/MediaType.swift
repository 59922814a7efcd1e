// SPDX-License-Identifier: MIT

/// The values of `Content-Type` and `Content-Encoding` that a message may come with.
enum MediaType {
    /// Whether a value is `application/cbor`, with or without parameters (RFC 9110 §8.3.1).
    static func isCBOR(_ value: String) -> Bool {
        isToken(value.utf8.prefix { $0 != UInt8(ascii: ";") }, "application/cbor")
    }

    /// Whether a value says that nothing was done to the content.
    static func isIdentity(_ value: String) -> Bool {
        value.isEmpty || isToken(value.utf8[...], "identity")
    }

    /// Whether a value says gzip (RFC 9110 §8.4.1.3).
    static func isGzip(_ value: String) -> Bool {
        isToken(value.utf8[...], "gzip") || isToken(value.utf8[...], "x-gzip")
    }

    /// Compares without regard to blanks around and to the case of ASCII letters.
    private static func isToken(_ bytes: Substring.UTF8View, _ token: StaticString) -> Bool {
        let trimmed = bytes.drop(while: isBlank)
        let count = trimmed.reversed().drop(while: isBlank).count
        return token.withUTF8Buffer { expected in
            trimmed.prefix(count).elementsEqual(expected) { byte, wanted in
                (UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte + 32 : byte) == wanted
            }
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
