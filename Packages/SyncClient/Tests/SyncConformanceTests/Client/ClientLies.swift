// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import SyncProtocol
import Synchronization

@testable import SyncConformance

extension ClientLie {
    /// What a request says of edits and of places in the log.
    static let ofRequests: [ClientLie] = [
        .init(
            "bytes behind the message", "push/first,pull/entities,answers/unknown-keys",
            wire: .init(request: { $0.body.append(0) })),
        .init(
            "keys in another order", "push/handshake,push/first",
            wire: .init(request: { request in
                guard case .map(let map)? = try? CBORValue(decoding: request.body) else { return }
                let entries = map.map { $0.key.encoded() + $0.value.encoded() }
                request.body = [request.body[0]] + entries.reversed().flatMap { $0 }
            })),
        .init(
            "text for CBOR", "push/first",
            wire: .init(request: { request in
                var headers: HTTPHeaders = ["Content-Type": "text/plain"]
                headers.append("Host", "h")
                request.headers = headers
            })),
        .init("another database", "push/first", in: "/v1/pull") { $0[key: "dbId"] = "notes" },
        .init("another device", "push/handshake", in: "/v1/handshake") {
            $0[key: "deviceId"] = "d"
        },
        .init("no log", "push/log", in: "/v1/push") { $0[key: "logId"] = nil },
        .init("no snapshot", "pull/snapshot", in: "/v1/pull") { $0[key: "snapshot"] = nil },
        .init("from the beginning", "pull/from-cursor,pull/restart,pull/snapshot", in: "/v1/pull") {
            $0[key: "sinceCursor"] = 0
            $0[key: "snapshot"] = nil
        },
        .init("beyond the end", "pull/base", in: "/v1/pull") { map in
            if map.number("sinceCursor") == 2 { map[key: "sinceCursor"] = 3 }
        },
        .init("the old log", "logs/other-handshake,logs/unknown-reason", in: "/v1/handshake") {
            map in
            map[key: "logId"] = .bytes(ClientWorld.firstLog.bytes)
        },
        .init("only what it pulled", "logs/seen", in: "/v1/handshake") { map in
            if map.number("cursor") == 3 { map[key: "cursor"] = 1 }
        },
        .init("no deletes of the old log", "logs/delete", in: "/v1/push") { map in
            map.changeOperations { operation in
                guard operation[key: "opType"] == "delete", operation.number("base") == 0 else {
                    return
                }
                operation[key: "opType"] = "upsert"
                operation[key: "entityCbor"] = .bytes(ClientWorld.content("milk"))
            }
        },
        .init("without one's own", "logs/other-handshake", in: "/v1/pull") {
            $0[key: "includeOwn"] = nil
        },
    ]

    static let ofOperations: [ClientLie] = [
        .init(
            "no base",
            "push/first,push/base,push/delete,push/again,push/chain,pull/base,conflicts/base-after",
            operation: {
                $0[key: "base"] = nil
                $0[key: "baseOpId"] = nil
            }),
        .init("two bases", "push/first", operation: { $0[key: "baseOpId"] = 1 }),
        .init("a base of the old log", "logs/other", operation: { $0[key: "base"] = 1 }),
        .init(
            "a version too many", "push/first,push/base,pull/base,answers/older-peer-version",
            operation: { $0[key: "entityVersion"] = .unsigned($0.number("entityVersion") + 1) }),
        .init(
            "no transaction",
            "push/transaction,refusals/halves-of-transactions,conflicts/transaction",
            operation: { $0[key: "transactionId"] = nil }),
        .init(
            "one number for all transactions", "push/transaction",
            operation: { $0[key: "transactionId"] = 7 }),
        .init(
            "one stamp for all", "push/stamps",
            operation: { $0[key: "hlc"] = 65_536 }),
        .init(
            "the number of a refused edit", "conflicts/not-overwritten",
            operation: { operation in
                if operation[key: "entityId"] == "n2" { operation[key: "opId"] = 2 }
            }),
    ]

    /// What changes from request to request.
    static var ofRepetition: [ClientLie] {
        let counter = Counter()
        return [
            .init(
                "new numbers for what was lost",
                "faults/lost-answer,faults/lost-push,faults/cut-answer,faults/lost-again,"
                    + "faults/pulled-after-loss",
                in: "/v1/push"
            ) { map in
                let shift = counter.next() * 100
                map.changeOperations { operation in
                    operation[key: "opId"] = .unsigned(operation.number("opId") + shift)
                }
            },
            .init(
                "an edit more in each push",
                "push/limits,answers/key-order,answers/long-heads,answers/indefinite,answers/nulls,"
                    + "answers/older-peer,faults/no-cbor,faults/no-message,faults/no-body,"
                    + "faults/internal,faults/bad-gateway,faults/timeout,faults/edit-while-lost,"
                    + "faults/token,faults/forbidden,faults/version,refusals/rejected,"
                    + "refusals/too-large,refusals/culprit,refusals/no-culprit,logs/ahead,"
                    + "logs/equal,crashes/push,crashes/push-and-edit",
                in: "/v1/push"
            ) { map in
                guard case .array(var operations) = map[key: "ops"],
                    case .map(var last)? = operations.last
                else { return }
                let number = counter.next()
                last[key: "opId"] = .unsigned(last.number("opId") + 1_000 * number)
                last[key: "entityId"] = .text("more \(number)")
                last[key: "transactionId"] = nil
                last[key: "baseOpId"] = nil
                last[key: "base"] = 0
                operations.append(.map(last))
                map[key: "ops"] = .array(operations)
            },
            .init(
                "deaf to Retry-After", "faults/retry-after,faults/rate-limit",
                wire: .init(response: { response in
                    if response.status != 200 {
                        response.headers = [:]
                        response.body = []
                    }
                })),
            .init(
                "deaf to lastOpId", "logs/fallen",
                wire: .init(response: { response in
                    guard case .map(var map)? = try? CBORValue(decoding: response.body),
                        map[key: "lastOpId"] != nil
                    else { return }
                    map[key: "lastOpId"] = nil
                    response.body = CBORValue.map(map).encoded()
                })),
            .init(
                "takes cursor 0 for accepted", "logs/number-forgotten",
                wire: .init(response: { response in
                    guard case .map(var map)? = try? CBORValue(decoding: response.body),
                        case .array(let runs) = map[key: "accepted"],
                        case .array(let run)? = runs.first, run.count == 3, run[1] == 0
                    else { return }
                    map[key: "accepted"] = .array([.array([run[0], 2, run[2]])])
                    response.body = CBORValue.map(map).encoded()
                })),
            .init(
                "deaf to limits", "push/limits",
                wire: .init(response: { response in
                    guard case .map(var map)? = try? CBORValue(decoding: response.body),
                        map[key: "limits"] != nil
                    else { return }
                    map[key: "limits"] = nil
                    response.body = CBORValue.map(map).encoded()
                })),
        ]
    }

    /// What the adapter tells.
    static let ofAnswers: [ClientLie] = [
        .init(
            "shows nothing",
            "pull/entities,pull/pages-of-one,pull/empty-page,pull/tombstone,pull/own,"
                + "pull/transaction,pull/restart,"
                + "answers/unknown-keys,faults/lost-page,faults/cut-page,faults/page-no-cbor,"
                + "faults/lost-handshake,faults/late,faults/answered-twice,refusals/base,"
                + "refusals/transaction,conflicts/in-push,conflicts/equal,logs/compacted,"
                + "logs/number-taken,crashes/edit,crashes/page,crashes/resync",
            answer: "list"
        ) { $0[key: "entities"] = [] },
        .init("shows what is gone", "push/delete,conflicts/deleted-remotely", answer: "list") {
            $0[key: "entities"] = .array([.map(entity("n1"))])
        },
        .init(
            "keeps no conflict",
            "conflicts/remote-wins,conflicts/in-push,conflicts/deleted-remotely,"
                + "conflicts/transaction,logs/unlike,logs/newest",
            answer: "conflicts"
        ) { $0[key: "conflicts"] = [] },
        .init(
            "sees conflicts everywhere",
            "pull/own,faults/pulled-after-loss,conflicts/equal,conflicts/both-deleted,logs/equal,"
                + "logs/superseded",
            answer: "conflicts"
        ) { $0[key: "conflicts"] = .array([.map(entity("n1"))]) },
        .init(
            "keeps no quarantine",
            "refusals/rejected,refusals/base,refusals/unknown-code,refusals/transaction,"
                + "refusals/culprit",
            answer: "quarantine"
        ) { $0[key: "edits"] = [] },
        .init(
            "quarantines everything",
            "refusals/too-large,refusals/halves-of-transactions,refusals/no-culprit,"
                + "logs/number-taken",
            answer: "quarantine"
        ) { $0[key: "edits"] = .array([.map(entity("n1"))]) },
        .init(
            "never done", "push/first,conflicts/both-deleted,crashes/push,logs/unsent",
            answer: "pending"
        ) { $0[key: "count"] = 1 },
        .init(
            "all is well", "faults/token,faults/forbidden,faults/version,refusals/no-culprit",
            answer: "sync"
        ) { $0[key: "ok"] = true },
        .init(
            "forgets its last edit",
            "crashes/edit,crashes/push-and-edit,logs/number-ahead,logs/compacted-edits",
            adapter: .init(request: { members in
                guard members.first?.value == #""commit""# else { return }
                members[1].value = "[]"
            })),
    ]

    static var all: [ClientLie] { ofRequests + ofOperations + ofRepetition + ofAnswers }

    private static func entity(_ name: String) -> CBORMap {
        var map = CBORMap()
        map[key: "collection"] = .text(ClientWorld.collection.rawValue)
        map[key: "entity"] = .text(name)
        map[key: "content"] = "00"
        return map
    }

    private final class Counter: Sendable {
        private let value = Mutex<UInt64>(0)

        func next() -> UInt64 {
            value.withLock { value in
                value += 1
                return value
            }
        }
    }
}
