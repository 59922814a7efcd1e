// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What one client asks, request by request.
protocol Script: AnyObject {
    /// The next request, or `nil` if there is none; its bytes stay until the next call.
    func next() -> UnsafeRawBufferPointer?
    /// Takes the answer to it, and says how many operations were done with that.
    func take(_ answer: UnsafeRawBufferPointer, _ framing: any Framing) throws -> Int
}

/// What a run came to.
struct Outcome {
    var operations = 0
    var seconds = 0.0
    /// From the first byte of a request to the last one of its answer, in nanoseconds, sorted.
    var latencies: [UInt64] = []
    /// The part of the time that this program computed: near 1 it measured itself.
    var ownShare = 0.0

    var rate: Double { Double(operations) / max(seconds, 1e-9) }

    /// A quantile of the latencies, in milliseconds.
    func latency(_ quantile: Double) -> Double {
        guard !latencies.isEmpty else { return 0 }
        let index = Int(Double(latencies.count - 1) * quantile + 0.5)
        return Double(latencies[index]) / 1e6
    }
}

/// Clients that each send a request, wait for the answer, and send the next: all on this thread.
enum Load {
    /// Runs until the time is over or a script has no further request, or with `isWhole` until
    /// none has; and then until every answer that is due has come.
    static func run(
        _ clients: [(connection: Connection, script: any Script)], seconds: Double,
        isWhole: Bool = false
    ) throws -> Outcome {
        var outcome = Outcome()
        var entries = clients.map {
            pollfd(fd: $0.connection.descriptor, events: Int16(POLLIN), revents: 0)
        }
        var begun = [UInt64](repeating: 0, count: clients.count)
        var busy = 0
        let processor = Platform.ownSeconds
        let start = Platform.nanoseconds
        let end = start + UInt64(seconds * 1e9)
        var isOver = false

        func begin(_ index: Int, _ now: UInt64) throws {
            guard !isOver, now < end, let request = clients[index].script.next() else {
                isOver = isOver || !isWhole
                return
            }
            begun[index] = now
            busy += 1
            try clients[index].connection.begin(request)
            setEvents(index)
        }
        func setEvents(_ index: Int) {
            let isSending = clients[index].connection.isSending
            entries[index].events = Int16(isSending ? POLLIN | POLLOUT : POLLIN)
        }

        for index in clients.indices { try begin(index, Platform.nanoseconds) }
        while busy > 0 {
            guard poll(&entries, nfds_t(entries.count), 60_000) > 0 else {
                throw Failure("No answer came in a minute.")
            }
            for index in entries.indices where entries[index].revents != 0 {
                let (connection, script) = clients[index]
                if connection.isSending {
                    try connection.send()
                    setEvents(index)
                }
                let hasNews = entries[index].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0
                guard hasNews, try connection.receive() else { continue }
                let now = Platform.nanoseconds
                outcome.latencies.append(now - begun[index])
                busy -= 1
                outcome.operations += try script.take(connection.answer, connection.framing)
                try begin(index, now)
            }
        }
        outcome.seconds = Double(Platform.nanoseconds - start) / 1e9
        outcome.ownShare = (Platform.ownSeconds - processor) / max(outcome.seconds, 1e-9)
        outcome.latencies.sort()
        return outcome
    }
}

/// Requests that were all encoded before the clock starts.
final class PreparedScript: Script {
    private let bytes: UnsafeMutableRawBufferPointer
    private let ends: [Int]
    private let operations: Int
    /// Checks an answer; the number is that of the request, from 0.
    private let check: (UnsafeRawBufferPointer, any Framing, Int) throws -> Void
    private var index = 0

    /// - Parameters:
    ///   - requests: All requests, one behind the other.
    ///   - ends: Where each of them ends.
    ///   - operations: How many operations are in each.
    init(
        _ requests: [UInt8], ends: [Int], operations: Int,
        check: @escaping (UnsafeRawBufferPointer, any Framing, Int) throws -> Void = { _, _, _ in }
    ) {
        bytes = .allocate(byteCount: max(requests.count, 1), alignment: 16)
        bytes.copyBytes(from: requests)
        self.ends = ends
        self.operations = operations
        self.check = check
    }

    deinit { bytes.deallocate() }

    func next() -> UnsafeRawBufferPointer? {
        guard index < ends.count else { return nil }
        let start = index == 0 ? 0 : ends[index - 1]
        index += 1
        return UnsafeRawBufferPointer(rebasing: bytes[start..<ends[index - 1]])
    }

    func take(_ answer: UnsafeRawBufferPointer, _ framing: any Framing) throws -> Int {
        try check(answer, framing, index - 1)
        return operations
    }

    /// Asks the same again, from the first request on.
    func rewind() { index = 0 }
}
