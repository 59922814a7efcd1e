// SPDX-License-Identifier: MIT

import Foundation

/// One entry of a file in `TestVectors`: bytes, and what a peer in any language makes of them.
public struct TestVector: Sendable {
    /// What a peer has to do with the bytes.
    public enum Kind: String, Sendable, Decodable {
        /// Encoding the value gives these bytes, and decoding them gives the value.
        case exact
        /// Decoding gives the value; encoding it gives the bytes of the exact entry.
        case accept
        /// Decoding fails with `error` at `offset`.
        case reject
    }

    /// Unique in its file. An `accept` entry's id is its exact sibling's, a slash and a word, where
    /// it has a sibling.
    public let id: String
    /// The entry's `description`.
    public let summary: String
    /// What a peer has to do with the bytes.
    public let kind: Kind
    /// The entry's `hex`.
    public let bytes: [UInt8]
    /// The bytes in diagnostic notation (RFC 8949 §8), where they have one.
    public let diagnostic: String
    /// The code of the error, for `reject`.
    public let error: String?
    /// The position of the error in bytes, for `reject`.
    public let offset: Int?
    /// The entry's `value` as JSON text, where it has one.
    public let valueJSON: String?
}

extension TestVector: CustomStringConvertible {
    /// The name and what the entry is about, for a failing test.
    public var description: String { "\(id): \(summary)" }
}

/// The files of the folder `TestVectors` at the root of the repository.
public enum TestVectors {
    /// Reads a file.
    ///
    /// - Parameter name: The name without `.json`.
    /// - Throws: Foundation's errors if there is no such file or it is not JSON of the right shape,
    ///   and `TestVectorError` if an entry contradicts itself.
    public static func load(_ name: String) throws -> [TestVector] {
        let data = try Data(contentsOf: folder.appending(path: "\(name).json"))
        var ids: Set<String> = []
        let objects = try JSONSerialization.jsonObject(with: data) as? [[String: Any]] ?? []
        guard !objects.isEmpty else {
            throw TestVectorError(id: name, message: "The file has no entries.")
        }
        return try objects.map { object in
            let vector = try TestVector(object)
            guard ids.insert(vector.id).inserted else {
                throw TestVectorError(id: vector.id, message: "The id occurs twice.")
            }
            return vector
        }
    }

    /// `TestVectors`, found from where this file was compiled.
    static let folder: URL = {
        var url = URL(filePath: #filePath).resolvingSymlinksInPath()
        // This file, its target's folder, Sources, the package, Packages.
        for _ in 0..<5 { url.deleteLastPathComponent() }
        return url.appending(path: "TestVectors")
    }()
}

/// An entry that does not keep the format's rules.
public struct TestVectorError: Error, CustomStringConvertible {
    /// The entry, or the file.
    public let id: String
    /// Which rule it breaks.
    public let message: String

    /// The entry and the rule.
    public var description: String { "\(id): \(message)" }
}

extension TestVector {
    init(_ object: [String: Any]) throws {
        guard let id = object["id"] as? String else {
            throw TestVectorError(id: "?", message: "An entry has no id.")
        }
        guard let kind = (object["kind"] as? String).flatMap(Kind.init(rawValue:)),
            let summary = object["description"] as? String,
            let bytes = (object["hex"] as? String).flatMap(Self.bytes(hex:))
        else {
            throw TestVectorError(id: id, message: "The description, kind or hex is missing.")
        }
        self.id = id
        self.summary = summary
        self.kind = kind
        self.bytes = bytes
        diagnostic = object["diagnostic"] as? String ?? ""
        error = object["error"] as? String
        offset = object["offset"] as? Int
        valueJSON = try object["value"].map { value in
            let data = try JSONSerialization.data(
                withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys])
            return String(decoding: data, as: UTF8.self)
        }
        guard (kind == .reject) == (error != nil), (error != nil) == (offset != nil) else {
            throw TestVectorError(
                id: id, message: "An entry has error and offset exactly if its kind is reject.")
        }
    }

    /// The bytes of a hex text, or `nil` if it is none.
    public static func bytes(hex: String) -> [UInt8]? {
        let digits = hex.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count.isMultiple(of: 2), digits.allSatisfy({ $0 != nil }) else { return nil }
        let values = digits.compactMap { $0 }
        return stride(from: 0, to: values.count, by: 2).map {
            UInt8(values[$0] << 4 | values[$0 + 1])
        }
    }
}
