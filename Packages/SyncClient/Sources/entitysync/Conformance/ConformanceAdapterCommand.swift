// SPDX-License-Identifier: MIT

import CBOR
import SyncConformance

extension Command {
    /// `entitysync conformance adapter`: this project's codec, as something to be judged.
    static let conformanceAdapter: Command = Command(
        name: "conformance adapter", operands: [],
        summary: "Is the adapter of EntitySync's own codec, for `conformance codec`.",
        discussion: """
            It answers each line of standard input with a line of standard output, as
            doc/conformance-adapters.md says, until its input ends.

              $ entitysync conformance codec -- entitysync conformance adapter
            """,
        flags: [],
        run: { _ in
            var output = StandardOutput()
            var lines = AdapterLines()
            while let request = try lines.next() {
                output.write(CodecAdapter.answer(to: request) + "\n")
                output.flush()
            }
            return 0
        })
}

/// The requests that come in on standard input.
struct AdapterLines {
    private var buffer: [UInt8] = []

    /// The next one; nil at the end.
    ///
    /// - Throws: `CommandError` if a line is no JSON object.
    mutating func next() throws -> CBORMap? {
        var searched = 0
        while true {
            if let feed = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer[..<feed])
                buffer.removeSubrange(...feed)
                return try Self.request(in: line)
            }
            searched = buffer.count
            let got = try Platform.read(1 << 14, from: Platform.standardInput, to: &buffer)
            guard got > 0 else { return nil }
        }
    }

    private static func request(in line: [UInt8]) throws -> CBORMap {
        guard case .map(let members) = JSONText.value(of: line) else {
            throw CommandError("a request is no JSON object")
        }
        return members
    }
}

extension CBORMap {
    /// The text of a member; nil if it is not there, or something else.
    func text(_ name: String) -> String? {
        if case .text(let text) = self[key: .text(name)] { text } else { nil }
    }

    /// The bytes of a member in hex.
    func bytes(_ name: String) -> [UInt8]? {
        guard let text = text(name) else { return nil }
        var bytes: [UInt8] = []
        let wrong = Array(text.utf8).withUnsafeBytes { CBORFormat.hex.decode($0, to: &bytes) }
        return wrong == nil ? bytes : nil
    }

    /// An integer of a member that is not negative.
    func unsigned(_ name: String) -> UInt64? {
        if case .unsigned(let number) = self[key: .text(name)] { number } else { nil }
    }
}
