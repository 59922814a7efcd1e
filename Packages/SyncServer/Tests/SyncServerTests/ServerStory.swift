// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport

@testable import SyncServer

/// What everybody has been told by a server, kept apart from it.
struct ServerLedger {
    /// One push, as its device keeps it until it is answered.
    struct Push {
        var databaseID: DatabaseID
        var deviceID: DeviceID
        var operations: [SyncOperation]
    }

    var logIDs: [DatabaseID: LogID] = [:]
    /// Every operation that was ever sent, by device and number: no two share these.
    var sent: [DatabaseID: [String: SyncOperation]] = [:]
    /// Where an operation is, as an answer or a page said.
    var cursors: [DatabaseID: [String: Cursor]] = [:]
    var unanswered: [Push] = []
    /// What devices have said that they applied, and which of that was written since.
    var applied: [DatabaseID: [DeviceID: Cursor]] = [:]
    var appliedAtLeast: [DatabaseID: [DeviceID: Cursor]] = [:]
    var nextNumber: UInt64 = 1

    static func key(_ operation: SyncOperation) -> String {
        "\(operation.deviceID)/\(operation.operationID)"
    }

    /// Makes up a push of so many new operations; more than one are a transaction.
    mutating func makePush(
        _ deviceID: DeviceID, to databaseID: DatabaseID, count: Int
    ) -> Push {
        let transaction = count > 1 ? TransactionID(nextNumber) : nil
        var push = Push(databaseID: databaseID, deviceID: deviceID, operations: [])
        for _ in 0..<count {
            let made = operation(
                OperationID(nextNumber), EntityID("e\(nextNumber)"), base: 0,
                transaction: transaction, device: deviceID, database: databaseID)
            push.operations.append(made)
            sent[databaseID, default: [:]][Self.key(made)] = made
            nextNumber += 1
        }
        return push
    }

    /// Notes what was shown; returns what is wrong with it.
    @discardableResult
    mutating func note(_ shown: [SyncOperation], of databaseID: DatabaseID) -> String? {
        for operation in shown {
            let key = Self.key(operation)
            guard sent[databaseID]?[key]?.hasSameContent(as: operation) == true else {
                return "\(key) of \(databaseID) was never sent so"
            }
            let known = cursors[databaseID]?[key]
            guard known == nil || known == operation.cursor else {
                return "\(key) of \(databaseID) is at two cursors"
            }
            cursors[databaseID, default: [:]][key] = operation.cursor
        }
        return nil
    }

    mutating func settle(_ push: Push, _ answer: PushResponse) {
        for operation in push.operations {
            cursors[push.databaseID, default: [:]][Self.key(operation)] =
                answer.cursors[operation.operationID]
        }
        unanswered.removeAll { $0.operations.first == push.operations.first }
    }

    mutating func noteApplied(_ cursor: Cursor, by deviceID: DeviceID, of databaseID: DatabaseID) {
        applied[databaseID, default: [:]][deviceID] = cursor
    }

    /// What is wrong with the files, by all that was told. What they hold counts as told from here
    /// on.
    mutating func judge(_ content: ServerFiles.Content) -> String? {
        for (databaseID, logID) in logIDs where content[databaseID]?.logID != logID {
            return "the log of \(databaseID) is gone or another one"
        }
        for (databaseID, found) in content {
            logIDs[databaseID] = found.logID
            let count = UInt64(found.operations.count)
            guard found.operations.map(\.cursor) == (0..<count).map({ Cursor($0 + 1) }) else {
                return "the cursors of \(databaseID) have gaps"
            }
            if let fault = note(found.operations, of: databaseID) { return fault }
            let keys = Set(found.operations.map(Self.key))
            let known = Set(cursors[databaseID, default: [:]].keys)
            guard keys.count == found.operations.count, keys == known else {
                return "an operation of \(databaseID) is lost or there twice"
            }
            if let fault = brokenTransaction(found, databaseID) { return fault }
            if let fault = wrongCursor(found, databaseID) { return fault }
        }
        return nil
    }

    private func brokenTransaction(
        _ found: DatabaseContent, _ databaseID: DatabaseID
    ) -> String? {
        func sizes(_ operations: some Sequence<SyncOperation>) -> [TransactionID: Int] {
            operations.reduce(into: [:]) { sizes, operation in
                if let transaction = operation.transactionID { sizes[transaction, default: 0] += 1 }
            }
        }
        let whole = sizes(sent[databaseID, default: [:]].values)
        for (transaction, size) in sizes(found.operations) where whole[transaction] != size {
            return "transaction \(transaction) of \(databaseID) is there by half"
        }
        return nil
    }

    private mutating func wrongCursor(
        _ found: DatabaseContent, _ databaseID: DatabaseID
    ) -> String? {
        for (device, cursor) in found.cursors
        where cursor > applied[databaseID]?[device] ?? 0 {
            return "device \(device) never said that it applied \(cursor)"
        }
        for (device, cursor) in appliedAtLeast[databaseID, default: [:]]
        where cursor > found.cursors[device] ?? 0 {
            return "that device \(device) applied \(cursor) was written once"
        }
        appliedAtLeast[databaseID] = found.cursors
        return nil
    }
}

/// Everything that a server does with its files, in one story that goes on whatever fails.
final class ServerStory {
    private let server: ServiceUnderTest
    private var isWhole = true

    /// Tells the story. Returns whether no step of it failed.
    static func tell(_ disk: SimulatedDisk, _ ledger: inout ServerLedger) -> Bool {
        guard
            let server = try? ServiceUnderTest(
                ServerFiles.configuration, disk: disk, shakesHands: false)
        else { return false }
        let story = ServerStory(server: server)
        story.tell(&ledger)
        return story.isWhole
    }

    private init(server: ServiceUnderTest) { self.server = server }

    private func tell(_ ledger: inout ServerLedger) {
        shakeHands(&ledger)
        for push in ledger.unanswered { self.push([push], &ledger) }
        push(
            [
                ledger.makePush("a", to: "db", count: 2),
                ledger.makePush("a", to: "Other", count: 1),
                ledger.makePush("b", to: "db", count: 1),
            ], &ledger)
        pull(&ledger)
        saveDevices(&ledger)
        push([ledger.makePush("b", to: "db", count: 3)], &ledger)
        push([ledger.makePush("a", to: "db", count: 1)], &ledger)
        pull(&ledger)
        var isRestarted = false
        attempt {
            try server.restart()
            isRestarted = true
        }
        // A server that does not start serves nobody.
        guard isRestarted else { return }
        push([ledger.makePush("a", to: "db", count: 2)], &ledger)
        pull(&ledger)
        push([ledger.makePush("b", to: "Other", count: 2)], &ledger)
        server.service.close()
    }

    private func attempt(_ step: () throws -> Void) {
        do { try step() } catch { isWhole = false }
    }

    private func shakeHands(_ ledger: inout ServerLedger) {
        for databaseID in ServerFiles.databases {
            attempt { ledger.logIDs[databaseID] = try server.handshake(database: databaseID).logID }
        }
    }

    /// Sends pushes that share one commit.
    private func push(_ pushes: [ServerLedger.Push], _ ledger: inout ServerLedger) {
        var boxes: [(ServerLedger.Push, AnswerBox)] = []
        for push in pushes {
            ledger.unanswered.removeAll { $0.operations.first == push.operations.first }
            ledger.unanswered.append(push)
            attempt {
                boxes.append(
                    (
                        push,
                        try server.stage(
                            push.operations, device: push.deviceID, database: push.databaseID)
                    ))
            }
        }
        server.service.commit()
        for (push, box) in boxes { attempt { ledger.settle(push, try box.message()) } }
    }

    private func pull(_ ledger: inout ServerLedger) {
        for databaseID in ServerFiles.databases {
            attempt {
                let since = ledger.applied[databaseID]?["z"] ?? 0
                // A page is applied, and the next pull says so.
                let page = try server.pull(since: since, device: "z", database: databaseID)
                ledger.note(page.operations, of: databaseID)
                ledger.noteApplied(page.nextCursor, by: "z", of: databaseID)
                _ = try server.service.noteApplied(
                    CursorReport(
                        databaseID: databaseID, deviceID: "z", cursor: page.nextCursor))
            }
        }
    }

    /// Lets the time come at which the devices' cursors are written.
    private func saveDevices(_ ledger: inout ServerLedger) {
        server.time.advance(milliseconds: 60_000)
        let notes = server.told.count
        for _ in ServerFiles.databases { _ = server.service.advance(to: server.time.nanoseconds) }
        guard server.told.count == notes else {
            isWhole = false
            return
        }
        ledger.appliedAtLeast = ledger.applied
    }
}
