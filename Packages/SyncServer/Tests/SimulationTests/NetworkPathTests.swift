// SPDX-License-Identifier: MIT

import Testing

@testable import Simulation

/// When the network between a device and the server is cut or slow.
@Suite struct NetworkPathTests {
    private static let second: UInt64 = 1_000_000_000
    /// A few minutes, looked at ten times a second.
    private static let times = stride(from: 0, to: 300 * second, by: Int(second / 10))

    private func path(_ conditions: Set<Condition>, device: Int = 0) -> NetworkPath {
        NetworkPath(Scenario(seed: 3), conditions: conditions, device: device)
    }

    private func cuts(_ path: NetworkPath, _ direction: NetworkPath.Direction) -> [Bool] {
        var path = path
        return Self.times.map { path.cut(direction, at: $0) != nil }
    }

    @Test func aPartitionCutsBothDirectionsAtOnce() {
        let cuts = cuts(path([.partitions]), .toServer)

        #expect(cuts == self.cuts(path([.partitions]), .toDevice))
        #expect(Set(cuts) == [true, false])
    }

    @Test func aOneWayPartitionCutsOneDirection() {
        let toServer = cuts(path([.oneWayPartitions]), .toServer)
        let toDevice = cuts(path([.oneWayPartitions]), .toDevice)

        #expect(toServer.contains(true))
        #expect(toDevice.contains(true))
        #expect(!zip(toServer, toDevice).contains { $0 && $1 })
    }

    @Test func cutsComeAndPassWhateverIsSent() {
        let often = cuts(path([.partitions, .oneWayPartitions]), .toServer)
        var path = path([.partitions, .oneWayPartitions])

        for (index, time) in Self.times.enumerated() where index % 37 == 0 {
            #expect((path.cut(.toServer, at: time) != nil) == often[index])
        }
    }

    @Test func eachConditionHasTimesOfItsOwn() {
        var alone = path([.slowLinks])
        var among = path([.partitions, .slowLinks, .longOffline])

        for time in Self.times {
            let speeds = (alone.speed(at: time), among.speed(at: time))
            #expect(speeds.0?.bytesPerSecond == speeds.1?.bytesPerSecond)
        }
        #expect(
            cuts(path([.partitions]), .toServer) != cuts(path([.partitions], device: 1), .toServer))
    }

    @Test func aCutIsNewToTheFirstWhoMeetsIt() {
        var path = path([.partitions])
        let cuts = Self.times.map { path.cut(.toServer, at: $0) }
        let pairs = zip([nil] + cuts, cuts)

        #expect(pairs.allSatisfy { $1 == nil || $0 != nil || $1?.isNew == true })
        #expect(cuts.count { $0?.isNew == true } < cuts.count { $0 != nil } / 5)
    }

    @Test func onlyADeviceThatIsOfflineKnows() {
        var partitioned = path([.partitions])
        var offline = path([.longOffline])

        #expect(Self.times.allSatisfy { partitioned.isOffline(at: $0) == nil })
        #expect(Self.times.contains { offline.isOffline(at: $0) != nil })
    }

    @Test func whatIsLostIsFoundOutByTimeoutsOnly() {
        let conditions: Set<Condition> = [.partitions, .oneWayPartitions]
        var lines: [String] = []
        var faults: [Condition: Int] = [:]
        for seed in 0..<12 as Range<UInt64> {
            let without = Set(Condition.allCases).subtracting(conditions)
            let outcome = Simulator.run(
                Scenario(seed: seed, steps: 200, without: without), listener: { lines.append($0) })
            faults.merge(outcome.counts.faults, uniquingKeysWith: +)
            #expect(outcome.failure == nil)
        }

        #expect(faults.keys.allSatisfy { conditions.contains($0) })
        #expect(lines.contains { $0.contains("sent gets lost") })
        #expect(lines.contains { $0.contains("was sent gets lost") })
        let failures = lines.filter { $0.contains("gives up for now") }
        #expect(failures.allSatisfy { $0.contains("no answer in time") })
    }
}
