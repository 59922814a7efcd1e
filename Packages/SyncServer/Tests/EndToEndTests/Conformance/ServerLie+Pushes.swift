// SPDX-License-Identifier: MIT

import CBOR
import Synchronization

extension ServerLie {
    /// What a server can get wrong about pushes.
    static let pushes: [ServerLie] = [
        ServerLie("stores what comes again once more", "push/exactly-once/again", storingAgain),
        ServerLie("stores a lost push once more", "push/exactly-once/lost-response", storingAgain),
        ServerLie("stores a reset push once more", "push/exactly-once/reset", storingAgain),
        ServerLie("stores a push at once twice", "push/exactly-once/at-once", storingAgain),
        ServerLie("acknowledges without storing", "push/stored") { request, server in
            guard request.target == "/v1/push", let message = request.body.message else {
                return try server(request)
            }
            var answer = CBORMap.of(["rejected": [], "conflicts": [], "serverCursor": 1])
            answer["accepted"] = .array(message.operations.map { run($0.uint("opId"), 1) })
            answer["acknowledgedUpToOpId"] = .unsigned(
                message.operations.last?.uint("opId") ?? 0)
            return Reply(status: 200, body: answer.encoded)
        },
        ServerLie(
            "forgets conflicts", "conflict/base/stale",
            changingAnswers("push") { answer, request in
                for conflict in answer.maps("conflicts") {
                    guard case .map(let operation) = conflict["clientOp"] else { continue }
                    append([run(operation.uint("opId"), 9)], to: &answer)
                }
                answer["conflicts"] = []
            }),
        ServerLie("lets the last writer win", "conflict/base/zero") {
            let version = Count()
            return changingRequests("push") { message in
                message.operations = message.operations.map { operation in
                    var operation = operation
                    operation["base"] = nil
                    operation["entityVersion"] = .unsigned(version.next() + 1)
                    return operation
                }
            }
        },
        ServerLie(
            "accepts an opId with other content", "push/op-id-reuse/content",
            changingAnswers("push") { answer in
                for rejection in answer.maps("rejected") {
                    append([run(rejection.uint("opId"), 1)], to: &answer)
                }
                answer["rejected"] = []
            }),
        ServerLie(
            "accepts the good members of an aborted transaction", "transaction/conflict",
            changingRequests("push") { message in
                message.operations = message.operations.map { operation in
                    var operation = operation
                    operation["transactionId"] = nil
                    return operation
                }
            }),
        ServerLie(
            "takes the first rule of P7 for none", "conflict/refused-before/conflict"
        ) { request, server in
            // Each operation by itself, so that none knows of the one before.
            guard request.target == "/v1/push", let message = request.body.message,
                message.operations.count > 1
            else { return try server(request) }
            var reply = Reply(status: 500)
            var answer = CBORMap()
            for operation in message.operations {
                var single = message
                var part = request
                single.operations = [operation]
                part.body = single.encoded
                reply = try server(part)
                guard let next = reply.body.message else { continue }
                for (key, value) in next {
                    if case .array(let new) = value, case .array(let old) = answer[key: key] {
                        answer[key: key] = .array(old + new)
                    } else {
                        answer[key: key] = value
                    }
                }
            }
            reply.body = answer.encoded
            return reply
        },
        ServerLie(
            "acknowledges beyond a conflict", "push/acknowledged",
            changingAnswers("push") { answer, request in
                answer["acknowledgedUpToOpId"] = .unsigned(
                    request.operations.last?.uint("opId") ?? 0)
            }),
        ServerLie(
            "lists each operation in a run of its own", "push/runs",
            changingAnswers("push") { answer in
                guard case .array(let runs) = answer["accepted"] else { return }
                answer["accepted"] = .array(
                    runs.flatMap { single($0) })
            }),
        ServerLie(
            "forgets the cursors of what is old", "push/exactly-once/old",
            changingAnswers("push") { answer, request in
                guard answer.uint("serverCursor") > 5_000, request.operations.count == 3 else {
                    return
                }
                answer["accepted"] = .array((UInt64(1)...3).map { run($0, 0) })
            }),
        ServerLie(
            "normalises names", "push/names-are-bytes",
            changingRequests("push") { message in
                message.operations = message.operations.map { operation in
                    var operation = operation
                    if operation["entityId"] == "e\u{301}" { operation["entityId"] = "\u{E9}" }
                    return operation
                }
            }),
        ServerLie(
            "holds up good operations beside a bad one", "push/value/op-type"
        ) { request, server in
            let reply = try server(request)
            guard reply.body.message?.maps("rejected").isEmpty == false else { return reply }
            let error = CBORMap.of(["code": 1, "message": "One of the operations is malformed."])
            return Reply(status: 400, body: error.encoded)
        },
        ServerLie("takes a wrong deviceId", "push/shape/other/device-id") { request, server in
            guard var message = request.body.message, let name = message["deviceId"] else {
                return try server(request)
            }
            message.operations = message.operations.map { operation in
                var operation = operation
                operation["deviceId"] = name
                return operation
            }
            var request = request
            if request.target == "/v1/push" { request.body = message.encoded }
            return try server(request)
        },
    ]

    private static func single(_ run: CBORValue) -> [CBORValue] {
        guard case .array(let numbers) = run, numbers.count == 3,
            case .unsigned(let opID) = numbers[0], case .unsigned(let cursor) = numbers[1],
            case .unsigned(let count) = numbers[2]
        else { return [run] }
        return (0..<count).map { self.run(opID + $0, cursor + $0) }
    }

    /// Gives the operations of every push other numbers and entities than those of the pushes
    /// before it, and answers in the numbers that came: nothing is ever a duplicate.
    private static let storingAgain: @Sendable () -> Lie = {
        let pushCount = Count()
        return { request, server in
            guard request.target == "/v1/push", var message = request.body.message else {
                return try server(request)
            }
            let shift = pushCount.next() * 1_000
            message.operations = message.operations.map { operation in
                var operation = operation
                operation["opId"] = .unsigned(operation.uint("opId") + shift)
                operation["entityId"] = .text("\(shift)-\(operation.uint("opId"))")
                return operation
            }
            var request = request
            request.body = message.encoded
            var reply = try server(request)
            guard var answer = reply.body.message, case .array(let runs) = answer["accepted"]
            else { return reply }
            answer["accepted"] = .array(
                runs.map { run in
                    guard case .array(var numbers) = run, case .unsigned(let opID) = numbers[0]
                    else { return run }
                    numbers[0] = .unsigned(opID - shift)
                    return .array(numbers)
                })
            answer["acknowledgedUpToOpId"] = .unsigned(
                answer.uint("acknowledgedUpToOpId") - shift)
            reply.body = answer.encoded
            return reply
        }
    }
}

/// Counts from 0, for all connections of a proxy.
final class Count: Sendable {
    private let value = Mutex<UInt64>(0)

    func next() -> UInt64 {
        value.withLock { value in
            defer { value += 1 }
            return value
        }
    }
}
