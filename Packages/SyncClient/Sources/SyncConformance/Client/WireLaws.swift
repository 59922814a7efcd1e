// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import SyncProtocol

/// What holds of all requests of a device, whatever happens to it.
enum WireLaws {
    private static let deterministic = CBORLimits(requiresDeterministic: true)

    /// Throws at the first request that breaks a law.
    static func check(_ requests: [SeenRequest]) throws {
        var sent: [OperationName: SyncOperation] = [:]
        var unsettled: [SyncOperation] = []
        var known: Cursor = 0
        var transactions: [TransactionName: Set<OperationID>] = [:]
        for (index, request) in requests.enumerated() {
            let which = "request \(index + 1)"
            try checkForm(request, which)
            if let push = request.push {
                try checkPush(push, which, &sent, &transactions)
                if let first = unsettled.first, push.operations.first != first {
                    throw failure(
                        "D5",
                        "After a lost answer, \(which) pushes something else than what was lost.")
                }
                let answer = request.status == 200 && request.wasHeard
                let isSettled = answer && (try? PushResponse(decoding: request.answer)) != nil
                if isSettled { transactions = [:] }
                // What is refused with 4xx as a whole may be pushed in other pieces.
                let isRefused = request.wasHeard && (400..<500).contains(request.status)
                unsettled = isSettled || isRefused ? [] : push.operations
            }
            if let pull = request.pull {
                guard unsettled.isEmpty else {
                    throw failure("D5", "After a lost answer to a push, \(which) pulls first.")
                }
                guard pull.sinceCursor <= known else {
                    throw failure(
                        "8",
                        "In \(which) sinceCursor is \(pull.sinceCursor), which nobody named: "
                            + "the highest was \(known).")
                }
            }
            learn(from: request, &known, &unsettled)
        }
    }

    private struct OperationName: Hashable {
        var device: DeviceID
        var number: OperationID
    }

    private struct TransactionName: Hashable {
        var device: DeviceID
        var number: TransactionID
    }

    private static func checkForm(_ request: SeenRequest, _ which: String) throws {
        if let fault = request.fault { throw failure("3 E1", "\(which) is no message: \(fault)") }
        do throws(CBORError) {
            _ = try CBORValue(decoding: request.body, limits: deterministic)
        } catch {
            throw failure("3 E2", "\(which) is not in deterministic encoding: \(error)")
        }
        if let type = request.headers["Content-Type"], !type.utf8.elementsEqual(cborType.utf8) {
            throw failure("4 H1", "The Content-Type of \(which) is \(type).")
        }
        let names = [
            request.handshake?.databaseID, request.push?.databaseID, request.pull?.databaseID,
            request.report?.databaseID,
        ].compactMap { $0 }
        guard names.allSatisfy({ $0 == ClientWorld.database }) else {
            throw failure("2", "\(which) names another database.")
        }
    }

    private static let cborType = "application/cbor"

    private static func checkPush(
        _ push: PushRequest, _ which: String, _ sent: inout [OperationName: SyncOperation],
        _ transactions: inout [TransactionName: Set<OperationID>]
    ) throws {
        var members: [TransactionName: Set<OperationID>] = [:]
        for operation in push.operations {
            let number = operation.operationID
            let name = OperationName(device: operation.deviceID, number: number)
            if let before = sent[name], before != operation {
                throw failure(
                    "2 N3, 13.2 D5",
                    "In \(which) operation \(number) is another one than when it was sent first.")
            }
            sent[name] = operation
            if operation.base != nil, operation.baseOperationID != nil {
                throw failure("5.1 O2", "In \(which) operation \(number) has both bases.")
            }
            if let base = operation.baseOperationID, base >= number {
                throw failure(
                    "5.1 O2", "In \(which) operation \(number) is made on a later one, \(base).")
            }
            if let violation = operation.violation(maxEntityBytes: 1 << 20) {
                throw failure("5", "In \(which) operation \(number): \(violation.message)")
            }
            if let group = operation.transactionID {
                members[TransactionName(device: operation.deviceID, number: group), default: []]
                    .insert(number)
            }
        }
        for (name, numbers) in members {
            // Sent again, a transaction has the numbers that it had, or new ones for some of them.
            if let before = transactions[name], before.count != numbers.count {
                throw failure(
                    "13.2 D7",
                    "In \(which) transaction \(name.number) has \(numbers.count) "
                        + "operations, and had \(before.count).")
            }
            transactions[name] = numbers
        }
    }

    private static func learn(
        from request: SeenRequest, _ known: inout Cursor, _ unsettled: inout [SyncOperation]
    ) {
        if request.status == 409 || request.status == 410 {
            // A resync comes first (D5).
            unsettled = []
        }
        guard request.wasHeard, request.status == 200 else { return }
        if let page = request.page { known = max(known, page.nextCursor) }
        if let answer = try? PushResponse(decoding: request.answer), request.push != nil {
            known = max(known, answer.serverCursor ?? 0)
        }
    }

    private static func failure(_ rule: String, _ message: String) -> ConformanceFailure {
        ConformanceFailure(message).adding("law", "protocol.md \(rule)")
    }
}
