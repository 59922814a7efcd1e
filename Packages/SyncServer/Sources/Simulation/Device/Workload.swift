// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport

/// What apps do with their stores.
struct Workload {
    private let conditions: Set<Condition>
    private var generator: SeededGenerator

    /// What the server takes at most while some entities are larger.
    static let largeEntityBytes: UInt64 = 4 << 10
    /// An app that sees so many edits in an entity begins it anew.
    private static let tokensMax = 12

    init(conditions: Set<Condition>, generator: SeededGenerator) {
        self.conditions = conditions
        self.generator = generator
    }

    /// Goes on with other numbers.
    mutating func begin(_ generator: SeededGenerator) { self.generator = generator }

    /// One write of a transaction.
    struct Write {
        var key: EntityKey
        var isDelete: Bool
        var padding: Int
    }

    /// The writes of a transaction, each to another entity.
    mutating func transaction() -> [Write] {
        // How much is drawn does not depend on conditions.
        let isSingle = chance(60) || !conditions.contains(.transactions)
        let several = Int.random(in: 2...6, using: &generator)
        let count = isSingle ? 1 : several
        var keys: [EntityKey] = []
        while keys.count < count {
            let key = key()
            if !keys.contains(key) { keys.append(key) }
        }
        var writes = keys.map { key in
            Write(
                key: key, isDelete: chance(20) && conditions.contains(.deletes),
                padding: padding())
        }
        // Now and then one member of a transaction is refused, and the others with it.
        let index = Int.random(in: 0..<count, using: &generator)
        if chance(10), count > 1, conditions.contains(.largeEntities) {
            (writes[index].isDelete, writes[index].padding) = (false, Self.tooMuchPadding)
        }
        return writes
    }

    private static let tooMuchPadding = Int(largeEntityBytes) + 1

    private mutating func key() -> EntityKey {
        if chance(50), conditions.contains(.hotEntity) { return EntityKey("notes", "hot") }
        let collection: CollectionName = chance(80) ? "notes" : "tags"
        return EntityKey(collection, EntityID("e\(Int.random(in: 0..<6, using: &generator))"))
    }

    /// As much padding as the server takes, with what else is in the entity.
    private static let allPadding = -1

    private mutating func padding() -> Int {
        let isLarge = chance(10)
        let isLargest = chance(25)
        let length = Int.random(in: 2_000...Int(Self.largeEntityBytes) + 500, using: &generator)
        guard isLarge, conditions.contains(.largeEntities) else { return 0 }
        return isLargest ? Self.allPadding : length
    }

    /// What an entity becomes by an edit, and which edits its author takes out of it.
    func edit(
        _ before: [UInt8]?, _ write: Write, token: UInt64
    ) -> (content: [UInt8]?, removed: [UInt64]) {
        var tokens = EntityContent.tokens(before)
        if write.isDelete { return (nil, tokens) }
        var removed: [UInt64] = []
        if tokens.count >= Self.tokensMax {
            removed = Array(tokens.dropLast(2))
            tokens.removeFirst(tokens.count - 2)
        }
        var content = EntityContent(
            tokens: tokens + [token], padding: write.padding,
            isMap: conditions.contains(.policies))
        if write.padding == Self.allPadding {
            content.padding = 1_000
            content.padding += Int(Self.largeEntityBytes) - content.encoded.count
        }
        return (content.encoded, removed)
    }

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }
}
