// SPDX-License-Identifier: MIT

/// A file operation that the system refused or failed.
///
/// `description` names the call, the file, what the system said and what to do about it.
public struct FileSystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was attempted.
    public enum Operation: String, Sendable {
        case open, read, write, size, truncate, sync, rename, remove, createDirectory
        case listDirectory, syncDirectory, lock, exists
    }

    /// What was attempted.
    public var operation: Operation
    /// The file or directory that it was attempted on.
    public var path: String
    /// The system's error number (`errno`).
    public var errorNumber: Int32
    /// The system's words for `errorNumber`, with what to do about it where that is known.
    public var message: String

    /// Creates an error of `operation` on `path`.
    public init(operation: Operation, path: String, errorNumber: Int32, message: String) {
        self.operation = operation
        self.path = path
        self.errorNumber = errorNumber
        self.message = message
    }

    /// Creates an error whose message is the system's text for `errorNumber`, with the remedy that
    /// is known for it.
    public init(operation: Operation, path: String, errorNumber: Int32) {
        let text = Platform.text(for: errorNumber)
        let remedy = Self.remedy(for: errorNumber).map { ". \($0)" } ?? ""
        self.init(
            operation: operation, path: path, errorNumber: errorNumber, message: text + remedy)
    }

    /// Whether the file or directory, or one that leads to it, is not there.
    public var isNotFound: Bool { errorNumber == Number.notFound }

    /// Whether the name is taken.
    public var alreadyExists: Bool { errorNumber == Number.alreadyExists }

    /// Whether the disk, or the account's share of it, is full.
    public var isOutOfSpace: Bool {
        errorNumber == Number.outOfSpace || errorNumber == Number.quotaExceeded
    }

    /// The call, the file, what the system said and what to do, in one line.
    public var description: String {
        "\(operation.rawValue) failed on \(path): \(message)"
    }

    private static func remedy(for errorNumber: Int32) -> String? {
        switch errorNumber {
        case Number.outOfSpace, Number.quotaExceeded:
            "Free space on this disk or raise the quota, then start again; what was acknowledged "
                + "is safe"
        case Number.readOnlyFileSystem:
            "The file system is mounted read-only, often after an error: look at the system log, "
                + "repair it and mount it read-write"
        case Number.permissionDenied, Number.notPermitted:
            "Give the account that runs this program read and write permission on the file and "
                + "on its directory"
        case Number.tooManyOpenFiles, Number.tooManyOpenFilesInSystem:
            "Raise the limit on open files (ulimit -n), or lower the number of connections"
        case Number.inputOutput:
            "The device failed: look at the system log, copy the files to another disk and start "
                + "again from there"
        default: nil
        }
    }
}
