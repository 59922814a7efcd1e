// SPDX-License-Identifier: MIT

import SyncProtocol

/// A connection that stays open: an event stream or a socket. It has one deadline at a time, which
/// its owner keeps.
///
/// Small, as there are thousands: what a stream needs while it is idle is counted in hundreds of
/// bytes.
class LiveStream: StreamReceiver {
    /// What carries it; nil before it has begun and after it has ended.
    final var stream: ResponseStream?
    /// Its place in the owner's table.
    final var slot = -1
    /// When it is to be closed whatever happens, in monotonic nanoseconds: when the permission that
    /// it was opened with ends. Set it with `LiveStreams.limit`.
    final var closesAt: UInt64 = .max
    /// Who opened it.
    final let principal: Principal
    weak final var owner: LiveStreams?

    init(principal: Principal) { self.principal = principal }

    /// Bytes that were written and not read.
    final var unsentCount: Int { stream?.unsentCount ?? 0 }

    /// When `advance` is to be called.
    var deadline: UInt64 { closesAt }

    /// Does what is due, apart from closing.
    func advance(to now: UInt64) {}

    /// Ends it, or what of it is permitted no more, with a word.
    func review(_ authorizer: Authorizer) {}

    /// Ends it with a word.
    func close(_ reason: ErrorResponse) {}

    /// Ends it: lets go of all that it holds. Called once.
    func released() {}

    func received(_ bytes: UnsafeRawBufferPointer) {}

    func drained() {}

    final func abandoned() { finish() }

    /// Ends it; what was written still leaves.
    final func end() {
        stream?.end()
        finish()
    }

    private func finish() {
        guard stream != nil else { return }
        stream = nil
        owner?.remove(self)
        released()
    }
}

/// The streams of a server and when each is due.
final class LiveStreams {
    /// How often an event stream is written to, so that both ends and all between them know that it
    /// is alive: 15 s.
    static let eventPing: UInt64 = 15_000_000_000
    /// How often a socket is pinged: 30 s.
    static let socketPing: UInt64 = 30_000_000_000
    /// How long a socket has to answer: 10 s.
    static let pongTimeout: UInt64 = 10_000_000_000
    /// Streams that are looked after in a turn, so that requests do not wait for all of them.
    private static let duePerTurnMax = 256

    /// The time, in monotonic nanoseconds.
    let now: () -> UInt64
    private var streams: [LiveStream?] = []
    private var freeSlots: [Int] = []
    private var deadlines = DeadlineHeap()

    init(now: @escaping () -> UInt64) { self.now = now }

    /// All streams, in the order of their slots. O(n).
    var all: [LiveStream] { streams.compactMap { $0 } }

    func insert(_ stream: LiveStream) {
        stream.owner = self
        stream.slot = freeSlots.popLast() ?? streams.count
        if stream.slot == streams.count { streams.append(nil) }
        streams[stream.slot] = stream
        deadlines.set(stream.deadline, for: stream.slot)
    }

    fileprivate func remove(_ stream: LiveStream) {
        guard stream.slot >= 0 else { return }
        streams[stream.slot] = nil
        freeSlots.append(stream.slot)
        deadlines.remove(stream.slot)
        stream.slot = -1
    }

    /// Has a stream closed at `time`, in monotonic nanoseconds, if it is open by then.
    func limit(_ stream: LiveStream, to time: UInt64) {
        stream.closesAt = time
        reschedule(stream)
    }

    /// Notes that a stream's deadline may have come nearer.
    func reschedule(_ stream: LiveStream) {
        guard stream.slot >= 0 else { return }
        let deadline = stream.deadline
        // A later one is noticed when the one that is set fires.
        if let time = deadlines.time(of: stream.slot), time <= deadline { return }
        deadlines.set(deadline, for: stream.slot)
    }

    /// Does what is due at `now`, for a turn's share of the streams.
    ///
    /// - Returns: When to call next; nil if there is no stream.
    func advance(to now: UInt64) -> UInt64? {
        for _ in 0..<Self.duePerTurnMax {
            guard let slot = deadlines.popDue(at: now) else { break }
            guard let stream = streams[slot] else { continue }
            if stream.closesAt <= now {
                stream.close(AccessRefusal.expired.failure.response)
            } else if stream.deadline <= now {
                stream.advance(to: now)
            }
            if stream.slot >= 0 { deadlines.set(stream.deadline, for: slot) }
        }
        return deadlines.first
    }

    /// Ends all streams with a word.
    func close(_ reason: ErrorResponse) {
        for stream in all { stream.close(reason) }
    }
}

extension ErrorResponse {
    /// The server stops.
    static let stopping = ErrorResponse(
        code: .serviceUnavailable, message: "The server stops; come back in a moment.",
        retryAfterSeconds: 1)

    /// A subscriber leaves too much unread.
    static func overflow(_ maximum: Int) -> ErrorResponse {
        ErrorResponse(
            code: .serviceUnavailable,
            message: "More than \(maximum) bytes wait for this reader (maxUnsentBytes). Come back, "
                + "and go on from the last cursor.",
            details: .init(limit: "maxUnsentBytes", maximum: UInt64(maximum)),
            retryAfterSeconds: 1)
    }

    /// The body as JSON, for event streams.
    var json: JSONValue {
        var members = [
            JSONValue.Member("code", .number(code.rawValue)),
            JSONValue.Member("message", .text(message)),
        ]
        if !details.isEmpty { members.append(.init("details", details.json)) }
        if let retryAfterSeconds {
            members.append(.init("retryAfterSeconds", .number(retryAfterSeconds)))
        }
        if let requestID { members.append(.init("requestId", .text(requestID))) }
        return .object(members)
    }
}

extension ErrorResponse.Details {
    fileprivate var json: JSONValue {
        let members: [(String, JSONValue?)] = [
            ("reason", reason.map { .text($0) }),
            ("oldestCursor", oldestCursor.map { .number($0.rawValue) }),
            ("serverCursor", serverCursor.map { .number($0.rawValue) }),
            ("logId", logID.map { .text($0.description) }),
            ("limit", limit.map { .text($0) }), ("maximum", maximum.map { .number($0) }),
        ]
        return .object(members.compactMap { name, value in value.map { .init(name, $0) } })
    }
}
