// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

// What is dropped from logs, and where devices are.
extension AnswerChecker {
    /// Why a pull may be refused that begins before dropped tombstones.
    func faultOfPosition(_ request: PullRequest) -> String? {
        switch models[request.databaseID]?.refusal(of: request) {
        case .due, .allowed: "compacted"
        case .notDue, nil: nil
        }
    }

    /// Why a request that waits for news is to be refused; `nil` if it is not.
    func faultOfWaiting(_ request: SyncRequest) -> String? {
        guard case .pull(let pull) = request,
            case .due? = models[pull.databaseID]?.refusal(of: pull)
        else { return nil }
        return "compacted"
    }

    func oldestCursor(of request: SyncRequest) -> Cursor {
        models[request.databaseID]?.durable.oldest ?? .start
    }

    /// The server has taken a request, and knows where its device is.
    mutating func hears(_ request: SyncRequest, atMilliseconds now: UInt64) {
        retention.latestWall = max(retention.latestWall, now)
        guard let deviceID = request.deviceID, let model = models[request.databaseID] else {
            return
        }
        var pull: PullRequest?
        if case .pull(let request) = request { pull = request }
        models[request.databaseID]?.places.hears(
            deviceID, pull, head: model.durable.head, at: now, retention)
    }

    /// The server failed with a request: it may have noted what it says of its device.
    mutating func mayHear(_ request: SyncRequest) {
        guard let deviceID = request.deviceID else { return }
        models[request.databaseID]?.places.mayHear(deviceID)
    }

    /// The server died, and may not know all that devices said.
    mutating func forgetPlaces() {
        for databaseID in models.keys { models[databaseID]?.places.serverDied() }
    }

    /// Judges what a running server has left of a database.
    mutating func compacted(
        _ databaseID: DatabaseID, operations: [SyncOperation], oldest: Cursor
    ) throws {
        if let fault = models[databaseID]?.compact(to: operations[...], oldest, retention) {
            throw SimulationFailure(.compactsAsAllowed, "\(databaseID): \(fault)")
        }
    }
}

extension SyncRequest {
    /// Who asks; `nil` if that is not said.
    var deviceID: DeviceID? {
        switch self {
        case .handshake(let request): request.deviceID
        case .pull(let request): request.deviceID
        case .push(let request): request.deviceID
        }
    }

    /// The database that is meant.
    var databaseID: DatabaseID {
        switch self {
        case .handshake(let request): request.databaseID
        case .pull(let request): request.databaseID
        case .push(let request): request.databaseID
        }
    }
}
