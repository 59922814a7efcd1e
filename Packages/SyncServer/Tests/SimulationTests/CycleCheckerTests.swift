// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import Testing

@testable import Simulation

/// The checker of cycles finds each lie that it is told.
@Suite struct CycleCheckerTests {
    private static let policy = RetryPolicy(
        base: .seconds(1), cap: .seconds(3), attemptsMax: 3)

    private static func checker() -> CycleChecker {
        var limits = SyncLimits.standard
        (limits.maxPushOperations, limits.maxTransactionOperations) = (2, 3)
        limits.maxEntityBytes = 4
        return CycleChecker(name: "a device", policy: policy, limits: limits, copyOf: nil)
    }

    private static func operation(
        _ number: UInt64, content: [UInt8] = [0], transaction: TransactionID? = nil
    ) -> SyncOperation {
        SyncOperation(
            operationID: OperationID(number), databaseID: "db", deviceID: "d", collection: "notes",
            entityID: "e", kind: .upsert, entityVersion: 1, entityCBOR: content,
            timestampMilliseconds: 0, transactionID: transaction)
    }

    private static func push(_ count: Int, _ transaction: TransactionID? = nil) -> SyncRequest {
        let operations = (1...count).map { operation(UInt64($0), transaction: transaction) }
        return .push(PushRequest(databaseID: "db", deviceID: "d", operations: operations))
    }

    @Test func waitsGrowAsThePolicySaysAndNoMore() throws {
        var checker = Self.checker()
        for seconds in [1, 2, 3] { try checker.waits(.seconds(seconds)) }
        #expect(throws: SimulationFailure.self) { try checker.waits(.zero) }
    }

    @Test func aWaitThatIsTooLongIsFound() {
        var checker = Self.checker()
        #expect(throws: SimulationFailure.self) { try checker.waits(.milliseconds(1_001)) }
    }

    @Test func aDeviceStaysAwayAsLongAsItIsAskedTo() throws {
        var checker = Self.checker()
        checker.takes(
            .failure(SyncError(.server(.serviceUnavailable), "later", retryAfterSeconds: 60)))
        var other = checker

        try checker.waits(.seconds(60))
        #expect(throws: SimulationFailure.self) { try other.waits(.seconds(1)) }
    }

    @Test func nobodyGivesUpBeforeTheLastTry() throws {
        var checker = Self.checker()
        let error = SyncError(.network, "lost")
        #expect(throws: SimulationFailure.self) { try checker.givesUp(error) }
        for _ in 0..<3 { try checker.waits(.zero) }
        try checker.givesUp(error)
        checker.begins()
        #expect(throws: SimulationFailure.self) { try checker.givesUp(error) }
    }

    @Test func aStampFromTheFarFutureIsNotTakenOver() throws {
        var checker = Self.checker()
        try checker.holds(.first(atMilliseconds: 70_000), wallMilliseconds: 10_000)
        // The clock may have been set back since.
        try checker.holds(.first(atMilliseconds: 70_000), wallMilliseconds: 0)
        #expect(throws: SimulationFailure.self) {
            try checker.holds(.first(atMilliseconds: 70_001), wallMilliseconds: 10_000)
        }
    }

    @Test func aStampThatIsPulledIsTakenOverWhereTheClockAllows() throws {
        let stamp = HybridTimestamp.first(atMilliseconds: 100_000)
        var operation = Fixture.operation(1, "a", [1])
        operation.hybridTimestamp = stamp
        let log = Fixture.model([operation]).durable
        var found = try Self.inspection([])
        found.deviceID = "other"
        func fault(_ received: HybridTimestamp, wallMilliseconds: UInt64) -> String? {
            var checker = ReceiptChecker()
            checker.begin(found)
            var pulled = found
            (pulled.cursor, pulled.receivedTimestamp) = (1, received)
            return checker.fault(of: pulled, log, wallMilliseconds: wallMilliseconds)
        }

        #expect(fault(stamp, wallMilliseconds: stamp.milliseconds) == nil)
        #expect(fault(0, wallMilliseconds: stamp.milliseconds) != nil)
        #expect(fault(0, wallMilliseconds: stamp.milliseconds - 60_000) != nil)
        #expect(fault(0, wallMilliseconds: stamp.milliseconds - 60_001) == nil)
    }

    @Test func pushesAreNotLargerThanTheServerTakes() throws {
        let checker = Self.checker()
        try checker.asks(Self.push(2))
        try checker.asks(Self.push(3, 1))
        #expect(throws: SimulationFailure.self) { try checker.asks(Self.push(3)) }
        #expect(throws: SimulationFailure.self) { try checker.asks(Self.push(4, 1)) }
    }

    private static func inspection(_ operations: [SyncOperation]) throws -> ReplicaInspection {
        let setting = DeviceModel.Setting(
            SyncConfiguration(databaseID: "db", deviceID: "d"), resolver: .serverWins)
        var found = try DeviceModel(setting).inspect(setting)
        found.operations = operations
        return found
    }

    @Test func onlyWhatIsTooLargeIsInQuarantineAndWithAllOfItsTransaction() throws {
        var checker = Self.checker()
        let large = Self.operation(1, content: [0, 0, 0, 0, 0], transaction: 1)
        let (small, other) = (Self.operation(2, transaction: 1), Self.operation(3))

        let earlier = checker
        try checker.check([large, small], Self.inspection([other]))
        #expect(throws: SimulationFailure.self) {
            try checker.check([other], Self.inspection([]))
        }
        #expect(throws: SimulationFailure.self) {
            try checker.check([large], Self.inspection([small]))
        }
        checker.putBack(to: earlier)
        try checker.check([], Self.inspection([large, small]))
        #expect(throws: SimulationFailure.self) {
            try checker.check([small], Self.inspection([]))
        }
    }

    @Test(arguments: [
        ConflictResolution.keepLocal, .keepRemote, .merge([3]), .merge(nil),
    ])
    func aConflictEndsAsItsResolverSays(_ resolution: ConflictResolution) throws {
        let checker = Self.checker()
        let conflict = EntityConflict(
            key: EntityKey("notes", "e"), base: nil, local: [1], remote: [2], localDeviceID: "d")
        let due: [UInt8]? =
            switch resolution {
            case .keepLocal: [1]
            case .keepRemote: [2]
            case .merge(let merged): merged
            }
        try checker.check([(conflict, resolution)]) { _ in due }
        #expect(throws: SimulationFailure.self) {
            try checker.check([(conflict, resolution)]) { _ in [9] }
        }
    }
}
