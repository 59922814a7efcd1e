// SPDX-License-Identifier: MIT

/// A running adapter: a program that answers each line with a line. Used by one thread at a time.
final class AdapterProcess {
    /// A line that is longer is a fault, however much of it is still to come.
    private static let lineBytesMax = 64 << 20
    private static let readBytes = 16_384

    private let process: StartedProcess
    /// What has come and was not yet taken.
    private var received: [UInt8] = []
    private var hasEnded = false
    private var isClosed = false

    /// Starts it.
    init(_ words: [String]) throws(ConformanceUnreachable) {
        process = try Platform.start(words)
    }

    deinit { end() }

    /// Closes its standard input, gives it a moment to end, and ends it. Returns how it ended.
    @discardableResult
    func end(afterMilliseconds patience: CInt = 0) -> String {
        guard !isClosed else { return "was ended" }
        isClosed = true
        Platform.closePipe(process.input)
        defer { Platform.closePipe(process.output) }
        return Platform.end(process, afterMilliseconds: patience)
    }

    /// Sends a line and returns the line that comes next, both without their line feed.
    ///
    /// - Parameter isTime: Called now and then; once it says so, the answer is not waited for.
    /// - Throws: `ConformanceFailure`; the process is of no more use then.
    func exchange(
        _ line: [UInt8], within limit: Duration, endingWhen isTime: @Sendable () -> Bool = { false }
    ) throws(ConformanceFailure) -> [UInt8] {
        takeWhatIsThere()
        guard received.isEmpty else {
            throw ConformanceFailure("The adapter said something that nobody had asked for.")
                .adding("output", Self.shown(received))
        }
        let deadline = ContinuousClock().now + limit
        var rest = (line + [UInt8(ascii: "\n")])[...]
        var searched = 0
        while true {
            if let feed = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let answer = Array(received[..<feed])
                received.removeSubrange(...feed)
                return answer
            }
            searched = received.count
            try checkGoingOn(deadline, limit)
            if isTime() { throw AdapterSilence.failure(within: limit) }
            let left = min(10, ContinuousClock().now.duration(to: deadline).milliseconds)
            let ready = Platform.wait(
                reading: process.output, writing: rest.isEmpty ? nil : process.input,
                milliseconds: CInt(clamping: max(0, left + 1)))
            if ready.canRead { takeSome() }
            if ready.canWrite {
                switch rest.withUnsafeBytes({ Platform.writePipe($0, to: process.input) }) {
                case .moved(let count): rest = rest.dropFirst(count)
                case .wouldBlock: break
                // Its end shows when its output is read.
                case .failed: rest = []
                }
            }
        }
    }

    private func checkGoingOn(
        _ deadline: ContinuousClock.Instant, _ limit: Duration
    ) throws(ConformanceFailure) {
        if hasEnded {
            let cut = received.isEmpty ? "" : " after the beginning of a line"
            let failure = ConformanceFailure(
                "The adapter \(end(afterMilliseconds: 1_000))\(cut) instead of answering.")
            throw received.isEmpty ? failure : failure.adding("output", Self.shown(received))
        }
        guard received.count <= Self.lineBytesMax else {
            throw ConformanceFailure(
                "The adapter's line is longer than \(Self.lineBytesMax) bytes.")
        }
        guard ContinuousClock().now < deadline else {
            throw AdapterSilence.failure(within: limit)
        }
    }

    private func takeWhatIsThere() {
        while !hasEnded,
            Platform.wait(reading: process.output, writing: nil, milliseconds: 0).canRead,
            received.count <= Self.lineBytesMax
        { takeSome() }
    }

    private func takeSome() {
        var buffer = [UInt8](repeating: 0, count: Self.readBytes)
        switch buffer.withUnsafeMutableBytes({ Platform.readPipe(process.output, into: $0) }) {
        case .moved(0), .failed: hasEnded = true
        case .moved(let count): received += buffer[..<count]
        case .wouldBlock: break
        }
    }

    /// The beginning of some output, as text.
    static func shown(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(200), as: UTF8.self)
        return bytes.count > 200 ? text + "…" : text
    }
}

/// How an adapter that does not answer is told from one that answers badly.
enum AdapterSilence {
    private static let message = "The adapter has not answered within "

    static func failure(within limit: Duration) -> ConformanceFailure {
        ConformanceFailure("\(message)\(limit).")
    }

    static func isMeant(by failure: ConformanceFailure) -> Bool {
        failure.message.utf8.starts(with: message.utf8)
    }
}
