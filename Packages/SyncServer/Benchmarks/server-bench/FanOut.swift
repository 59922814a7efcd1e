// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A way of being told of what is published.
protocol Broadcast {
    /// What it is called in the report.
    var name: String { get }
    var process: ServerProcess? { get }
    /// A connection that is told of everything published from now on.
    func subscribe(_ number: Int) throws -> Connection
    /// A connection to publish on.
    func publisher() throws -> Connection
    /// The request that publishes the message with this number, from 1, in which `mark` stands.
    func publication(_ number: Int, mark: String) -> [UInt8]
}

/// One publishes and many are told: how long it takes from the first byte of the publication until
/// a subscriber has read of it, for each subscriber and each publication.
struct FanOut {
    let subscribers: Int
    let publications: Int

    /// What a run came to.
    struct Figures {
        /// In nanoseconds, sorted: one for each subscriber and publication.
        var latencies: [UInt64] = []
        /// The latest of each publication, in nanoseconds, sorted.
        var last: [UInt64] = []
        /// What a subscriber that was told nothing so far costs the server, in bytes.
        var idleBytes = 0.0
        var serverMicroseconds = 0.0
        var ownShare = 0.0

        func milliseconds(_ quantile: Double, of values: [UInt64]) -> Double {
            guard !values.isEmpty else { return 0 }
            return Double(values[Int(Double(values.count - 1) * quantile + 0.5)]) / 1e6
        }
    }

    func run(_ system: any Broadcast) throws -> Figures {
        var figures = Figures()
        let publisher = try system.publisher()
        try publisher.exchange(system.publication(1, mark: Self.mark(1)))
        let empty = system.process?.residentBytes ?? 0
        let connections = try (0..<subscribers).map { try system.subscribe($0) }
        // A connection that is let go closes its socket.
        defer { withExtendedLifetime(connections) {} }
        Platform.pause(milliseconds: 200)
        let full = system.process?.residentBytes ?? 0
        figures.idleBytes = Double(full - empty) / Double(subscribers)
        // What the subscribers were greeted with is not what they are measured by.
        var ears = connections.map { Ear(descriptor: $0.descriptor) }
        for index in ears.indices { ears[index].clear() }
        let processor = system.process?.processorSeconds ?? 0
        let (own, start) = (Platform.ownSeconds, Platform.nanoseconds)
        for number in 2..<(publications + 2) {
            let mark = Self.mark(number)
            let request = system.publication(number, mark: mark)
            let begun = Platform.nanoseconds
            try request.withUnsafeBytes { bytes in
                try publisher.begin(bytes)
                while publisher.isSending { try publisher.send() }
                try hear(Array(mark.utf8), publisher, &ears, since: begun, &figures)
            }
        }
        let seconds = Double(Platform.nanoseconds - start) / 1e9
        figures.ownShare = (Platform.ownSeconds - own) / seconds
        figures.serverMicroseconds =
            ((system.process?.processorSeconds ?? 0) - processor) * 1e6
            / Double(subscribers * publications)
        figures.latencies.sort()
        figures.last.sort()
        return figures
    }

    private static func mark(_ number: Int) -> String { "mark-\(number)-" }

    /// Waits until every subscriber has read `mark`, and the publisher its answer.
    private func hear(
        _ mark: [UInt8], _ publisher: Connection, _ ears: inout [Ear], since begun: UInt64,
        _ figures: inout Figures
    ) throws {
        var waiting = Array(ears.indices)
        var entries = waiting.map {
            pollfd(fd: ears[$0].descriptor, events: Int16(POLLIN), revents: 0)
        }
        entries.append(pollfd(fd: publisher.descriptor, events: Int16(POLLIN), revents: 0))
        while !waiting.isEmpty {
            guard poll(&entries, nfds_t(entries.count), 60_000) > 0 else {
                throw Failure("A subscriber was told nothing in a minute.")
            }
            if entries[waiting.count].revents != 0, try publisher.receive() {
                entries[waiting.count].events = 0
            }
            var position = 0
            while position < waiting.count {
                let index = waiting[position]
                guard entries[position].revents != 0, try ears[index].hears(mark) else {
                    position += 1
                    continue
                }
                figures.latencies.append(Platform.nanoseconds - begun)
                waiting.swapAt(position, waiting.count - 1)
                entries.swapAt(position, waiting.count - 1)
                waiting.removeLast()
                entries.remove(at: waiting.count)
            }
        }
        figures.last.append(Platform.nanoseconds - begun)
        while entries[0].events != 0 {
            guard poll(&entries, 1, 60_000) > 0 else { throw Failure("No answer came.") }
            if try publisher.receive() { entries[0].events = 0 }
        }
    }
}

/// A subscriber's socket, and the end of what it has read.
private struct Ear {
    let descriptor: CInt
    private var end: [UInt8] = []

    init(descriptor: CInt) { self.descriptor = descriptor }

    /// Reads all that is there and forgets it.
    mutating func clear() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while read(descriptor, &buffer, buffer.count) > 0 {}
    }

    /// Reads what is there, and says whether the mark is in it.
    mutating func hears(_ mark: [UInt8]) throws -> Bool {
        let found = try withUnsafeTemporaryAllocation(byteCount: 1 << 14, alignment: 16) {
            buffer in
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EAGAIN || errno == EINTR { return false }
            guard count > 0 else { throw Failure("A subscriber was dropped.") }
            end += buffer[..<count]
            return end.withUnsafeBytes { $0.contains(mark) }
        }
        if found { end = [] } else { end = end.suffix(1 << 14) }
        return found
    }
}

extension UnsafeRawBufferPointer {
    /// Whether some bytes stand in it.
    fileprivate func contains(_ word: [UInt8]) -> Bool {
        guard let first = word.first, count >= word.count else { return false }
        var position = 0
        while let found = memchr(baseAddress! + position, CInt(first), count - position) {
            position = found - UnsafeMutableRawPointer(mutating: baseAddress!)
            if position + word.count > count { return false }
            if memcmp(found, word, word.count) == 0 { return true }
            position += 1
        }
        return false
    }
}
