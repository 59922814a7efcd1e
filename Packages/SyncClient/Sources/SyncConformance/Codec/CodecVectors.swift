// SPDX-License-Identifier: MIT

import CBOR

/// The entries of `TestVectors/` that a codec is judged by. `TestVectors/README.md` says what each
/// member means.
public struct CodecVectors: Sendable {
    /// The files that are read, without `.json`; the others are about files on disks.
    public static let fileNames = [
        "cbor", "cbor-deterministic", "hlc", "operation", "handshake", "push", "pull", "cursor",
        "error", "delta",
    ]

    /// One entry.
    struct Entry: Sendable {
        enum Kind: String { case exact, accept, reject }

        var file: String
        var id: String
        var summary: String
        var kind: Kind
        var hex: String
        /// What the bytes are to be decoded as: a message's name, `cbor` or `cbor-deterministic`.
        var form: String
        /// What is read from it, as JSON; nil if the entry has none.
        var value: CBORValue?
        /// The bytes that encoding the value gives; nil for `reject`.
        var encoding: String?
        /// The broken rule, for `reject`.
        var error: String?
        var offset: UInt64?
        var path: String
        /// The code with which a server rejects the operation alone.
        var rejection: String?
        var cases: [CBORMap]
    }

    let entries: [Entry]

    /// Reads the files.
    ///
    /// - Parameter bytes: Gives a file's contents by its name without `.json`.
    /// - Throws: `ConformanceUnreachable` if a file is no array of entries; what `bytes` throws.
    public init(_ bytes: (_ name: String) throws -> [UInt8]) throws {
        var entries: [Entry] = []
        for name in Self.fileNames {
            let found = try Self.entries(of: name, bytes(name))
            guard !found.isEmpty else {
                throw ConformanceUnreachable("\(name).json is no array of vectors.")
            }
            entries += found
        }
        self.entries = entries
    }

    private static func entries(
        of file: String, _ bytes: [UInt8]
    ) throws(ConformanceUnreachable) -> [Entry] {
        guard case .array(let elements) = JSONText.value(of: bytes) else { return [] }
        var entries: [Entry] = []
        var exact: [String: String] = [:]
        for (index, element) in elements.enumerated() {
            guard let entry = Entry(element, in: file, exact) else {
                throw ConformanceUnreachable(
                    "Entry \(index) of \(file).json lacks what an entry must have, or has no exact "
                        + "entry before it.")
            }
            if entry.kind == .exact { exact[entry.id] = entry.hex }
            entries.append(entry)
        }
        return entries
    }
}

extension CodecVectors.Entry {
    /// Reads an entry; `exact` has the bytes of the exact ones before it.
    fileprivate init?(_ value: CBORValue, in file: String, _ exact: [String: String]) {
        guard case .map(let members) = value else { return nil }
        func text(_ name: String) -> String? {
            if case .text(let text) = members[key: .text(name)] { text } else { nil }
        }
        guard let id = text("id"), let summary = text("description"), let hex = text("hex"),
            let kind = text("kind").flatMap(Kind.init),
            let form = text("message") ?? Self.form(file)
        else { return nil }
        self.file = file
        self.id = id
        self.summary = summary
        self.kind = kind
        self.hex = hex
        self.form = form
        self.value = members[key: "value"]
        error = text("error")
        path = text("path") ?? ""
        rejection = text("rejection")
        if case .unsigned(let number) = members[key: "offset"] { offset = number }
        cases = []
        if case .array(let elements) = members[key: "apply"] {
            cases = elements.compactMap { if case .map(let map) = $0 { map } else { nil } }
        }
        switch kind {
        case .exact: encoding = hex
        case .accept:
            let sibling = text("exact") ?? String(id.prefix { $0 != "/" })
            guard let bytes = exact[sibling] else { return nil }
            encoding = bytes
        case .reject:
            guard error != nil, offset != nil else { return nil }
        }
    }

    /// Whether the bytes are no message.
    var isPlainCBOR: Bool { form.utf8.starts(with: "cbor".utf8) }

    private static func form(_ file: String) -> String? {
        file.utf8.starts(with: "cbor".utf8) ? file : nil
    }
}
