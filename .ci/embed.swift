// SPDX-License-Identifier: MIT
// The program of an embedder, built by .ci/embed against a tagged clone of this repository.

import Foundation
import SyncClient

/// What the app stores.
struct Chore: Codable {
    var title: String
}

let directory = FileManager.default.temporaryDirectory
    .appendingPathComponent("embed-\(UUID().uuidString)")
defer { try? FileManager.default.removeItem(at: directory) }

let store = try EntityStore(directory: directory.path)
try store.put(Chore(title: "water the plants"), in: "tasks", id: "t1")

// The engine is only made here, not started: there is no server to talk to.
let engine = try SyncEngine(
    store: store,
    configuration: SyncConfiguration(
        databaseID: "plants", clientInfo: ClientInfo(platform: "embed", appVersion: "1")),
    transport: HTTPTransport(server: URL(string: "http://127.0.0.1:8080")!),
    resolver: .serverWins)
let title = try store.get(Chore.self, in: "tasks", id: "t1")?.title ?? "nothing"
print("\(title); \(engine.state)")
store.close()
