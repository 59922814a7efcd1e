// SPDX-License-Identifier: MIT

/// One event of a `text/event-stream` (HTML, §9.2 "Server-sent events").
public struct ServerSentEvent: Sendable, Hashable {
    /// What kind it is; a client that reads no `event` line takes it as `message`.
    public var name: String
    /// The id that a client names in `Last-Event-ID` when it comes back; nil leaves it as it is.
    public var id: String?
    /// What it says. Lines end with LF.
    public var data: String

    /// Creates an event.
    public init(_ name: String, id: String? = nil, data: String) {
        self.name = name
        self.id = id
        self.data = data
    }

    /// The event's bytes, with the empty line that dispatches it.
    ///
    /// - Precondition: Neither name nor id has a line end, and the id no NUL.
    public func serialized() -> [UInt8] {
        var output: [UInt8] = []
        Self.write(name, id: id, data: data.utf8, to: &output)
        return output
    }

    /// Writes an event whose data is UTF-8 that lies ready.
    ///
    /// - Precondition: Neither name nor id has a line end, and the id no NUL.
    public static func write(
        _ name: String, id: String? = nil, data: some Collection<UInt8>,
        to output: inout [UInt8]
    ) {
        writeLine("event: ", name.utf8, to: &output)
        if let id { writeLine("id: ", id.utf8, to: &output) }
        for line in data.split(
            omittingEmptySubsequences: false, whereSeparator: { $0 == ASCII.lineFeed })
        {
            writeLine("data: ", line, to: &output)
        }
        output.append(ASCII.lineFeed)
    }

    private static func writeLine(
        _ field: StaticString, _ value: some Collection<UInt8>, to output: inout [UInt8]
    ) {
        precondition(
            !value.contains { $0 == ASCII.lineFeed || $0 == ASCII.carriageReturn || $0 == 0 },
            "A line of an event has no line end inside")
        field.withUTF8Buffer { output.append(contentsOf: $0) }
        output.append(contentsOf: value)
        output.append(ASCII.lineFeed)
    }
}
