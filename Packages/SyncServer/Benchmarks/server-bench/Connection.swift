// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the answers of a protocol end.
protocol Framing {
    /// Forgets the answer before: the next bytes begin another.
    mutating func begin()
    /// Looks on in what has come of an answer so far; never twice at the same byte.
    ///
    /// - Returns: Whether the answer is whole, which it is at the end of `bytes`.
    /// - Throws: `Failure` for an answer that says that the request failed.
    mutating func accept(_ bytes: UnsafeRawBufferPointer) throws -> Bool
}

/// A socket, the request that is being sent on it, and what has come of the answer.
final class Connection {
    let descriptor: CInt
    var framing: any Framing
    private var request = UnsafeRawBufferPointer(start: nil, count: 0)
    private var sent = 0
    private var buffer: UnsafeMutableRawBufferPointer
    private var received = 0

    init(port: UInt16, framing: any Framing) throws {
        guard let descriptor = try Platform.connect(port) else {
            throw Failure(call: "connecting")
        }
        self.descriptor = descriptor
        self.framing = framing
        buffer = .allocate(byteCount: 1 << 16, alignment: 16)
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// Whether a part of the request waits until the socket takes more.
    var isSending: Bool { sent < request.count }

    /// The answer, once it is whole, until the next request.
    var answer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[..<received]) }

    /// Begins a request, whose bytes must stay until the answer is there.
    func begin(_ bytes: UnsafeRawBufferPointer) throws {
        (request, sent, received) = (bytes, 0, 0)
        framing.begin()
        try send()
    }

    /// Sends as much as the socket takes.
    func send() throws {
        while isSending {
            let count = write(descriptor, request.baseAddress! + sent, request.count - sent)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return }
            guard count > 0 else { throw Failure(call: "sending") }
            sent += count
        }
    }

    /// Takes what has come; says whether the answer is whole.
    func receive() throws -> Bool {
        if received == buffer.count { grow() }
        let count = read(descriptor, buffer.baseAddress! + received, buffer.count - received)
        if count < 0, errno == EAGAIN || errno == EINTR { return false }
        guard count > 0 else {
            throw count == 0
                ? Failure("The server closed the connection.") : Failure(call: "receiving")
        }
        received += count
        return try framing.accept(answer)
    }

    private func grow() {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: buffer.count * 2, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
        buffer.deallocate()
        buffer = larger
    }

    /// Sends a request and waits for its answer: for what is not measured.
    func exchange(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            try begin(bytes)
            var isWhole = false
            while !isWhole {
                var entry = pollfd(
                    fd: descriptor, events: Int16(isSending ? POLLIN | POLLOUT : POLLIN),
                    revents: 0)
                guard poll(&entry, 1, 60_000) > 0 else {
                    throw Failure("No answer came in a minute.")
                }
                if isSending { try send() }
                if entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                    isWhole = try receive()
                }
            }
        }
    }
}
