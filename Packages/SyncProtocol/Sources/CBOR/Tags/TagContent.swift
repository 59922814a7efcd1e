// SPDX-License-Identifier: MIT

extension CBORReader {
    /// Checks the content of a tag, if it is one with a rule, without moving.
    ///
    /// Faults that reading the content finds by itself are left to that.
    ///
    /// - Throws: `invalidTag` at the tag's head.
    @inline(never)
    borrowing func checkContent(of head: CBORHead, at content: Int) throws(CBORError) {
        guard let rule = TagRule(CBORTag(rawValue: head.argument)) else { return }
        var reader = CBORReader(base: base, count: count, limits: .depthOnly(limits.maxDepth))
        reader.position = content
        var isValid: Bool
        do throws(CBORError) {
            isValid = try rule.accepts(&reader)
        } catch {
            // An item of another type, or an integer where a wider one would do.
            isValid = error.code != .wrongType && error.code != .invalidTag
        }
        guard !isValid else { return }
        throw CBORError(
            .invalidTag, at: content - headSize(info: head.info),
            message: "Tag \(head.argument) is for \(rule.expected).")
    }
}

/// What a tag asks of its content (RFC 8949 §3.4).
private enum TagRule {
    case dateText, number, bytes, fraction, embedded, uri, text, uuid

    init?(_ tag: CBORTag) {
        switch tag {
        case .dateText: self = .dateText
        case .epochSeconds: self = .number
        case .bigNumber, .negativeBigNumber: self = .bytes
        case .decimalFraction, .bigFloat: self = .fraction
        case .embedded: self = .embedded
        case .uri: self = .uri
        case .base64URLText, .base64Text, .regularExpression, .mimeText: self = .text
        case .uuid: self = .uuid
        default: return nil
        }
    }

    var expected: String {
        switch self {
        case .dateText: "text that is a date and time of RFC 3339"
        case .number: "an integer or a float"
        case .bytes: "a byte string"
        case .fraction: "an array of an integer exponent and an integer"
        case .embedded: "a byte string that is a well-formed item"
        case .uri: "text that is a URI of RFC 3986"
        case .text: "text"
        case .uuid: "a byte string of 16 bytes"
        }
    }

    func accepts(_ reader: inout CBORReader) throws(CBORError) -> Bool {
        switch self {
        case .dateText:
            return CBORTimestamp(rfc3339: try reader.readText()) != nil
        case .number:
            return [.unsigned, .negative, .float].contains(try reader.peekType())
        case .bytes:
            return try reader.peekType() == .bytes
        case .fraction:
            return try Self.isFraction(&reader)
        case .embedded:
            let content = try reader.readLentBytes()
            return
                (try? CBORWellFormedness.check(content, maxDepth: reader.limits.maxDepth)) != nil
        case .uri:
            return isURI(try reader.readLentText())
        case .text:
            return try reader.peekType() == .text
        case .uuid:
            return try reader.readLentBytes().count == 16
        }
    }

    private static func isFraction(_ reader: inout CBORReader) throws(CBORError) -> Bool {
        var count = 0
        try reader.readArray { reader, index throws(CBORError) in
            guard index < 2 else { throw reader.error(.wrongType, "There are only two elements.") }
            var type = try reader.peekType()
            if index == 1, type == .tag {
                let tag = CBORTag(rawValue: try reader.readTag())
                if tag == .bigNumber || tag == .negativeBigNumber {
                    type = try reader.peekType() == .bytes ? .unsigned : .tag
                }
            }
            // Looked at before it is stepped over: what is no number may nest deep, and holds tags
            // that are looked into themselves.
            guard type == .unsigned || type == .negative else {
                throw reader.error(.wrongType, "Both elements are integers.")
            }
            count += 1
            try reader.skip()
        }
        return count == 2
    }
}

/// Whether text is a scheme, a colon, and characters that a URI may have (RFC 3986 §2, §3.1).
private func isURI(_ text: UnsafeRawBufferPointer) -> Bool {
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return false }
    func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    guard isLetter(text[0]),
        text[..<colon].allSatisfy({ isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) })
    else { return false }
    var index = colon + 1
    while index < text.count {
        let byte = text[index]
        if byte == UInt8(ascii: "%") {
            guard index + 2 < text.count,
                text[index + 1...index + 2].allSatisfy({
                    isDigit($0) || (0x61...0x66).contains($0 | 0x20)
                })
            else { return false }
            index += 3
        } else {
            guard isLetter(byte) || isDigit(byte) || "-._~:/?#[]@!$&'()*+,;=".utf8.contains(byte)
            else { return false }
            index += 1
        }
    }
    return true
}
