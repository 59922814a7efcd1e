// SPDX-License-Identifier: MIT

import SyncTestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The faulty part of a round: carries out a plan on a world.
struct Round {
    /// Something to do at a certain time.
    private struct Task {
        var time: Double
        var action: () throws -> Void
    }

    private let world: World
    private let plan: FaultPlan
    private var tasks: [Task] = []
    private var generator: SeededGenerator
    /// What came, and which syncs it met, by kind.
    private(set) var injected: [FaultKind: Int] = [:]
    private(set) var cyclesHit: [FaultKind: Set<String>] = [:]

    init(_ world: World, _ plan: FaultPlan) {
        (self.world, self.plan) = (world, plan)
        generator = SeededGenerator(seed: plan.wireSeed &+ 1)
    }

    /// Lets everybody work and the faults come, for so many milliseconds.
    mutating func run(milliseconds: Int) throws {
        let start = Platform.seconds
        world.proxy.begin(seed: plan.wireSeed)
        for index in world.members.indices {
            let mode = Bool.random(using: &generator) ? "start" : "sync"
            let work = "work \(generator.next()) \(mode)"
            world.members[index].work = work
            world.members[index].process?.tell(work)
        }
        var events = plan.events[...]
        let end = start + Double(milliseconds) / 1_000
        while Platform.seconds < end, !Interruption.hasCome {
            let now = Platform.seconds
            while let event = events.first, start + Double(event.begin) / 1_000 <= now {
                events.removeFirst()
                try begin(event, now)
            }
            try performDue(now)
            let next =
                ([events.first.map { start + Double($0.begin) / 1_000 } ?? end, end]
                + tasks.map(\.time)).min() ?? end
            world.wait(milliseconds: max(1, min(50, Int((next - now) * 1_000))))
            takeMeetings()
        }
    }

    /// Undoes what is not over yet: nothing is stopped, dead or full any more.
    mutating func heal() throws {
        world.proxy.heal()
        takeMeetings()
        for task in tasks { try task.action() }
        tasks = []
        world.serverVolume.free()
        world.clientVolume.free()
        // A log that a failed write has made read-only takes pushes again after a restart, as the
        // server says.
        if injected[.fullServerDisk] != nil, let server = world.server {
            world.isServerEnding = true
            server.send(SIGTERM)
            try world.restartServerThatEnds()
        }
    }

    private mutating func performDue(_ now: Double) throws {
        let due = tasks.filter { $0.time <= now }
        tasks.removeAll { $0.time <= now }
        for task in due { try task.action() }
    }

    private mutating func later(
        _ event: FaultEvent, _ now: Double, _ action: @escaping () throws -> Void
    ) {
        tasks.append(Task(time: now + Double(event.length) / 1_000, action: action))
    }

    private mutating func begin(_ event: FaultEvent, _ now: Double) throws {
        let world = world
        switch event.kind {
        case .serverKill, .serverRestart, .serverStop: beginOnServer(event, now)
        case .clientKill, .clientStop: beginOnClient(event, now)
        case .fullServerDisk, .fullClientDisk:
            let isServer = event.kind == .fullServerDisk
            let volume = isServer ? world.serverVolume : world.clientVolume
            guard volume.isLimited else { return }
            note(event.kind, isServer ? nil : 0)
            volume.fill(leaving: Int.random(in: 0...40_000, using: &generator))
            later(event, now) { volume.free() }
        default:
            world.proxy.arm(event.kind, device: event.device)
            later(event, now) { world.proxy.disarm(event.kind, device: event.device) }
        }
    }

    private mutating func beginOnServer(_ event: FaultEvent, _ now: Double) {
        let world = world
        // One that is down or stopped already is left alone.
        guard let server = world.server, !server.isStopped else { return }
        note(event.kind, nil)
        switch event.kind {
        case .serverKill:
            world.kill(server)
            later(event, now) { try world.startServer() }
        case .serverRestart:
            world.isServerEnding = true
            server.send(SIGTERM)
            later(event, now) { try world.restartServerThatEnds() }
        default:
            server.stop()
            later(event, now) { server.resume() }
        }
    }

    private mutating func beginOnClient(_ event: FaultEvent, _ now: Double) {
        let world = world
        guard let process = world.members[event.device].process, !process.isStopped else { return }
        note(event.kind, event.device)
        if event.kind == .clientKill {
            world.kill(process)
            later(event, now) { try world.startDevice(event.device) }
        } else {
            process.stop()
            later(event, now) { process.resume() }
        }
    }

    /// Notes that a fault came, to one device or to all.
    private mutating func note(_ kind: FaultKind, _ device: Int?) {
        injected[kind, default: 0] += 1
        for index in device.map({ [$0] }) ?? Array(world.members.indices) {
            guard let cycle = world.members[index].cycle else { continue }
            cyclesHit[kind, default: []].insert("\(index) \(cycle)")
        }
    }

    private mutating func takeMeetings() {
        for meeting in world.proxy.takeMeetings() { note(meeting.kind, meeting.device) }
    }
}
