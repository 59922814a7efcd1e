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
        self = try reader.readValue(depth: 0)
    }
}

extension CBORReader {
    /// Reads an item inside `depth` arrays, maps and tags of the same tree.
    fileprivate mutating func readValue(depth: Int) throws(CBORError) -> CBORValue {
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
            return try readNested(depth: depth + 1)
        }
    }

    private mutating func readNested(depth: Int) throws(CBORError) -> CBORValue {
        switch try peekType() {
        case .array:
            var elements: [CBORValue] = []
            try readArray { reader, _ throws(CBORError) in
                elements.append(try reader.readValue(depth: depth))
            }
            return .array(elements)
        case .map:
            return .map(try readMapOfValues(depth: depth))
        default:
            let number = try readTag()
            return .tagged(number, try readValue(depth: depth))
        }
    }

    /// Reads a map whose keys may be of any type.
    private mutating func readMapOfValues(depth: Int) throws(CBORError) -> CBORMap {
        let head = try peekHead()
        let outer = try enter(head)
        var left = head.argument
        var tracker = KeyTracker(base: keys.count, limits)
        var entries: [CBORMap.Entry] = []
        var starts: [Int] = []
        while try hasNext(head, &left) {
            let start = position
            let key = try readValue(depth: depth)
            starts.append(start)
            let identity = identity(ofKeyFrom: start, to: position)
            do throws(CBORError) {
                try add(identity, at: start, to: &tracker)
                let value = try readValue(depth: depth)
                entries.append(
                    CBORMap.Entry(encodedKey: key.encoded(), key: key, value: value))
            } catch {
                throw error.prefixed(with: key.pathComponent)
            }
        }
        removeKeys(of: tracker)
        leave(outer)
        guard let map = CBORMap(entries) else {
            // Two keys that are arrays, maps or tags were written in two ways.
            var seen: Set<[UInt8]> = []
            let second = entries.firstIndex { !seen.insert($0.encodedKey).inserted }
            throw CBORError(
                .duplicateKey, at: second.map { starts[$0] } ?? position,
                path: second.map { [entries[$0].key.pathComponent] } ?? [],
                message: "The map has had this key before, written otherwise.")
        }
        return map
    }
}

extension CBORValue {
    /// How the key shows up in the path of an error.
    fileprivate var pathComponent: String {
        if case .text(let text) = self { text } else { diagnosticNotation }
    }
}
