// SPDX-License-Identifier: MIT

public import RecordLog

/// Why the store refused or could not do something.
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of thing happened.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Another process, or another store in this one, writes to the directory.
        public static let locked = Code(rawValue: "locked")
        /// A file fails its checksum, or is missing. Nothing was opened or changed.
        public static let damaged = Code(rawValue: "damaged")
        /// The directory holds another kind of database, or one of a newer format.
        public static let unsupported = Code(rawValue: "unsupported")
        /// The disk is full. Nothing was changed; the same call works once there is room.
        public static let outOfSpace = Code(rawValue: "outOfSpace")
        /// The disk failed. If it failed while writing, the store is read-only from now on.
        public static let io = Code(rawValue: "io")
        /// An earlier write failed, so nothing more is written until the store is opened anew.
        public static let readOnly = Code(rawValue: "readOnly")
        /// The store has been closed.
        public static let closed = Code(rawValue: "closed")
        /// A collection name that is empty, too long, or begins with `_`.
        public static let invalidCollection = Code(rawValue: "invalidCollection")
        /// An entity id that is empty or too long.
        public static let invalidEntityID = Code(rawValue: "invalidEntityID")
        /// Content that is not one item of well-formed CBOR.
        public static let invalidContent = Code(rawValue: "invalidContent")
        /// An entity or a transaction beyond its limit.
        public static let tooLarge = Code(rawValue: "tooLarge")
    }

    /// What kind of thing happened.
    public let code: Code
    /// The file or directory it happened to.
    public let path: String
    /// Where in the file, in bytes from its start, if it is one place.
    public let offset: UInt64?
    /// What happened and what to do about it.
    public let message: String
    /// What the disk said, if it was the disk.
    public let underlying: FileSystemError?

    /// Creates an error about `path`.
    public init(
        _ code: Code, path: String, offset: UInt64? = nil, message: String,
        underlying: FileSystemError? = nil
    ) {
        self.code = code
        self.path = path
        self.offset = offset
        self.message = message
        self.underlying = underlying
    }

    init(_ error: FileSystemError) {
        self.init(
            error.isOutOfSpace ? .outOfSpace : .io, path: error.path, message: error.description,
            underlying: error)
    }

    init(_ error: WALError) {
        let code: Code =
            switch error.code {
            case .io: .io
            case .unsupported: .unsupported
            default: .damaged
            }
        self.init(
            code, path: error.path, offset: error.offset, message: error.message,
            underlying: error.underlying)
    }

    public var description: String {
        guard underlying == nil else { return message }
        let place = offset.map { " at offset \($0)" } ?? ""
        return "\(path)\(place): \(message)"
    }
}

/// Runs `body`, turning what the disk says into an error of the store.
func storing<T>(_ body: () throws(FileSystemError) -> T) throws(StoreError) -> T {
    do throws(FileSystemError) { return try body() } catch { throw StoreError(error) }
}

/// Runs `body`, turning what is wrong with a file into an error of the store.
func opening<T>(_ body: () throws(WALError) -> T) throws(StoreError) -> T {
    do throws(WALError) { return try body() } catch { throw StoreError(error) }
}
