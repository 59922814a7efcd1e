// SPDX-License-Identifier: MIT

/// Is told where items begin and end, in the order of the input.
protocol ItemVisitor {
    /// An item's head is at `offset`; if `isOpen`, items inside it follow and then `close`.
    mutating func begin(at offset: Int, isOpen: Bool)
    /// The innermost open array, map or tag ends.
    mutating func close()
}

/// Walks over one well-formed item without recursion (RFC 8949 Appendix C).
struct ItemWalk {
    let base: UnsafeRawPointer
    let count: Int
    let maxDepth: Int

    /// Walks to the end of the item at position 0.
    ///
    /// - Returns: The position after the item.
    func walk(_ visitor: inout some ItemVisitor) throws(CBORError) -> Int {
        var position = 0
        var open: [OpenItem] = []
        repeat {
            let head = try CBORHead.read(base, count: count, at: position, isStrict: false)
            let isOpen = 4...6 ~= head.major
            visitor.begin(at: position, isOpen: isOpen)
            if isOpen {
                guard open.count < maxDepth else {
                    throw CBORError(
                        .depthExceeded, at: position,
                        message: "Items nest deeper than \(maxDepth) levels.")
                }
                open.append(OpenItem(head))
                position = head.end
            } else {
                let isString = head.major == 2 || head.major == 3
                position = isString ? try end(ofString: head) : head.end
                OpenItem.endItem(&open)
            }
            while let last = open.last {
                if last.isIndefinite {
                    guard position < count else { throw CBORError.truncated(count) }
                    // A break after a key is no end; reading it as an item reports it.
                    let byte = base.load(fromByteOffset: position, as: UInt8.self)
                    guard byte == breakByte, !last.isValueNext else { break }
                    position += 1
                } else if last.left > 0 {
                    break
                }
                open.removeLast()
                visitor.close()
                OpenItem.endItem(&open)
            }
        } while !open.isEmpty
        return position
    }

    /// Where a string ends, chunks and break included.
    private func end(ofString head: CBORHead) throws(CBORError) -> Int {
        guard head.isIndefinite else { return try end(ofDefinite: head) }
        var next = head.end
        while true {
            guard next < count else { throw CBORError.truncated(count) }
            let byte = base.load(fromByteOffset: next, as: UInt8.self)
            if byte == breakByte { return next + 1 }
            guard byte >> 5 == head.major, byte & 0x1F != 31 else {
                throw CBORError.invalidChunk(at: next)
            }
            next = try end(
                ofDefinite: try CBORHead.read(base, count: count, at: next, isStrict: false))
        }
    }

    private func end(ofDefinite head: CBORHead) throws(CBORError) -> Int {
        guard head.argument <= UInt64(count - head.end) else { throw CBORError.truncated(count) }
        return head.end + Int(truncatingIfNeeded: head.argument)
    }
}

/// An array, map or tag whose end has not come.
private struct OpenItem {
    /// The elements or entries to come, if the length is definite; a tag has one.
    var left: UInt64
    let isIndefinite: Bool
    let isMap: Bool
    /// Whether a map's key has come and its value has not.
    var isValueNext = false

    init(_ head: CBORHead) {
        left = head.major == 6 ? 1 : head.argument
        isIndefinite = head.isIndefinite
        isMap = head.major == 5
    }

    /// Notes in the innermost open item that one item inside it is complete.
    static func endItem(_ open: inout [OpenItem]) {
        guard let top = open.indices.last else { return }
        if open[top].isMap {
            // An entry is complete, and `left` goes down, with its value.
            open[top].isValueNext.toggle()
            guard !open[top].isValueNext else { return }
        }
        if !open[top].isIndefinite { open[top].left -= 1 }
    }
}
