// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// The resolvers that come with the client.
@Suite struct ConflictResolverTests {
    private static func conflict(
        _ local: (stamp: HybridTimestamp?, device: DeviceID),
        _ remote: (stamp: HybridTimestamp?, device: DeviceID?)
    ) -> EntityConflict {
        EntityConflict(
            key: EntityKey("notes", "x"), base: [0], local: [1], remote: [2],
            localTimestamp: local.stamp, remoteTimestamp: remote.stamp,
            localDeviceID: local.device, remoteDeviceID: remote.device)
    }

    @Test(
        "lets the last write win",
        arguments: [
            (conflict((9, "a"), (8, "b")), ConflictResolution.keepLocal),
            (conflict((8, "b"), (9, "a")), .keepRemote),
            (conflict((9, "b"), (9, "a")), .keepLocal),
            (conflict((9, "a"), (9, "b")), .keepRemote),
            (conflict((9, "a"), (nil, nil)), .keepLocal),
            (conflict((nil, "a"), (1, "b")), .keepRemote),
            (conflict((nil, "a"), (nil, nil)), .keepLocal),
            // By bytes: "Z" comes before "a".
            (conflict((9, "Z"), (9, "a")), .keepRemote),
        ])
    func letsTheLastWriteWin(_ conflict: EntityConflict, _ resolution: ConflictResolution) {
        #expect(LastWriteWinsResolver.lastWriteWins.resolve(conflict) == resolution)
    }

    @Test func decidesAlikeOnBothDevices() {
        for (a, b) in [(5, 5), (5, 6), (6, 5)] as [(HybridTimestamp, HybridTimestamp)] {
            let onA = LastWriteWinsResolver().resolve(Self.conflict((a, "a"), (b, "b")))
            let onB = LastWriteWinsResolver().resolve(Self.conflict((b, "b"), (a, "a")))
            #expect((onA == .keepLocal) == (onB == .keepRemote))
        }
    }

    @Test func letsTheServerOrTheClientWinAlways() {
        let conflict = Self.conflict((1, "a"), (9, "b"))
        let server: FixedResolver = .serverWins, client: FixedResolver = .clientWins

        #expect(server.resolve(conflict) == .keepRemote)
        #expect(client.resolve(conflict) == .keepLocal)
    }

    @Test func letsAClosureDecide() {
        let resolver: CustomResolver = .custom { .merge(($0.local ?? []) + ($0.remote ?? [])) }

        #expect(resolver.resolve(Self.conflict((1, "a"), (9, "b"))) == .merge([1, 2]))
    }

    @Test(arguments: [
        (ConflictResolution.keepRemote, [1] as [UInt8]?), (.keepLocal, [2]), (.merge([3]), nil),
    ])
    func remembersWhatDidNotStand(_ resolution: ConflictResolution, _ lost: [UInt8]?) {
        let record = ConflictRecord(
            id: "1", conflict: Self.conflict((1, "a"), (9, "b")), resolution: resolution,
            resolvedAtMilliseconds: 0)

        #expect(record.lostContent == lost)
    }
}
