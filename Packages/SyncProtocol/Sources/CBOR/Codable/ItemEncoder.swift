// SPDX-License-Identifier: MIT

/// Encodes one item: the `Encoder` that values see.
///
/// Bytes go straight to the output. An array or a map begins with a byte for its head, which is
/// written over when the value has been encoded and the number of its elements is known. Containers
/// that a value opens inside its own, and fills when it likes, have outputs of their own and are
/// put in their places then.
final class ItemEncoder: Encoder {
    let session: EncodingSession
    let output: EncodingOutput

    /// The key of this item in its container, for the path.
    var component: (any CodingKey)?
    /// The encoder whose container the item is in, while the item is being encoded.
    private var owner: ItemEncoder?
    /// The path of the container that the item is in, if there is no owner.
    private var outerPath: [any CodingKey] = []
    /// The arrays and maps around the item.
    private(set) var depth = 0
    /// The calls of `encode(to:)` around the item, at least `depth` many.
    private var level = 0
    /// The rule for the keys of the item, if it becomes a map.
    private(set) var keyRule = KeyRule.any

    private enum Kind { case nothing, scalar, array, map }
    private var kind = Kind.nothing
    /// Where the head of the array or map is.
    private var start = 0
    /// The number of the map's first entry in the output's list.
    private var firstEntry = 0
    /// The elements of the array.
    private(set) var count = 0
    /// The containers that were opened inside this one, and where they belong.
    private var children: [(position: Int, encoder: ItemEncoder)] = []

    /// An encoder for values inside this one's, used for one after another.
    private var spare: ItemEncoder?

    init(_ session: EncodingSession, _ output: EncodingOutput) {
        self.session = session
        self.output = output
        output.turn = ObjectIdentifier(self)
    }

    var codingPath: [any CodingKey] {
        var keys: [any CodingKey] = []
        var encoder: ItemEncoder? = self
        while let current = encoder {
            if let key = current.component { keys.append(key) }
            guard current.owner != nil else { return current.outerPath + keys.reversed() }
            encoder = current.owner
        }
        return keys.reversed()
    }

    var userInfo: [CodingUserInfoKey: Any] { session.options.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        // A class and its superclass may share one map.
        if kind != .map {
            precondition(kind == .nothing, "A value cannot be a map and something else at once.")
            begin(.map)
        }
        return KeyedEncodingContainer(KeyedItemEncoder(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if kind != .array {
            precondition(kind == .nothing, "A value cannot be an array and something else at once.")
            begin(.array)
        }
        return UnkeyedItemEncoder(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    private func begin(_ kind: Kind) {
        checkTurn()
        self.kind = kind
        firstEntry = output.startCount
        start = output.beginHead()
        guard depth >= session.options.maxDepth, session.error == nil else { return }
        session.error = tooDeep(())
    }

    /// - Precondition: No value inside this one is being encoded.
    @inline(__always)
    func checkTurn() {
        precondition(
            output.turn == ObjectIdentifier(self),
            "Nothing is added to a container while a value inside it is.")
    }

    private func invalid(
        _ value: Any, at key: (any CodingKey)?, _ error: CBORError
    ) -> EncodingError {
        EncodingError.invalidValue(
            value,
            EncodingError.Context(
                codingPath: codingPath + (key.map { [$0] } ?? []),
                debugDescription: error.message, underlyingError: error))
    }

    private func tooDeep(_ value: Any) -> EncodingError {
        EncodingError.invalidValue(
            value,
            EncodingError.Context(
                codingPath: codingPath,
                debugDescription:
                    "The value nests deeper than \(session.options.maxDepth) levels."))
    }
}

extension ItemEncoder {
    /// Writes an entry's key; the value must be next.
    @inline(__always)
    func beginEntry(_ key: some CodingKey) {
        checkTurn()
        output.beginEntry()
        let text = key.stringValue
        if keyRule != .text, let integer = key.intValue, WireKey.means(integer, text) {
            output.writer.write(int: Int64(integer))
        } else if session.usesDefaultKeys || keyRule != .any {
            output.writer.write(text: text)
        } else {
            output.writer.write(text: converted(key))
        }
    }

    @inline(never)
    private func converted(_ key: some CodingKey) -> String {
        switch session.options.keyEncodingStrategy {
        case .useDefaultKeys: key.stringValue
        case .convertToSnakeCase: snakeCase(key.stringValue)
        case .custom(let convert): convert(codingPath + [key]).stringValue
        }
    }

    /// Begins an array's element.
    @inline(__always)
    func beginElement() {
        checkTurn()
        count += 1
    }

    /// Begins the item if it is no container.
    func beginScalar() {
        checkTurn()
        precondition(kind == .nothing, "A single value can be encoded only once.")
        kind = .scalar
    }

    /// Encodes something that may fail, and if it does, leaves no trace of it.
    @inline(__always)
    func attempt(_ body: () throws -> Void) throws {
        let (kind, count, children) = (kind, count, children.count)
        let (bytes, entries) = (output.count, output.startCount)
        do {
            try body()
        } catch {
            (self.kind, self.count) = (kind, count)
            self.children.removeLast(self.children.count - children)
            output.rollBack(toCount: bytes, startCount: entries)
            throw error
        }
    }

    /// An encoder for a container that is open beside this one.
    func child(_ key: some CodingKey) -> ItemEncoder {
        let child = ItemEncoder(session, EncodingOutput())
        // Beyond the limit everything is in vain; the path stops growing and nothing is kept, so
        // that releasing it takes no deep recursion.
        guard session.error == nil else { return child }
        child.depth = depth + 1
        child.level = level + 1
        child.outerPath = codingPath
        child.component = key
        children.append((output.count, child))
        return child
    }
}

extension ItemEncoder {
    /// Encodes a value where the output is. In an array or a map its element or its key has been
    /// begun; elsewhere the value is the whole item, and `key` is nil.
    func encodeNested<T: Encodable>(_ value: T, at key: (any CodingKey)?) throws {
        if try writeScalar(value, at: key) { return }
        if let error = session.error { throw error }
        switch session.role(of: T.self) {
        case .containers(let keyRule):
            try encodeInside(value, key, keyRule) { try value.encode(to: $0) }
        case .array:
            try encodeInside(value, key, .any) { try value.encode(to: $0) }
        case .tree:
            guard let tree = (value as? any CBORConvertible)?.cborValue else { return }
            guard !tree.hasReserved else {
                let message = "There are no simple values 24 to 31 (RFC 8949 §3.3)."
                throw invalid(value, at: key, CBORError(.invalidSimple, at: 0, message: message))
            }
            let order = session.options.keyOrder
            let start = output.count
            tree.encode(to: &output.writer, keyOrder: order)
            try checkDepth(of: value, from: start)
        case .form(let form):
            switch TypedForm<T>.of(form).encoding {
            case .item(let write):
                let start = output.count
                do {
                    try write(value, &output.writer)
                    precondition(output.count > start, "A form must write exactly one item.")
                    try checkDepth(of: value, from: start)
                } catch let error as CBORError {
                    throw invalid(value, at: key, error)
                }
            case .containers(let encode):
                try encodeInside(value, key, .any) { try encode(value, $0) }
            }
        }
    }

    /// Sees to it that an item which was written at once, by a form or as a tree, does not nest too
    /// deep where it is. Its tags count as levels, as they do for readers.
    private func checkDepth(of value: Any, from start: Int) throws {
        let first = output.base.load(fromByteOffset: start, as: UInt8.self)
        guard 4...6 ~= first >> 5 else { return }
        let around = kind == .scalar ? depth : depth + 1
        let error = output.wellFormednessFault(
            from: start, maxDepth: session.options.maxDepth - around)
        if error?.code == .depthExceeded { throw tooDeep(value) }
    }

    /// Lets a closure encode a value with an encoder of its own.
    @inline(__always)
    private func encodeInside(
        _ value: Any, _ key: (any CodingKey)?, _ keyRule: KeyRule,
        _ body: (ItemEncoder) throws -> Void
    ) throws {
        let isWhole = kind == .scalar
        // Values that wrap values make no containers, and yet the recursion must end.
        guard !isWhole || level / 4 < session.options.maxDepth else { throw tooDeep(value) }
        defer {
            output.turn = ObjectIdentifier(self)
            // A value may have kept its encoder; then the next one gets another.
            if isKnownUniquelyReferenced(&spare) { spare?.owner = nil } else { spare = nil }
        }
        let encoder = spare ?? ItemEncoder(session, output)
        spare = encoder
        encoder.prepare(for: self, key, isWhole ? depth : depth + 1, keyRule)
        try body(encoder)
        encoder.finish()
    }

    private func prepare(
        for owner: ItemEncoder, _ key: (any CodingKey)?, _ depth: Int, _ keyRule: KeyRule
    ) {
        self.owner = owner
        component = key
        self.depth = depth
        level = owner.level + 1
        self.keyRule = keyRule
        kind = .nothing
        count = 0
        if !children.isEmpty { children = [] }
        output.turn = ObjectIdentifier(self)
    }

    /// Completes the item.
    private func finish() {
        if !children.isEmpty {
            for child in children { child.encoder.finish() }
            output.insert(
                children.map { ($0.position, $0.encoder.output) }, firstEntry: firstEntry)
            children = []
        }
        switch kind {
        case .scalar: break
        case .nothing: output.writer.writeMapHeader(count: 0)
        case .array: output.closeHead(0x80, UInt64(count), at: start)
        case .map:
            let order = EntryOrder(output: output, keyOrder: session.options.keyOrder)
            let entries = order.sortEntries(from: firstEntry)
            output.endEntries(from: firstEntry)
            output.closeHead(0xA0, UInt64(entries), at: start)
        }
    }
}
