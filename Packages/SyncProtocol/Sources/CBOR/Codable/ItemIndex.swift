// SPDX-License-Identifier: MIT

/// Where the items of an input are, so that a decoder can go to any of them.
///
/// Items are listed in the order of their heads: an array is followed by its elements, a map by its
/// keys and values in turn, a tag by its content.
struct ItemIndex: ItemVisitor {
    struct Node {
        /// The position of the head in bytes.
        let offset: Int
        /// The number of the first node that is not inside this one.
        var next: Int
    }

    private var nodes: [Node] = []
    private var open: [Int] = []

    mutating func begin(at offset: Int, isOpen: Bool) {
        if isOpen { open.append(nodes.count) }
        nodes.append(Node(offset: offset, next: nodes.count + 1))
    }

    mutating func close() {
        guard let node = open.popLast() else { return }
        nodes[node].next = nodes.count
    }

    /// Checks an input and lists its items.
    static func nodes(of bytes: [UInt8], limits: CBORLimits) throws(CBORError) -> [Node] {
        try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            try reader.skip()
        }
        return try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            guard let start = buffer.baseAddress else { throw CBORError.truncated(0) }
            var index = ItemIndex()
            let walk = ItemWalk(
                base: UnsafeRawPointer(start), count: buffer.count, maxDepth: limits.maxDepth)
            _ = try walk.walk(&index)
            return index.nodes
        }
    }
}

/// An input that has been checked, and where its items are.
final class DecodedDocument {
    let bytes: [UInt8]
    let nodes: [ItemIndex.Node]
    let userInfo: [CodingUserInfoKey: any Sendable]

    init(
        bytes: [UInt8], nodes: [ItemIndex.Node], userInfo: [CodingUserInfoKey: any Sendable]
    ) {
        self.bytes = bytes
        self.nodes = nodes
        self.userInfo = userInfo
    }

    func head(_ node: Int) -> CBORHead {
        bytes.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress,
                let head = try? CBORHead.read(
                    UnsafeRawPointer(start), count: buffer.count, at: nodes[node].offset,
                    isStrict: false)
            else { preconditionFailure("Every head was checked before the nodes were listed.") }
            return head
        }
    }

    /// Reads the item of a node with a reader of its own; offsets in errors are the input's.
    func read<T>(
        _ node: Int, _ body: (inout CBORReader) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            guard let start = buffer.baseAddress else { throw CBORError.truncated(0) }
            var reader = CBORReader(
                base: UnsafeRawPointer(start), count: buffer.count, limits: .depthOnly(.max))
            reader.position = nodes[node].offset
            return try body(&reader)
        }
    }

    func isNull(_ node: Int) -> Bool {
        let byte = bytes[nodes[node].offset]
        return byte == 0xF6 || byte == 0xF7
    }

    /// Whether the key at a node is this one.
    func matches(_ node: Int, _ key: WireKey) -> Bool {
        let head = head(node)
        switch key {
        case .integer(let value):
            return head.major == (value < 0 ? 1 : 0)
                && head.argument == UInt64(value < 0 ? ~value : value)
        case .text(var text):
            guard head.major == 3 else { return false }
            guard !head.isIndefinite else { return wireKey(node) == key }
            return text.withUTF8 { utf8 in
                head.argument == UInt64(utf8.count)
                    && bytes[head.end..<head.end + utf8.count].elementsEqual(utf8)
            }
        }
    }

    /// The key at a node, or `nil` if it is neither text nor an integer that fits `Int`.
    func wireKey(_ node: Int) -> WireKey? {
        switch head(node).major {
        case 0, 1:
            (try? read(node) { r throws(CBORError) in try r.readInt() })
                .flatMap { Int(exactly: $0) }.map(WireKey.integer)
        case 3: (try? read(node) { r throws(CBORError) in try r.readText() }).map(WireKey.text)
        default: nil
        }
    }
}
