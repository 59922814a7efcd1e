// SPDX-License-Identifier: MIT

extension CBORValue: CustomStringConvertible {
    /// The diagnostic notation.
    public var description: String { diagnosticNotation }

    /// The value in diagnostic notation (RFC 8949 §8), on one line: `{"id": 1, "data": h'00ff'}`.
    ///
    /// It says nothing about lengths of heads and indefinite lengths, which a value does not keep.
    /// A simple value of 24 to 31, which do not exist, shows up as undefined (RFC 8949 §5.7).
    public var diagnosticNotation: String { diagnosticNotation() }

    /// The value in diagnostic notation, printed as the options say.
    public func diagnosticNotation(_ options: CBORDiagnosticOptions = .init()) -> String {
        do throws(CBORError) {
            return try CBORDiagnostic.text(
                of: replacingReserved().encoded(), options: options, limits: .depthOnly(.max))
        } catch {
            preconditionFailure("The encoding of a value is well-formed, and nothing is limited.")
        }
    }

    /// Reads one item in diagnostic notation.
    ///
    /// - Throws: `CBORDiagnosticError`, with the code `invalidItem` if the notation is right but
    ///   the item is not valid: where a key stands for the second time, for example.
    public init(
        diagnosticNotation text: String, limits: CBORLimits = .default
    ) throws(CBORDiagnosticError) {
        let bytes = try CBORDiagnostic.bytes(of: text, limits: limits)
        do throws(CBORError) {
            try self.init(decoding: bytes, limits: limits)
        } catch {
            throw CBORDiagnosticError(error, in: bytes, parsedFrom: text, limits: limits)
        }
    }
}

extension CBORValue {
    /// Whether there is a simple value of 24 to 31 in it, which cannot be encoded. O(size).
    var hasReserved: Bool {
        switch self {
        case .simple(let value): 24...31 ~= value
        case .array(let elements): elements.contains(where: \.hasReserved)
        case .map(let map): map.contains { $0.value.hasReserved }
        case .tagged(_, let content): content.hasReserved
        default: false
        }
    }

    /// The value with undefined where there is a simple value of 24 to 31.
    private func replacingReserved() -> CBORValue {
        guard hasReserved else { return self }
        switch self {
        case .array(let elements): return .array(elements.map { $0.replacingReserved() })
        case .map(var map):
            for (key, value) in map { map[key: key] = value.replacingReserved() }
            return .map(map)
        case .tagged(let number, let content): return .tagged(number, content.replacingReserved())
        default: return .undefined
        }
    }
}

extension CBORDiagnosticError {
    /// An error in the bytes that a text stands for, at the place of the item in the text.
    init(_ error: CBORError, in bytes: [UInt8], parsedFrom text: String, limits: CBORLimits) {
        // Items are in the same order in the text and in the bytes.
        var finder = ItemFinder(offset: error.offset)
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            let walk = ItemWalk(base: base, count: buffer.count, maxDepth: .max)
            _ = try? walk.walk(&finder)
        }
        let offsets = CBORDiagnostic.itemOffsets(of: text, limits: limits)
        let offset = offsets.indices.contains(finder.index) ? offsets[finder.index] : 0
        let code: Code
        switch error.code {
        case .depthExceeded: code = .depthExceeded
        case .limitExceeded: code = .limitExceeded
        default: code = .invalidItem
        }
        var text = text
        self = text.withUTF8 { utf8 in
            CBORDiagnosticError(
                code, at: offset, in: utf8, "\(error.code.rawValue): \(error.message)")
        }
    }
}

/// Finds out which item in the order of the input an offset is in.
private struct ItemFinder: ItemVisitor {
    let offset: Int
    var index = -1

    mutating func begin(at offset: Int, isOpen: Bool) {
        if offset <= self.offset { index += 1 }
    }

    func close() {}
}
