// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport

@testable @_spi(Simulation) import SyncClient

/// A device on a simulated disk whose server is a script, with a clock and a chance that are known.
struct ConversingDevice {
    typealias Conversation = ScriptedConversation

    private(set) var script = Script()
    private let disk = SimulatedDisk()
    private let settings: Conversation.Settings
    private var store: DiskEntityStore<SimulatedDisk>
    private var cycle: SyncCycle<SimulatedDisk>

    init(_ settings: Conversation.Settings) throws {
        self.settings = settings
        (store, cycle) = try Self.open(disk, settings)
    }

    private static func open(
        _ disk: SimulatedDisk, _ settings: Conversation.Settings
    ) throws -> (DiskEntityStore<SimulatedDisk>, SyncCycle<SimulatedDisk>) {
        var configuration = SyncConfiguration(
            databaseID: "db", deviceID: "d",
            clientInfo: ClientInfo(platform: "test", appVersion: "1"))
        configuration.pullLimit = settings.pullLimit
        configuration.retryPolicy = RetryPolicy(
            base: .seconds(1), cap: .seconds(1), attemptsMax: 3)
        let resolver: any ConflictResolver =
            switch settings.resolver {
            case "remote": .serverWins
            case "local": .clientWins
            default: Merge(content: TestVector.bytes(hex: settings.resolver) ?? [])
            }
        let store = try DiskEntityStore(directory: "/device", disk: disk)
        let cycle = try SyncCycle(
            store: store, configuration: configuration, resolver: resolver,
            environment: SyncEnvironment(
                wallMilliseconds: { Conversation.wallMilliseconds },
                random: { Conversation.chance }))
        return (store, cycle)
    }

    private struct Merge: ConflictResolver {
        let content: [UInt8]
        func resolve(_ conflict: EntityConflict) -> ConflictResolution { .merge(content) }
    }

    /// Does what a step says, up to its state.
    mutating func perform(_ step: Conversation.Step) throws {
        if let edits = step.commit {
            try store.transaction { transaction in
                for edit in edits {
                    if let content = edit.content.flatMap(TestVector.bytes(hex:)) {
                        try transaction.putRaw(content, in: edit.collection, id: edit.entityId)
                    } else {
                        try transaction.delete(in: edit.collection, id: edit.entityId)
                    }
                }
            }
        }
        if step.restart == true {
            store.close()
            (store, cycle) = try Self.open(disk, settings)
        }
        guard let exchanges = step.sync else { return }
        script.begin(exchanges.filter { $0.by == nil })
        var failure: SyncError?
        do throws(SyncError) { try sync() } catch { failure = error }
        script.end(failure, shouldFail: step.fails == true)
    }

    private mutating func sync() throws(SyncError) {
        var step = try cycle.begin(renewsHandshake: true)
        while true {
            switch step {
            case .finished: return
            case .wait(let duration):
                script.waited += duration
                step = try cycle.resume()
            case .exchange(let request):
                let outcome: Result<SyncAnswer, SyncError>
                do throws(SyncError) {
                    let answer = try script.answer(to: request.body, path: request.path)
                    outcome = .success(try request.decode(answer))
                } catch {
                    outcome = .failure(error)
                }
                step = try cycle.take(outcome, to: request)
            }
        }
    }

    /// What it holds.
    func state() throws -> Conversation.State {
        let inspection = try cycle.inspect()
        var state = Conversation.State(
            deviceID: inspection.deviceID, logID: inspection.logID, cursor: inspection.cursor)
        state.queue = inspection.operations.map { .init($0) }
        for (key, base) in inspection.bases {
            state.bases.insert(.init(key, cursor: base.cursor, isDeleted: base.isDeleted))
        }
        for collection in store.collections where !collection.hasPrefix("_") {
            for entity in store.rawEntities(in: collection) {
                let key = EntityKey(CollectionName(collection), EntityID(entity.id))
                state.entities.insert(.init(key, content: entity.content))
            }
        }
        state.conflicts = try cycle.conflicts().map {
            .init($0.conflict.key, local: $0.conflict.local, remote: $0.conflict.remote)
        }
        state.quarantine = try cycle.quarantinedOperations().map(\.operation).map {
            .init($0.key, content: $0.entityCBOR)
        }
        return state
    }
}

/// Answers as it is written, and notes what is asked otherwise.
struct Script {
    private var exchanges: [ScriptedConversation.Exchange] = []
    /// How long nothing may be asked.
    private var pause = Duration.zero
    /// How long the device has waited since the last answer.
    var waited = Duration.zero
    private(set) var findings: [String] = []

    mutating func begin(_ exchanges: [ScriptedConversation.Exchange]) {
        self.exchanges = exchanges
    }

    mutating func end(_ failure: SyncError?, shouldFail: Bool) {
        findings += exchanges.map { "It never asks \($0.path)." }
        if (failure != nil) != shouldFail {
            findings.append("The sync ends with: \(failure.map { "\($0)" } ?? "success")")
        }
    }

    mutating func answer(to body: [UInt8], path: String) throws(SyncError) -> MessageAnswer {
        guard !exchanges.isEmpty else {
            findings.append("It asks \(path) besides: \(Self.shown(body))")
            throw SyncError(.cancelled, "The script is over.")
        }
        let due = exchanges.removeFirst()
        if path != "/v1/\(due.path)" || ScriptedConversation.hex(body) != due.request {
            let request = TestVector.bytes(hex: due.request) ?? []
            findings.append(
                "It asks \(path) with \(Self.shown(body)), and not \(due.path) with "
                    + Self.shown(request))
        }
        if waited < pause { findings.append("It waits \(waited), and not \(pause).") }
        (pause, waited) = (.seconds(due.retryAfterSeconds ?? 0), .zero)
        guard due.arrives != false else { throw SyncError(.network, "There is no answer.") }
        return MessageAnswer(
            status: due.status, body: TestVector.bytes(hex: due.response) ?? [],
            retryAfterSeconds: due.retryAfterSeconds)
    }

    private static func shown(_ body: [UInt8]) -> String {
        (try? CBORValue(decoding: body)).map(\.diagnosticNotation) ?? ScriptedConversation.hex(body)
    }
}
