// SPDX-License-Identifier: MIT

import CBOR

extension ServerLie {
    /// What a server can get wrong about pulls.
    static let pulls: [ServerLie] = [
        ServerLie(
            "splits transactions over pages", "pages/transaction/limit",
            changingAnswers("pull") { answer, request in
                let limit = Int(request.uint("limit"))
                guard answer.operations.count > limit else { return }
                answer.operations = Array(answer.operations.prefix(limit))
                answer["nextCursor"] = .unsigned(answer.operations.last?.uint("cursor") ?? 0)
                answer["hasMore"] = true
            }),
        ServerLie(
            "takes what was returned for what was scanned", "pull/progress/filtered",
            changingAnswers("pull") { answer, request in
                answer["nextCursor"] = .unsigned(
                    answer.operations.last?.uint("cursor") ?? request.uint("sinceCursor"))
            }),
        ServerLie(
            "has always more", "pull/progress/has-more",
            changingAnswers("pull") { $0["hasMore"] = true }),
        ServerLie(
            "includes sinceCursor", "pull/since",
            changingRequests("pull") { message in
                message["sinceCursor"] = .unsigned(max(1, message.uint("sinceCursor")) - 1)
            }),
        ServerLie(
            "shows a device its own operations", "pull/own",
            changingRequests("pull") { $0["deviceId"] = nil }),
        ServerLie(
            "takes no collections for all", "pull/collections",
            changingRequests("pull") { message in
                if message["collections"] == [] { message["collections"] = nil }
            }),
        ServerLie(
            "never waits", "wait/time-over",
            changingRequests("pull") { $0["waitMs"] = nil }),
        ServerLie(
            "wakes with empty hands", "wait/woken",
            changingAnswers("pull") { answer, request in
                if request["waitMs"] != nil { answer.operations = [] }
            }),
        ServerLie(
            "wakes for every collection", "wait/passed-by",
            changingRequests("pull") { message in
                if message["waitMs"] != nil { message["collections"] = nil }
            }),
        ServerLie(
            "encodes content again", "encoding/entity/bytes",
            changingPulled { operation in
                guard case .bytes(let bytes) = operation["entityCbor"],
                    let value = try? CBORValue(decoding: bytes)
                else { return }
                operation["entityCbor"] = .bytes(value.encoded())
            }),
        ServerLie(
            "loses labels", "push/stored", changingPulled { $0["labels"] = nil }),
        ServerLie(
            "stamps operations anew", "push/stored",
            changingPulled { operation in
                if operation["hlc"] != nil { operation["hlc"] = 1 }
            }),
        ServerLie(
            "hands unknown keys on", "encoding/taken/unknown-keys",
            changingPulled { $0["zzz"] = 1 }),
        ServerLie(
            "leaves the order to chance", "concurrency/one-order",
            changingAnswers("pull") { $0.operations = $0.operations.reversed() }),
        ServerLie(
            "drops tombstones", "conflict/delete/tombstone",
            changingAnswers("pull") { answer in
                answer.operations = answer.operations.filter { $0["opType"] != "delete" }
            }),
    ]
}
