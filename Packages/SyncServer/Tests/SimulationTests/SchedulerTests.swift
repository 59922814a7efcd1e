// SPDX-License-Identifier: MIT

import SyncTestSupport
import Testing

@testable import Simulation

/// What happens in which order.
@Suite struct SchedulerTests {
    @Test(arguments: 0..<50 as Range<UInt64>)
    func thingsHappenInTheOrderOfTheirTimes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var scheduler = Scheduler(generator: SeededGenerator(seed: seed))
        var times: [UInt64] = []
        for _ in 0..<200 {
            let time = UInt64.random(in: 0..<50, using: &generator)
            times.append(time)
            scheduler.at(time) {}
        }

        var order: [UInt64] = []
        while let next = scheduler.pop() { order.append(next.time) }

        #expect(order == times.sorted())
    }

    @Test func theSeedDecidesWhatHappensFirstOfWhatHappensAtOnce() throws {
        func order(seed: UInt64) throws -> [Int] {
            let order = Order()
            var scheduler = Scheduler(generator: SeededGenerator(seed: seed))
            for number in 0..<10 { scheduler.at(5) { order.numbers.append(number) } }
            while let next = scheduler.pop() { try next.action() }
            return order.numbers
        }

        #expect(try order(seed: 1) == order(seed: 1))
        #expect(try Set((0..<20).map { try order(seed: $0) }).count > 15)
    }

    private final class Order { var numbers: [Int] = [] }
}
