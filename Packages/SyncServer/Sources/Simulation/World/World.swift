// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Synchronization

/// One simulated world: a server, devices and the network between them, on one thread, with one
/// clock and generators for each kind of chance.
final class World {
    let scenario: Scenario
    let conditions: Set<Condition>
    let clock = VirtualClock()
    private(set) var databaseIDs: [DatabaseID] = []
    private(set) var server: ServerHost!
    var devices: [DeviceHost] = []
    /// Whether everything works, so that all comes to rest.
    var isHealed = false
    /// Whether started engines run.
    var letsFollow = true
    /// The step that is being taken, counted from 1.
    private(set) var step = 0
    private(set) var scheduler: Scheduler
    var trace: Trace
    var counts = SimulationCounts()
    /// Which of clones and restores have come to pass.
    private(set) var struck: Set<Condition> = []
    private var ledgers: [DatabaseID: EditLedger] = [:]
    private var judge = CommitJudge()
    private var failure: (any Error)?
    var linkCount = 0

    init(_ scenario: Scenario, trace: Trace) {
        self.scenario = scenario
        self.trace = trace
        conditions = scenario.conditions
        scheduler = Scheduler(generator: scenario.stream(.ties))
        let count = scenario.seedDeviceCount > 3 ? 2 : 1
        databaseIDs = (0..<count).map { DatabaseID("db\($0)") }
        for databaseID in databaseIDs { ledgers[databaseID] = EditLedger() }
        server = ServerHost(world: self)
    }

    /// Something was copied or put back, so that less can be said from now on of whose an operation
    /// is.
    ///
    /// - Parameter name: What the device went by whose files were copied.
    func strike(_ condition: Condition, copyOf name: DeviceID? = nil) {
        struck.insert(condition)
        if let name { server.checker.noteCopy(of: name) }
    }

    /// Begins a step: everybody draws from streams of that step, so that what earlier ones drew
    /// changes nothing in it.
    func begin(step: Int) {
        self.step = step
        scheduler.generator = scenario.stream(.ties, step)
        server.generator = scenario.stream(.server, step)
        for device in devices { device.begin(step: step) }
    }

    /// One of the devices; `nil` if it is one that was taken away from what the seed says.
    func device(using generator: inout SeededGenerator) -> DeviceHost? {
        let count = max(scenario.seedDeviceCount, devices.count)
        let index = Int.random(in: 0..<count, using: &generator)
        return index < devices.count ? devices[index] : nil
    }

    func ledger(of databaseID: DatabaseID) -> EditLedger {
        guard let ledger = ledgers[databaseID] else {
            preconditionFailure("Every database of a world has a ledger.")
        }
        return ledger
    }

    // MARK: Time

    /// More than ever happens between two steps, unless something goes in circles.
    private static let eventsMax = 1_000_000

    /// Lets `action` happen at `time`.
    func at(_ time: UInt64, _ action: @escaping Scheduler.Action) {
        scheduler.at(time, action)
    }

    /// Lets `action` happen in so many nanoseconds.
    func after(_ nanoseconds: UInt64, _ action: @escaping Scheduler.Action) {
        at(clock.now + nanoseconds, action)
    }

    /// Lets everything happen up to `time`.
    func run(until time: UInt64) throws {
        let end = counts.events + Self.eventsMax
        while let next = scheduler.nextTime, next <= time {
            guard counts.events < end else {
                throw SimulationFailure(
                    .converges, "\(Self.eventsMax) things happen before \(time) ns, and no end")
            }
            try runNext()
        }
        clock.now = max(clock.now, time)
    }

    /// Lets the next thing happen.
    func runNext() throws {
        guard let (time, action) = scheduler.pop() else { return }
        clock.now = max(clock.now, time)
        counts.events += 1
        try action()
        try throwFailure()
    }

    /// Throws what was noted with `fail`.
    func throwFailure() throws {
        if let failure { throw failure }
    }

    /// Lets go of everything, as hosts and world refer to each other.
    func end() {
        // A device and its connections refer to each other, too.
        for device in devices {
            device.links = []
            device.waitingPull = nil
        }
        devices.removeAll()
        server = nil
        while scheduler.pop() != nil {}
    }

    /// Notes a failure where none can be thrown.
    func fail(_ error: any Error) { failure = failure ?? error }

    func note(_ kind: StaticString, _ number: UInt64, text: @autoclosure () -> String) {
        trace.note(clock.now, kind, number, text: text())
    }

    /// Judges what became part of a log.
    func judgeCommitted() throws {
        for (databaseID, operation) in server.checker.takeCommitted() {
            guard let log = server.checker.models[databaseID] else { continue }
            trace.note(
                clock.now, "accepted", operation.cursor?.rawValue ?? 0,
                operation.operationID.rawValue,
                text: "\(databaseID) has operation \(operation.operationID) of "
                    + "\(operation.deviceID) on \(operation.key) at cursor "
                    + "\(operation.cursor ?? 0): \(EntityContent.tokens(operation.content))")
            try judge.judge(operation, in: log, ledger(of: databaseID), struck)
        }
    }
}

/// A generator that closures of other threads could share, as their types demand.
final class SharedGenerator: Sendable {
    private let generator: Mutex<SeededGenerator>

    init(_ generator: SeededGenerator) { self.generator = Mutex(generator) }

    func next() -> UInt64 { generator.withLock { $0.next() } }

    /// Goes on with other numbers.
    func replace(with other: SeededGenerator) { generator.withLock { $0 = other } }
}
