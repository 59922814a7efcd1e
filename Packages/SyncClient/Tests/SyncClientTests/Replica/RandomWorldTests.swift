// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Synchronization
import Testing

@testable import SyncClient

/// What may go wrong in a random world.
struct Faults: OptionSet, Sendable, CustomStringConvertible {
    let rawValue: Int
    static let loss = Faults(rawValue: 1)
    static let delay = Faults(rawValue: 2)
    static let crash = Faults(rawValue: 4)
    static let compaction = Faults(rawValue: 8)
    static let clone = Faults(rawValue: 16)
    static let serverRestore = Faults(rawValue: 32)
    static let transactions = Faults(rawValue: 64)
    static let disk = Faults(rawValue: 128)
    static let smallLimits = Faults(rawValue: 256)
    static let deviceRestore = Faults(rawValue: 512)

    var description: String {
        let names = [
            "loss", "delay", "crash", "compaction", "clone", "serverRestore", "transactions",
            "disk", "smallLimits", "deviceRestore",
        ]
        return names.indices.filter { rawValue >> $0 & 1 == 1 }.map { names[$0] }
            .joined(separator: "+")
    }
}

/// Random schedules of devices, a server and faults; at the end everyone syncs until quiet, and
/// everyone must be equal with no edit lost.
@Suite struct RandomWorldTests {
    @Test(
        "devices converge and lose no edit",
        arguments: [
            [], [.loss], [.loss, .delay], [.crash, .loss], [.transactions, .loss],
            [.compaction], [.compaction, .loss, .transactions], [.serverRestore],
            [.serverRestore, .loss, .crash], [.clone], [.clone, .loss],
            [.loss, .delay, .crash, .transactions, .compaction], [.disk, .loss],
            [.smallLimits, .loss, .transactions],
            [.smallLimits, .loss, .disk, .crash, .transactions],
            [.deviceRestore, .loss], [.deviceRestore, .transactions, .smallLimits],
        ] as [Faults])
    func devicesConvergeAndLoseNoEdit(_ faults: Faults) throws {
        for seed in 0..<UInt64(60) {
            let world = try World(seed: seed, faults: faults)
            do {
                try world.run(steps: 40)
            } catch {
                Issue.record("faults \(faults), seed \(seed): \(error)")
                return
            }
        }
    }
}

/// One random world.
final class World {
    struct Failure: Error, CustomStringConvertible { var description: String }

    private var generator: SeededGenerator
    private let faults: Faults
    private let server: ModelServer
    private var devices: [ModelDevice] = []
    private var delayed: [PushRequest] = []
    private var backup: ModelServer?
    private var copies: [DeviceID: SimulatedDiskTree] = [:]
    private var nextToken: UInt64 = 1
    private var created: Set<UInt64> = []
    /// Edits that somebody deleted who saw them, or that went with a restored server.
    private var excused: Set<UInt64> = []
    private let environment: SyncEnvironment
    private(set) var trace: [String] = []

    init(seed: UInt64, faults: Faults) throws {
        generator = SeededGenerator(seed: seed)
        self.faults = faults
        let state = Mutex<(UInt64, SeededGenerator)>((1_000_000, SeededGenerator(seed: seed ^ 77)))
        environment = SyncEnvironment(
            wallMilliseconds: {
                state.withLock {
                    $0.0 += 1; return $0.0
                }
            },
            random: { state.withLock { $0.1.next() } })
        server = ModelServer(logID: .makeRandom(using: &generator))
        if faults.contains(.smallLimits) {
            server.limits.maxPushOperations = .random(in: 1...3, using: &generator)
            server.limits.maxTransactionOperations = .random(in: 1...3, using: &generator)
        }
        let resolvers: [any ConflictResolver] = [
            .serverWins, .clientWins, .lastWriteWins,
            .custom { .merge(Tokens.merge($0.local, $0.remote)) },
        ]
        for index in 0..<Int.random(in: 2...3, using: &generator) {
            let resolver = resolvers.randomElement(using: &generator)!
            devices.append(
                try ModelDevice(
                    DeviceID("d\(index)"), resolver: resolver, environment: environment))
        }
    }

    func run(steps: Int) throws {
        for _ in 0..<steps { try step() }
        try quiesce()
        try check()
    }

    private func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    /// One step; a device whose disk fails in it is opened again, as its app would after a crash.
    private func step() throws {
        let device = devices.randomElement(using: &generator)!
        if faults.contains(.disk), chance(15) {
            let call = Int.random(in: 1...8, using: &generator)
            note("the \(call). call of \(device.name)'s disk will fail")
            device.disk.failNextCall(
                number: call, errorNumber: FileSystemError.Number.inputOutput)
        }
        do {
            try step(device)
        } catch  where !(error is Failure) {
            note("\(device.name) fails: \(error)")
            try crash(device)
        }
    }

    private func step(_ device: ModelDevice) throws {
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<30: try edit(device)
        case 30..<80: try sync(device)
        case 80..<86 where faults.contains(.crash): try crash(device)
        case 86..<89 where faults.contains(.compaction): compact()
        case 89..<92 where faults.contains(.clone) && devices.count < 4: try clone(device)
        case 92..<94 where faults.contains(.serverRestore): backup = server.backup()
        case 94..<96: restoreServer()
        case 96..<98 where !delayed.isEmpty: deliver()
        case 97..<98 where faults.contains(.deviceRestore): try copyOrRestore(device)
        case 98..<99: try device.store.checkpoint()
        default: try device.reopen()
        }
    }

    private func note(_ text: @autoclosure () -> String) { trace.append(text()) }

    // MARK: Edits

    private func edit(_ device: ModelDevice) throws {
        let count = faults.contains(.transactions) && chance(40) ? chance(50) ? 2 : 3 : 1
        var ids = ["x", "y", "z"].shuffled(using: &generator).prefix(count)
        if count == 1 { ids = [chance(60) ? "x" : "y"] }
        let isDelete = ids.map { _ in chance(20) }
        // Nobody was promised anything about a commit that threw.
        let first = nextToken
        do { try edit(device, ids, isDelete) } catch {
            excused.formUnion(first..<nextToken)
            throw error
        }
    }

    private func edit(
        _ device: ModelDevice, _ ids: ArraySlice<String>, _ isDelete: [Bool]
    ) throws {
        try device.store.transaction { transaction in
            for (id, isDelete) in zip(ids, isDelete) {
                let before = transaction.rawEntity(in: "notes", id: id).map(Tokens.decode) ?? []
                if isDelete {
                    note("\(device.name) deletes \(id) \(before)")
                    excused.formUnion(before)
                    _ = try transaction.delete(in: "notes", id: id)
                } else {
                    created.insert(nextToken)
                    note("\(device.name) puts \(id) \(before) + \(nextToken)")
                    try transaction.putRaw(
                        Tokens.encode(before + [nextToken]), in: "notes", id: id)
                    nextToken += 1
                }
            }
        }
    }

    // MARK: Sync and faults

    private func sync(_ device: ModelDevice) throws {
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
            var fate = ModelDevice.Fate.arrives
            if faults.contains(.loss), chance(25) {
                fate = [.isDoubled, .requestIsLost, .answerIsLost].randomElement(using: &generator)!
            } else if faults.contains(.delay), chance(15) {
                fate = .comesLater
            }
            if try !advance(device, fate) { break }
        }
    }

    /// One exchange, told in the trace.
    private func advance(_ device: ModelDevice, _ fate: ModelDevice.Fate) throws -> Bool {
        let (pushes, pulls) = (server.pushes.count, server.pulls.count)
        let goesOn = try device.step(server, fate) { self.delayed.append($0) }
        var exchange = "does nothing"
        if let push = server.pushes.dropFirst(pushes).last {
            exchange = "pushes " + push.operations.map(Self.describe).joined(separator: ", ")
        } else if let pull = server.pulls.dropFirst(pulls).last {
            exchange = "pulls after \(pull.sinceCursor)"
        }
        let queue = device.replica.queue.state.operations.map(Self.describe)
        note(
            "\(device.name) \(exchange) (\(fate)); head \(server.head), "
                + "cursor \(device.replica.state.cursor), queue \(queue)")
        if let broken = device.replica.queue.state.checkInvariants() {
            throw Failure(description: "\(device.name)'s queue: \(broken)" + story)
        }
        return goesOn
    }

    private static func describe(_ operation: SyncOperation) -> String {
        let content = operation.content.map { "\(Tokens.decode($0))" } ?? "deleted"
        let base = operation.baseOperationID.map { "op \($0)" } ?? "\(operation.base ?? 0)"
        return "\(operation.operationID):\(operation.entityID)=\(content) on \(base)"
            + (operation.transactionID.map { " in \($0)" } ?? "")
    }

    private func deliver() {
        let push = delayed.removeFirst()
        note("a delayed push of \(push.deviceID) arrives: \(push.operations.map(\.operationID))")
        _ = try? server.push(push)
    }

    private func crash(_ device: ModelDevice) throws {
        note("\(device.name) crashes")
        device.disk.crash(using: &generator)
        try device.reopen()
    }

    private func compact() {
        note("the server compacts")
        if chance(30) {
            server.stale.insert(devices.randomElement(using: &generator)!.replica.state.deviceID)
        }
        server.compact()
    }

    private func restoreServer() {
        guard let backup else { return }
        note("the server is restored from a backup at \(backup.head)")
        server.restore(backup, as: .makeRandom(using: &generator))
    }

    /// Keeps a copy of a device's files, or puts one back. What was done since is not on it, nor
    /// what the conflict log kept of it.
    private func copyOrRestore(_ device: ModelDevice) throws {
        guard let copy = copies[device.name] else {
            note("\(device.name)'s files are copied")
            copies[device.name] = device.disk.copyTree(at: "/device")
            return
        }
        note("\(device.name) is restored from a copy")
        try device.replica.capture()
        for operation in device.replica.queue.state.operations {
            excused.formUnion(Tokens.decode(operation.entityCBOR ?? []))
        }
        excused.formUnion(try keptTokens(device))
        device.store.close()
        device.disk.replaceTree(at: "/device", with: copy)
        try device.reopen()
    }

    private func clone(_ device: ModelDevice) throws {
        note("\(device.name) is cloned")
        let disk = SimulatedDisk()
        disk.replaceTree(at: "/device", with: device.disk.copyTree(at: "/device"))
        devices.append(
            try ModelDevice(
                device.name, on: disk, resolver: device.resolver, environment: environment))
    }

    // MARK: End

    private func quiesce() throws {
        delayed = []
        note("— everyone syncs until quiet —")
        for device in devices {
            device.disk.crash(using: &generator)
            try device.reopen()
        }
        for round in 0..<12 {
            let before = server.head
            for device in devices {
                var steps = 0
                while try advance(device, .arrives) {
                    steps += 1
                    if steps > 500 {
                        throw Failure(description: "\(device.name)'s sync has no end" + story)
                    }
                }
            }
            if round > 1, server.head == before,
                devices.allSatisfy({ $0.replica.queue.state.isEmpty })
            {
                return
            }
        }
        throw Failure(description: "no end of syncing" + story)
    }

    private var story: String {
        "\n" + trace.suffix(60).joined(separator: "\n")
    }

    private func check() throws {
        var expected: [EntityKey: [UInt64]] = [:]
        for (key, operation) in server.current {
            if let content = operation.content { expected[key] = Tokens.decode(content) }
        }
        for device in devices where device.entities != expected {
            throw Failure(
                description: "\(device.name) has \(device.entities), the server \(expected)" + story
            )
        }
        var known = excused
        for tokens in expected.values { known.formUnion(tokens) }
        for device in devices { known.formUnion(try keptTokens(device)) }
        let lost = created.subtracting(known)
        if !lost.isEmpty { throw Failure(description: "edits \(lost.sorted()) are lost" + story) }
        try checkDoubles()
    }

    /// The edits that a device's conflict log and quarantine keep.
    private func keptTokens(_ device: ModelDevice) throws -> Set<UInt64> {
        var kept: Set<UInt64> = []
        for record in try device.conflicts() {
            for content in [record.conflict.base, record.conflict.local, record.conflict.remote] {
                kept.formUnion(Tokens.decode(content ?? []))
            }
        }
        for entry in try device.quarantined() {
            kept.formUnion(Tokens.decode(entry.operation.entityCBOR ?? []))
        }
        return kept
    }

    private func checkDoubles() throws {
        guard faults.isDisjoint(with: [.serverRestore, .clone, .deviceRestore]) else { return }
        var seen: Set<[UInt8]> = []
        for operation in server.history {
            guard let content = operation.content else { continue }
            let mark = Array(operation.entityID.rawValue.utf8) + content
            if !seen.insert(mark).inserted {
                throw Failure(
                    description: "\(operation.key) \(Tokens.decode(content)) was accepted twice"
                        + story)
            }
        }
    }
}
