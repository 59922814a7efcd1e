// SPDX-License-Identifier: MIT

import Foundation
import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

typealias SimulatedStore = DiskEntityStore<SimulatedDisk>

extension SimulatedDisk {
    /// Opens the store in `/db`.
    func openStore(
        _ configuration: StoreConfiguration = StoreConfiguration()
    ) throws(StoreError) -> SimulatedStore {
        try SimulatedStore(directory: "/db", disk: self, configuration: configuration)
    }

    func contents(of path: String) throws -> [UInt8] {
        let file = try openFile(at: path, .read)
        return try file.read(count: Int(try file.size()), at: 0)
    }
}

/// What a store should hold: contents by collection and id.
struct StoreModel: Equatable {
    var contents: [TextKey: [TextKey: [UInt8]]] = [:]

    mutating func apply(_ writes: [WALWrite]) {
        for write in writes {
            contents[TextKey(write.collection), default: [:]][TextKey(write.entityID)] =
                write.content
        }
        contents = contents.filter { !$0.value.isEmpty }
    }

    init() {}

    init<Disk>(_ store: DiskEntityStore<Disk>) {
        self.init(store.collections) { store.rawEntities(in: $0) }
    }

    init<Disk>(_ reader: DiskEntityReader<Disk>) {
        self.init(reader.collections) { reader.rawEntities(in: $0) }
    }

    private init(_ collections: [String], _ entities: (String) -> [RawEntity]) {
        for collection in collections {
            for entity in entities(collection) {
                contents[TextKey(collection), default: [:]][TextKey(entity.id)] = entity.content
            }
        }
    }
}

/// Seeded transactions over few entities, with checkpoints and reopenings between them.
struct StoreWorkload {
    enum Step {
        case commit([WALWrite])
        case checkpoint
        case reopen
    }

    let steps: [Step]

    init(seed: UInt64, stepCount: Int) {
        var generator = SeededGenerator(seed: seed)
        var value: UInt64 = 0
        steps = (0..<stepCount).map { _ in
            switch Int.random(in: 0..<10, using: &generator) {
            case 0: return .reopen
            case 1, 2: return .checkpoint
            default:
                var writes: [WALWrite] = []
                var seen: Set<TextKey> = []
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let number = Int.random(in: 0..<6, using: &generator)
                    let id = number.isMultiple(of: 2) ? "e\(number)" : ForeignDatabase.id(number)
                    let collection = Bool.random(using: &generator) ? "a" : "b"
                    guard seen.insert(TextKey(collection + id)).inserted else { continue }
                    value += 1
                    let isDelete = Int.random(in: 0..<4, using: &generator) == 0
                    writes.append(
                        WALWrite(
                            collection: collection, entityID: id,
                            content: isDelete ? nil : Self.content(value)))
                }
                return .commit(writes)
            }
        }
    }

    /// Content of varied length that occurs once.
    static func content(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [0x82, 0x1B]
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
        let padding = Int(value % 5) * 4
        return bytes + [0x40 + UInt8(padding)] + [UInt8](repeating: 0xAA, count: padding)
    }
}

extension DiskEntityStore {
    /// Commits writes through the app's own door; deletes of what is not there write nothing.
    func commit(_ writes: [WALWrite]) throws {
        try transaction { transaction in
            for write in writes {
                if let content = write.content {
                    try transaction.putRaw(content, in: write.collection, id: write.entityID)
                } else {
                    try transaction.delete(in: write.collection, id: write.entityID)
                }
            }
        }
    }
}

/// A directory of the real disk that goes away with its last reference.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path(percentEncoded: false)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
