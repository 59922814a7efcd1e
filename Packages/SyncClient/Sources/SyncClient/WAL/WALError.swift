// SPDX-License-Identifier: MIT

public import RecordLog

/// Why a write-ahead log, or a file beside it, could not be followed.
///
/// Nothing is passed over: after an error the position is where it was, and a later poll tries the
/// same place again.
public struct WALError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Bytes that fail their checksum, or make no sense, before the end of what is valid.
        public static let damaged = Code(rawValue: "damaged")
        /// A committed write into a collection whose name the manifest does not know. The writer
        /// may be about to write the manifest: polling again later may succeed.
        public static let unknownCollection = Code(rawValue: "unknownCollection")
        /// A file of a version, or an encrypted one, that this reader does not understand.
        public static let unsupported = Code(rawValue: "unsupported")
        /// Unfinished transactions hold more memory than `WALPoller.heldBytesMax`.
        public static let limitExceeded = Code(rawValue: "limitExceeded")
        /// The disk refused or failed; see `underlying`.
        public static let io = Code(rawValue: "io")
    }

    /// What is wrong.
    public let code: Code
    /// The file at fault.
    public let path: String
    /// Where in the file, in bytes from its start, if it is one place.
    public let offset: UInt64?
    /// What is wrong there and what to do about it.
    public let message: String
    /// What the disk said, for `.io`.
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
        self.init(.io, path: error.path, message: error.description, underlying: error)
    }

    public var description: String {
        guard code != .io else { return message }
        let place = offset.map { " at offset \($0)" } ?? ""
        return "\(path)\(place): \(message)"
    }
}
