// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncClient

/// A notebook with its server.
struct Syncing {
    let notebook: Notebook
    let engine: SyncEngine

    init(_ notebook: Notebook, _ arguments: Arguments) throws {
        guard let server = URL(string: arguments.server), server.host() != nil else {
            throw Notebook.Failure(
                description: "\(arguments.server) is no address; it should look like "
                    + "http://127.0.0.1:8080.")
        }
        let resolver: any ConflictResolver =
            switch arguments.resolver {
            case "client": .clientWins
            case "last": .lastWriteWins
            default: .serverWins
            }
        self.notebook = notebook
        engine = try SyncEngine(
            store: notebook.store,
            configuration: SyncConfiguration(
                databaseID: DatabaseID(arguments.database),
                deviceID: arguments.device.map { DeviceID($0) },
                clientInfo: ClientInfo(platform: "notes", appVersion: "1")),
            transport: HTTPTransport(server: server), resolver: resolver)
    }

    func sync() async throws -> String {
        let counts = try await engine.sync().counts
        var line = "pulled \(counts.pulled), pushed \(counts.pushed)"
        if counts.conflicts > 0 {
            line += ", conflicts \(counts.conflicts) (see: notes … conflicts)"
        }
        if counts.quarantined > 0 { line += ", refused by the server \(counts.quarantined)" }
        return line + "\n"
    }

    /// Shows what happens until the program is interrupted.
    func watch() async {
        await engine.start()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await state in engine.states { Terminal.error(Self.describe(state)) }
            }
            group.addTask {
                for await changes in notebook.store.changes(in: Note.collection) {
                    for change in changes { Terminal.output(describe(change)) }
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func describe(_ change: EntityChange) -> String {
        let who = change.isPulled ? "pulled" : "here  "
        let note = try? notebook.store.get(Note.self, in: Note.collection, id: change.entityID)
        return "\(who)  \(change.entityID)  \(note?.text ?? "(removed)")\n"
    }

    private static func describe(_ state: SyncState) -> String {
        switch state {
        case .idle: "idle"
        case .connecting: "connecting"
        case .pulling: "pulling"
        case .pushing: "pushing"
        case .synced(let report): "synced up to \(report.cursor)"
        case .error(let error): "error: \(error)"
        }
    }

    /// The conflict log: what lost, and what stands instead.
    func conflicts() async throws -> String {
        try await engine.conflicts().map { record in
            let conflict = record.conflict
            let winner =
                switch record.resolution {
                case .keepRemote: "the server's stands"
                case .keepLocal: "this device's stands"
                case .merge: "both were merged"
                }
            return "\(conflict.key.entityID)  here: \(Self.text(conflict.local))  "
                + "server: \(Self.text(conflict.remote))  → \(winner)\n"
        }.joined()
    }

    private static func text(_ content: [UInt8]?) -> String {
        guard let content else { return "(removed)" }
        let note = try? CBORDecoder.entities.decode(Note.self, from: content)
        return "\"\(note?.text ?? "?")\""
    }
}
