// SPDX-License-Identifier: MIT

import SyncProtocol

/// What the server does about an operation in conflict (protocol, §5.8). The raw value is the name
/// on the wire.
enum ServerPolicy: String, CaseIterable, Sendable {
    /// The conflict is answered; the device decides.
    case detect
    /// The conflict is answered; the device settles it for the server's side.
    case serverWins
    /// The operation stands.
    case clientWins
    /// The later stamp stands.
    case lastWriteWins
    /// What both sides did to different fields of the entity stands.
    case merge

    /// Whether the server itself may decide, and write a revision of its own.
    var decides: Bool { self != .detect && self != .serverWins }
}

/// The policies of all collections.
struct ServerPolicies: Equatable, Sendable {
    /// The policy of a collection that has none of its own.
    var standard = ServerPolicy.detect
    /// The policies of single collections.
    var byCollection: [CollectionName: ServerPolicy] = [:]

    /// The policy of a collection whose name is these bytes. O(1), and without a copy of the name
    /// where all collections are alike.
    subscript(collection name: UnsafeRawBufferPointer) -> ServerPolicy {
        if byCollection.isEmpty { return standard }
        return byCollection[CollectionName(String(decoding: name, as: UTF8.self))] ?? standard
    }

    /// Whether the server decides conflicts of any collection. O(n) in their number.
    var decides: Bool { standard.decides || byCollection.values.contains { $0.decides } }

    /// What a handshake says of them.
    var announced: ConflictPolicy { announced(to: .all) }

    /// What a handshake says of them: nothing of collections that may not be read.
    func announced(to collections: CollectionGrants) -> ConflictPolicy {
        ConflictPolicy(
            standard: standard.rawValue,
            byCollection: byCollection.filter { collections.canRead($0.key) }
                .mapValues(\.rawValue))
    }
}

extension ServerPolicies {
    /// The policies that a handshake announces so; a name that is not known is `detect`.
    init(_ announced: ConflictPolicy) {
        standard = ServerPolicy(rawValue: announced.standard) ?? .detect
        byCollection = announced.byCollection.mapValues { ServerPolicy(rawValue: $0) ?? .detect }
    }
}
