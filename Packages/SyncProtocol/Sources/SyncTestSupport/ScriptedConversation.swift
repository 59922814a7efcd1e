// SPDX-License-Identifier: MIT

import Foundation
public import SyncProtocol

/// An entry of `TestVectors/conversations.json`: what a device and a server say to each other, and
/// what the device holds then. `TestVectors/README.md` explains the members.
public struct ScriptedConversation: Sendable, Decodable {
    /// What the device is made with.
    public struct Settings: Sendable, Decodable {
        /// The most operations of a page that it asks for.
        public var pullLimit: UInt64
        /// Which side its resolver lets stand: `remote`, `local`, or the content of a merge.
        public var resolver: String
    }

    /// One thing that happens. Exactly one of the first four is there.
    public struct Step: Sendable, Decodable {
        /// The app's edits, committed together.
        public var commit: [Entity]?
        /// What is asked while the device syncs, in order.
        public var sync: [Exchange]?
        /// The device ends and is opened again on its files.
        public var restart: Bool?
        /// The server's log is gone, and an empty one has this name.
        public var newLog: String?
        /// Whether the sync fails; it then says so to the app.
        public var fails: Bool?
        /// What the device holds afterwards.
        public var state: State?
    }

    /// A request, and the answer to it.
    public struct Exchange: Sendable, Decodable {
        /// Who asks, if it is not the device.
        public var by: String?
        /// `handshake`, `pull` or `push`.
        public var path: String
        /// The body of the request.
        public var request: String
        /// The status of the answer.
        public var status: Int
        /// The body of the answer.
        public var response: String
        /// False if the server never sees the request.
        public var asked: Bool?
        /// False if the device never sees the answer.
        public var arrives: Bool?
        /// The header `Retry-After` of the answer.
        public var retryAfterSeconds: UInt64?
    }

    /// An entity and its content; nil if it is deleted.
    public struct Entity: Sendable, Decodable, Hashable {
        /// The collection.
        public var collection: String
        /// The entity in it.
        public var entityId: String
        /// The content in hexadecimal; nil is a delete.
        public var content: String?

        /// Creates one.
        public init(_ key: EntityKey, content: [UInt8]?) {
            collection = key.collection.rawValue
            entityId = key.entityID.rawValue
            self.content = content.map(ScriptedConversation.hex)
        }
    }

    /// What a device holds.
    public struct State: Sendable, Decodable, Hashable {
        /// An operation of the queue.
        public struct Queued: Sendable, Decodable, Hashable {
            /// Its number.
            public var opId: UInt64
            /// The device.
            public var deviceId: String
            /// The collection.
            public var collection: String
            /// The entity in it.
            public var entityId: String
            /// The content in hexadecimal; nil is a delete.
            public var content: String?
            /// The cursor that it was made on.
            public var base: UInt64?
            /// The edit that it was made on.
            public var baseOpId: UInt64?
            /// What it was committed with.
            public var transactionId: UInt64?

            /// Creates one from an operation.
            public init(_ operation: SyncOperation) {
                opId = operation.operationID.rawValue
                deviceId = operation.deviceID.rawValue
                collection = operation.collection.rawValue
                entityId = operation.entityID.rawValue
                content = operation.entityCBOR.map(ScriptedConversation.hex)
                base = operation.base?.rawValue
                baseOpId = operation.baseOperationID?.rawValue
                transactionId = operation.transactionID?.rawValue
            }
        }

        /// An entity's base.
        public struct Base: Sendable, Decodable, Hashable {
            /// The collection.
            public var collection: String
            /// The entity in it.
            public var entityId: String
            /// Its cursor; nil if an older server did not say.
            public var cursor: UInt64?
            /// Whether it is a tombstone.
            public var deleted: Bool

            /// Creates one.
            public init(_ key: EntityKey, cursor: Cursor?, isDeleted: Bool) {
                collection = key.collection.rawValue
                entityId = key.entityID.rawValue
                self.cursor = cursor?.rawValue
                deleted = isDeleted
            }
        }

        /// Two contents that met.
        public struct Meeting: Sendable, Decodable, Hashable {
            /// The collection.
            public var collection: String
            /// The entity in it.
            public var entityId: String
            /// The content here; nil is a delete.
            public var local: String?
            /// The content there; nil is a delete.
            public var remote: String?

            /// Creates one.
            public init(_ key: EntityKey, local: [UInt8]?, remote: [UInt8]?) {
                collection = key.collection.rawValue
                entityId = key.entityID.rawValue
                self.local = local.map(ScriptedConversation.hex)
                self.remote = remote.map(ScriptedConversation.hex)
            }
        }

        /// The device.
        public var deviceId: String
        /// The log that it knows.
        public var logId: String?
        /// The pulled cursor.
        public var cursor: UInt64
        /// The queue, in its order.
        public var queue: [Queued]
        /// The bases of entities, those of another log left out.
        public var bases: Set<Base>
        /// What the app sees.
        public var entities: Set<Entity>
        /// What met in conflicts, oldest first.
        public var conflicts: [Meeting]
        /// What is in quarantine, oldest first.
        public var quarantine: [Entity]

        /// A device that holds nothing yet but a name.
        public init(deviceID: DeviceID, logID: LogID?, cursor: Cursor) {
            deviceId = deviceID.rawValue
            logId = logID.map { ScriptedConversation.hex($0.bytes) }
            self.cursor = cursor.rawValue
            (queue, bases, entities, conflicts, quarantine) = ([], [], [], [], [])
        }
    }

    /// Unique in the file.
    public var id: String
    /// The rule that it shows.
    public var description: String
    /// Whether this project's server is to give these answers.
    public var server: Bool
    /// How the device is made.
    public var device: Settings
    /// What happens, in order.
    public var steps: [Step]
}

extension ScriptedConversation {
    /// All conversations.
    ///
    /// - Throws: Foundation's errors if the file is not there or of another shape.
    public static func load() throws -> [ScriptedConversation] {
        let url = TestVectors.folder.appending(path: "conversations.json")
        return try JSONDecoder().decode([Self].self, from: Data(contentsOf: url))
    }

    /// Bytes as the file has them.
    public static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// The name of the log that the server has first.
    public static let firstLog = "000102030405060708090a0b0c0d0e0f"
    /// What both wall clocks say, always.
    public static let wallMilliseconds: UInt64 = 1_700_000_000_000
    /// What chance gives the device, always.
    public static let chance: UInt64 = 7
}
