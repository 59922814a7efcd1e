// SPDX-License-Identifier: MIT

extension CBORValue {
    /// The value's deterministic encoding.
    ///
    /// - Precondition: No simple value in it is 24 to 31, which do not exist.
    public func encoded(keyOrder: CBORKeyOrder = .bytewise) -> [UInt8] {
        var writer = CBORWriter()
        encode(to: &writer, keyOrder: keyOrder)
        return writer.bytes
    }

    /// Writes the value as one item.
    ///
    /// - Precondition: No simple value in it is 24 to 31, which do not exist.
    public func encode(to writer: inout CBORWriter, keyOrder: CBORKeyOrder = .bytewise) {
        switch self {
        case .unsigned(let value): writer.write(uint: value)
        case .negative(let n): writer.write(negative: n)
        case .bytes(let value): writer.write(bytes: value)
        case .text(let value): writer.write(text: value)
        case .array(let elements):
            writer.writeArrayHeader(count: elements.count)
            for element in elements { element.encode(to: &writer, keyOrder: keyOrder) }
        case .map(let map): map.encode(to: &writer, keyOrder: keyOrder)
        case .tagged(let number, let content):
            writer.writeTag(number)
            content.encode(to: &writer, keyOrder: keyOrder)
        case .bool(let value): writer.write(bool: value)
        case .null: writer.writeNull()
        case .undefined: writer.write(simple: 23)
        case .simple(let value): writer.write(simple: value)
        case .float(let value): writer.write(double: value)
        }
    }

    /// Reads a value that is the whole of `bytes`.
    ///
    /// - Throws: `CBORError` for anything that is not exactly one valid item within the limits.
    public init(decoding bytes: [UInt8], limits: CBORLimits = .default) throws(CBORError) {
        self = try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            try CBORValue(from: &reader)
        }
    }

    /// Reads the next item of any kind.
    public init(from reader: inout CBORReader) throws(CBORError) {
        var seen = SeenInput()
        self = try reader.readValue(depth: 0, &seen)
    }
}

/// How much of the input is known to be there item by item, so that room may be made for as many
/// as are announced: an array that grows holds half of its elements twice.
private struct SeenInput {
    /// What is in front of this position has been stepped over.
    var end = 0
    /// Whether stepping over an item has failed; reading it will say why.
    var hasFailed = false

    /// Up to so many elements are made room for without a look.
    static let unseenCountMax = 32
    /// Up to so many, growing takes little.
    static let smallCountMax = 512
}

extension CBORReader {
    /// For how many items to make room in the array or map that comes next.
    private func roomCount(
        _ head: CBORHead, _ seen: inout SeenInput
    ) -> Int {
        let count = Int(clamping: head.argument)
        if count > SeenInput.smallCountMax, position >= seen.end, !seen.hasFailed {
            var scout = CBORReader(base: base, count: self.count, limits: limits)
            scout.position = position
            scout.itemsLeft = itemsLeft
            scout.depth = depth
            do throws(CBORError) {
                try scout.skip()
                seen.end = scout.position
            } catch {
                seen.hasFailed = true
            }
        }
        return position < seen.end ? count : Swift.min(count, SeenInput.unseenCountMax)
    }

    /// Reads an item inside `depth` arrays, maps and tags of the same tree.
    fileprivate mutating func readValue(
        depth: Int, _ seen: inout SeenInput
    ) throws(CBORError) -> CBORValue {
        switch try peekType() {
        case .unsigned: return .unsigned(try readUInt())
        case .negative: return .negative(try readNegative())
        case .bytes: return .bytes(try readBytes())
        case .text: return .text(try readText())
        case .bool: return .bool(try readBool())
        case .float: return .float(try readDouble())
        case .null, .undefined, .simple:
            switch try readSimple() {
            case 22: return .null
            case 23: return .undefined
            case let value: return .simple(value)
            }
        case .array, .map, .tag:
            guard depth < CBORValue.maxDepth else {
                throw error(
                    .depthExceeded,
                    "A tree of values nests at most \(CBORValue.maxDepth) levels deep.")
            }
            return try readNested(depth: depth + 1, &seen)
        }
    }

    private mutating func readNested(
        depth: Int, _ seen: inout SeenInput
    ) throws(CBORError) -> CBORValue {
        let head = try peekHead()
        switch head.major {
        case 4:
            var elements: [CBORValue] = []
            elements.reserveCapacity(roomCount(head, &seen))
            try readArray { reader, _ throws(CBORError) in
                elements.append(try reader.readValue(depth: depth, &seen))
            }
            return .array(elements)
        case 5:
            return .map(try readMapOfValues(head, depth: depth, &seen))
        default:
            let number = try readTag()
            return .tagged(number, try readValue(depth: depth, &seen))
        }
    }

    /// Reads a map whose keys may be of any type.
    private mutating func readMapOfValues(
        _ head: CBORHead, depth: Int, _ seen: inout SeenInput
    ) throws(CBORError) -> CBORMap {
        let mapStart = position
        var entries: [CBORMap.Entry] = []
        entries.reserveCapacity(roomCount(head, &seen))
        let outer = try enter(head)
        var left = head.argument
        var tracker = KeyTracker(base: keys.count, limits)
        while try hasNext(head, &left) {
            let start = position
            let key = try readValue(depth: depth, &seen)
            let identity = identity(ofKeyFrom: start, to: position)
            do throws(CBORError) {
                try add(identity, at: start, to: &tracker)
                let value = try readValue(depth: depth, &seen)
                entries.append(
                    CBORMap.Entry(encodedKey: key.encoded(), key: key, value: value))
            } catch {
                throw error.prefixed(with: key.pathComponent)
            }
        }
        removeKeys(of: tracker)
        leave(outer)
        guard let map = CBORMap(entries) else { throw rewrittenKey(inMapAt: mapStart) }
        return map
    }

    /// The error for a map with two keys that are the same value: arrays, maps or tags that are
    /// written in two ways.
    @inline(never)
    private func rewrittenKey(inMapAt start: Int) -> CBORError {
        var scout = CBORReader(base: base, count: count, limits: .depthOnly(.max))
        scout.position = start
        var known: Set<[UInt8]> = []
        do throws(CBORError) {
            let head = try scout.peekHead()
            var left = head.argument
            _ = try scout.enter(head)
            while try scout.hasNext(head, &left) {
                let offset = scout.position
                let key = try CBORValue(from: &scout)
                guard known.insert(key.encoded()).inserted else {
                    return CBORError(
                        .duplicateKey, at: offset, path: [key.pathComponent],
                        message: "The map has had this key before, written otherwise.")
                }
                try scout.skip()
            }
        } catch {
            return error
        }
        preconditionFailure("A map is refused here only if two of its keys are the same.")
    }
}

extension CBORValue {
    /// How the key shows up in the path of an error.
    fileprivate var pathComponent: String {
        if case .text(let text) = self { text } else { diagnosticNotation }
    }
}
