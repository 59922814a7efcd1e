// SPDX-License-Identifier: MIT

import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a device's transaction was to do to one entity.
struct LedgerEdit: Codable, Equatable, Sendable {
    /// The entity, as `collection/id`.
    var key: String
    /// The token that it appends; `nil` for a delete.
    var token: String?
    /// The tokens that its author saw go, by a delete.
    var removed: [String] = []
}

/// A transaction of a device, and what the store said about it.
struct LedgerTransaction: Codable, Equatable, Sendable {
    enum Outcome: String, Codable, Sendable {
        /// The store has not returned: it was to be committed, and may be there.
        case intended
        /// The store said that it is committed: it is never lost.
        case committed
        /// The store said that nothing was changed: it must not be there.
        case refused
    }

    var number: Int
    var outcome: Outcome
    var edits: [LedgerEdit]
}

/// A device's own account of what its store told it, in a file beside the store: an intent before
/// each commit and the outcome after it, synced. It outlives every kill of the device.
final class Ledger {
    /// One line of the file.
    private struct Line: Codable {
        var number: Int
        var outcome: LedgerTransaction.Outcome
        var edits: [LedgerEdit]?
    }

    private let descriptor: CInt
    private(set) var lastNumber: Int

    /// Opens or makes the file at `path`.
    init(path: String) throws {
        lastNumber = try Self.read(path).map(\.number).max() ?? 0
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemFailure("open \(path)") }
        // Ends a line that a kill has cut.
        Platform.writeAll([UInt8(ascii: "\n")], to: descriptor)
    }

    deinit { close(descriptor) }

    /// Notes what is about to be committed, under the next number.
    func intend(_ edits: [LedgerEdit]) throws {
        lastNumber += 1
        try append(Line(number: lastNumber, outcome: .intended, edits: edits))
    }

    /// Notes what the store said about the last intent, durably.
    func settle(_ outcome: LedgerTransaction.Outcome) throws {
        try append(Line(number: lastNumber, outcome: outcome))
        guard fsync(descriptor) == 0 else { throw SystemFailure("fsync of the ledger") }
    }

    private func append(_ line: Line) throws {
        let bytes = Array(try JSONEncoder().encode(line)) + [UInt8(ascii: "\n")]
        guard Platform.writeAll(bytes, to: descriptor) else { throw SystemFailure("write") }
    }

    /// Everything that the ledger at `path` says, in order. A line that a kill has cut counts as
    /// not written; none if there is no file.
    static func read(_ path: String) throws -> [LedgerTransaction] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return parse([UInt8](data))
    }

    static func parse(_ bytes: [UInt8]) -> [LedgerTransaction] {
        var transactions: [LedgerTransaction] = []
        var places: [Int: Int] = [:]
        for text in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let line = try? JSONDecoder().decode(Line.self, from: Data(text)) else {
                continue
            }
            if let edits = line.edits {
                places[line.number] = transactions.count
                transactions.append(
                    LedgerTransaction(number: line.number, outcome: line.outcome, edits: edits))
            } else if let place = places[line.number] {
                transactions[place].outcome = line.outcome
            }
        }
        return transactions
    }
}
