// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import Testing

@testable import Simulation

/// The checker of what devices have seen finds each lie that it is told.
@Suite struct SeenCheckerTests {
    private static let log = LogID([UInt8](repeating: 1, count: 16))

    /// A device that knows the log, and has pulled so far.
    private static func device(at cursor: Cursor, in log: LogID? = log) throws -> ReplicaInspection
    {
        let setting = DeviceModel.Setting(
            SyncConfiguration(databaseID: "db", deviceID: "d"), resolver: .serverWins)
        var found = try DeviceModel(setting).inspect(setting)
        (found.logID, found.cursor) = (log, cursor)
        return found
    }

    private static func handshake(_ cursor: Cursor) -> SyncRequest {
        .handshake(
            HandshakeRequest(
                databaseID: "db", deviceID: "d",
                clientInfo: ClientInfo(platform: "test", appVersion: "1"), logID: log,
                cursor: cursor))
    }

    private static func push(_ answer: PushResponse) -> SyncAnswer { .push(answer) }

    /// A checker of a device that has been shown cursor 7 by the answer to a push.
    private static func checker() throws -> SeenChecker {
        var checker = SeenChecker(name: "a device")
        checker.took(nil, try device(at: 3))
        checker.took(
            push(
                PushResponse(
                    acknowledgedUpTo: 2, conflicts: [], serverCursor: 5,
                    accepted: [AcceptedRun(firstOperationID: 1, firstCursor: 6, count: 2)])),
            try device(at: 3))
        return checker
    }

    @Test func whatADeviceNamesIsWhatItWasShown() throws {
        var checker = try Self.checker()
        try checker.asks(Self.handshake(7))
        for cursor in [3, 6, 8] as [Cursor] {
            #expect(throws: SimulationFailure.self) { try checker.asks(Self.handshake(cursor)) }
        }
    }

    @Test func whatADeviceDidNotGetToKeepItMayNameOrNot() throws {
        var checker = try Self.checker()
        checker.takes(
            .pull(PullResponse(operations: [], nextCursor: 9, hasMore: false, serverCursor: 9)))
        for cursor in [7, 9] as [Cursor] { try checker.asks(Self.handshake(cursor)) }
        #expect(throws: SimulationFailure.self) { try checker.asks(Self.handshake(10)) }
    }

    @Test func aCopyMayHaveSeenAnything() throws {
        var checker = try Self.checker()
        checker.historyIsGone()
        checker.took(nil, try Self.device(at: 1))
        try checker.asks(Self.handshake(1))
        try checker.asks(Self.handshake(40))
    }

    @Test func anotherLogHasShownNothing() throws {
        var checker = try Self.checker()
        checker.took(nil, try Self.device(at: 0, in: nil))
        checker.took(nil, try Self.device(at: 0))
        #expect(throws: SimulationFailure.self) { try checker.asks(Self.handshake(7)) }
    }

    @Test func aResolverIsAskedAtTheEndOfAResync() throws {
        let conflict = EntityConflict(
            key: EntityKey("notes", "e"), base: nil, local: [1], remote: nil, localDeviceID: "d")
        var found = try Self.device(at: 1)
        let log = LogModel.Log()
        try SeenChecker.check([(conflict, .keepRemote)], after: found, log, name: "d")
        found.isFindingOwn = true
        #expect(throws: SimulationFailure.self) {
            try SeenChecker.check([(conflict, .keepRemote)], after: found, log, name: "d")
        }
    }

    @Test func aResolverIsAskedAboutWhatTheLogHas() throws {
        let conflict = EntityConflict(
            key: EntityKey("notes", "e"), base: nil, local: [1], remote: [2], localDeviceID: "d")
        #expect(throws: SimulationFailure.self) {
            try SeenChecker.check(
                [(conflict, .keepRemote)], after: try Self.device(at: 1), LogModel.Log(), name: "d")
        }
    }
}
