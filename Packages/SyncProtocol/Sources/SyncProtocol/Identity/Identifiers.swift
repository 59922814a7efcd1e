// SPDX-License-Identifier: MIT

/// The name of one replicated database.
public struct DatabaseID: TextIdentifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var isValid: Bool { isPlainName(rawValue) }
    public static var rule: String { "1–128 characters of A–Z a–z 0–9 . _ ~ -, not . or .." }
}

/// The name of one installation that originates operations.
public struct DeviceID: TextIdentifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    /// Whether a device may use this name. `~server` keeps the character rule but is the server's.
    public var isValid: Bool { isPlainName(rawValue) && self != .server }
    public static var rule: String {
        "1–128 characters of A–Z a–z 0–9 . _ ~ -, not . or .. or ~server"
    }

    /// The author of revisions that the server itself made.
    public static let server = DeviceID("~server")

    /// Makes a name for a new device: 16 random lower-case hexadecimal digits.
    public static func makeRandom(using generator: inout some RandomNumberGenerator) -> DeviceID {
        let digits = String(generator.next(), radix: 16)
        return DeviceID(String(repeating: "0", count: 16 - digits.count) + digits)
    }
}

/// The name of a collection of entities.
public struct CollectionName: TextIdentifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var isValid: Bool { Self.byteCounts.contains(rawValue.utf8.count) }
    public static var rule: String { "1–128 bytes of UTF-8" }
    static let byteCounts = 1...128

    /// Whether the collection is local to a device and never synced: its name starts with `_`.
    public var isLocal: Bool { Self.isLocal(rawValue.utf8) }

    /// Whether a name with these bytes is local.
    static func isLocal(_ utf8: some Collection<UInt8>) -> Bool {
        utf8.first == UInt8(ascii: "_")
    }
}

/// The name of an entity within its collection.
public struct EntityID: TextIdentifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var isValid: Bool { Self.byteCounts.contains(rawValue.utf8.count) }
    public static var rule: String { "1–256 bytes of UTF-8" }
    static let byteCounts = 1...256
}

/// The name of a label of an operation.
public struct LabelName: TextIdentifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var isValid: Bool { true }
    public static var rule: String { "UTF-8" }
}

/// An entity's place in a database: its collection and its name there.
public struct EntityKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The collection.
    public var collection: CollectionName
    /// The name within the collection.
    public var entityID: EntityID

    /// Creates a key.
    public init(_ collection: CollectionName, _ entityID: EntityID) {
        self.collection = collection
        self.entityID = entityID
    }

    public static func < (lhs: EntityKey, rhs: EntityKey) -> Bool {
        lhs.collection == rhs.collection
            ? lhs.entityID < rhs.entityID : lhs.collection < rhs.collection
    }

    public var description: String { "\(collection)/\(entityID)" }
}
