// SPDX-License-Identifier: MIT

import SyncTestSupport

/// The network between a device and the server: when it is cut, in which direction, and when it is
/// slow.
///
/// Troubles come and pass at times of their own, whatever is sent meanwhile and whoever waits.
struct NetworkPath {
    /// Which way bytes go.
    enum Direction {
        case toServer, toDevice
    }

    /// What keeps something from arriving.
    struct Cut {
        var condition: Condition
        /// Whether nothing had met this one before.
        var isNew: Bool
    }

    private var cuts: [Trouble]
    private var slowness: Trouble?

    init(_ scenario: Scenario, conditions: Set<Condition>, device: Int) {
        func trouble(_ condition: Condition) -> Trouble? {
            guard conditions.contains(condition) else { return nil }
            return Trouble(condition, scenario, device)
        }
        cuts = [.partitions, .oneWayPartitions, .longOffline].compactMap(trouble)
        slowness = trouble(.slowLinks)
    }

    /// What is lost of that which arrives at `time`; `nil` if it arrives.
    ///
    /// - Parameter time: In nanoseconds; never goes back from call to call.
    mutating func cut(_ direction: Direction, at time: UInt64) -> Cut? {
        for index in cuts.indices where cuts[index].isOn(at: time) {
            guard cuts[index].direction.map({ $0 == direction }) ?? true else { continue }
            return Cut(condition: cuts[index].condition, isNew: cuts[index].strike())
        }
        return nil
    }

    /// Whether the device itself knows that it has no network.
    mutating func isOffline(at time: UInt64) -> Cut? {
        for index in cuts.indices
        where cuts[index].condition == .longOffline && cuts[index].isOn(at: time) {
            return Cut(condition: .longOffline, isNew: cuts[index].strike())
        }
        return nil
    }

    /// How many bytes pass in a second, where that matters.
    mutating func speed(at time: UInt64) -> (bytesPerSecond: UInt64, isNew: Bool)? {
        guard slowness?.isOn(at: time) == true, let bytesPerSecond = slowness?.bytesPerSecond
        else { return nil }
        return (bytesPerSecond, slowness?.strike() ?? false)
    }
}

/// One kind of trouble: spans of time, drawn one behind the other.
private struct Trouble {
    let condition: Condition
    /// The direction that is cut; `nil` for both.
    private(set) var direction: NetworkPath.Direction?
    private(set) var bytesPerSecond: UInt64 = 0
    private var start: UInt64 = 0
    private var end: UInt64 = 0
    private var hasStruck = false
    private var generator: SeededGenerator

    init(_ condition: Condition, _ scenario: Scenario, _ device: Int) {
        self.condition = condition
        let number = Condition.allCases.firstIndex(of: condition) ?? 0
        generator = scenario.stream(.paths, device << 8 | number)
    }

    mutating func isOn(at time: UInt64) -> Bool {
        while time >= end { drawNext() }
        return time >= start
    }

    /// - Returns: Whether it is the first time of this span.
    mutating func strike() -> Bool {
        defer { hasStruck = true }
        return !hasStruck
    }

    private mutating func drawNext() {
        let isLong = condition == .longOffline
        start = end + span(isLong ? [200] : [5, 30, 120])
        end = start + 1 + span(isLong ? [60, 600, 7_200] : [1, 5, 15, 45])
        hasStruck = false
        bytesPerSecond = generator.oneOf([300, 2_000, 20_000])
        let isToServer = generator.chance(50)
        if condition == .oneWayPartitions { direction = isToServer ? .toServer : .toDevice }
    }

    /// Up to one of so many seconds, in nanoseconds.
    private mutating func span(_ secondsMax: [UInt64]) -> UInt64 {
        UInt64.random(in: 0...generator.oneOf(secondsMax) * 1_000_000_000, using: &generator)
    }
}
