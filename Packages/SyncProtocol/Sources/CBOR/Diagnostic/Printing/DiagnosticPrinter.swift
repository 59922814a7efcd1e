// SPDX-License-Identifier: MIT

/// Prints bytes in diagnostic notation while it checks that they are well-formed.
struct DiagnosticPrinter {
    let base: UnsafeRawPointer?
    let count: Int
    let options: CBORDiagnosticOptions
    let limits: CBORLimits
    var output: [UInt8] = []
    /// The position of the next head.
    var position = 0
    /// Where the items end: that of the input, or of the embedded CBOR that is being printed.
    var end: Int
    var stack: [Frame] = []
    var itemsLeft: Int

    /// An array, map, tag or embedded CBOR whose end has not come.
    struct Frame {
        enum Kind { case array, map, tag, embedded }
        let kind: Kind
        let isIndefinite: Bool
        /// The elements or entries to come, if the length is definite; a tag has one.
        var left: UInt64
        /// Whether a map's key has come and its value has not.
        var isValueNext = false
        var isEmpty = true
        /// Whether an encoding indicator follows the bracket.
        var hasIndicator = false
        /// Whether this is a tag 24 in front of its content.
        var announcesEmbedded = false
        /// For embedded CBOR: where the items around it end, and the indicator of the string.
        var outerEnd = 0
        var indicator: UInt8?
    }

    init(
        _ bytes: UnsafeRawBufferPointer, options: CBORDiagnosticOptions, limits: CBORLimits
    ) {
        base = bytes.baseAddress
        count = bytes.count
        end = bytes.count
        self.options = options
        self.limits = limits
        itemsLeft = limits.maxItems
    }

    /// Prints the whole input.
    mutating func print(isSequence: Bool) throws(CBORError) {
        guard count <= limits.maxTotalBytes else {
            throw CBORError(
                .limitExceeded, at: 0,
                message: "The input has \(count) bytes; \(limits.maxTotalBytes) are allowed.")
        }
        guard let base, count > 0 else {
            if isSequence { return }
            throw CBORError.truncated(0)
        }
        try printItem(base)
        while position < count {
            guard isSequence else {
                throw CBORError(
                    .trailingBytes, at: position, message: "There are bytes after the item.")
            }
            append(",\n")
            try printItem(base)
        }
    }

    /// Prints one outermost item.
    private mutating func printItem(_ base: UnsafeRawPointer) throws(CBORError) {
        repeat {
            separate()
            try begin(base)
            while let top = stack.last, try isAtEnd(of: top, base) {
                stack.removeLast()
                close(top)
                endItem()
            }
        } while !stack.isEmpty
    }

    /// Writes what stands between the last item and the next one.
    private mutating func separate() {
        guard let top = stack.indices.last else { return }
        switch stack[top].kind {
        case .tag: return
        case .map where stack[top].isValueNext:
            append(": ")
            return
        case .array, .map, .embedded:
            if !stack[top].isEmpty { output.append(UInt8(ascii: ",")) }
            if options.indent != nil {
                startLine(depth: stack.count)
            } else if !stack[top].isEmpty || stack[top].hasIndicator {
                output.append(UInt8(ascii: " "))
            }
            stack[top].isEmpty = false
        }
    }

    /// Prints a scalar, or the beginning of anything else.
    private mutating func begin(_ base: UnsafeRawPointer) throws(CBORError) {
        guard itemsLeft > 0 else {
            throw CBORError(
                .limitExceeded, at: position,
                message: "There are more than \(limits.maxItems) items.")
        }
        let head = try CBORHead.read(base, count: end, at: position, isStrict: false)
        itemsLeft -= 1
        switch head.major {
        case 0:
            append(head.argument)
            appendIndicator(of: head)
        case 1:
            append(negative: head.argument)
            appendIndicator(of: head)
        case 2, 3:
            if try openEmbedded(base, head) { return }
            try printString(base, head)
            endItem()
            return
        case 7:
            printSimpleOrFloat(head)
        default:
            try open(base, head)
            return
        }
        position = head.end
        endItem()
    }

    /// Begins an array, map or tag; a big number is printed whole.
    private mutating func open(
        _ base: UnsafeRawPointer, _ head: CBORHead
    ) throws(CBORError) {
        guard stack.count < limits.maxDepth else {
            throw CBORError(
                .depthExceeded, at: position,
                message: "Items nest deeper than \(limits.maxDepth) levels.")
        }
        if try printBigNumber(base, head) {
            endItem()
            return
        }
        var frame = Frame(
            kind: head.major == 4 ? .array : head.major == 5 ? .map : .tag,
            isIndefinite: head.isIndefinite, left: head.major == 6 ? 1 : head.argument)
        position = head.end
        if head.major == 6 {
            append(head.argument)
            appendIndicator(of: head)
            output.append(UInt8(ascii: "("))
            frame.announcesEmbedded = options.showsEmbedded && head.argument == 24
        } else {
            output.append(UInt8(ascii: head.major == 4 ? "[" : "{"))
            frame.hasIndicator = appendIndicator(of: head)
        }
        stack.append(frame)
    }

    /// Whether the innermost item ends at the current position; steps over its break.
    private mutating func isAtEnd(
        of frame: Frame, _ base: UnsafeRawPointer
    ) throws(CBORError) -> Bool {
        if frame.kind == .embedded { return position == end }
        guard frame.isIndefinite else { return frame.left == 0 }
        guard position < end else { throw CBORError.truncated(end) }
        // A break after a key is no end; reading it as an item reports it.
        guard !frame.isValueNext, base.load(fromByteOffset: position, as: UInt8.self) == breakByte
        else { return false }
        position += 1
        return true
    }

    private mutating func close(_ frame: Frame) {
        if frame.kind != .tag {
            if !frame.isEmpty, options.indent != nil {
                startLine(depth: stack.count)
            } else if frame.isEmpty, frame.hasIndicator {
                output.append(UInt8(ascii: " "))
            }
        }
        switch frame.kind {
        case .array: output.append(UInt8(ascii: "]"))
        case .map: output.append(UInt8(ascii: "}"))
        case .tag: output.append(UInt8(ascii: ")"))
        case .embedded:
            append(">>")
            if let indicator = frame.indicator { append(indicator: indicator) }
            end = frame.outerEnd
        }
    }

    /// Notes in the innermost open item that one item inside it is complete.
    private mutating func endItem() {
        guard let top = stack.indices.last else { return }
        if stack[top].kind == .map {
            // An entry is complete, and `left` goes down, with its value.
            stack[top].isValueNext.toggle()
            guard !stack[top].isValueNext else { return }
        }
        if !stack[top].isIndefinite { stack[top].left &-= 1 }
    }
}
