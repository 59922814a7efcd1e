// SPDX-License-Identifier: MIT

/// Header fields in the order sent, looked up without regard to the case of ASCII letters.
///
/// The fields lie in one run of bytes, so a parsed head costs two allocations however many
/// fields it has. Lookups are linear in the number of fields.
public struct HTTPHeaders: Sendable {
    /// Where a field lies in `bytes`.
    struct Field: Sendable {
        var nameStart: UInt32
        var nameEnd: UInt32
        var valueStart: UInt32
        var valueEnd: UInt32
    }

    private var bytes: [UInt8]
    private var fields: [Field]

    /// Creates an empty list.
    public init() {
        bytes = []
        fields = []
    }

    /// Takes fields that lie in `bytes`; the parser has checked them.
    init(bytes: [UInt8], fields: [Field]) {
        self.bytes = bytes
        self.fields = fields
    }

    /// Number of fields; one that was sent twice counts twice.
    public var count: Int { fields.count }

    /// Whether there is no field.
    public var isEmpty: Bool { fields.isEmpty }

    /// The value of the first field called `name`, without surrounding blanks, or nil.
    ///
    /// Bytes that are not UTF-8 are replaced; compare secrets and names with `bytes(of:)`.
    public subscript(name: String) -> String? {
        bytes(of: name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of the first value of `name`, without surrounding blanks, or nil.
    public func bytes(of name: String) -> ArraySlice<UInt8>? {
        fields.first { isNamed($0, name) }.map(value)
    }

    /// The bytes of every value of `name`, in the order sent.
    public func allBytes(of name: String) -> [ArraySlice<UInt8>] {
        fields.filter { isNamed($0, name) }.map(value)
    }

    /// Whether a field called `name` was sent.
    public func contains(_ name: String) -> Bool {
        fields.contains { isNamed($0, name) }
    }

    /// Adds a field at the end, beside others of the same name.
    ///
    /// Control characters in `value` become spaces: a value can never end the field or begin
    /// another one.
    ///
    /// - Precondition: `name` is a token (RFC 9110 §5.1).
    public mutating func append(_ name: String, _ value: String) {
        precondition(
            !name.isEmpty && name.utf8.allSatisfy(ASCII.isToken),
            "A header name is a token: letters, digits and !#$%&'*+-.^_`|~")
        let nameStart = UInt32(bytes.count)
        bytes.append(contentsOf: name.utf8)
        let valueStart = UInt32(bytes.count)
        for byte in value.utf8 {
            bytes.append(ASCII.isValue(byte) ? byte : ASCII.space)
        }
        fields.append(
            Field(
                nameStart: nameStart, nameEnd: valueStart, valueStart: valueStart,
                valueEnd: UInt32(bytes.count)))
    }

    /// Writes `Name: value` lines, each with its line end.
    func write(to output: inout [UInt8]) {
        for field in fields {
            output.append(contentsOf: name(of: field))
            output.append(UInt8(ascii: ":"))
            output.append(ASCII.space)
            output.append(contentsOf: value(of: field))
            output.append(ASCII.carriageReturn)
            output.append(ASCII.lineFeed)
        }
    }

    private func name(of field: Field) -> ArraySlice<UInt8> {
        bytes[Int(field.nameStart)..<Int(field.nameEnd)]
    }

    private func value(of field: Field) -> ArraySlice<UInt8> {
        bytes[Int(field.valueStart)..<Int(field.valueEnd)]
    }

    private func isNamed(_ field: Field, _ name: String) -> Bool {
        guard Int(field.nameEnd - field.nameStart) == name.utf8.count else { return false }
        var index = Int(field.nameStart)
        for byte in name.utf8 {
            if ASCII.lowercased(bytes[index]) != ASCII.lowercased(byte) { return false }
            index += 1
        }
        return true
    }
}

extension HTTPHeaders: ExpressibleByDictionaryLiteral {
    /// Creates fields in the order written.
    ///
    /// - Precondition: every name is a token.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { append(name, value) }
    }
}

extension HTTPHeaders: Sequence {
    /// One field, decoded; bytes that are not UTF-8 are replaced.
    public typealias Element = (name: String, value: String)

    /// Iterates over the fields in the order sent.
    public func makeIterator() -> some IteratorProtocol<(name: String, value: String)> {
        fields.lazy.map { field in
            (
                name: String(decoding: name(of: field), as: UTF8.self),
                value: String(decoding: value(of: field), as: UTF8.self)
            )
        }.makeIterator()
    }
}

extension HTTPHeaders: Equatable {
    /// Whether both hold the same fields in the same order; names without regard to case.
    public static func == (left: HTTPHeaders, right: HTTPHeaders) -> Bool {
        left.count == right.count
            && zip(left.fields, right.fields).allSatisfy { mine, theirs in
                ASCII.equalIgnoringCase(left.name(of: mine), right.name(of: theirs))
                    && left.value(of: mine).elementsEqual(right.value(of: theirs))
            }
    }
}
