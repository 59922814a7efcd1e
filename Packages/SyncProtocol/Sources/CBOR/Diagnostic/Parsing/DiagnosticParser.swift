// SPDX-License-Identifier: MIT

/// Turns diagnostic notation or JSON into bytes, in one pass and without recursion.
///
/// A string or container begins with one byte in the output that is filled in when it ends; see
/// `NotationOutput`.
struct DiagnosticParser {
    enum Dialect { case notation, json }

    let text: UnsafeBufferPointer<UInt8>
    let isJSON: Bool
    let limits: CBORLimits
    /// The position of the next byte to look at.
    var position = 0
    var output = NotationOutput()
    var stack: [Frame] = []
    /// The arrays, maps, tags and embedded CBOR around the next item.
    var depth = 0
    /// Those of them that are embedded CBOR.
    var embedded = 0
    var itemsLeft: Int
    /// Where the items outside of byte strings begin, if that is asked for.
    var itemOffsets: [Int]?

    init(_ text: UnsafeBufferPointer<UInt8>, dialect: Dialect, limits: CBORLimits) {
        self.text = text
        self.isJSON = dialect == .json
        self.limits = limits
        itemsLeft = limits.maxItems
    }

    /// Something whose end has not come.
    struct Frame {
        enum Kind {
            case array, map, tag
            /// `(_ …)`: the head byte of its string type once the first chunk has come.
            case stream
            /// `<<…>>`, a part of a string.
            case embedded(OpenString)
        }
        var kind: Kind
        /// Where it begins in the text.
        let offset: Int
        /// Where its head is in the output.
        let head: Int
        var indicator: UInt8?
        /// The items so far, keys and values counted apart; the chunks of a stream.
        var items: UInt64 = 0
        /// The bytes of a stream's chunks so far.
        var streamBytes = 0
    }

    /// Parses the whole text.
    mutating func parse(isSequence: Bool) throws(CBORDiagnosticError) -> [UInt8] {
        let valid = validUTF8Prefix(UnsafeRawBufferPointer(text), .max)
        guard valid == text.count else {
            throw error(.unexpectedCharacter, "The text is not UTF-8 here.", at: valid)
        }
        try skipSpace()
        if isSequence, position == text.count { return [] }
        while true {
            try parseItem()
            try skipSpace()
            guard position < text.count else { break }
            guard isSequence else {
                throw error(.trailingText, "There is more text after the item.")
            }
            guard take(",") else {
                throw expected("a comma between items, or the end of the text")
            }
            try skipSpace()
            if position == text.count { break }
        }
        return output.assembled()
    }

    /// Parses one outermost item.
    private mutating func parseItem() throws(CBORDiagnosticError) {
        repeat {
            try skipSpace()
            var isComplete = try begin()
            while isComplete {
                guard output.count <= limits.maxTotalBytes else {
                    throw error(
                        .limitExceeded,
                        "The items have more than \(limits.maxTotalBytes) bytes.")
                }
                guard !stack.isEmpty else { return }
                isComplete = try endItem()
            }
        } while true
    }

    /// Parses a scalar, or the beginning of anything else.
    ///
    /// - Returns: Whether the item is complete.
    private mutating func begin() throws(CBORDiagnosticError) -> Bool {
        guard let byte = peek() else { throw expected("an item") }
        if case .stream = stack.last?.kind {
            guard isStringNext() else { throw expected("a string, a chunk of this one") }
            return try beginString()
        }
        try countItem(at: position)
        if isJSON, case .map = stack.last?.kind, stack[stack.count - 1].items.isMultiple(of: 2),
            byte != UInt8(ascii: "\"")
        {
            throw expected("a name in double quotes")
        }
        switch byte {
        case UInt8(ascii: "["): return try open(.array)
        case UInt8(ascii: "{"): return try open(.map)
        case UInt8(ascii: "("):
            guard !isJSON, peek(1) == UInt8(ascii: "_") else { throw expected("an item") }
            return try openStream()
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
            UInt8(ascii: "."):
            return try parseNumber()
        default:
            if isStringNext() { return try beginString() }
            return try parseWord()
        }
    }

    /// Notes that an item begins at `offset`.
    mutating func countItem(at offset: Int) throws(CBORDiagnosticError) {
        guard itemsLeft > 0 else {
            throw error(.limitExceeded, "There are more than \(limits.maxItems) items.", at: offset)
        }
        itemsLeft -= 1
        if embedded == 0 { itemOffsets?.append(offset) }
    }

    private mutating func open(_ kind: Frame.Kind) throws(CBORDiagnosticError) -> Bool {
        try push(Frame(kind: kind, offset: position, head: output.open()))
        position += 1
        let top = stack.count - 1
        stack[top].indicator = try parseIndicator(allowsIndefinite: true)
        try skipSpace()
        return try closeIfNext(top) == .complete
    }

    mutating func push(_ frame: Frame) throws(CBORDiagnosticError) {
        guard depth < limits.maxDepth else {
            throw error(
                .depthExceeded, "Items nest deeper than \(limits.maxDepth) levels.",
                at: frame.offset)
        }
        depth += 1
        stack.append(frame)
    }

    private enum Closing {
        case notNext, complete
        /// Embedded CBOR has ended, and the string that it is a part of goes on with more of it.
        case stringGoesOn
    }

    /// Ends the innermost array, map, stream or embedded CBOR if its closing bracket is next.
    private mutating func closeIfNext(_ top: Int) throws(CBORDiagnosticError) -> Closing {
        let frame = stack[top]
        switch frame.kind {
        case .array:
            guard take("]") else { return .notNext }
            try closeContainer(frame, major: 4, count: frame.items)
        case .map:
            guard take("}") else { return .notNext }
            try closeContainer(frame, major: 5, count: frame.items / 2)
        case .tag: return .notNext
        case .stream:
            guard frame.items > 0, take(")") else { return .notNext }
            output.append(breakByte)
            stack.removeLast()
        case .embedded(let string):
            guard take(">>") else { return .notNext }
            stack.removeLast()
            depth -= 1
            embedded -= 1
            return try continueString(string) ? .complete : .stringGoesOn
        }
        return .complete
    }

    private mutating func closeContainer(
        _ frame: Frame, major: UInt8, count: UInt64
    ) throws(CBORDiagnosticError) {
        stack.removeLast()
        depth -= 1
        if frame.indicator == 31 {
            output.set(frame.head, to: major << 5 | 31)
            output.append(breakByte)
        } else {
            try fill(frame.head, major, count, frame.indicator, at: frame.offset)
        }
    }

    /// Notes that an item is complete in the innermost frame, and parses what stands behind it.
    ///
    /// - Returns: Whether that completes the item around it.
    private mutating func endItem() throws(CBORDiagnosticError) -> Bool {
        let top = stack.count - 1
        stack[top].items += 1
        let end = position
        try skipSpace()
        switch stack[top].kind {
        case .tag:
            guard take(")") else { throw expected("the parenthesis that ends the tag") }
            stack.removeLast()
            depth -= 1
            return true
        case .map where !stack[top].items.isMultiple(of: 2):
            guard take(":") else { throw expected("a colon behind the key", at: end) }
            return false
        default:
            let closing = try closeIfNext(top)
            guard closing == .notNext else { return closing == .complete }
            guard take(",") else { throw expected("a comma or the closing bracket", at: end) }
            guard !isJSON else { return false }
            try skipSpace()
            return try closeIfNext(top) == .complete
        }
    }
}

extension DiagnosticParser {
    /// Writes a head whose first byte is already in the output.
    mutating func fill(
        _ head: Int, _ major: UInt8, _ argument: UInt64, _ indicator: UInt8?, at offset: Int
    ) throws(CBORDiagnosticError) {
        let shortest = UInt8(truncatingIfNeeded: NotationOutput.info(of: argument))
        let info: UInt8
        switch indicator {
        case nil: info = shortest
        case 23 where shortest < 24: info = shortest
        case let wanted? where wanted >= 24 && (shortest < 24 || shortest <= wanted): info = wanted
        default:
            throw error(
                .invalidIndicator, "\(argument) does not fit the size that the indicator asks for.",
                at: offset)
        }
        output.fill(head, major: major, info: info, argument: argument)
    }

    /// Parses an encoding indicator, if one is next: additional information 24 to 27 for `_0` to
    /// `_3`, 31 for `_`, and 23 for `_i`, which stands for 0 to 23.
    mutating func parseIndicator(
        allowsIndefinite: Bool
    ) throws(CBORDiagnosticError) -> UInt8? {
        guard !isJSON, peek() == UInt8(ascii: "_") else { return nil }
        let start = position
        position += 1
        while let byte = peek(), isWordByte(byte) || byte == UInt8(ascii: "_") { position += 1 }
        let word = text[start + 1..<position]
        switch word.first {
        case nil where allowsIndefinite: return 31
        case UInt8(ascii: "i") where word.count == 1: return 23
        case let digit? where word.count == 1 && (UInt8(ascii: "0")...UInt8(ascii: "3")) ~= digit:
            return digit - UInt8(ascii: "0") + 24
        default:
            throw error(
                .invalidIndicator,
                allowsIndefinite
                    ? "An encoding indicator is _, _i, _0, _1, _2 or _3."
                    : "An encoding indicator is _i, _0, _1, _2 or _3 here.", at: start)
        }
    }
}
