// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// What is true of every log, whatever the policies and the pushes.
@Suite struct RandomPolicyTests {
    private func policies(using random: inout RandomPushes) -> ServerPolicies {
        let drawn = (0..<2).map { _ in
            ServerPolicy.allCases.randomElement(using: &random.generator) ?? .merge
        }
        return ServerPolicies(standard: drawn[0], byCollection: ["d": drawn[1]])
    }

    /// Gives an operation a stamp and, mostly, fields.
    private func dress(_ operation: inout SyncOperation, using random: inout RandomPushes) {
        operation.hybridTimestamp =
            random.chance(80)
            ? HybridTimestamp(UInt64.random(in: 1...9, using: &random.generator)) : nil
        guard operation.entityCBOR.map({ $0 != [0xFF] }) ?? false, random.chance(90) else { return }
        var map = CBORMap()
        for key in 0..<3 as Range<Int64> where random.chance(70) {
            map[key: CBORValue(key)] = CBORValue(
                Int64(operation.operationID.rawValue % 5) * (random.chance(50) ? 1 : 0))
        }
        operation.entityCBOR = CBORValue.map(map).encoded()
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func theServersRevisionsStandBehindWhatTheyOverruleAndOutliveRestarts(seed: UInt64) throws {
        var random = RandomPushes(seed: seed)
        var configuration = ServiceConfiguration()
        configuration.policies = policies(using: &random)
        configuration.frameBytesTarget = random.chance(50) ? 1 : 64 << 10
        configuration.checkpointAtCloseBytes = random.chance(50) ? 0 : 1 << 20
        configuration.segmentBytesMax = random.chance(50) ? 600 : 1 << 20
        let server = try ServiceUnderTest(configuration)
        var known = ReferenceServer()
        var pushed: [(DeviceID, [SyncOperation], PushResponse)] = []
        for _ in 0..<60 {
            var (device, operations) = random.nextPush(known)
            for index in operations.indices { dress(&operations[index], using: &random) }
            let answer = try server.push(operations, device: device)
            known.log = try server.wholeLog()
            pushed.append((device, operations, answer))

            check(known.log)
            #expect(answer.serverCursor == Cursor(UInt64(known.log.count)))
            for (number, cursor) in answer.cursors {
                let logged = known.log[Int(cursor.rawValue) - 1]
                let sent = try #require(operations.first { $0.operationID == number })
                #expect(logged.hasSameContent(as: sent) && logged.deviceID == device)
            }
            for conflict in answer.conflicts {
                let current = known.log.last { $0.key == conflict.clientOperation.key }
                #expect(conflict.serverState.cursor == current?.cursor ?? 0)
                #expect(conflict.serverState.entityCBOR == current?.entityCBOR)
            }
            if random.chance(10) { try server.restart() }
        }

        try server.restart()

        for (device, operations, answer) in pushed {
            let accepted = operations.filter { answer.cursors[$0.operationID] != nil }
            #expect(try server.push(accepted, device: device).cursors == answer.cursors)
        }
        #expect(try server.wholeLog() == known.log)
        #expect(server.told.isEmpty)
    }

    private func check(_ log: [SyncOperation]) {
        for (index, operation) in log.enumerated() {
            #expect(operation.cursor == Cursor(UInt64(index + 1)))
            guard operation.deviceID == .server else { continue }
            let overruled = log[index - 1]
            #expect(overruled.deviceID != .server && overruled.key == operation.key)
            #expect(operation.operationID.rawValue == operation.cursor?.rawValue)
            #expect(operation.entityVersion == overruled.entityVersion.next)
            #expect(operation.transactionID == overruled.transactionID)
            #expect(operation.base == nil && operation.baseOperationID == nil)
        }
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func theLatestOfConcurrentWritesStandsInWhateverOrderTheyCome(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        // One of them may be a delete: a second would be none against the tombstone.
        var writes = (1...4).map { index in
            operation(
                1, "e", base: 0, content: [UInt8(index)], device: DeviceID("d\(index)"),
                stamp: HybridTimestamp(UInt64(index * 10)))
        }
        if Bool.random(using: &generator) {
            let index = Int.random(in: 0..<4, using: &generator)
            writes[index].kind = .delete
            writes[index].entityCBOR = nil
        }
        var configuration = ServiceConfiguration()
        configuration.policies.standard = .lastWriteWins
        for _ in 0..<6 {
            let server = try ServiceUnderTest(configuration)

            for write in writes.shuffled(using: &generator) {
                let answer = try server.push([write], device: write.deviceID)
                #expect(answer.cursors.count == 1)
            }

            let current = try #require(try server.wholeLog().last)
            #expect(current.hasSameContent(as: writes[3]))
            #expect(current.hybridTimestamp == 40)
        }
    }
}
