// SPDX-License-Identifier: MIT

import CBOR
import Synchronization

/// A rule that a server breaks, and the check that is named for it.
struct ServerLie: Sendable, CustomStringConvertible {
    var description: String
    var check: String
    /// Makes the lie; what it remembers begins anew.
    var make: @Sendable () -> Lie

    init(_ description: String, _ check: String, _ make: @escaping @Sendable () -> Lie) {
        self.description = description
        self.check = check
        self.make = make
    }

    /// A lie that remembers nothing.
    init(_ description: String, _ check: String, _ lie: @escaping Lie) {
        self.init(description, check) { lie }
    }

    static let all: [ServerLie] = pushes + pulls + others
}

// MARK: - Making lies

extension ServerLie {
    /// Changes the message of each answer with status 200 to an endpoint.
    static func changingAnswers(
        _ endpoint: String, _ change: @escaping @Sendable (inout CBORMap) -> Void
    ) -> Lie {
        changingAnswers(endpoint) { answer, _ in change(&answer) }
    }

    /// The same, with the request.
    static func changingAnswers(
        _ endpoint: String,
        _ change: @escaping @Sendable (_ answer: inout CBORMap, _ request: CBORMap) -> Void
    ) -> Lie {
        { request, server in
            var reply = try server(request)
            guard request.target == "/v1/\(endpoint)", reply.status == 200,
                var answer = reply.body.message, let question = request.body.message
            else { return reply }
            change(&answer, question)
            reply.body = answer.encoded
            return reply
        }
    }

    /// Changes the message of each request to an endpoint.
    static func changingRequests(
        _ endpoint: String, _ change: @escaping @Sendable (inout CBORMap) -> Void
    ) -> Lie {
        { request, server in
            guard request.target == "/v1/\(endpoint)", var message = request.body.message else {
                return try server(request)
            }
            var request = request
            change(&message)
            request.body = message.encoded
            return try server(request)
        }
    }

    /// Changes each operation that pulls show.
    static func changingPulled(_ change: @escaping @Sendable (inout CBORMap) -> Void) -> Lie {
        changingAnswers("pull") { answer in
            var operations = answer.operations
            for index in operations.indices { change(&operations[index]) }
            answer.operations = operations
        }
    }

    /// Answers one status as another.
    static func changing(_ status: Int, to other: Int) -> Lie {
        { request, server in
            var reply = try server(request)
            if reply.status == status { reply.status = other }
            return reply
        }
    }

    /// A run of `accepted`.
    static func run(_ opID: UInt64, _ cursor: UInt64) -> CBORValue {
        [.unsigned(opID), .unsigned(cursor), 1]
    }

    static func append(_ runs: [CBORValue], to answer: inout CBORMap) {
        guard case .array(let before) = answer["accepted"] else { return }
        answer["accepted"] = .array(before + runs)
    }
}
