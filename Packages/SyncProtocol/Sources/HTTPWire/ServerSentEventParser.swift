// SPDX-License-Identifier: MIT

/// The bytes of a `text/event-stream` in, events out (HTML, §9.2.6).
///
/// Lines end with CR, LF or CRLF, a byte order mark in front is dropped, comments and unknown
/// fields are skipped, and what is not UTF-8 is replaced.
///
/// What it finds depends on the bytes alone, never on how they were split.
public struct ServerSentEventParser: Sendable {
    /// What `next()` found.
    public enum Outcome: Sendable, Equatable {
        /// No further event is whole.
        case needMore
        /// A whole event. Its `id` is nil if it had no `id` line of its own.
        case event(ServerSentEvent)
        /// An event is longer than the limit. From now on every call returns this.
        case tooLong
    }

    /// How many bytes an event may have, and so how many are kept.
    public let maxEventBytes: Int
    /// What to send as `Last-Event-ID` when coming back; empty if no event had an id.
    public private(set) var lastEventID = ""
    /// How long the server asks to wait before coming back, if it did.
    public private(set) var retryMilliseconds: UInt64?

    private var input: [UInt8] = []
    private var position = 0
    private var isAtStart = true
    private var skipsLineFeed = false
    private var isTooLong = false
    private var name: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var id: String?

    /// Creates a parser for one connection.
    public init(maxEventBytes: Int) { self.maxEventBytes = maxEventBytes }

    /// Takes bytes in the order of the connection. Call `next()` until it needs more.
    public mutating func append(_ bytes: [UInt8]) {
        if isTooLong { return }
        input.removeFirst(position)
        position = 0
        input += bytes
    }

    /// Returns the next event that is whole. What an unfinished one says is lost with the
    /// connection, as it is meant to be.
    public mutating func next() -> Outcome {
        while !isTooLong {
            guard let line = nextLine() else { break }
            if name.count + data.count + line.count > maxEventBytes { isTooLong = true }
            if !line.isEmpty {
                take(line)
            } else if let event = dispatch() {
                return .event(event)
            }
        }
        if name.count + data.count + input.count - position > maxEventBytes { isTooLong = true }
        guard isTooLong else { return .needMore }
        (input, position, name, data) = ([], 0, [], [])
        return .tooLong
    }

    /// Takes out a line whose end has come, without that end.
    private mutating func nextLine() -> ArraySlice<UInt8>? {
        if isAtStart {
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            guard input.count >= 3 || !mark.starts(with: input) else { return nil }
            isAtStart = false
            if input.starts(with: mark) { position = 3 }
        }
        if skipsLineFeed, position < input.count {
            skipsLineFeed = false
            if input[position] == ASCII.lineFeed { position += 1 }
        }
        guard
            let end = input[position...].firstIndex(where: {
                $0 == ASCII.lineFeed || $0 == ASCII.carriageReturn
            })
        else { return nil }
        skipsLineFeed = input[end] == ASCII.carriageReturn
        defer { position = end + 1 }
        return input[position..<end]
    }

    private mutating func take(_ line: ArraySlice<UInt8>) {
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[min(colon + 1, line.endIndex)...]
        if value.first == ASCII.space { value = value.dropFirst() }
        let field = line[..<colon]
        if field.elementsEqual("data".utf8) {
            if hasData { data.append(ASCII.lineFeed) }
            data += value
            hasData = true
        } else if field.elementsEqual("event".utf8) {
            name = Array(value)
        } else if field.elementsEqual("id".utf8), !value.contains(0) {
            id = String(decoding: value, as: UTF8.self)
        } else if field.elementsEqual("retry".utf8), value.allSatisfy(ASCII.isDigit),
            let milliseconds = UInt64(String(decoding: value, as: UTF8.self))
        {
            retryMilliseconds = milliseconds
        }
    }

    /// Ends an event; one without data is none, but its id counts.
    private mutating func dispatch() -> ServerSentEvent? {
        defer { (name, data, hasData, id) = ([], [], false, nil) }
        if let id { lastEventID = id }
        guard hasData else { return nil }
        return ServerSentEvent(
            name.isEmpty ? "message" : String(decoding: name, as: UTF8.self), id: id,
            data: String(decoding: data, as: UTF8.self))
    }
}
