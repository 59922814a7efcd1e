// SPDX-License-Identifier: MIT

import SyncTestSupport

/// Decides what a device edits next. Tokens are unique in the whole run, so each edit can be found
/// again wherever it went.
struct Workload {
    /// What to write to one entity.
    struct Write: Equatable {
        var key: EntityName
        /// The new content; `nil` deletes it.
        var sheet: Sheet?
        var edit: LedgerEdit
    }

    /// An entity's place.
    struct EntityName: Hashable {
        var collection: String
        var id: String

        var key: String { collection + "/" + id }
    }

    /// Few enough that devices meet all the time.
    static let sheetCount = 12
    static let pairCount = 4
    /// A sheet with so many tokens is deleted next: contents stay small however long a run is.
    static let tokensMax = 24

    private let device: String
    private var generator: SeededGenerator

    init(device: String, seed: UInt64) {
        self.device = device
        generator = SeededGenerator(seed: seed)
    }

    /// The writes of the next transaction.
    ///
    /// - Parameters:
    ///   - number: The transaction's number in the ledger.
    ///   - content: What the device sees now.
    mutating func next(
        _ number: Int, content: (EntityName) throws -> Sheet?
    ) rethrows -> [Write] {
        let names = chooseNames()
        // All members of a pair are deleted together, as they are written together.
        let isDelete = Int.random(in: 0..<10, using: &generator) == 0
        let ballast = makeBallast()
        var writes: [Write] = []
        for (index, name) in names.enumerated() {
            let old = try content(name)
            let token =
                Self.isPair(name.key) ? "\(device)-\(number)" : "\(device)-\(number).\(index)"
            if let old, isDelete || old.tokens.count >= Self.tokensMax {
                let edit = LedgerEdit(key: name.key, token: nil, removed: old.tokens)
                writes.append(Write(key: name, sheet: nil, edit: edit))
            } else {
                let sheet = Sheet(tokens: (old?.tokens ?? []) + [token], ballast: ballast)
                let edit = LedgerEdit(key: name.key, token: token)
                writes.append(Write(key: name, sheet: sheet, edit: edit))
            }
        }
        return writes
    }

    /// How long to rest before the next transaction: bursts, and pauses in which a sync ends.
    mutating func nextPauseMilliseconds() -> Int {
        Int.random(in: 0..<12, using: &generator) == 0
            ? Int.random(in: 50...300, using: &generator)
            : Int.random(in: 1...15, using: &generator)
    }

    private mutating func chooseNames() -> [EntityName] {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<5: return [chooseSheet()]
        case 5..<7:
            let count = Int.random(in: 2...4, using: &generator)
            var names: [EntityName] = []
            for _ in 0..<count {
                let name = chooseSheet()
                if !names.contains(name) { names.append(name) }
            }
            return names
        default:
            let pair = Int.random(in: 0..<Self.pairCount, using: &generator)
            return [
                EntityName(collection: "left", id: "pair\(pair)"),
                EntityName(collection: "right", id: "pair\(pair)"),
            ]
        }
    }

    private mutating func chooseSheet() -> EntityName {
        EntityName(
            collection: "sheets",
            id: "sheet\(Int.random(in: 0..<Self.sheetCount, using: &generator))")
    }

    /// Mostly nothing; now and then more than a socket or a page takes at once.
    private mutating func makeBallast() -> String {
        let sizes = [0, 0, 0, 0, 0, 100, 2_000, 40_000]
        return String(repeating: "x", count: sizes.randomElement(using: &generator) ?? 0)
    }

    /// Whether an entity is one half of a pair, whose halves are always written together.
    static func isPair(_ key: String) -> Bool {
        key.hasPrefix("left/") || key.hasPrefix("right/")
    }
}

/// Keeps both sides' tokens. An entity that one side deleted stays if the other has new ones.
func mergedTokens(_ local: [String]?, _ remote: [String]?) -> [String] {
    var tokens = remote ?? []
    for token in local ?? [] where !tokens.contains(token) { tokens.append(token) }
    return tokens
}
