// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncServer

/// The conflict rule (protocol, §5.4) and what becomes of single operations (§5.1, §5.6, §5.7).
@Suite struct PushRuleTests {
    /// One edit of an entity that has a live, a deleted or no revision on the server.
    struct ConflictCase: CustomStringConvertible, Sendable {
        var description: String
        /// `live` has cursor 1, version 3; `gone` cursor 3, version 2; `new` is not known.
        var entity: EntityID
        var edit: SyncOperation
        var isAccepted: Bool
    }

    static let conflictCases: [ConflictCase] = [
        .init(
            description: "base is the current cursor", entity: "live",
            edit: operation(10, "live", base: 1), isAccepted: true),
        .init(
            description: "base is an older cursor", entity: "live",
            edit: operation(10, "live", base: 0, version: 99), isAccepted: false),
        .init(
            description: "base is another entity's cursor", entity: "live",
            edit: operation(10, "live", base: 3), isAccepted: false),
        .init(
            description: "baseOpId names the current revision", entity: "live",
            edit: operation(10, "live", baseOp: 1), isAccepted: true),
        .init(
            description: "baseOpId names another operation", entity: "live",
            edit: operation(10, "live", baseOp: 2), isAccepted: false),
        .init(
            description: "a delete on the current revision", entity: "live",
            edit: operation(10, "live", base: 1, delete: true), isAccepted: true),
        .init(
            description: "a delete on another revision", entity: "live",
            edit: operation(10, "live", base: 0, delete: true), isAccepted: false),
        .init(
            description: "an older peer's next version", entity: "live",
            edit: operation(10, "live", version: 4), isAccepted: true),
        .init(
            description: "an older peer's equal version", entity: "live",
            edit: operation(10, "live", version: 3), isAccepted: false),
        .init(
            description: "base is the tombstone", entity: "gone",
            edit: operation(10, "gone", base: 3), isAccepted: true),
        .init(
            description: "base 0 on a tombstone", entity: "gone",
            edit: operation(10, "gone", base: 0), isAccepted: false),
        .init(
            description: "an older peer revives with the next version", entity: "gone",
            edit: operation(10, "gone", version: 3), isAccepted: true),
        .init(
            description: "an older peer revives with the tombstone's version", entity: "gone",
            edit: operation(10, "gone", version: 2), isAccepted: false),
        .init(
            description: "a delete of a deleted entity on any base", entity: "gone",
            edit: operation(10, "gone", base: 1, delete: true), isAccepted: true),
        .init(
            description: "a delete of an unknown entity on any base", entity: "new",
            edit: operation(10, "new", base: 2, delete: true), isAccepted: true),
        .init(
            description: "a delete of an unknown entity on an operation", entity: "new",
            edit: operation(10, "new", baseOp: 9, delete: true), isAccepted: true),
        .init(
            description: "a new entity on base 0", entity: "new",
            edit: operation(10, "new", base: 0), isAccepted: true),
        .init(
            description: "a new entity on a base", entity: "new",
            edit: operation(10, "new", base: 1), isAccepted: false),
        .init(
            description: "a new entity on an operation", entity: "new",
            edit: operation(10, "new", baseOp: 1), isAccepted: false),
        .init(
            description: "an older peer's first version", entity: "new",
            edit: operation(10, "new", version: 1), isAccepted: true),
        .init(
            description: "an older peer's version 0", entity: "new",
            edit: operation(10, "new", version: 0), isAccepted: false),
    ]

    private func makeServer() throws -> ServiceUnderTest {
        let server = try ServiceUnderTest()
        try server.push([
            operation(1, "live", base: 0, version: 3), operation(2, "gone", base: 0),
            operation(3, "gone", baseOp: 2, version: 2, delete: true),
        ])
        return server
    }

    @Test(arguments: conflictCases)
    func anOperationIsInConflictUnlessItWasMadeOnTheCurrentRevision(_ row: ConflictCase) throws {
        let server = try makeServer()

        let answer = try server.push([row.edit])

        #expect(answer.conflicting == (row.isAccepted ? [] : [10]))
        #expect(answer.cursors == (row.isAccepted ? [10: 4] : [:]))
        #expect(answer.acknowledgedUpTo == (row.isAccepted ? 10 : 9))
    }

    @Test func baseOpIdOfAnotherDeviceIsAConflict() throws {
        let server = try makeServer()

        let answer = try server.push([operation(10, "live", baseOp: 1, device: "b")], device: "b")

        #expect(answer.conflicting == [10])
    }

    @Test func aConflictSaysWhatTheServerHas() throws {
        let server = try makeServer()
        var edit = operation(1, "live", base: 0, device: "b")
        edit.labels = ["kept": .flag(true)]

        let conflict = try server.push([edit], device: "b").conflicts[0]

        #expect(conflict.clientOperation == edit)
        #expect(
            conflict.serverState
                == ServerState(
                    entityVersion: 3, entityCBOR: [1], isDeleted: false, cursor: 1, deviceID: "a",
                    lastModifiedMilliseconds: 7))
    }

    @Test func aConflictWithATombstoneNamesItsAuthorAndHasNoContent() throws {
        let server = try makeServer()

        let conflict = try server.push([operation(10, "gone", base: 0)]).conflicts[0]

        #expect(
            conflict.serverState
                == ServerState(
                    entityVersion: 2, entityCBOR: nil, isDeleted: true, cursor: 3, deviceID: "a",
                    lastModifiedMilliseconds: 7))
    }

    @Test func aConflictOnAnUnknownEntityIsDeletedAtCursorZero() throws {
        let server = try makeServer()

        let conflict = try server.push([operation(10, "new", base: 2)]).conflicts[0]

        #expect(conflict.serverState == .unknown)
    }

    @Test func aConflictWithAnEarlierOperationOfTheRequestShowsItsRevision() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "live", base: 1, version: 4, content: [0x0A]),
            operation(11, "live", base: 1),
        ])

        #expect(answer.cursors == [10: 4])
        #expect(
            answer.conflicts[0].serverState
                == ServerState(
                    entityVersion: 4, entityCBOR: [0x0A], isDeleted: false, cursor: 4,
                    deviceID: "a", lastModifiedMilliseconds: 7))
    }

    @Test func chainedOperationsOfOneRequestAreAccepted() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "n", base: 0), operation(11, "n", baseOp: 10),
            operation(12, "n", baseOp: 11, delete: true), operation(15, "n", baseOp: 12),
        ])

        #expect(
            answer.accepted == [
                AcceptedRun(firstOperationID: 10, firstCursor: 4, count: 3),
                AcceptedRun(firstOperationID: 15, firstCursor: 7, count: 1),
            ])
        #expect(answer.serverCursor == 7)
    }

    @Test(arguments: [(3, 5, 5), (5, 3, 5), (4, 4, 4)] as [(UInt64, UInt64, UInt64)])
    func theLogKeepsTheLargerOfGivenAndCurrentVersion(
        current: UInt64, given: UInt64, kept: UInt64
    ) throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0, version: EntityVersion(current))])

        try server.push([operation(2, "e", base: 1, version: EntityVersion(given))])

        #expect(try server.wholeLog()[1].entityVersion == EntityVersion(kept))
    }

    @Test func afterARefusalLaterOperationsOnItsEntityAreInConflictToo() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "live", base: 0),
            operation(11, "live", base: 1),
            operation(12, "gone", base: 0),
            operation(13, "gone", base: 3, delete: true),
            operation(14, "x", base: 0, content: []),
            operation(15, "x", base: 0),
            operation(16, "x", base: 0, delete: true),
            operation(17, "other", base: 0),
        ])

        #expect(answer.conflicting == [10, 11, 12, 13, 15, 16])
        #expect(answer.rejectionCodes == [14: .malformed])
        #expect(answer.cursors == [17: 4])
        #expect(answer.acknowledgedUpTo == 9)
    }

    @Test func afterARefusalDuplicatesAndBadValuesOnItsEntityStayWhatTheyAre() throws {
        let server = try makeServer()
        try server.push([operation(20, "live", base: 1)])

        let answer = try server.push([
            operation(10, "live", base: 0), operation(11, "live", base: 4, content: [0xFF]),
            operation(20, "live", base: 1),
        ])

        #expect(answer.conflicting == [10])
        #expect(answer.rejectionCodes == [11: .malformed])
        #expect(answer.cursors == [20: 4])
    }

    @Test func aBadOperationNeverBlocksTheGoodOnesBesideIt() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "p", base: 0), operation(11, "q", base: 0, collection: "_local"),
            operation(12, "live", base: 9), operation(13, "r", base: 0),
        ])

        #expect(answer.cursors == [10: 4, 13: 5])
        #expect(answer.acknowledgedUpTo == 10)
    }

    struct ValueCase: CustomStringConvertible, Sendable {
        var description: String
        var edit: SyncOperation
        var code: RejectionCode
    }

    static let valueCases: [ValueCase] = {
        var labelled = operation(10, "n", base: 0)
        for index in 0..<17 { labelled.labels[LabelName("l\(index)")] = .flag(true) }
        var long = operation(10, "n", base: 0)
        long.labels["l"] = .text(String(repeating: "x", count: 1_100))
        var odd = operation(10, "n", base: 0)
        odd.kind = .unknown("replace")
        var both = operation(10, "n", base: 0)
        both.baseOperationID = 1
        var payload = operation(10, "live", base: 1, delete: true)
        payload.entityCBOR = [1]
        var bare = operation(10, "n", base: 0)
        bare.entityCBOR = nil
        return [
            .init(description: "no entity", edit: operation(10, "", base: 0), code: .malformed),
            .init(
                description: "a long entity",
                edit: operation(10, EntityID(String(repeating: "e", count: 257)), base: 0),
                code: .malformed),
            .init(
                description: "no collection", edit: operation(10, "n", base: 0, collection: ""),
                code: .malformed),
            .init(
                description: "a long collection",
                edit: operation(
                    10, "n", base: 0,
                    collection: CollectionName(String(repeating: "c", count: 129))),
                code: .malformed),
            .init(
                description: "a local collection",
                edit: operation(10, "n", base: 0, collection: "_c"), code: .malformed),
            .init(description: "an unknown opType", edit: odd, code: .malformed),
            .init(description: "base and baseOpId", edit: both, code: .malformed),
            .init(description: "an upsert without content", edit: bare, code: .malformed),
            .init(
                description: "an upsert with empty content",
                edit: operation(10, "n", base: 0, content: []), code: .malformed),
            .init(
                description: "two items of content",
                edit: operation(10, "n", base: 0, content: [1, 1]), code: .malformed),
            .init(
                description: "half an item of content",
                edit: operation(10, "n", base: 0, content: [0x82, 1]), code: .malformed),
            .init(
                description: "content of 65 levels",
                edit: operation(
                    10, "n", base: 0, content: [UInt8](repeating: 0x81, count: 65) + [1]),
                code: .malformed),
            .init(
                description: "large content",
                edit: operation(
                    10, "n", base: 0,
                    content: [0x59, 0x10, 0] + [UInt8](repeating: 0, count: 4_096)
                ), code: .tooLarge),
            .init(description: "a delete with content", edit: payload, code: .malformed),
            .init(description: "17 labels", edit: labelled, code: .malformed),
            .init(description: "long labels", edit: long, code: .malformed),
        ]
    }()

    @Test(arguments: valueCases)
    func anOperationWithBadValuesIsRejectedAlone(_ row: ValueCase) throws {
        var configuration = ServiceConfiguration()
        configuration.limits.maxEntityBytes = 4_096
        let server = try ServiceUnderTest(configuration)
        try server.push([operation(1, "live", base: 0)])

        let answer = try server.push([row.edit, operation(11, "good", base: 0)])

        #expect(answer.rejectionCodes == [10: row.code])
        #expect(answer.cursors == [11: 2])
        #expect(answer.conflicts.isEmpty)
    }

    @Test func contentOf64LevelsIsAccepted() throws {
        let server = try ServiceUnderTest()
        let content = [UInt8](repeating: 0x81, count: 64) + [1]

        let answer = try server.push([operation(1, "deep", base: 0, content: content)])

        #expect(answer.cursors == [1: 1])
    }

    @Test func namesAreComparedByteForByte() throws {
        let server = try ServiceUnderTest()
        // "é" as one scalar and as two: Swift calls them equal.
        let composed = EntityID("caf\u{E9}")
        let decomposed = EntityID("cafe\u{301}")

        let answer = try server.push([
            operation(1, composed, base: 0), operation(2, decomposed, base: 0),
        ])

        #expect(answer.cursors == [1: 1, 2: 2])
    }

    @Test func anEmptyPushNamesTheHighestAcceptedOperation() throws {
        let server = try makeServer()

        let answer = try server.push([])

        #expect(answer.acknowledgedUpTo == 3)
        #expect(answer.accepted == [])
        #expect(answer.serverCursor == 3)
        #expect(try server.push([], device: "new").acknowledgedUpTo == 0)
    }

    @Test func contentIsKeptByteForByte() throws {
        let server = try ServiceUnderTest()
        // An indefinite array with a long head: well-formed, and not deterministic.
        let content: [UInt8] = [0x9F, 0x18, 0x01, 0xFF]
        var edit = operation(1, "e", base: 0, content: content)
        edit.labels = ["tenant": .text("t"), "n": .number(3), "on": .flag(false)]
        edit.hybridTimestamp = 77

        try server.push([edit])

        edit.cursor = 1
        #expect(try server.wholeLog() == [edit])
    }
}
