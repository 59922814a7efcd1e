// SPDX-License-Identifier: MIT

import Foundation
import SyncClient

/// The notes of one device.
struct Notebook {
    let store: EntityStore

    init(directory: String) throws {
        store = try EntityStore(directory: directory)
    }

    /// A failure that the program explains in a sentence.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    func add(_ text: String) throws -> String {
        let id = UUID().uuidString.lowercased()
        let now = UInt64(Date().timeIntervalSince1970 * 1_000)
        try store.put(Note(text: text, createdAt: now), in: Note.collection, id: id)
        return id
    }

    func edit(_ id: String, _ text: String) throws {
        try store.transaction { transaction in
            guard var note = try transaction.get(Note.self, in: Note.collection, id: id) else {
                throw Failure(description: "There is no note \(id).")
            }
            note.text = text
            try transaction.put(note, in: Note.collection, id: id)
        }
    }

    func remove(_ id: String) throws {
        guard try store.delete(in: Note.collection, id: id) else {
            throw Failure(description: "There is no note \(id).")
        }
    }

    /// All notes, oldest first.
    func notes() throws -> [(id: String, note: Note)] {
        try store.entities(Note.self, in: Note.collection)
            .map { (id: $0.id, note: $0.entity) }
            .sorted { ($0.note.createdAt, $0.id) < ($1.note.createdAt, $1.id) }
    }

    func list(json: Bool) throws -> String {
        let notes = try notes()
        guard json else {
            return notes.map { "\($0.id)  \($0.note.text)\n" }.joined()
        }
        let objects = notes.map {
            ["id": $0.id, "text": $0.note.text, "createdAt": $0.note.createdAt] as [String: Any]
        }
        let data = try JSONSerialization.data(
            withJSONObject: objects, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}
