// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@Suite struct HybridLogicalClockTests {
    private static let largest = HybridTimestamp(wireIntegerMax)

    private static func stamp(_ milliseconds: UInt64, _ counter: UInt64) -> HybridTimestamp {
        HybridTimestamp(milliseconds << 16 | counter)
    }

    @Test func aStampHoldsMillisecondsAndACounter() {
        let stamp = Self.stamp(1_700_000_000_000, 3)

        #expect(stamp.milliseconds == 1_700_000_000_000)
        #expect(stamp.counter == 3)
        #expect(Self.stamp(5, 65_535) < Self.stamp(6, 0))
    }

    @Test func firstStampOfAMillisecondIsTheWallClock() {
        var clock = HybridLogicalClock()

        let stamps = [1_000, 1_001].map { clock.stamp(wallMilliseconds: $0) }

        #expect(stamps == [Self.stamp(1_000, 0), Self.stamp(1_001, 0)])
    }

    @Test func stampsOfOneMillisecondAreCounted() {
        var clock = HybridLogicalClock()

        let stamps = (0..<3).map { _ in clock.stamp(wallMilliseconds: 1_000) }

        #expect(stamps == [Self.stamp(1_000, 0), Self.stamp(1_000, 1), Self.stamp(1_000, 2)])
    }

    @Test func aFullCounterCarriesIntoTheMilliseconds() {
        var clock = HybridLogicalClock(latest: Self.stamp(1_000, 65_535))

        let stamps = (0..<2).map { _ in clock.stamp(wallMilliseconds: 1_000) }

        #expect(stamps == [Self.stamp(1_001, 0), Self.stamp(1_001, 1)])
    }

    @Test func neverGoesBackWithTheWallClock() {
        var clock = HybridLogicalClock()
        let before = clock.stamp(wallMilliseconds: 5_000)

        let after = clock.stamp(wallMilliseconds: 0)

        #expect(after == before.next)
    }

    @Test func neverGoesBackOverARestart() {
        var clock = HybridLogicalClock(latest: Self.stamp(5_000, 9))

        let stamp = clock.stamp(wallMilliseconds: 4_000)

        #expect(stamp == Self.stamp(5_000, 10))
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyStampIsAboveAllThatWereGivenOrAdopted(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var clock = HybridLogicalClock()
        var highest = clock.latest
        for _ in 0..<2_000 {
            let wall = UInt64.random(in: 0...200_000, using: &generator)
            if Bool.random(using: &generator) {
                let received = HybridTimestamp(.random(in: 0...(300_000 << 16), using: &generator))
                let isAdopted = clock.receive(received, wallMilliseconds: wall)
                #expect(isAdopted == (received.milliseconds <= wall + 60_000))
                if isAdopted { highest = max(highest, received) }
                #expect(clock.latest == highest)
            } else {
                let stamp = clock.stamp(wallMilliseconds: wall)
                #expect(stamp > highest && stamp.milliseconds >= wall)
                highest = stamp
            }
        }
    }

    @Test(arguments: [
        (60_000 as UInt64, 0 as UInt64, true), (60_000, 65_535, true), (60_001, 0, false),
        (0, 0, true),
        (1 << 40, 0, false),
    ])
    func adoptsWhatIsAtMostAMinuteAhead(ahead: UInt64, counter: UInt64, isAdopted: Bool) {
        let wall: UInt64 = 1_000_000
        let before = HybridLogicalClock(latest: Self.stamp(wall - 1, 0))
        var clock = before
        let received = Self.stamp(wall + ahead, counter)

        let answer = clock.receive(received, wallMilliseconds: wall)

        #expect(answer == isAdopted)
        #expect(clock.latest == (isAdopted ? received : before.latest))
    }

    @Test func aStampThatIsBehindChangesNothing() {
        var clock = HybridLogicalClock(latest: Self.stamp(5_000, 3))

        let isAdopted = clock.receive(Self.stamp(4_000, 9), wallMilliseconds: 5_000)

        #expect(isAdopted)
        #expect(clock.latest == Self.stamp(5_000, 3))
    }

    @Test func theNextStampIsAfterTheAdoptedOne() {
        var clock = HybridLogicalClock()
        clock.receive(Self.stamp(30_000, 65_535), wallMilliseconds: 1_000)

        let stamp = clock.stamp(wallMilliseconds: 1_000)

        #expect(stamp == Self.stamp(30_001, 0))
    }

    @Test func staysWithinTheProtocolsIntegers() {
        var clock = HybridLogicalClock(latest: HybridTimestamp(wireIntegerMax - 1))

        let stamps = [0, 0, .max].map { clock.stamp(wallMilliseconds: $0) }

        #expect(stamps == [Self.largest, Self.largest, Self.largest])
        #expect(HybridTimestamp.first(atMilliseconds: .max) == Self.stamp((1 << 47) - 1, 0))
        #expect(HybridTimestamp.first(atMilliseconds: 1 << 47) == Self.stamp((1 << 47) - 1, 0))
    }

    @Test func wallClocksAtTheEndOfTimeDoNotTrap() {
        var clock = HybridLogicalClock(latest: HybridTimestamp(.max))

        let adopted = [.max, .max - 60_000].map {
            clock.receive(Self.largest, wallMilliseconds: $0)
        }
        let stamp = clock.stamp(wallMilliseconds: .max)

        #expect(adopted == [true, true])
        #expect(stamp == Self.largest)
    }
}
