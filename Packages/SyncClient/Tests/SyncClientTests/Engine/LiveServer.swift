// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport

@testable import SyncClient

/// A model server that answers encoded messages, lets pulls wait, and fails as told.
actor LiveServer {
    /// What becomes of one request.
    enum Fault: Sendable {
        /// The server does not see it, and this is the answer.
        case answer(MessageAnswer)
        /// The server does what is asked, and the answer gets lost at a proxy.
        case answerIsLost
        /// The request waits until `clock` wakes it; then the server does what is asked.
        case hangs
        /// As `hangs`, but the server does what is asked before the wait.
        case answerHangs
    }

    /// What waiting pulls and hanging requests sleep on.
    nonisolated let clock = ManualClock()
    private let model = ModelServer(logID: .numbered(1))
    private var faults: [String: [Fault]] = [:]
    private(set) var requests: [String] = []
    private var isOlder = false

    nonisolated var transport: InProcessTransport {
        InProcessTransport { path, body in await self.answer(path, body) }
    }

    /// The next requests to `path` meet `faults`, in order.
    func plan(_ faults: [Fault], for path: String) { self.faults[path, default: []] += faults }

    /// From now on the server names no log.
    func becomeOlder() { isOlder = true }

    var contents: [String: [UInt64]] {
        var contents: [String: [UInt64]] = [:]
        for (key, operation) in model.current {
            if let content = operation.content {
                contents[key.entityID.rawValue] = Tokens.decode(content)
            }
        }
        return contents
    }

    var acceptedCount: Int { model.history.count }
    var operationCountsOfPushes: [Int] { model.pushes.map(\.operations.count) }
    func setEntityLimit(_ bytes: UInt64) { model.limits.maxEntityBytes = bytes }

    /// Another device pushes an entity, and waiting pulls hear of it.
    func otherPuts(_ tokens: [UInt64], _ id: String) throws {
        let other = try ModelDevice("o", environment: .deterministic(seed: UInt64(model.head)))
        try other.sync(model)
        try other.put(tokens, id)
        try other.sync(model)
        clock.wakeAll()
    }

    private func answer(_ path: String, _ body: [UInt8]) async -> MessageAnswer {
        requests.append(path)
        guard var planned = faults[path], !planned.isEmpty else {
            return await answerInTime(path, body)
        }
        let fault = planned.removeFirst()
        faults[path] = planned
        switch fault {
        case .answer(let answer): return answer
        case .answerIsLost:
            _ = perform(path, body)
            return MessageAnswer(status: 504, body: Array("<html>".utf8))
        case .hangs:
            do { try await clock.sleep(for: .seconds(3_600)) } catch { return .cut }
            return perform(path, body)
        case .answerHangs:
            let answer = perform(path, body)
            do { try await clock.sleep(for: .seconds(3_600)) } catch { return .cut }
            return answer
        }
    }

    private func answerInTime(_ path: String, _ body: [UInt8]) async -> MessageAnswer {
        if path == "/v1/pull", let request = try? PullRequest(decoding: body),
            let wait = request.waitMilliseconds, request.sinceCursor == Cursor(model.head)
        {
            do { try await clock.sleep(for: .milliseconds(Int64(wait))) } catch { return .cut }
        }
        return perform(path, body)
    }

    private func perform(_ path: String, _ body: [UInt8]) -> MessageAnswer {
        do {
            switch path {
            case "/v1/handshake":
                var answer = try model.handshake(HandshakeRequest(decoding: body))
                if isOlder { answer.logID = nil }
                return MessageAnswer(status: 200, body: answer.encoded())
            case "/v1/pull":
                var answer = try model.pull(PullRequest(decoding: body))
                if isOlder { answer.logID = nil }
                return MessageAnswer(status: 200, body: answer.encoded())
            case "/v1/push":
                return MessageAnswer(
                    status: 200, body: try model.push(PushRequest(decoding: body)).encoded())
            default: return MessageAnswer(status: 404, body: [])
            }
        } catch {
            guard let error = error as? SyncError, case .server(let code) = error.code else {
                return MessageAnswer(status: 400, body: [])
            }
            let body = ErrorResponse(code: code, message: error.message, details: error.details)
            return MessageAnswer(status: error.status ?? 500, body: body.encoded())
        }
    }
}

extension MessageAnswer {
    /// What is left of a request whose sender went away.
    static let cut = MessageAnswer(status: 0, body: [])
}

/// A store on a simulated disk, its engine, and the clock that the engine waits on.
struct EngineWorld {
    typealias Engine = DiskSyncEngine<SimulatedDisk>

    let disk: SimulatedDisk
    let server: LiveServer
    let clock = ManualClock()
    let store: DiskEntityStore<SimulatedDisk>
    let engine: Engine
    static let policy = RetryPolicy(base: .seconds(1), cap: .seconds(8), attemptsMax: 3)
    /// Chance that draws half of the longest wait, always.
    static let half = SyncEnvironment(wallMilliseconds: { 1_000_000 }, random: { 1 << 63 })

    init(
        on disk: SimulatedDisk = SimulatedDisk(), server: LiveServer = LiveServer(),
        deviceID: DeviceID? = "d", transport: (any SyncTransport)? = nil,
        adjust: (inout SyncConfiguration) -> Void = { _ in }
    ) throws {
        self.disk = disk
        self.server = server
        var configuration = SyncConfiguration(databaseID: "db", deviceID: deviceID)
        configuration.retryPolicy = Self.policy
        adjust(&configuration)
        store = try DiskEntityStore(directory: "/device", disk: disk)
        engine = try Engine(
            store: store, configuration: configuration, transport: transport ?? server.transport,
            environment: Self.half, clock: clock)
    }

    func put(_ tokens: [UInt64], _ id: String) throws {
        try store.putRaw(Tokens.encode(tokens), in: "notes", id: id)
    }

    func tokens(_ id: String) -> [UInt64]? {
        store.rawEntity(in: "notes", id: id).map(Tokens.decode)
    }
}

extension AsyncStream<SyncState> {
    /// Reads on until the end of the next cycle that goes well.
    func nextSynced() async -> SyncReport? {
        for await state in dropFirst() {
            if case .synced(let report) = state { return report }
        }
        return nil
    }
}
