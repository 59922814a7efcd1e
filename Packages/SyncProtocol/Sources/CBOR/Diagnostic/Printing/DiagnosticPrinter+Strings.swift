// SPDX-License-Identifier: MIT

extension DiagnosticPrinter {
    /// Prints a byte or text string and moves past it.
    mutating func printString(
        _ base: UnsafeRawPointer, _ head: CBORHead
    ) throws(CBORError) {
        let isText = head.major == 3
        guard head.isIndefinite else {
            append(try content(base, of: head, at: position, taken: 0), isText: isText)
            appendIndicator(of: head)
            position = head.end + Int(truncatingIfNeeded: head.argument)
            return
        }
        let start = position
        var joined: [UInt8] = []
        var length = 0
        var hasChunks = false
        position = head.end
        while true {
            guard position < end else { throw CBORError.truncated(end) }
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            if byte == breakByte { break }
            guard byte >> 5 == head.major, byte & 0x1F != 31 else {
                throw CBORError.invalidChunk(at: position)
            }
            let chunk = try CBORHead.read(base, count: end, at: position, isStrict: false)
            let bytes = try content(base, of: chunk, at: start, taken: length)
            length += bytes.count
            if options.showsEncoding {
                append(hasChunks ? ", " : "(_ ")
                append(bytes, isText: isText)
                appendIndicator(of: chunk)
            } else {
                joined.append(contentsOf: bytes)
            }
            hasChunks = true
            position = chunk.end + bytes.count
        }
        position += 1
        if !options.showsEncoding {
            joined.withUnsafeBytes { append($0, isText: isText) }
        } else if hasChunks {
            append(")")
        } else {
            append(isText ? "\"\"_" : "''_")
        }
    }

    /// The content of a string or chunk of definite length, of a string at `start` that has had
    /// `taken` bytes.
    private func content(
        _ base: UnsafeRawPointer, of head: CBORHead, at start: Int, taken: Int
    ) throws(CBORError) -> UnsafeRawBufferPointer {
        guard head.argument <= UInt64(end - head.end) else { throw CBORError.truncated(end) }
        let length = Int(truncatingIfNeeded: head.argument)
        guard length <= limits.maxStringBytes - taken else {
            throw CBORError(
                .limitExceeded, at: start,
                message: "The string is longer than \(limits.maxStringBytes) bytes.")
        }
        return UnsafeRawBufferPointer(start: base + head.end, count: length)
    }

    /// Begins the content of a byte string in tag 24 as the CBOR that it is.
    ///
    /// - Returns: Whether it is well-formed; otherwise nothing is done.
    mutating func openEmbedded(
        _ base: UnsafeRawPointer, _ head: CBORHead
    ) throws(CBORError) -> Bool {
        guard stack.last?.announcesEmbedded == true, head.major == 2, !head.isIndefinite,
            head.argument > 0
        else { return false }
        let bytes = try content(base, of: head, at: position, taken: 0)
        guard let start = bytes.baseAddress else { return false }
        var visitor = ItemCounter()
        var offset = 0
        while offset < bytes.count {
            let walk = ItemWalk(
                base: start + offset, count: bytes.count - offset,
                maxDepth: limits.maxDepth - stack.count - 1)
            guard let length = try? walk.walk(&visitor) else { return false }
            offset += length
        }
        guard stack.count < limits.maxDepth, visitor.items <= itemsLeft else { return false }
        var frame = Frame(kind: .embedded, isIndefinite: false, left: 0)
        frame.outerEnd = end
        frame.indicator = indicator(of: head)
        position = head.end
        end = head.end + bytes.count
        append("<<")
        stack.append(frame)
        return true
    }
}

private struct ItemCounter: ItemVisitor {
    var items = 0

    mutating func begin(at offset: Int, isOpen: Bool) { items += 1 }
    func close() {}
}

extension DiagnosticPrinter {
    /// Appends a string literal.
    private mutating func append(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
        if isText {
            append(text: bytes)
            return
        }
        switch options.byteStrings {
        case .text where !bytes.isEmpty && isPrintable(bytes):
            append("'")
            append(escaping: bytes[...], quote: UInt8(ascii: "'"))
            append("'")
        case .base64 where !bytes.isEmpty:
            append("b64'")
            append(base64: bytes)
            append("'")
        default:
            append("h'")
            append(hex: bytes)
            append("'")
        }
    }

    /// Appends text; what is not UTF-8 in it becomes a byte string in a concatenation
    /// (RFC 8610 §G.4), which text must begin.
    private mutating func append(text bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        var isFirst = true
        repeat {
            let valid = rest.prefix(utf8PrefixCount(rest))
            if isFirst || !valid.isEmpty {
                if !isFirst { append(" ") }
                append("\"")
                append(escaping: valid, quote: UInt8(ascii: "\""))
                append("\"")
            }
            isFirst = false
            rest = rest.dropFirst(valid.count)
            guard !rest.isEmpty else { break }
            let start = rest.startIndex
            // Up to where UTF-8 goes on.
            repeat { rest = rest.dropFirst() } while !rest.isEmpty && utf8PrefixCount(rest, 1) == 0
            append(" h'")
            append(hex: UnsafeRawBufferPointer(rebasing: bytes[start..<rest.startIndex]))
            append("'")
        } while !rest.isEmpty
    }

    /// How many bytes at the start are UTF-8; at most `sequences` of them are looked at.
    private func utf8PrefixCount(
        _ bytes: Slice<UnsafeRawBufferPointer>, _ sequences: Int = .max
    ) -> Int {
        let all = UnsafeRawBufferPointer(rebasing: bytes)
        guard let base = all.baseAddress else { return 0 }
        if sequences == .max, isUTF8(base, count: all.count) { return all.count }
        return validUTF8Prefix(all, sequences)
    }

    /// Appends UTF-8 with the escapes of JSON (RFC 8259 §7).
    private mutating func append(escaping bytes: Slice<UnsafeRawBufferPointer>, quote: UInt8) {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            switch byte {
            case quote, UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0x20..<0x7F: output.append(byte)
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case ..<0x80: append(escapeOf: UInt32(byte))
            default:
                let (scalar, length) = decodeScalar(bytes[index...])
                if options.isASCII || isConfusing(scalar) {
                    append(escapeOf: scalar)
                } else {
                    output.append(contentsOf: bytes[index..<index + length])
                }
                index += length
                continue
            }
            index += 1
        }
    }

    /// Appends `\u` and four digits, twice for what needs a surrogate pair.
    private mutating func append(escapeOf scalar: UInt32) {
        guard scalar < 0x1_0000 else {
            append(escapeOf: 0xD800 + (scalar - 0x1_0000) >> 10)
            append(escapeOf: 0xDC00 + (scalar - 0x1_0000) & 0x3FF)
            return
        }
        append("\\u")
        for shift: UInt32 in [12, 8, 4, 0] {
            output.append(hexDigit(UInt8(truncatingIfNeeded: scalar >> shift & 15)))
        }
    }

    /// Whether all of it is UTF-8 without anything that would be escaped but quotes.
    private func isPrintable(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, isUTF8(base, count: bytes.count) else { return false }
        var index = 0
        while index < bytes.count {
            let (scalar, length) = decodeScalar(bytes[index...])
            guard scalar >= 0x20, scalar != 0x7F, !isConfusing(scalar) else { return false }
            index += length
        }
        return true
    }

    private mutating func append(base64 bytes: UnsafeRawBufferPointer) {
        let alphabet: StaticString =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        alphabet.withUTF8Buffer { alphabet in
            for byte in bytes {
                bits = bits << 8 | UInt32(byte)
                bitCount += 8
                while bitCount >= 6 {
                    bitCount -= 6
                    output.append(alphabet[Int(bits >> bitCount & 63)])
                }
            }
            if bitCount > 0 { output.append(alphabet[Int(bits << (6 - bitCount) & 63)]) }
        }
    }
}
