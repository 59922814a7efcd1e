// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import Testing

@testable import SyncConformance

/// A way in which a client may be wrong, and the checks that have to find it.
///
/// The client is this project's own. What it says is changed on its way: its requests before the
/// server sees them, the answers before it hears them, and what it tells of itself.
struct ClientLie: Sendable, CustomTestStringConvertible {
    var name: String
    /// The checks that fail, as `--only` takes them.
    var isFoundBy: String
    var wire: FaultyServer.Lie?
    var adapter: Adapter.Lie?

    var testDescription: String { name }

    init(_ name: String, _ isFoundBy: String, wire: FaultyServer.Lie) {
        (self.name, self.isFoundBy, self.wire) = (name, isFoundBy, wire)
    }

    init(_ name: String, _ isFoundBy: String, adapter: Adapter.Lie) {
        (self.name, self.isFoundBy, self.adapter) = (name, isFoundBy, adapter)
    }

    /// Changes the message of a path.
    init(
        _ name: String, _ isFoundBy: String, in path: String,
        _ change: @escaping @Sendable (inout CBORMap) -> Void
    ) {
        self.init(
            name, isFoundBy,
            wire: .init(request: { request in
                guard request.path == path,
                    case .map(var map)? = try? CBORValue(
                        decoding: request.body)
                else { return }
                change(&map)
                request.body = CBORValue.map(map).encoded()
            }))
    }

    /// Changes each operation that is pushed.
    init(
        _ name: String, _ isFoundBy: String,
        operation change: @escaping @Sendable (inout CBORMap) -> Void
    ) {
        self.init(name, isFoundBy, in: "/v1/push") { $0.changeOperations(change) }
    }

    /// Changes what the adapter answers to an action.
    init(
        _ name: String, _ isFoundBy: String, answer action: String,
        _ change: @escaping @Sendable (inout CBORMap) -> Void
    ) {
        self.init(
            name, isFoundBy,
            adapter: .init(answer: { asked, members in
                if asked == "\"\(action)\"" { change(&members) }
            }))
    }
}

extension CBORMap {
    /// Changes each element of `ops`.
    mutating func changeOperations(_ change: (inout CBORMap) -> Void) {
        guard case .array(let operations) = self[key: "ops"] else { return }
        self[key: "ops"] = .array(
            operations.map { operation in
                guard case .map(var members) = operation else { return operation }
                change(&members)
                return .map(members)
            })
    }

    func number(_ name: String) -> UInt64 {
        if case .unsigned(let number) = self[key: .text(name)] { number } else { 0 }
    }
}
