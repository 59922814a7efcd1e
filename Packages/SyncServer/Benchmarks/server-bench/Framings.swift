// SPDX-License-Identifier: MIT

/// HTTP/1.1 answers with a Content-Length.
struct HTTPFraming: Framing {
    /// Where the body begins, once the head is whole.
    private(set) var bodyStart = 0
    private var end = 0

    mutating func begin() { (bodyStart, end) = (0, 0) }

    mutating func accept(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        if bodyStart == 0 {
            guard let start = bytes.end(of: "\r\n\r\n") else { return false }
            let head = String(decoding: bytes[..<start], as: UTF8.self)
            guard head.hasPrefix("HTTP/1.1 200 ") else {
                throw Failure("The server answered: \(head.prefix { $0 != "\r\n" })")
            }
            let line = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            guard let length = line.flatMap({ Int($0.dropFirst(16)) }) else {
                throw Failure("The answer does not say how long it is.")
            }
            (bodyStart, end) = (start, start + length)
        }
        return bytes.count >= end
    }
}

/// So many answers of Redis (RESP 2), nested ones included.
struct RESPFraming: Framing {
    let answers: Int
    /// The newest bulk string that had the form of a stream's entry ID.
    private(set) var lastEntry: Range<Int>?
    /// How many entries of streams came.
    private(set) var entries = 0
    private var position = 0
    private var pending = 0

    init(answers: Int) { self.answers = answers }

    mutating func begin() { (position, pending, lastEntry, entries) = (0, answers, nil, 0) }

    mutating func accept(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        while pending > 0 {
            guard let lineEnd = bytes.lineEnd(from: position) else { return false }
            var next = lineEnd + 2
            switch bytes[position] {
            case UInt8(ascii: "-"):
                throw Failure(
                    "Redis answered: \(String(decoding: bytes[position..<lineEnd], as: UTF8.self))")
            case UInt8(ascii: "*"):
                let count = bytes.number(from: position + 1)
                pending += max(count, 0)
                // An entry is its ID and the list of its fields.
                if count == 2 { (lastEntry, entries) = (next..<next, entries + 1) }
            case UInt8(ascii: "$"):
                let length = bytes.number(from: position + 1)
                if length >= 0 {
                    next += length + 2
                    guard bytes.count >= next else { return false }
                    if let entry = lastEntry, entry.isEmpty, entry.lowerBound == position {
                        lastEntry = lineEnd + 2..<next - 2
                    }
                }
            default: break
            }
            pending -= 1
            position = next
        }
        return true
    }
}

/// The messages of PostgreSQL up to the one that says that it is ready for the next query.
struct PostgresFraming: Framing {
    /// Where the newest row begins, behind its head.
    private(set) var lastRow = 0
    private(set) var rows = 0
    private var position = 0

    mutating func begin() { (position, rows, lastRow) = (0, 0, 0) }

    mutating func accept(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        while bytes.count >= position + 5 {
            let length = Int(bytes.bigEndian(UInt32.self, at: position + 1))
            guard bytes.count >= position + 1 + length else { return false }
            switch bytes[position] {
            case UInt8(ascii: "D"): (rows, lastRow) = (rows + 1, position + 5)
            case UInt8(ascii: "E"):
                let text = bytes[(position + 5)..<(position + 1 + length)]
                let parts = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                throw Failure("PostgreSQL answered: \(parts.joined(separator: " "))")
            case UInt8(ascii: "Z"): return true
            default: break
            }
            position += 1 + length
        }
        return false
    }
}

/// So many messages of NATS, whatever else it says.
struct NATSFraming: Framing {
    let messages: Int
    private var position = 0
    private var seen = 0

    init(messages: Int) { self.messages = messages }

    mutating func begin() { (position, seen) = (0, 0) }

    mutating func accept(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        while seen < messages {
            guard let lineEnd = bytes.lineEnd(from: position) else { return false }
            var next = lineEnd + 2
            switch bytes[position] {
            case UInt8(ascii: "M"), UInt8(ascii: "H"):
                // The last word of the line is the length.
                var word = lineEnd
                while bytes[word - 1] != UInt8(ascii: " ") { word -= 1 }
                let payload = next
                next += bytes.number(from: word) + 2
                guard bytes.count >= next else { return false }
                try check(bytes[position], UnsafeRawBufferPointer(rebasing: bytes[payload..<next]))
                seen += 1
            case UInt8(ascii: "-"):
                throw Failure(
                    "NATS answered: \(String(decoding: bytes[position..<lineEnd], as: UTF8.self))")
            default: break
            }
            position = next
        }
        return true
    }

    private func check(_ kind: UInt8, _ payload: UnsafeRawBufferPointer) throws {
        let head = payload.prefix(120)
        let isError =
            kind == UInt8(ascii: "H")
            || UnsafeRawBufferPointer(rebasing: head).end(of: "\"error\"")
                != nil
        guard !isError else {
            throw Failure("NATS answered: \(String(decoding: payload, as: UTF8.self))")
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Where the first occurrence of a text ends.
    func end(of text: StaticString, from start: Int = 0) -> Int? {
        let length = text.utf8CodeUnitCount
        guard count >= start + length else { return nil }
        for index in start...(count - length) {
            var matched = 0
            while matched < length, self[index + matched] == text.utf8Start[matched] {
                matched += 1
            }
            if matched == length { return index + length }
        }
        return nil
    }

    /// Where the line that begins at `start` ends; `nil` if its end has not come.
    func lineEnd(from start: Int) -> Int? {
        var index = start
        while index + 1 < count {
            if self[index] == 13, self[index + 1] == 10 { return index }
            index += 1
        }
        return nil
    }

    /// The decimal number at a place; -1 if it has a sign.
    func number(from start: Int) -> Int {
        var (value, index) = (0, start)
        if self[index] == UInt8(ascii: "-") { return -1 }
        while index < count, (48...57).contains(self[index]) {
            value = value * 10 + Int(self[index] - 48)
            index += 1
        }
        return value
    }

    func bigEndian<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number {
        Number(bigEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}

extension [UInt8] {
    mutating func append(bigEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}
