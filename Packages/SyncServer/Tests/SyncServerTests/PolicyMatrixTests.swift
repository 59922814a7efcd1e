// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import Testing

@testable import SyncServer

/// What each policy makes of each way in which two devices may have edited one entity: `a` has
/// pushed its edit, and then `b`, which has not seen it, pushes its own.
@Suite struct PolicyMatrixTests {
    /// What a device did to the entity.
    enum Edit: String, Sendable { case inserts, updates, deletes, nothing }

    /// What stands in the end, and how.
    enum Outcome: Equatable, Sendable {
        /// The conflict is answered, and the edit of `a` stands.
        case conflict
        /// The edit of `b` is accepted and stands.
        case laterPush
        /// The edit of `b` is accepted, and that of `a` stands by a revision of the server.
        case earlierPush
        /// The edit of `b` is accepted, and both stand by a revision of the server.
        case both
    }

    struct Meeting: CustomStringConvertible, Sendable {
        var earlier: Edit
        var later: Edit
        var policy: ServerPolicy
        /// Whether the edit of `b` has the later stamp.
        var isStampedLater: Bool
        var outcome: Outcome

        var description: String {
            "b \(later.rawValue) what a \(earlier.rawValue), \(policy.rawValue), "
                + "stamped \(isStampedLater ? "later" : "earlier"): \(outcome)"
        }
    }

    /// The matrix: what each pair of edits comes to by `detect` and `serverWins`, `clientWins`,
    /// `lastWriteWins` with the later and with the earlier stamp, and `merge`.
    static let rows: [(Edit, Edit, [Outcome])] = [
        (.inserts, .inserts, [.conflict, .laterPush, .laterPush, .earlierPush, .conflict]),
        (.updates, .updates, [.conflict, .laterPush, .laterPush, .earlierPush, .both]),
        (.updates, .deletes, [.conflict, .laterPush, .laterPush, .earlierPush, .conflict]),
        (.deletes, .updates, [.conflict, .laterPush, .laterPush, .earlierPush, .conflict]),
        (.deletes, .inserts, [.conflict, .laterPush, .laterPush, .earlierPush, .conflict]),
        (.inserts, .updates, [.conflict, .laterPush, .laterPush, .earlierPush, .conflict]),
        // A delete of what is deleted or unknown is no conflict.
        (.deletes, .deletes, .init(repeating: .laterPush, count: 5)),
        (.inserts, .deletes, [.conflict, .laterPush, .laterPush, .earlierPush, .conflict]),
        (.nothing, .deletes, .init(repeating: .laterPush, count: 5)),
        (.nothing, .inserts, .init(repeating: .laterPush, count: 5)),
        // What is not known has no stamp, and no base to merge on.
        (.nothing, .updates, [.conflict, .laterPush, .laterPush, .laterPush, .conflict]),
    ]

    static let meetings: [Meeting] = rows.flatMap { earlier, later, outcomes in
        let columns: [(ServerPolicy, Bool, Outcome)] = [
            (.detect, true, outcomes[0]), (.serverWins, true, outcomes[0]),
            (.clientWins, false, outcomes[1]), (.lastWriteWins, true, outcomes[2]),
            (.lastWriteWins, false, outcomes[3]), (.merge, true, outcomes[4]),
        ]
        return columns.map { policy, isStampedLater, outcome in
            Meeting(
                earlier: earlier, later: later, policy: policy, isStampedLater: isStampedLater,
                outcome: outcome)
        }
    }

    @Test(arguments: meetings)
    func endsAsThePolicySays(meeting: Meeting) throws {
        var configuration = ServiceConfiguration()
        configuration.policies.standard = meeting.policy
        let server = try ServiceUnderTest(configuration)
        let before: CBORValue = ["a": 0, "b": 0]
        if meeting.earlier == .updates || meeting.earlier == .deletes {
            let first = operation(
                1, "e", base: 0, content: before.encoded(), stamp: HybridTimestamp(1 << 16))
            #expect(try server.push([first]).cursors == [1: 1])
        }
        let ofA = edit(meeting.earlier, by: "a", on: 1, stamp: HybridTimestamp(5 << 16))
        if let ofA { try server.push([ofA]) }
        // What b knows is what there was before a's edit, or another entity's revision.
        let base: Cursor = meeting.later == .inserts ? 0 : 1
        let stamp = HybridTimestamp(meeting.isStampedLater ? 6 << 16 : 4 << 16)
        var ofB = try #require(edit(meeting.later, by: "b", on: base, stamp: stamp))
        if meeting.earlier == .nothing || meeting.earlier == .inserts, base > 0 { ofB.base = 77 }
        try server.handshake("b")

        let answer = try server.push([ofB], device: "b")

        let isAccepted = meeting.outcome != .conflict
        #expect(answer.conflicting == (isAccepted ? [] : [1]))
        #expect((answer.cursors[1] != nil) == isAccepted)
        let log = try server.wholeLog()
        #expect(answer.serverCursor == Cursor(UInt64(log.count)))
        switch meeting.outcome {
        case .conflict:
            let known = try #require(answer.conflicts.first?.serverState)
            #expect(known.entityCBOR == ofA?.entityCBOR)
            #expect(known.isDeleted == (ofA?.kind ?? .delete == .delete))
        case .laterPush:
            #expect(log.last?.hasSameContent(as: ofB) == true)
            #expect(log.last?.deviceID == "b")
        case .earlierPush:
            #expect(log.last?.hasSameContent(as: try #require(ofA)) == true)
            #expect(log.last?.deviceID == .server)
        case .both:
            #expect(log.last?.entityCBOR == (["a": 1, "b": 1] as CBORValue).encoded())
            #expect(log.last?.deviceID == .server)
        }
    }

    private func edit(
        _ edit: Edit, by device: DeviceID, on base: Cursor, stamp: HybridTimestamp
    ) -> SyncOperation? {
        // Each device changes a field of its own.
        let content: CBORValue = device == "a" ? ["a": 1, "b": 0] : ["a": 0, "b": 1]
        let number: OperationID = device == "a" ? 2 : 1
        switch edit {
        case .nothing: return nil
        case .inserts, .updates:
            return operation(
                number, "e", base: edit == .inserts ? 0 : base, version: 2,
                content: content.encoded(), device: device, stamp: stamp)
        case .deletes:
            return operation(
                number, "e", base: base, version: 2, delete: true, device: device, stamp: stamp)
        }
    }
}
