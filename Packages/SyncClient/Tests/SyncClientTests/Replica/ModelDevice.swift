// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport

@testable import SyncClient

/// A device on a simulated disk: the real store, queue, replica and state machine, stepped by hand.
final class ModelDevice {
    typealias Store = DiskEntityStore<SimulatedDisk>
    typealias Synced = Replica<SyncedEntityStore<SimulatedDisk>, OfflineQueue<SimulatedDisk>>

    let disk: SimulatedDisk
    let name: DeviceID
    var resolver: any ConflictResolver
    private(set) var store: Store
    private(set) var replica: Synced
    private var machine = SyncStateMachine(policy: .standard)
    private var event: SyncStateMachine.Event? = .begin
    private let environment: SyncEnvironment
    /// Why the last cycle that failed did.
    private(set) var lastFailure: SyncError?
    var pullLimit: UInt64

    /// What happens to one exchange with the server.
    enum Fate: CaseIterable { case arrives, isDoubled, requestIsLost, answerIsLost, comesLater }

    init(
        _ name: DeviceID, on disk: SimulatedDisk = SimulatedDisk(),
        resolver: any ConflictResolver = .serverWins, environment: SyncEnvironment,
        pullLimit: UInt64 = 2
    ) throws {
        self.name = name
        self.disk = disk
        self.resolver = resolver
        self.environment = environment
        self.pullLimit = pullLimit
        (store, replica) = try Self.open(name, disk, resolver, environment, pullLimit: pullLimit)
    }

    private static func open(
        _ name: DeviceID, _ disk: SimulatedDisk, _ resolver: any ConflictResolver,
        _ environment: SyncEnvironment, pullLimit: UInt64
    ) throws -> (Store, Synced) {
        var configuration = SyncConfiguration(databaseID: "db", deviceID: name)
        configuration.pullLimit = pullLimit
        let store = try Store(directory: "/device", disk: disk)
        let replica = try Replica(
            store: SyncedEntityStore(store), directory: store.directory, disk: disk,
            configuration: configuration, resolver: resolver, environment: environment)
        return (store, replica)
    }

    /// Opens the files again, as after a restart.
    func reopen() throws {
        store.close()
        (store, replica) = try Self.open(name, disk, resolver, environment, pullLimit: pullLimit)
        event = .begin
    }

    // MARK: Sync

    /// One step of a sync cycle against `server`; `later` takes a push that arrives at some time.
    ///
    /// - Returns: Whether the cycle goes on.
    func step(
        _ server: any ModelPeer, _ fate: Fate = .arrives, later: ((PushRequest) -> Void)? = nil
    ) throws -> Bool {
        if event == nil || event == .begin { replica.beginCycle(renewsHandshake: true) }
        var action = machine.next(event ?? .begin, replica.outlook)
        if case .wait = action { action = machine.resume(replica.outlook) }
        var push: PushRequest?
        do throws(SyncError) {
            switch action {
            case .handshake:
                let request = replica.makeHandshakeRequest()
                try replica.settle(
                    try exchange(fate) { () throws(SyncError) in
                        try server.handshake(request)
                    })
            case .pull:
                let request = replica.makePullRequest()
                try replica.settle(
                    try exchange(fate) { () throws(SyncError) in try server.pull(request) },
                    to: request)
            case .push:
                let request = try replica.makePushRequest()
                push = request
                if fate == .comesLater { later?(request) }
                try replica.settle(
                    try exchange(fate) { () throws(SyncError) in try server.push(request) },
                    to: request)
            case .wait: break
            case .finish:
                event = .begin
                return false
            case .fail(let error):
                lastFailure = error
                event = .begin
                return false
            }
            event = .done
        } catch {
            if error.code == .storage { throw error }
            event =
                try replica.recover(from: error, push: push)
                ? .recovered(error) : .failed(error, random: 0)
        }
        return true
    }

    /// Goes through a cycle up to its next push, which does not leave yet.
    func syncToPush(_ server: any ModelPeer) throws {
        event = .begin
        _ = try step(server)
        for _ in 0..<200 {
            var machine = machine
            if machine.next(event ?? .begin, replica.outlook) == .push { return }
            guard try step(server) else { break }
        }
        throw SyncError(.invalidAnswer, "The cycle does not come to a push.")
    }

    private func exchange<Answer>(
        _ fate: Fate, _ body: () throws(SyncError) -> Answer
    ) throws(SyncError) -> Answer {
        switch fate {
        case .arrives: return try body()
        case .isDoubled:
            _ = try body()
            return try body()
        case .requestIsLost, .comesLater: throw SyncError(.network, "lost")
        case .answerIsLost:
            _ = try body()
            throw SyncError(.network, "lost")
        }
    }

    /// Syncs until there is nothing left to do.
    func sync(_ server: any ModelPeer, stepsMax: Int = 2_000) throws {
        event = .begin
        for _ in 0..<stepsMax where try !step(server) { return }
        throw SyncError(.invalidAnswer, "The sync does not come to an end.")
    }

    // MARK: What the app does

    func put(_ tokens: [UInt64], _ id: String, in collection: String = "notes") throws {
        try store.putRaw(Tokens.encode(tokens), in: collection, id: id)
    }

    func tokens(_ id: String, in collection: String = "notes") -> [UInt64]? {
        store.rawEntity(in: collection, id: id).map(Tokens.decode)
    }

    /// Every entity of the app's collections.
    var entities: [EntityKey: [UInt64]] {
        var all: [EntityKey: [UInt64]] = [:]
        for collection in store.collections {
            for entity in store.rawEntities(in: collection) {
                all[EntityKey(CollectionName(collection), EntityID(entity.id))] =
                    Tokens.decode(entity.content)
            }
        }
        return all
    }

    func conflicts() throws -> [ConflictRecord] { try replica.entries(in: "_conflicts") }
    func quarantined() throws -> [QuarantinedOperation] { try replica.entries(in: "_quarantine") }
}
