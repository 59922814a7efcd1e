// SPDX-License-Identifier: MIT

import HTTPWire
import Synchronization

/// Counts requests that were left unanswered.
final class SilenceCount: Sendable {
    let value = Atomic(0)
}

/// One TCP connection to the server under test, for one thread. It sends exactly the bytes that it
/// is told, in whatever pieces, and takes whole answers.
///
/// While it sends it reads, too: a server may refuse a request before it has all of it.
final class Connection {
    private static let readBytes = 65_536

    private let descriptor: CInt
    private let timeout: Duration
    private let silences: SilenceCount
    private var parser: HTTPResponseParser
    private var isEnded = false
    private var isClosed = false
    /// What has come of an answer that goes on; nil as long as answers are whole.
    private var raw: [UInt8]?
    /// Why sending or receiving ended other than in good order.
    private var breakage: String?

    /// Connects.
    ///
    /// - Parameters:
    ///   - timeout: How long connecting, sending and each answer may take.
    ///   - isHead: Whether all requests will be HEAD, whose answers have no body.
    ///   - silences: Counts answers that did not come.
    init(
        to address: ServerAddress, timeout: Duration, isHead: Bool = false, silences: SilenceCount
    ) throws(ConformanceFailure) {
        self.timeout = timeout
        self.silences = silences
        descriptor = try Platform.connect(
            to: address.host, address.port, milliseconds: Self.milliseconds(timeout))
        let limits = HTTPLimits(maxBodyBytes: 1 << 30)
        parser = HTTPResponseParser(limits: limits, isHead: isHead)
    }

    deinit { close() }

    /// Closes it, so that an answer that is on its way reaches nobody.
    func close(isReset: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        Platform.close(descriptor, isReset: isReset)
    }

    /// Sends all bytes, unless the server has ended the connection: then the next `receive()`
    /// finds the answer that it gave before.
    func send(_ bytes: [UInt8]) throws(ConformanceFailure) {
        let deadline = ContinuousClock().now + timeout
        var rest = bytes[...]
        while !rest.isEmpty, breakage == nil, !isEnded {
            let ready = Platform.wait(
                descriptor, forWriting: true, milliseconds: Self.milliseconds(until: deadline))
            if ready.canRead { read() }
            if ready.canWrite, breakage == nil {
                switch rest.withUnsafeBytes({ Platform.send($0, to: descriptor) }) {
                case .moved(let count): rest = rest.dropFirst(count)
                case .wouldBlock: break
                case .failed(let reason): breakage = reason
                }
            }
            guard ContinuousClock().now < deadline else {
                throw ConformanceFailure(
                    "The server took no more than \(bytes.count - rest.count) of \(bytes.count) "
                        + "bytes within \(timeout).")
            }
        }
        // What the server said before it broke the connection can still be there.
        if breakage != nil { read() }
    }

    /// Sends bytes in pieces of `count`, each in a packet of its own as far as the system goes
    /// along.
    func send(_ bytes: [UInt8], inPiecesOf count: Int) throws(ConformanceFailure) {
        for start in stride(from: 0, to: bytes.count, by: count) {
            try send(Array(bytes[start..<min(bytes.count, start + count)]))
        }
    }

    /// The next answer; nil if the server closed the connection in good order instead.
    ///
    /// - Parameter limit: How long it may take, if not as long as anything.
    func receiveOrEnd(within limit: Duration? = nil) throws(ConformanceFailure)
        -> HTTPReceivedResponse?
    {
        let limit = limit ?? timeout
        let deadline = ContinuousClock().now + limit
        while true {
            switch parser.next() {
            case .response(let response): return response
            case .failed(let fault):
                if fault.isTruncated, fault.position == 0, breakage == nil { return nil }
                let reason = breakage.map { " (\($0))" } ?? ""
                throw ConformanceFailure("There was no whole answer: \(fault)\(reason)")
            case .needMore: break
            }
            guard ContinuousClock().now < deadline else {
                silences.value.add(1, ordering: .relaxed)
                throw ConformanceFailure("No answer came within \(limit).")
            }
            let ready = Platform.wait(
                descriptor, forWriting: false, milliseconds: Self.milliseconds(until: deadline))
            if ready.canRead { read() }
        }
    }

    /// The next answer.
    func receive(within limit: Duration? = nil) throws(ConformanceFailure) -> HTTPReceivedResponse {
        guard let response = try receiveOrEnd(within: limit) else {
            throw ConformanceFailure("The server closed the connection instead of answering.")
        }
        return response
    }

    /// The next answer; nil if the connection ended, in good order or not.
    func receiveUntilBroken() throws(ConformanceFailure) -> HTTPReceivedResponse? {
        do throws(ConformanceFailure) {
            return try receiveOrEnd()
        } catch {
            if isEnded { return nil }
            throw error
        }
    }

    /// From now on takes bytes as they come, with `receiveBytes`, and not whole answers.
    func goOnWithBytes() { raw = raw ?? [] }

    /// The bytes that have come, after waiting for some; none at the server's end.
    func receiveBytes() throws(ConformanceFailure) -> [UInt8] {
        let deadline = ContinuousClock().now + timeout
        while raw?.isEmpty ?? true, !isEnded {
            guard ContinuousClock().now < deadline else {
                throw ConformanceFailure("Nothing came within \(timeout).")
            }
            let ready = Platform.wait(
                descriptor, forWriting: false, milliseconds: Self.milliseconds(until: deadline))
            if ready.canRead { read() }
        }
        defer { raw = [] }
        return raw ?? []
    }

    /// Whether something has come that was not received, without waiting for it.
    var hasNews: Bool {
        Platform.wait(descriptor, forWriting: false, milliseconds: 0).canRead
            || parser.hasUnparsedBytes
    }

    /// Takes what is there.
    private func read() {
        guard !isEnded else { return }
        var buffer = [UInt8](repeating: 0, count: Self.readBytes)
        switch buffer.withUnsafeMutableBytes({ Platform.receive(descriptor, into: $0) }) {
        case .moved(0):
            isEnded = true
            parser.receiveEnd()
        case .moved(let count):
            if raw != nil {
                raw?.append(contentsOf: buffer[..<count])
            } else {
                parser.append(Array(buffer[..<count]))
            }
        case .wouldBlock: break
        case .failed(let reason):
            breakage = breakage ?? reason
            isEnded = true
            parser.receiveEnd()
        }
    }

    private static func milliseconds(until deadline: ContinuousClock.Instant) -> CInt {
        milliseconds(ContinuousClock().now.duration(to: deadline))
    }

    private static func milliseconds(_ duration: Duration) -> CInt {
        // Rounded up, so that nothing is polled in vain before the deadline.
        CInt(clamping: max(0, duration.milliseconds + 1))
    }
}
