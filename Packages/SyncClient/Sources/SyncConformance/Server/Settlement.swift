// SPDX-License-Identifier: MIT

import CBOR

/// An answer to a push with status 200, all of its keys there and of the right types.
struct Settlement {
    /// `[firstOpId, firstCursor, count]`, as it came.
    var runs: [[UInt64]] = []
    /// The cursor of each operation that is accepted or a duplicate.
    var accepted: [UInt64: UInt64] = [:]
    var rejected: [(opID: UInt64, code: String)] = []
    var conflicts: [Fields] = []
    var serverCursor: UInt64
    var acknowledged: UInt64
    var answer: Answer

    init(_ answer: Answer) throws(ConformanceFailure) {
        let fields = try answer.success()
        self.answer = answer
        serverCursor = try fields.uint("serverCursor")
        acknowledged = try fields.uint("acknowledgedUpToOpId")
        conflicts = try fields.maps("conflicts")
        for rejection in try fields.maps("rejected") {
            _ = try rejection.text("message")
            rejected.append((try rejection.uint("opId"), try rejection.text("code")))
        }
        for run in try fields.array("accepted") {
            let numbers = Self.numbers(run)
            guard numbers.count == 3, numbers[2] > 0, numbers[2] <= 1_000_000 else {
                throw answer.failure(
                    "\(run) in accepted is no run [firstOpId, firstCursor, count].")
            }
            runs.append(numbers)
            for index in 0..<numbers[2] {
                accepted[numbers[0] + index] = numbers[1] == 0 ? 0 : numbers[1] + index
            }
        }
    }

    private static func numbers(_ run: CBORValue) -> [UInt64] {
        guard case .array(let elements) = run else { return [] }
        return elements.compactMap { element in
            // So that adding the count cannot overflow.
            if case .unsigned(let value) = element, value <= UInt64(Int64.max) {
                value
            } else {
                nil
            }
        }
    }

    /// The `opId`s of the conflicts, in their order.
    func conflictIDs() throws(ConformanceFailure) -> [UInt64] {
        var ids: [UInt64] = []
        for conflict in conflicts { ids.append(try conflict.map("clientOp").uint("opId")) }
        return ids
    }

    func failure(_ message: String) -> ConformanceFailure { answer.failure(message) }

    func expect(
        _ condition: Bool, _ message: @autoclosure () -> String
    ) throws(ConformanceFailure) {
        try answer.expect(condition, message())
    }

    /// Throws unless exactly these are accepted, and nothing is in conflict or rejected.
    func expectAccepted(_ wanted: [UInt64: UInt64]) throws(ConformanceFailure) {
        try expectNothingRefused()
        try expect(
            accepted == wanted,
            "accepted is \(Self.text(accepted)) instead of \(Self.text(wanted)).")
    }

    /// Throws if anything is in conflict or rejected.
    func expectNothingRefused() throws(ConformanceFailure) {
        try expect(conflicts.isEmpty && rejected.isEmpty, "Some operation was refused.")
    }

    /// Throws unless exactly these were settled in these ways, in this order.
    func expect(
        accepted ids: [UInt64], conflicts conflictIDs: [UInt64] = [],
        rejected wanted: [(UInt64, String)] = []
    ) throws(ConformanceFailure) {
        let gotAccepted = accepted.keys.sorted()
        try expect(gotAccepted == ids, "Accepted are \(gotAccepted) instead of \(ids).")
        let gotConflicts = try self.conflictIDs()
        try expect(
            gotConflicts == conflictIDs,
            "In conflict are \(gotConflicts) instead of \(conflictIDs).")
        let got = rejected.map { "\($0.opID) \($0.code)" }.joined(separator: ", ")
        let want = wanted.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        try expect(
            got.utf8.elementsEqual(want.utf8), "Rejected are [\(got)] instead of [\(want)].")
    }

    private static func text(_ cursors: [UInt64: UInt64]) -> String {
        let pairs = cursors.sorted { $0.key < $1.key }.map { "\($0.key) at cursor \($0.value)" }
        return "[\(pairs.joined(separator: ", "))]"
    }
}

/// An answer to a pull with status 200, all of its keys there and of the right types.
struct Page {
    var operations: [Fields]
    var nextCursor: UInt64
    var hasMore: Bool
    var serverCursor: UInt64
    var logID: [UInt8]
    var answer: Answer

    init(_ answer: Answer) throws(ConformanceFailure) {
        let fields = try answer.success()
        self.answer = answer
        operations = try fields.maps("ops")
        nextCursor = try fields.uint("nextCursor")
        hasMore = try fields.bool("hasMore")
        serverCursor = try fields.uint("serverCursor")
        logID = try fields.bytes("logId")
        for operation in operations { _ = try operation.uint("cursor") }
    }

    /// The cursors of the operations, in their order.
    func cursors() throws(ConformanceFailure) -> [UInt64] {
        var cursors: [UInt64] = []
        for operation in operations { cursors.append(try operation.uint("cursor")) }
        return cursors
    }

    func expect(
        _ condition: Bool, _ message: @autoclosure () -> String
    ) throws(ConformanceFailure) {
        try answer.expect(condition, message())
    }

    /// Throws unless the page has the operations at these cursors and no other.
    func expect(cursors wanted: [UInt64]) throws(ConformanceFailure) {
        let got = try cursors()
        try expect(got == wanted, "The page has the cursors \(got) instead of \(wanted).")
    }
}
