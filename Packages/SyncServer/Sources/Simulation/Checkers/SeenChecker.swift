// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

/// Judges what a device says of a log that it knows: the highest cursor that any answer has shown
/// it, by which a server finds that its log has gone back. And when it asks its resolver about
/// another log: when all of it is there.
struct SeenChecker {
    private let name: String
    private var logID: LogID?
    /// The device has seen this.
    private var shown: Cursor = 0
    /// The device may have seen this: in an answer that it dropped, or did not get to keep.
    private var mayHaveSeen: Cursor = 0
    /// Whether the device may know another log than it was last seen to know.
    private var isOfUnknownPast = false

    init(name: String) { self.name = name }

    /// The device has the files of another time or of another device, perhaps of another log.
    mutating func historyIsGone() {
        (logID, shown, isOfUnknownPast) = (nil, 0, true)
    }

    /// The app ended, perhaps while it took an answer.
    mutating func ends() { isOfUnknownPast = true }

    /// An answer has come to the device, which may or may not keep what it shows.
    mutating func takes(_ answer: SyncAnswer) {
        mayHaveSeen = max(mayHaveSeen, Self.cursor(shownBy: answer))
    }

    /// A refusal has come to the device, which may or may not keep the log's end that it names.
    mutating func takes(_ error: SyncError) {
        guard error.details.reason == "compacted" else { return }
        mayHaveSeen = max(mayHaveSeen, error.details.serverCursor ?? 0)
    }

    /// The device has taken an answer, or an error, and knows `found` now.
    mutating func took(_ answer: SyncAnswer?, _ found: ReplicaInspection) {
        if found.logID != logID {
            mayHaveSeen = isOfUnknownPast ? Cursor(wireIntegerMax) : 0
            (logID, shown) = (found.logID, 0)
        }
        isOfUnknownPast = false
        guard let answer else { return }
        takes(answer)
        switch answer {
        case .handshake(let answer) where answer.logID != logID: return
        // A page that comes too late is dropped.
        case .pull(let page):
            if page.logID == logID, found.cursor >= page.nextCursor {
                shown = max(shown, page.nextCursor)
            }
        case .handshake, .push: shown = max(shown, Self.cursor(shownBy: answer))
        }
    }

    private static func cursor(shownBy answer: SyncAnswer) -> Cursor {
        switch answer {
        case .handshake(let answer): return answer.serverCursor
        case .pull(let page): return max(page.nextCursor, page.serverCursor ?? 0)
        case .push(let answer):
            let accepted = (answer.accepted ?? []).map {
                $0.firstCursor == 0 ? 0 : Cursor($0.firstCursor.rawValue + $0.count - 1)
            }
            let met = answer.conflicts.map { $0.serverState.cursor ?? 0 }
            return max(answer.serverCursor ?? 0, accepted.max() ?? 0, met.max() ?? 0)
        }
    }

    /// The device asks; it names what it has seen.
    mutating func asks(_ request: SyncRequest) throws {
        let named: (logID: LogID?, cursor: Cursor?)
        switch request {
        case .handshake(let request): named = (request.logID, request.cursor)
        case .push(let request): named = (request.logID, request.cursor)
        case .pull: return
        }
        // Before it has named a log since its files were put back, nobody knows what it has seen.
        guard let logID = named.logID, logID == self.logID else { return }
        let cursor = named.cursor ?? 0
        guard cursor >= shown, cursor <= mayHaveSeen else {
            throw SimulationFailure(
                .saysWhatItSaw,
                "\(name) says that it has seen cursor \(cursor), and was shown \(shown)"
                    + (mayHaveSeen > shown ? " or \(mayHaveSeen)" : ""))
        }
    }

    /// What a resolver was asked at the end of a resync is what the log has then.
    static func check(
        _ decisions: [(EntityConflict, ConflictResolution)], after found: ReplicaInspection,
        _ log: LogModel.Log?, name: String
    ) throws {
        for (conflict, _) in decisions {
            let latest = log?.latest(of: conflict.key, upTo: found.cursor)
            let content = latest.flatMap { log?.operations[Int($0.rawValue) - 1].content }
            guard !found.isFindingOwn, log == nil || content == conflict.remote else {
                throw SimulationFailure(
                    .meetsWhatStands,
                    "\(name) asks about \(EntityContent.tokens(conflict.remote)) of "
                        + "\(conflict.key), "
                        + (found.isFindingOwn
                            ? "and more of the log is to come"
                            : "which is \(EntityContent.tokens(content)) in the log"))
            }
        }
    }
}
